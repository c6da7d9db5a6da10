"""Tests of deposits and webhooks."""
