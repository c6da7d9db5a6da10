"""SVG from strangers, written anew from an allow-list of elements, attributes and styles.

The parser is expat with document types and entities refused, so that nothing is fetched and
nothing grows. What could act (scripts, handlers, foreign content, animation, links, pictures
inside) is refused by name, so that whoever sends it knows what to change; what an editor left
behind is dropped. References lead to ids of the same drawing and nowhere else, and what they
multiply to is counted before anybody draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from kernel.errors import InvalidInput

BYTES_MAX = 512 * 1024
DEPTH_MAX = 32
ELEMENTS_MAX = 5_000
# What a drawing may come to when every reference is followed.
DRAWN_MAX = 20_000
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"

_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"}
_PAINT = {"linearGradient", "radialGradient", "stop", "clipPath", "mask"}
ELEMENTS = {"svg", "g", "defs", "symbol", "use", "title", "desc", "style", *_SHAPES, *_PAINT}
# Left behind by editors and shown by nobody.
_DROPPED = {"metadata"}
STYLES = {
    *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity"),
    *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "color", "display"),
    *("visibility", "stop-color", "stop-opacity", "clip-path", "clip-rule", "mask", "transform"),
    *("font-family", "font-size", "font-style", "font-weight", "text-anchor", "letter-spacing"),
    *("dominant-baseline", "paint-order", "mix-blend-mode", "isolation", "enable-background"),
}
ATTRIBUTES = {
    *("id", "class", "style", "d", "points", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy"),
    *("r", "rx", "ry", "fx", "fy", "dx", "dy", "width", "height", "viewBox", "offset"),
    *("preserveAspectRatio", "gradientUnits", "gradientTransform", "spreadMethod"),
    *("clipPathUnits", "maskUnits", "maskContentUnits", "href", "version"),
    *STYLES,
}
_LOCAL = re.compile(r"#[A-Za-z_][\w.:-]{0,80}")
_LINKED = re.compile(r"url\(\s*['\"]?(#[A-Za-z_][\w.:-]{0,80})['\"]?\s*\)")
_RULE = re.compile(r"\s*([\w\s.,#>*-]{1,300}?)\s*\{([^{}]*)\}\s*")
# Quotes stand in names of fonts; a backslash or a colon in a value would be a way around us.
_VALUE = re.compile(r"[\w\s.,#%()+'\"!-]{0,400}")
_FUNCTION = re.compile(r"([\w-]+)\s*\(")
_FUNCTIONS = {
    *("rgb", "rgba", "hsl", "hsla", "matrix", "translate", "translatex", "translatey", "scale"),
    *("scalex", "scaley", "rotate", "skewx", "skewy"),
}

_NOT_TEXT = "This SVG is not UTF-8 text. Export it again as plain SVG."
_TOO_LARGE = "This SVG is larger than 512 kB. Simplify it, or send a PNG."
_BROKEN = "This SVG can't be read. Export it again as plain SVG, or send a PNG."
_TYPED = "This SVG declares a document type or entities. Export it as plain SVG without them."
_TOO_DEEP = "This SVG is nested too deeply. Flatten its groups, or send a PNG."
_TOO_MANY = "This SVG has too many elements. Simplify it, or send a PNG."
_MULTIPLIES = "This SVG repeats parts of itself too often. Expand its symbols, or send a PNG."
_OUTWARD = "This SVG refers to something outside itself. Embed outlines only, or send a PNG."
_STYLE = "This SVG has styles we can't check. Export it with presentation attributes."


@dataclass
class _Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)

    @property
    def references(self) -> Iterator[str]:
        for name, value in self.attributes.items():
            if name == "href":
                yield value[1:]
            yield from (found[1:] for found in _LINKED.findall(value))


def looks_like(data: bytes) -> bool:
    """Say whether the bytes want to be XML rather than a raster picture."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<?xml", b"<svg", b"<!--", b"<!doctype svg")) or (
        data[:2] in (b"\xff\xfe", b"\xfe\xff") and b"<" in data[:8]
    )


def clean(data: bytes) -> bytes:
    """Return the drawing as it may be shown; raise InvalidInput for the field `file`."""
    if len(data) > BYTES_MAX:
        raise _refused(_TOO_LARGE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(_NOT_TEXT) from None
    if "\0" in text:
        raise _refused(_NOT_TEXT)
    root = _Reader().read(text)
    if root.name != "svg":
        raise _refused(_BROKEN)
    check_growth(root)
    return _written(root).encode()


class _Reader:
    """Builds the tree of what is allowed while expat reads."""

    def __init__(self) -> None:
        self._open: list[_Element] = []
        self._root: _Element | None = None
        self._skipped = 0
        self._count = 0

    def read(self, text: str) -> _Element:
        # Our own choice of encoding stands above what the file declares.
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        guard(parser)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, ValueError):
            raise _refused(_BROKEN) from None
        if self._root is None:
            raise _refused(_BROKEN)
        return self._root

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        space, _, name = full.rpartition(" ")
        self._count += 1
        check_extent(len(self._open) + self._skipped, self._count)
        if self._skipped or (self._root is not None and is_left_behind(space, name)):
            self._skipped += 1
            return
        check_element(space, name)
        element = _Element(name, dict(_attributes(name, attributes)))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _full: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        element = self._open.pop()
        if element.name == "style":
            text = "".join(part for part in element.children if isinstance(part, str))
            element.children = ["".join(checked_rules(text))]

    def _characters(self, text: str) -> None:
        if self._open and not self._skipped and self._open[-1].name in _TEXTUAL:
            self._open[-1].children.append(text)


