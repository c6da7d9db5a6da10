"""Countries by their names, as the Unicode locale data has them."""

from __future__ import annotations

import functools

from babel import Locale

# Regions of the data that are no countries, and places without residents of their own.
_NO_COUNTRIES = frozenset(
    (
        *("AC", "AQ", "BV", "CP", "CQ", "DG", "EA", "EU", "EZ", "GS", "HM", "IC", "IO", "QO"),
        *("TA", "TF", "UM", "UN", "XA", "XB", "ZZ"),
    )
)


@functools.cache
def countries(language: str = "en") -> tuple[tuple[str, str], ...]:
    """Return (two letters, name) of every country, by name in that language."""
    names = Locale.parse(language.partition("-")[0]).territories
    found = [
        (code, str(name))
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    ]
    return tuple(sorted(found, key=lambda pair: pair[1]))


def known(code: str) -> bool:
    """Say whether this is the code of a country."""
    return code in dict(countries())
