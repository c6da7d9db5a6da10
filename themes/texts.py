"""Every text of the product that may be worded otherwise: as it is said in each language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gettext import c2py

from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from kernel.language import LANGUAGES, SOURCE
from themes.words import LOCALE

SURFACES = ("public", "trader", "partner", "messages", "everywhere")


@dataclass(frozen=True)
class Text:
    """One text: its English key, where it is shown, and its forms by language.

    A counted text has a form for each kind of number that a language knows; others have one.
    """

    key: str
    surfaces: frozenset[str]
    forms: Mapping[str, tuple[str, ...]]

    @property
    def hash(self) -> str:
        """The key's SHA-256, short enough for an address."""
        return hash_of(self.key)

    @property
    def counted(self) -> bool:
        """Whether it names a number of things."""
        return len(self.forms[SOURCE]) > 1


def hash_of(key: str) -> str:
    """Return the first 32 hexadecimal digits of an English text's SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


@cache
def every() -> Mapping[str, Text]:
    """Return the texts by the hash of their key; what has no translation has empty forms."""
    surfaces: dict[str, frozenset[str]] = {}
    forms: dict[str, dict[str, tuple[str, ...]]] = {}
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
            catalogue = read_po(source, locale=language)
        for message in catalogue:
            if not message.id:
                continue
            english = tuple(message.id) if isinstance(message.id, tuple) else (str(message.id),)
            said = message.string if isinstance(message.string, (tuple, list)) else [message.string]
            forms.setdefault(english[0], {SOURCE: english})[language] = tuple(
                one or "" for one in said
            )
            named = {one for line in message.auto_comments for one in line.split(", ")}
            surfaces[english[0]] = frozenset(named & set(SURFACES)) or frozenset({"everywhere"})
    return {
        hash_of(key): Text(key, surfaces[key], {code: known.get(code, ("",)) for code in LANGUAGES})
        for key, known in sorted(forms.items(), key=lambda pair: pair[0].casefold())
    }


@cache
def numbers(language: str) -> tuple[str, ...]:
    """Return which numbers each form of a language is for, as examples such as `2, 3, 4`."""
    plural = get_plural(language)
    form = c2py(plural.plural_expr)
    found: list[list[str]] = [[] for _ in range(plural.num_plurals)]
    for number in range(200):
        found[form(number)].append(str(number))
    return tuple(", ".join([*some[:3], "…"] if len(some) > 3 else some) for some in found)
