"""Measurements: what the product costs beside the same work done bare, in the same run."""
