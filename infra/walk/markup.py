"""Reads HTML as far as a walking person needs it: forms, links, table rows and words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

_VOID = {"input", "br", "img", "meta", "link", "hr", "source", "area", "col", "wbr", "path"}
_SILENT = {"script", "style", "template"}
_BREAKS = {"p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "dt", "dd", "section", "br"}


class Missing(Exception):
    """A page lacks what a person would look for there; the message names it."""


@dataclass
class Form:
    """A form as it stands on a page: where it goes, and the values a browser would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    words: str = ""


@dataclass
class Row:
    """A row of a table: its cells' words and the addresses that it links to."""

    cells: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The whole row in one line."""
        return " | ".join(self.cells)


class Reader(HTMLParser):
    """Collects what a page offers."""

    def __init__(self, address: str) -> None:
        """Take the page's address, against which links are resolved."""
        super().__init__(convert_charrefs=True)
        self.address = address
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.rows: list[Row] = []
        self.words: list[str] = []
        self.title = ""
        self._form: Form | None = None
        self._row: Row | None = None
        self._silent = 0
        self._in_title = False
        self._link: str | None = None
        self._link_words: list[str] = []
        self._textarea: str | None = None
        self._select: str | None = None
        self._option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of what begins here."""
        given = {name: value or "" for name, value in attrs}
        present = {name for name, _ in attrs}
        if tag in _SILENT:
            self._silent += 1
        if tag in _BREAKS:
            self.words.append("\n")
        if tag == "title":
            self._in_title = True
        elif tag == "form":
            self._form = Form(
                urljoin(self.address, given.get("action", "")),
                given.get("method", "get").lower(),
            )
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._begin_link(urljoin(self.address, given["href"]))
        elif tag == "tr":
            self._row = Row()
            self.rows.append(self._row)
        elif tag in ("td", "th") and self._row is not None:
            self._row.cells.append("")
        elif self._form is not None:
            self._control(self._form, tag, given, present)

    def _begin_link(self, address: str) -> None:
        self._link = address
        self._link_words = []
        if self._row is not None:
            self._row.links.append(address)

    def _control(self, form: Form, tag: str, given: dict[str, str], present: set[str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text").lower()
        if tag == "button":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "textarea" and name:
            form.fields[name] = ""
            self._textarea = name
        elif tag == "select" and name:
            self._select = name
            form.choices[name] = []
        elif tag == "option" and self._select is not None:
            value = given.get("value", "")
            form.choices[self._select].append(value)
            if "selected" in present or self._select not in form.fields:
                form.fields[self._select] = value
        elif tag == "input" and name:
            self._input(form, name, kind, given.get("value", ""), checked="checked" in present)

    def _input(self, form: Form, name: str, kind: str, value: str, *, checked: bool) -> None:
        if kind == "file":
            form.files.append(name)
        elif kind in ("radio", "checkbox"):
            value = value or "on"
            form.choices.setdefault(name, []).append(value)
            if checked:
                form.fields[name] = value
        elif kind in ("submit", "button", "image"):
            form.buttons.append((name, value))
        else:
            form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        """Take note of what ends here."""
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in _BREAKS:
            self.words.append("\n")
        if tag == "title":
            self._in_title = False
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._link is not None:
            self.links.append((self._link, _plain("".join(self._link_words))))
            self._link = None
        elif tag == "tr":
            self._row = None
        elif tag == "textarea":
            self._textarea = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        """Take note of words."""
        if self._in_title:
            self.title += data
            return
        if self._silent:
            return
        if self._form is not None and self._textarea is not None:
            self._form.fields[self._textarea] += data
        self.words.append(data)
        if self._link is not None:
            self._link_words.append(data)
        if self._row is not None and self._row.cells:
            self._row.cells[-1] = _plain(f"{self._row.cells[-1]} {data}")
        if self._form is not None:
            self._form.words = _plain(f"{self._form.words} {data}")


def _plain(words: str) -> str:
    """Put words into one line; marks of direction and hard spaces are not words."""
    words = re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad]", "", words)
    return " ".join(words.split())


@dataclass
class Page:
    """What a server answered, read as a person would."""

    status: int
    address: str
    headers: dict[str, str]
    body: bytes
    _reader: Reader | None = None

    @property
    def html(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def read(self) -> Reader:
        """What the page offers; read once."""
        if self._reader is None:
            self._reader = Reader(self.address)
            self._reader.feed(self.html)
        return self._reader

    @property
    def words(self) -> str:
        """Everything that can be read on the page, line by line."""
        lines = (_plain(line) for line in "".join(self.read.words).split("\n"))
        return "\n".join(line for line in lines if line)

    def where(self) -> str:
        """Say which page this is, for messages."""
        return f"{self.address} (status {self.status}, “{_plain(self.read.title)}”)"

    def form(self, *names: str, action: str = "") -> Form:
        """Return the first form with these fields whose target ends so; raise Missing."""
        for found in self.read.forms:
            known = {*found.fields, *found.files, *found.choices}
            known |= {name for name, _ in found.buttons}
            target = found.action.split("?")[0]
            if set(names) <= known and (not action or target.endswith(action)):
                return found
        offered = [
            f"{f.action.rsplit('/', 2)[-1]}:{','.join([*f.fields, *f.files])}"
            for f in self.read.forms
        ]
        raise Missing(
            f"expected a form to …{action} with {', '.join(names) or 'any field'}"
            f" on {self.where()}, saw {'; '.join(offered) or 'no form'}"
        )

    def links(self, pattern: str) -> list[str]:
        """Return the addresses that match a pattern, each once, in the page's order."""
        found = [address for address, _ in self.read.links if re.search(pattern, address)]
        return list(dict.fromkeys(found))

    def link(self, pattern: str) -> str:
        """Return the first address that matches; raise Missing."""
        found = self.links(pattern)
        if not found:
            raise Missing(f"expected a link like {pattern} on {self.where()}, saw none")
        return found[0]

    def rows(self, *words: str) -> list[Row]:
        """Return the table rows that hold all these words."""
        return [row for row in self.read.rows if all(word in row.words for word in words)]

    def row(self, *words: str) -> Row:
        """Return the first such row; raise Missing."""
        found = self.rows(*words)
        if not found:
            seen = "; ".join(row.words for row in self.read.rows[:12])
            raise Missing(
                f"expected a row with {' and '.join(words)} on {self.where()},"
                f" saw {seen or 'no table'}"
            )
        return found[0]

    def expect(self, *words: str) -> Page:
        """Return the page when it shows all these words; raise Missing."""
        shown = self.words
        for word in words:
            if word not in shown:
                excerpt = " / ".join(shown.split("\n"))[:600]
                raise Missing(f"expected “{word}” on {self.where()}, saw: {excerpt}")
        return self

    def problems(self) -> str:
        """Return the messages that stand beside fields, for saying why a form was refused."""
        shown = re.findall(
            r'class="[^"]*(?:error|wrong|note)[^"]*"[^>]*>(.*?)<', self.html, re.DOTALL
        )
        return "; ".join(dict.fromkeys(_plain(one) for one in shown if _plain(one)))[:400]
