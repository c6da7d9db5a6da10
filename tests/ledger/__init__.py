"""Tests of the double-entry book."""
