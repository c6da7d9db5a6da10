"""Tests of the room introducers."""
