"""Rendered pieces of pages, kept by everything they were made from.

A list is asked for again and again while few of its rows change. A row's cells depend on the
row, on the language and on the theme (each environment has a store of its own), which are the
key, and on how long ago its moments are, which says for how long a piece holds. So a kept piece
is never out of date, and never another reader's: who sees other words has another key.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from kernel.language import current
from themes.formats import lasting

FRAGMENTS_MAX = 4096
Render = Callable[[Sequence[Hashable]], Markup]


class _Piece(NamedTuple):
    text: Markup
    until: float


class Fragments:
    """The newest `FRAGMENTS_MAX` pieces, some 4 MB; the longest unused goes first."""

    def __init__(self, most: int = FRAGMENTS_MAX) -> None:
        """Start with nothing kept."""
        self._kept: OrderedDict[Hashable, _Piece] = OrderedDict()
        self._most = most

    def row(
        self, render: Render, row: Sequence[Hashable], name: str, vary: Hashable = None
    ) -> Markup:
        """Return the cells of a list's row, rendered once for each content.

        `vary` names, beside the row, what the cells depend on; without it nothing is kept.
        """
        if vary is None:
            return render(row)
        key = (row, name, current(), vary)
        found = self._kept.get(key)
        if found is not None and found.until > time.time():
            self._kept.move_to_end(key)
            return found.text
        moment = datetime.now(UTC)
        text = render(row)
        holds = min(
            (lasting(one, moment) for one in row if isinstance(one, datetime)), default=math.inf
        )
        self._kept[key] = _Piece(text, moment.timestamp() + holds)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return text


def unkept(render: Render, row: Sequence[Hashable], name: str, vary: Hashable = None) -> Markup:
    """Render a row as it is, as Jinja2 does without `Fragments`."""
    del name, vary
    return render(row)
