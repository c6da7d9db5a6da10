"""Whole pages, kept by everything they were made from.

People reload a list, go back to it, and wait for something to change in it; visitors of a
landing page all get the same one. What a page is rendered from has been read and checked anew by
then, and is its key (`themes.contents`), together with template, language and the brokerage's own
texts; how long ago its moments are says until when it holds (`themes.holding`). So a kept page is
what rendering would give, letter for letter, and nobody else's. Token and nonce, which are
another at each request, are written into their places.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, replace
from typing import NamedTuple

from markupsafe import escape

from kernel.language import voice
from themes.contents import Unkept, content
from themes.holding import holding
from themes.page import Page

PAGES_MAX = 64
SEEN_MAX = 4096
# Stand in a page where a request's own values go; nobody can guess them.
_TOKEN, _NONCE = secrets.token_hex(16), secrets.token_hex(16)
# What a page says of itself, but for those two.
_FIELDS = tuple(one.name for one in fields(Page) if one.name not in ("csrf_token", "nonce"))
Render = Callable[[Page], str]


class _Kept(NamedTuple):
    """A page in pieces: text and the places of token and nonce, by turns."""

    key: Hashable
    pieces: tuple[str, ...]
    until: float


class KeptPages:
    """The newest pages that were asked for more than once, some 6 MB."""

    def __init__(self, most: int = PAGES_MAX) -> None:
        """Start with nothing kept."""
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._most = most

    def page(
        self, template: object, page: Page, context: Mapping[str, object], render: Render
    ) -> str:
        """Return a page, rendered only when it is not kept; Jinja2's errors pass through."""
        try:
            key = (template, voice(), bool(page.csrf_token), _content(page), content({**context}))
        except Unkept:
            return render(page)
        mark = hash(key)
        kept = self._kept.get(mark)
        if kept is None or kept.until <= time.time() or kept.key != key:
            if not self._is_known(mark):
                return render(page)
            kept = self._kept[mark] = _in_pieces(key, page, render)
        self._kept.move_to_end(mark)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        own = {_TOKEN: str(escape(page.csrf_token)), _NONCE: str(escape(page.nonce))}
        return "".join([own.get(piece, piece) for piece in kept.pieces])

    def _is_known(self, mark: int) -> bool:
        """Say whether a page was asked for before: those that are not are not worth keeping."""
        if mark in self._seen:
            return True
        self._seen[mark] = None
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return False


def _content(page: Page) -> Hashable:
    return tuple([content(getattr(page, name)) for name in _FIELDS])


def _in_pieces(key: Hashable, page: Page, render: Render) -> _Kept:
    with holding() as term:
        text = render(replace(page, csrf_token=page.csrf_token and _TOKEN, nonce=_NONCE))
    pieces: list[str] = []
    for at, part in enumerate(text.split(_TOKEN)):
        pieces += [_TOKEN] * (at > 0)
        for number, piece in enumerate(part.split(_NONCE)):
            pieces += [*[_NONCE] * (number > 0), piece]
    return _Kept(key, tuple(pieces), term.until)
