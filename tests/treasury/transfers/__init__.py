"""Tests of transfers and conversions."""
