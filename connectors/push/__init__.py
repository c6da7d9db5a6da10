"""Pushes to people's browsers through the push services of their makers."""