_TEXTUAL = {"text", "tspan", "title", "desc", "style"}


def guard(parser: expat.XMLParserType) -> None:
    """Refuse document types, entities and whatever lies outside the file."""

    def refuse(*_: object) -> int:
        raise _refused(_TYPED)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse


def check_extent(depth: int, count: int) -> None:
    """Refuse a drawing that is nested too deeply or has too many elements."""
    if depth >= DEPTH_MAX:
        raise _refused(_TOO_DEEP)
    if count > ELEMENTS_MAX:
        raise _refused(_TOO_MANY)


def is_left_behind(space: str, name: str) -> bool:
    """Say whether an element is an editor's own note, which nobody sees."""
    editors = ("inkscape", "sodipodi", "sketch", "adobe", "figma", "serif")
    return name in _DROPPED or (space != _SVG and any(word in space for word in editors))


def check_element(space: str, name: str) -> None:
    """Refuse an element that is not on the list."""
    if space not in (_SVG, "") or name not in ELEMENTS:
        shown = re.sub(r"\W", "", name)[:30]
        raise _refused(f"This SVG holds <{shown}>, which a logo may not. Remove it, or send a PNG.")


def check_handler(name: str) -> None:
    """Refuse an attribute that is a script."""
    if name.lower().startswith("on"):
        raise _refused("This SVG holds scripts. Export it as plain SVG, or send a PNG.")


def checked_reference(value: str) -> str:
    """Return a reference into the drawing itself; refuse any other."""
    if not _LOCAL.fullmatch(value.strip()):
        raise _refused(_OUTWARD)
    return value.strip()


def checked_value(value: str) -> str:
    """Return an attribute's value without control characters; refuse a way out of the drawing."""
    if "url" in _LINKED.sub("", value).lower() or "\\" in value or "&{" in value:
        raise _refused(_OUTWARD)
    return "".join(sign if sign.isprintable() else " " for sign in value)


def check_style(value: str) -> None:
    """Refuse the value of a style that could load something or calls what is not on the list."""
    plain = _LINKED.sub("", value)
    called = {name.lower() for name in _FUNCTION.findall(plain)}
    if not _VALUE.fullmatch(plain) or not called <= _FUNCTIONS:
        raise _refused(_STYLE)


def checked_declarations(text: str) -> str:
    """Return the declarations that are on the list; refuse those that could load or run."""
    kept = []
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    for declaration in plain.split(";"):
        name, _, value = declaration.partition(":")
        check_style(value)
        if name.strip().lower() in STYLES:
            kept.append(f"{name.strip().lower()}:{value.strip()}")
    return ";".join(kept)


def checked_rules(text: str) -> Iterator[str]:
    """Yield the style sheet's rules, each by element, class or id; refuse all at-rules."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    at = 0
    while plain[at:].strip():
        found = _RULE.match(plain, at)
        if found is None:
            raise _refused(_STYLE)
        at = found.end()
        yield f"{' '.join(found[1].split())}{{{checked_declarations(found[2])}}}"


def check_growth(root: _Element) -> None:
    """Refuse references in a circle, and those that multiply to more than can be drawn."""
    known: dict[str, _Element] = {}
    for element in _all(root):
        known.setdefault(element.attributes.get("id", ""), element)
    drawn: dict[int, int] = {}
    path: set[int] = set()

    def count(element: _Element) -> int:
        key = id(element)
        if key in path or len(path) > DEPTH_MAX * 8:
            raise _refused(_MULTIPLIES)
        if key not in drawn:
            path.add(key)
            targets = [known[name] for name in element.references if name in known]
            inner = [child for child in element.children if isinstance(child, _Element)]
            drawn[key] = 1 + sum(count(one) for one in (*inner, *targets))
            path.discard(key)
        if drawn[key] > DRAWN_MAX:
            raise _refused(_MULTIPLIES)
        return drawn[key]

    count(root)


def _all(root: _Element) -> Iterator[_Element]:
    yield root
    for child in root.children:
        if isinstance(child, _Element):
            yield from _all(child)


def _attributes(element: str, attributes: dict[str, str]) -> Iterator[tuple[str, str]]:
    for full, value in attributes.items():
        space, _, name = full.rpartition(" ")
        check_handler(name)
        if name == "href" and space in ("", _XLINK):
            yield "href", checked_reference(value)
        elif not space and name == "style":
            yield "style", checked_declarations(value)
        elif not space and name in STYLES:
            check_style(value)
            yield name, " ".join(value.split())
        elif not space and name in ATTRIBUTES:
            yield name, checked_value(value)


def _written(element: _Element) -> str:
    attributes = dict(element.attributes)
    if element.name == "style":
        # Our own rules hold none of the signs that XML would have to escape.
        return (
            f"<style>{''.join(str(part) for part in element.children).replace('>', '&gt;')}</style>"
        )
    space = f' xmlns="{_SVG}"' if element.name == "svg" else ""
    shown = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    inner = "".join(
        _written(child) if isinstance(child, _Element) else escape(child)
        for child in element.children
    )
    return f"<{element.name}{space}{shown}>{inner}</{element.name}>"


def _refused(text: str) -> InvalidInput:
    return InvalidInput({"file": text})
