"""HTML and lines made safe: read, and written anew from what is allowed.

Whatever a template or a value says, only listed elements, attributes, styles and addresses
come out, quoted, escaped and closed; so what a mail program reads is what was meant.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

ELEMENTS = frozenset(
    {
        *("a", "abbr", "b", "blockquote", "br", "center", "code", "dd", "div", "dl", "dt", "em"),
        *("h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p", "pre", "s", "small", "span"),
        *("strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
    }
)
# On a page of the public site there may also be these, and its own classes, so that a section
# looks like the page it stands on; nothing may be styled there in any other way.
PAGE_ELEMENTS = ELEMENTS - {"center", "img", "h1"} | {
    *("section", "article", "figure", "figcaption", "details", "summary"),
}
PAGE_CLASSES = {
    "g3": "three columns, one on a phone",
    "g2": "two columns, one on a phone",
    "lcard": "a card",
    "lband": "a band across the page",
    "lintro": "an introduction under a heading",
    "lsteps": "numbered steps, on an ol",
    "btn": "a button, on a link",
    "btn-primary": "in the main colour",
    "btn-line": "with a line around it",
    "t13": "small",
    "ink3": "quiet",
}
_EMPTY = frozenset({"br", "hr", "img"})
# What stands in these is no text for a reader, so it goes with them.
_SWALLOWED = frozenset(
    {
        *("script", "style", "title", "textarea", "iframe", "noscript", "template", "svg", "math"),
        *("object", "xmp", "noembed", "noframes", "plaintext", "select", "form"),
    }
)
_ATTRIBUTES = {
    "*": frozenset({"dir", "lang", "align", "style", "title", "role"}),
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height"}),
    "td": frozenset({"colspan", "rowspan", "width", "valign"}),
    "th": frozenset({"colspan", "rowspan", "width", "valign"}),
    "table": frozenset({"width", "cellpadding", "cellspacing", "border"}),
}
_STYLES = re.compile(
    r"(?:color|background-color|background|font-(?:size|weight|style|family)|line-height"
    r"|letter-spacing|text-(?:align|decoration|transform)|vertical-align|white-space"
    r"|(?:max-|min-)?(?:width|height)|border(?:-[a-z]+)*|margin(?:-[a-z]+)*|padding(?:-[a-z]+)*)"
)
_STYLE_VALUE = re.compile(r"(?:[\w#.,% \"'-]|rgba?\([\d., %]+\)){1,120}")
_ADDRESS = re.compile(
    r"https://[^\s\\]+|mailto:[^\s\\?&:,;]+@[^\s\\?&:,;]+|/(?![/\\])[^\s\\]*|#[\w-]*"
    # Only a reader's own machine answers under this name: a brokerage that is being tried out.
    r"|http://(?:[a-z0-9-]+\.)*localhost(?::\d+)?(?:/[^\s\\]*)?",
    re.IGNORECASE,
)
_DEPTH_MAX = 60
# C0 and C1 but tab and line feed; marks that reorder text or hide in it.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ufeff\u2060-\u2065]")
_ISOLATES = re.compile(r"[\u2066-\u206f]")


def clean_text(text: str) -> str:
    """Return plain text with lines ended by LF and no control or reordering characters."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def clean_line(text: str, *, characters: int) -> str:
    """Return one line, cut to a number of characters: no header can follow it."""
    line = " ".join(_ISOLATES.sub("", clean_text(text)).split())
    return line if len(line) <= characters else line[: characters - 1] + "…"


def clean_note(text: str, *, characters: int) -> str:
    """Return plain text cut to a number of characters, without marks that reorder it."""
    note = _ISOLATES.sub("", clean_text(text))
    return note if len(note) <= characters else note[: characters - 1] + "…"


def clean_html(text: str, *, page: bool = False) -> tuple[str, list[str]]:
    """Return HTML of what is allowed, and what was left out, as words for its author.

    `page` is for a section of the public site, else the HTML is for a mail.
    """
    parser = _Cleaner(page=page)
    parser.feed(clean_text(text))
    parser.close()
    parser.finish()
    return "".join(parser.out), list(dict.fromkeys(parser.removed))[:20]


class _Cleaner(HTMLParser):
    """Writes anew what it reads, from the lists above."""

    def __init__(self, *, page: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._elements = PAGE_ELEMENTS if page else ELEMENTS
        self.out: list[str] = []
        self.removed: list[str] = []
        self._open: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside or tag in _SWALLOWED:
            self.removed.append(f"<{tag[:20]}> is not allowed")
            if tag in _SWALLOWED:
                self._inside.append(tag)
            return
        if tag not in self._elements:
            self.removed.append(f"<{tag[:20]}> is not allowed")
            return
        if len(self._open) >= _DEPTH_MAX:
            self.removed.append(f"elements nest deeper than {_DEPTH_MAX}")
            return
        kept = "".join(self._attribute(tag, name, value or "") for name, value in attrs)
        self.out.append(f"<{tag}{kept}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag in self._inside:
                while self._inside.pop() != tag:
                    pass
            return
        if tag in self._open:
            while True:
                last = self._open.pop()
                self.out.append(f"</{last}>")
                if last == tag:
                    return

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.out.append(escape(data, quote=False))

    def finish(self) -> None:
        """Close what is open."""
        if self._inside:
            self.removed.append(f"<{self._inside[0]}> is never closed")
        while self._open:
            self.out.append(f"</{self._open.pop()}>")

    def _attribute(self, tag: str, name: str, value: str) -> str:
        if self._page and name == "class":
            return self._classes(tag, value)
        allowed = name in _ATTRIBUTES["*"] or name in _ATTRIBUTES.get(tag, ())
        if not allowed or (self._page and name == "style"):
            self.removed.append(f"the attribute {name[:20]} of <{tag}> is not allowed")
            return ""
        if name in {"href", "src"}:
            value = value.strip()
            if not _ADDRESS.fullmatch(value) or (name == "src" and value[:1] in "#m"):
                self.removed.append(
                    f"the address of <{tag}> must begin with https://, mailto: or /"
                )
                return ""
        if name == "style":
            value = self._style(tag, value)
        return f' {name}="{escape(value)}"' if value or name == "alt" else ""

    def _classes(self, tag: str, value: str) -> str:
        kept = [one for one in value.split()[:10] if one in PAGE_CLASSES]
        if len(kept) < len(value.split()):
            self.removed.append(f"a class of <{tag}> is not one of: {', '.join(PAGE_CLASSES)}")
        return f' class="{" ".join(kept)}"' if kept else ""

    def _style(self, tag: str, value: str) -> str:
        kept = []
        for part in value.split(";")[:40]:
            name, _, what = (one.strip() for one in part.partition(":"))
            if not name and not what:
                continue
            if _STYLES.fullmatch(name.lower()) and _STYLE_VALUE.fullmatch(what):
                kept.append(f"{name.lower()}:{what}")
            else:
                self.removed.append(f"the style {name[:20]} of <{tag}> is not allowed")
        return ";".join(kept)
