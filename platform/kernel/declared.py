"""What is declared once, when the process starts, and never changed afterwards."""

from __future__ import annotations


class Declared:
    """A value that is the same for the whole life of the process: it is known by itself.

    Whoever keeps what was made from one need not look inside it again.
    """
