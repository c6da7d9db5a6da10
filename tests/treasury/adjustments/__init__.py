"""Tests of adjustments, bonuses, write-offs and disputes."""
