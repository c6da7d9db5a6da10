"""Countries by their two letters (ISO 3166-1), named in the reader's language (CLDR)."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

# Unions, test codes and the unknown region, which CLDR lists among the territories.
_NO_COUNTRY = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@lru_cache(maxsize=16)
def names(language: str) -> dict[str, str]:
    """Return every country's name by code, in the language (English when it is unknown)."""
    locale = Locale.parse(language[:2]) if language[:2].isalpha() else Locale("en")
    return {
        code: name
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY
    }


@lru_cache(maxsize=16)
def options(language: str) -> list[tuple[str, str]]:
    """Return (code, name) of every country, by name, for a form's choice."""
    return sorted(names(language).items(), key=lambda item: item[1])


def name(code: str, language: str = "en") -> str:
    """Return a country's name, or its code when it has none."""
    return names(language).get(code, code)
