"""Takes out of a style sheet what no page of ours can use.

A selector stays when every class it asks for is a word in our sources, a rule when one of its
selectors stays, a custom property or a set of keyframes when something that stays names it.
Words are taken from whole files, so a class put together at run time from complete words is
found; one put together from pieces is not, and belongs in the caller's list of words.
Reads plain CSS without nested rules, as Tabler ships it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

WORD = re.compile(r"-{0,2}[A-Za-z_][\w-]*")
_CLASS = re.compile(r"\.((?:[\w-]|\\.)+)")
_PIECE = re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\\.|[(){};,]', re.DOTALL)
_LISTS = re.compile(r":(?:not|is|where|has|matches)\(")
_USED_PROPERTY = re.compile(r"var\(\s*(--[\w-]+)")
_CONDITIONAL = ("@media", "@supports", "@container", "@layer")


@dataclass
class Rule:
    """A rule: what stands before the brace, and its declarations or the rules inside it."""

    head: str
    body: str = ""
    inner: list[Rule] = field(default_factory=list)

    def text(self) -> str:
        """The rule as CSS; empty when nothing is left of it."""
        if self.head.startswith(_CONDITIONAL):
            inside = "".join(rule.text() for rule in self.inner)
            return f"{self.head}{{{inside}}}" if inside else ""
        if not self.body:
            return f"{self.head};" if self.head.startswith("@") else ""
        return f"{self.head}{{{self.body}}}"


def purge(sheet: str, *, words: Iterable[str], properties: Iterable[str] = ()) -> str:
    """Returns the style sheet without what is not used.

    `words` are the words of pages and scripts, `properties` the words of other style sheets,
    which may name custom properties and keyframes of this one.
    """
    known = set(words)
    rules = _selected(parse(sheet), known)
    named = known | set(properties)
    while True:
        text = "".join(rule.text() for rule in rules)
        used = set(_USED_PROPERTY.findall(text)) | named
        if not _drop_properties(rules, used):
            break
    animated = named | {word for rule in _styles(rules) for word in WORD.findall(rule.body)}
    rules = [rule for rule in rules if _is_played(rule, animated)]
    return "".join(rule.text() for rule in rules)


def classes(sheet: str) -> set[str]:
    """Every class that a selector of the style sheet names."""
    return {name for rule in _styles(parse(sheet)) for name in _names(_without_strings(rule.head))}


def parse(sheet: str) -> list[Rule]:
    """Reads a style sheet; raises ValueError when a brace is not closed."""
    rules, end = _parse(sheet, 0, inside=False)
    if end != len(sheet):
        raise ValueError(f"a brace too many at character {end}")
    return rules


def split(text: str, mark: str) -> list[str]:
    """Splits at a mark that stands outside brackets and strings."""
    parts, depth, start = [], 0, 0
    for piece in _PIECE.finditer(text):
        if piece[0] == "(":
            depth += 1
        elif piece[0] == ")":
            depth -= 1
        elif piece[0] == mark and depth == 0:
            parts.append(text[start : piece.start()])
            start = piece.end()
    return [part for part in [*parts, text[start:]] if part.strip()]


def _parse(sheet: str, at: int, *, inside: bool) -> tuple[list[Rule], int]:
    """Reads rules up to the end, or to the brace that closes the block they stand in."""
    rules: list[Rule] = []
    start, depth = at, 0
    while found := _PIECE.search(sheet, at):
        at = found.end()
        if found[0].startswith("/*"):
            if not sheet[start : found.start()].strip():
                start = at
        elif found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif found[0] == ";" and depth == 0:
            rules.append(Rule(sheet[start : found.start()].strip()))
            start = at
        elif found[0] == "{":
            rule = Rule(sheet[start : found.start()].strip())
            if rule.head.startswith(_CONDITIONAL):
                rule.inner, at = _parse(sheet, at, inside=True)
                at += 1
            else:
                at = _closed(sheet, at)
                rule.body = sheet[found.end() : at - 1]
            rules.append(rule)
            start = at
        elif found[0] == "}":
            return rules, found.start()
    if inside or sheet[start:].strip():
        raise ValueError(f"a rule is not closed: {sheet[start : start + 60]!r}")
    return rules, len(sheet)


def _closed(sheet: str, at: int) -> int:
    """The place after the brace that closes the one before `at`."""
    depth = 1
    while depth:
        found = _PIECE.search(sheet, at)
        if found is None:
            raise ValueError("a brace is not closed")
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        at = found.end()
    return at


def _selected(rules: list[Rule], words: set[str]) -> list[Rule]:
    """The rules with the selectors that pages can meet; conditions around them stay."""
    kept = []
    for rule in rules:
        if rule.head.startswith(_CONDITIONAL):
            rule.inner = _selected(rule.inner, words)
        elif not rule.head.startswith("@"):
            meets = [one for one in split(rule.head, ",") if _asked(one) <= words]
            if not meets:
                continue
            rule.head = ",".join(meets)
        kept.append(rule)
    return kept


def _asked(selector: str) -> set[str]:
    """The classes without which a selector meets nothing; alternatives are left out."""
    while found := _LISTS.search(selector):
        depth, at = 1, found.end()
        while depth and at < len(selector):
            depth += {"(": 1, ")": -1}.get(selector[at], 0)
            at += 1
        selector = selector[: found.start()] + selector[at:]
    return _names(_without_strings(selector))


def _names(selector: str) -> set[str]:
    """The classes that stand in a selector, without the backslashes of CSS."""
    return {re.sub(r"\\(.)", r"\1", name) for name in _CLASS.findall(selector)}


def _without_strings(selector: str) -> str:
    """A selector without its attribute tests, whose values may look like classes."""
    return re.sub(r"\[[^\]]*\]", "", selector)


def _styles(rules: list[Rule]) -> list[Rule]:
    """The style rules, also those inside conditions."""
    found: list[Rule] = []
    for rule in rules:
        if rule.head.startswith(_CONDITIONAL):
            found += _styles(rule.inner)
        elif not rule.head.startswith("@"):
            found.append(rule)
    return found


def _drop_properties(rules: list[Rule], used: set[str]) -> bool:
    """Takes out custom properties that nothing uses; tells whether there were any."""
    dropped = False
    for rule in _styles(rules):
        lines = split(rule.body, ";")
        kept = [
            line
            for line in lines
            if not line.lstrip().startswith("--") or line.split(":")[0].strip() in used
        ]
        dropped = dropped or len(kept) < len(lines)
        rule.body = ";".join(kept)
    return dropped


def _is_played(rule: Rule, animated: set[str]) -> bool:
    """Whether a rule is no keyframes, or keyframes that some rule plays."""
    kind, _, name = rule.head.partition(" ")
    return not kind.endswith("keyframes") or name.strip() in animated
