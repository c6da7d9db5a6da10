"""What may never be in what a template gave, looked for by a reader of our own."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.messaging.liquid.corpus import SECRETS

_RUNS = {"script", "style", "iframe", "svg", "math", "object", "embed", "form", "base", "meta"}


class _Reader(HTMLParser):
    """Notes what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _RUNS:
            self.found.append(tag)
        for name, raw in attrs:
            if name in {"id", "name", "target", "ping"} or name.startswith(("hx-", "data-", "x-")):
                self.found.append(name)
            value = "".join((raw or "").split()).lower()
            if name.startswith("on") or name in {"srcdoc", "formaction", "xlink:href"}:
                self.found.append(name)
            safe = value.startswith(("https://", "mailto:", "#")) or (
                value.startswith("/") and not value.startswith(("//", "/\\"))
            )
            if name in {"href", "src", "action"} and (not safe or "?bcc" in value):
                self.found.append(value)
            if name == "style" and any(w in value for w in ("url(", "expression", "position")):
                self.found.append(value)


def runs(html: str) -> list[str]:
    """Return what in an HTML text would run, load or lead astray."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


def secrets(text: str) -> list[str]:
    """Return what in a text came from behind the values."""
    return [one for one in SECRETS if one in text]


def breaks_line(text: str) -> bool:
    """Whether a header could follow, or marks reorder what is read."""
    return any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e\u202d\u2066" for c in text
    )
