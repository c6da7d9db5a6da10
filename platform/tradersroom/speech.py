"""The language of a brand, for words that handlers put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Request

from themes.words import word

Say = Callable[[str], str]


def speaker(request: Request[Any, Any, Any]) -> Say:
    """Return what turns an English text into the language of the request's brand."""
    place = request.scope["state"]["place"]
    language = str((place.brand or {}).get("language", place.tenant.language))
    return partial(word, language=language)


def spoken(items: list[dict[str, Any]], say: Say, *names: str) -> list[dict[str, Any]]:
    """Return the items with their texts of these names in the language of the page."""
    return [
        {key: say(value) if key in names else value for key, value in item.items()}
        for item in items
    ]


def ltr(text: str) -> str:
    """Keep a text of figures or of English in its own order on a page that runs to the left."""
    return f"\u2066{text}\u2069"
