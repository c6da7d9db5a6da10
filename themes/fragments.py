"""Rendered pieces of pages, kept by everything they were made from.

A list is asked for again and again while few of its rows change. A row's cells depend on the
row, on the language and on the theme (each environment has a store of its own), which are the
key, and on how long ago its moments are, which says until when a piece holds. So a kept piece
is never out of date, and never another reader's: who sees other words has another key.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from kernel.language import current
from themes.holding import holding, holds

FRAGMENTS_MAX = 4096
Row = Sequence[Hashable]
Render = Callable[[Row], Markup]


class _Piece(NamedTuple):
    text: Markup
    until: float


class Fragments:
    """The newest `FRAGMENTS_MAX` pieces, some 4 MB; the longest unused goes first."""

    def __init__(self, most: int = FRAGMENTS_MAX) -> None:
        """Start with nothing kept."""
        self._kept: OrderedDict[Hashable, _Piece] = OrderedDict()
        self._most = most

    def rows(
        self, rows: Iterable[Row], name: str, vary: Hashable = None, *, caller: Render
    ) -> Markup:
        """Return the rows of a list, each rendered once for each content.

        `vary` names, beside the row, what it is rendered from; without it nothing is kept.
        """
        if vary is None:
            return unkept(rows, name, caller=caller)
        rest, now = (name, current(), vary), time.time()
        found, until = [], math.inf
        for row in rows:
            key = (row, rest)
            piece = self._kept.get(key)
            if piece is None or piece.until <= now:
                piece = self._kept[key] = _rendered(row, caller)
            self._kept.move_to_end(key)
            found.append(piece.text)
            until = min(until, piece.until)
        holds(until)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return Markup("").join(found)


def _rendered(row: Row, render: Render) -> _Piece:
    with holding() as term:
        text = render(row)
    return _Piece(text, term.until)


def unkept(rows: Iterable[Row], name: str, vary: Hashable = None, *, caller: Render) -> Markup:
    """Render rows as they are, as Jinja2 does without `Fragments`."""
    del name, vary
    return Markup("").join([caller(row) for row in rows])
