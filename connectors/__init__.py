"""Adapters to the outside world: trading servers, payment providers, mail and storage."""
