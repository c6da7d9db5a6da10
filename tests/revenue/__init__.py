"""Tests of the room revenue."""
