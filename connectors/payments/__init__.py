"""Adapters to payment providers, and the simulator they are tested against."""
