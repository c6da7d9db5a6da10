"""Until when what is being rendered holds: pages say how long ago something was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Term:
    """The moment (seconds of the epoch) after which a rendering would read differently."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        """Nothing rendered so far ever changes by itself."""
        self.until = math.inf


_TERM: ContextVar[Term | None] = ContextVar("term", default=None)


@contextmanager
def holding() -> Iterator[Term]:
    """Learn until when what is rendered inside holds; what is around it learns it too."""
    outer, term = _TERM.get(), Term()
    mark = _TERM.set(term)
    try:
        yield term
    finally:
        _TERM.reset(mark)
        if outer is not None:
            outer.until = min(outer.until, term.until)


def holds(until: float) -> None:
    """Say that what is written now reads differently after that moment."""
    term = _TERM.get()
    if term is not None and until < term.until:
        term.until = until
