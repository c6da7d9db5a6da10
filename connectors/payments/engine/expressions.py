"""Paths, templates and conditions: all that a provider's file may say about values.

    body.transaction.amount          a path; the parts after `header` and `query` are one name,
                                     and in lists `0` is the first and `last` the last
    'DEP-' + tx.reference|upper      texts and paths joined, each with its pipes
    (body.a + secret.b)|md5          brackets, for a digest of several values
    {{tx.amount|money}}              a template; alone in its text it keeps its type
    body.status == 0 and body.kind in ['a', 'b']

There are no loops and no arithmetic: what needs them is a named hook in Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from connectors.payments.engine.failures import ValueMissing, ValueUnusable
from connectors.payments.engine.filters import FILTERS, text_of
from connectors.payments.engine.literals import Number, Value
from connectors.payments.engine.scopes import FLAT_ROOTS, ROOTS, Scope, Thing


class ExpressionInvalid(ValueUnusable):
    """The text is no expression; the message says where and what to write."""


class Missing:
    """The absence of a value, which is not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
Found: TypeAlias = "Thing | Missing"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is: a root and the steps below it."""

    root: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.root, *self.steps))


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe by name, with what stands behind its colon."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A path, a text, or a joined expression in brackets, with the pipes behind it."""

    source: Path | str | Expression
    pipes: tuple[Pipe, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """One or more terms; several are joined as text."""

    terms: tuple[Term, ...]

    def paths(self) -> tuple[Path, ...]:
        """Return every path that the expression reads."""
        found: list[Path] = []
        for term in self.terms:
            if isinstance(term.source, Path):
                found.append(term.source)
            elif isinstance(term.source, Expression):
                found += term.source.paths()
        return tuple(found)

    def find(self, scope: Scope) -> Found:
        """Return the value, null for one that is null, MISSING for one that is not there."""
        if len(self.terms) == 1:
            return _term(self.terms[0], scope)
        parts = [_term(term, scope) for term in self.terms]
        if any(isinstance(part, Missing) or part is None for part in parts):
            return MISSING
        return "".join(text_of(part) for part in parts if not isinstance(part, Missing))

    def value(self, scope: Scope) -> Thing:
        """Return the value; raise ValueMissing when it is not there or null."""
        found = self.find(scope)
        if isinstance(found, Missing) or found is None:
            raise ValueMissing(", ".join(map(str, self.paths())))
        return found

    def text(self, scope: Scope) -> str:
        """Return the value as text; raise ValueMissing or ValueUnusable."""
        return text_of(self.value(scope))

    def text_or_empty(self, scope: Scope) -> str:
        """Return the value as text, empty when it is not there or null."""
        found = self.find(scope)
        return "" if isinstance(found, Missing) or found is None else text_of(found)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it."""

    parts: tuple[str | Expression, ...]

    def paths(self) -> tuple[Path, ...]:
        """Return every path that the template reads."""
        return tuple(p for one in self.parts if isinstance(one, Expression) for p in one.paths())

    def find(self, scope: Scope) -> Found:
        """Return the value: typed when the template is one expression, else text."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].find(scope)
        return self.text(scope)

    def text(self, scope: Scope) -> str:
        """Return the text; raise ValueMissing when a value in it is not there."""
        return "".join(one if isinstance(one, str) else one.text(scope) for one in self.parts)


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons that all must hold: an expression, and the values it may have."""

    all_of: tuple[tuple[Expression, tuple[Value, ...]], ...]

    def holds(self, scope: Scope) -> bool:
        """Say whether every comparison holds; what is missing equals nothing."""
        return all(
            any(_equal(expression.find(scope), value) for value in values)
            for expression, values in self.all_of
        )

    def paths(self) -> tuple[Path, ...]:
        """Return every path that the condition reads."""
        return tuple(path for expression, _ in self.all_of for path in expression.paths())


def _equal(found: Found, value: Value) -> bool:
    if isinstance(found, Number) and isinstance(value, Number):
        return found.decimal == value.decimal
    return type(found) is type(value) and found == value


def _term(term: Term, scope: Scope) -> Found:
    if isinstance(term.source, Path):
        found = look_up(term.source, scope)
    elif isinstance(term.source, Expression):
        found = term.source.find(scope)
    else:
        found = term.source
    for pipe in term.pipes:
        if pipe.name == "default":
            if isinstance(found, Missing) or found is None:
                found = pipe.argument
        elif not isinstance(found, Missing) and found is not None and pipe.name != "optional":
            found = FILTERS[pipe.name](found, pipe.argument, scope)
    return found


def look_up(path: Path, scope: Scope) -> Found:
    """Follow a path; MISSING when any step of it is not there."""
    found: object = scope.roots.get(path.root, MISSING)
    if path.root in FLAT_ROOTS and path.steps:
        wanted = ".".join(path.steps).lower()
        named = found if isinstance(found, dict) else {}
        return next((v for name, v in named.items() if name.lower() == wanted), MISSING)
    for step in path.steps:
        if isinstance(found, dict):
            found = found.get(step, MISSING)
        elif isinstance(found, list) and step == "last" and found:
            found = found[-1]
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            # Below null there is nothing, which is null again: `transaction: null` has no amount.
            return None if found is None else MISSING
    return found  # type: ignore[return-value]


_NAME = r"[A-Za-z0-9_\-]+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<text>'(?:[^'])*')|(?P<path>[A-Za-z_][A-Za-z0-9_\-]*"
    rf"(?:\.{_NAME}|\['[^']*'\])*)|(?P<mark>[()+|]))"
)
_PIPE = re.compile(r"(?P<name>[a-z_0-9]+)(?::(?P<argument>'[^']*'|[^|)+}\s]+))?")
_STEP = re.compile(rf"\.({_NAME})|\['([^']*)'\]")
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def fail(self, advice: str) -> ExpressionInvalid:
        return ExpressionInvalid(f"{self.text!r} at {self.at + 1}: {advice}")

    def expression(self) -> Expression:
        terms = [self.term()]
        while self.peek() == "+":
            self.at += 1
            terms.append(self.term())
        return Expression(tuple(terms))

    def term(self) -> Term:
        source: Path | str | Expression
        if self.peek() == "(":
            self.at += 1
            source = self.expression()
            if self.peek() != ")":
                raise self.fail("close the bracket with ).")
            self.at += 1
        else:
            source = self.atom()
        pipes = []
        while self.peek() == "|":
            self.at += 1
            pipes.append(self.pipe())
        return Term(source, tuple(pipes))

    def atom(self) -> Path | str:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match["mark"]:
            raise self.fail("write a path such as body.amount, or a text in single quotes.")
        self.at = match.end()
        if match["text"] is not None:
            return match["text"][1:-1]
        root = re.match(r"[A-Za-z0-9_\-]+", match["path"])
        assert root is not None
        if root[0] not in ROOTS:
            raise self.fail(f"begin a path with one of {', '.join(sorted(ROOTS))}.")
        steps = [a or b for a, b in _STEP.findall(match["path"], root.end())]
        return Path(root[0], tuple(steps))

    def pipe(self) -> Pipe:
        self.peek()
        match = _PIPE.match(self.text, self.at)
        names = {*FILTERS, "default", "optional"}
        if match is None or match["name"] not in names:
            raise self.fail(f"the pipes are {', '.join(sorted(names))}.")
        self.at = match.end()
        argument = match["argument"] or ""
        return Pipe(match["name"], argument[1:-1] if argument.startswith("'") else argument)


@lru_cache(maxsize=8192)
def parse(text: str) -> Expression:
    """Read an expression; raise ExpressionInvalid with the place and advice."""
    reader = _Reader(text)
    expression = reader.expression()
    if reader.peek():
        raise reader.fail("join values with +, or end here.")
    return expression


@lru_cache(maxsize=8192)
def parse_template(text: str) -> Template:
    """Read a text with {{expressions}} in it; raise ExpressionInvalid."""
    parts: list[str | Expression] = []
    at = 0
    for match in _HOLE.finditer(text):
        if match.start() > at:
            parts.append(text[at : match.start()])
        parts.append(parse(match[1]))
        at = match.end()
    if at < len(text) or not parts:
        parts.append(text[at:])
    if any("{{" in part or "}}" in part for part in parts if isinstance(part, str)):
        raise ExpressionInvalid(f"{text!r}: write {{{{path|pipe}}}} with both pairs of braces.")
    return Template(tuple(parts))


_COMPARISON = re.compile(r"\s*(?P<left>.+?)(?P<kind>\s*==|\s+in\s)\s*(?P<right>.+?)\s*", re.DOTALL)


@lru_cache(maxsize=8192)
def parse_condition(text: str) -> Condition:
    """Read `a == 1 and b in ['x', 'y']`; raise ExpressionInvalid."""
    found = []
    for one in re.split(r"\s+and\s+", text):
        match = _COMPARISON.fullmatch(one)
        if match is None:
            raise ExpressionInvalid(f"{one!r}: write path == value, or path in [value, value].")
        right = match["right"]
        if match["kind"].strip() == "in":
            if not (right.startswith("[") and right.endswith("]")):
                raise ExpressionInvalid(f"{one!r}: write the list as ['a', 'b'].")
            values = tuple(_literal(part) for part in right[1:-1].split(","))
        else:
            values = (_literal(right),)
        found.append((parse(match["left"]), values))
    return Condition(tuple(found))


def _literal(text: str) -> Value:
    text = text.strip()
    constants: dict[str, Value] = {"true": True, "false": False, "null": None}
    if text in constants:
        return constants[text]
    if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
        return text[1:-1]
    try:
        return Number(text)
    except ValueUnusable:
        raise ExpressionInvalid(f"{text!r}: write a number, true, false, null or 'text'.") from None
