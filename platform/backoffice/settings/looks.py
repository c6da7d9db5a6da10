"""What a brand may look like: values checked, contrast measured, mended and carried in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInput
from themes.colour import contrast
from themes.tokens import DENSITIES, FONTS, RADII, BrandColours, ThemeValueRefused, derive

FIELDS = ("name", "main", "accent", "radius", "density", "font")
FILE_BYTES_MAX = 64 * 1024
_FORMAT = "marque-theme"
_SURFACE = "#ffffff"
_INK = "#111827"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one colour does: yours, the one that is used instead, and why."""

    field: str
    label: str
    yours: str
    used: str
    ratio: float
    wanted: float
    text: str

    @property
    def passes(self) -> bool:
        """Whether the colour is used as it was given."""
        return self.ratio >= self.wanted


def checked(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the look that was typed; raise InvalidInput with one sentence a field."""
    look = {name: str(values.get(name, "")).strip() for name in FIELDS}
    errors: dict[str, str] = {}
    if not 2 <= len(look["name"]) <= 80 or not look["name"].isprintable():
        errors["name"] = "Give the name your clients read, in 2 to 80 characters."
    for name, label in (("main", "Main colour"), ("accent", "Accent colour")):
        try:
            BrandColours(look[name], "#000000")
        except ThemeValueRefused:
            errors[name] = f"{label}: write # and six hex digits, for example #0B2545."
    for name, known in (("radius", RADII), ("density", DENSITIES), ("font", FONTS)):
        if look[name] not in known:
            errors[name] = f"Choose one of {', '.join(known)}."
    if errors:
        raise InvalidInput(errors)
    return look


def findings(main: str, accent: str) -> tuple[Finding, ...]:
    """Measure both colours where they are used; raise ThemeValueRefused for what is no colour."""
    light = derive(BrandColours(main, accent)).light
    readable = max(contrast(main, _SURFACE), contrast(main, _INK))
    visible = contrast(accent, _SURFACE)
    return (
        Finding(
            *("main", "Main colour", main, light["brand-solid"], readable, 4.5),
            "Words on a button of this colour, white or dark, whichever reads better.",
        ),
        Finding(
            *("accent", "Accent colour", accent, light["accent"], visible, 3.0),
            "Lines and points of this colour on a white card.",
        ),
    )


def mended(look: Mapping[str, str]) -> dict[str, str]:
    """Return the look with each colour that fails replaced by the nearest that passes."""
    fixed = {one.field: one.used for one in findings(look["main"], look["accent"])}
    return {**look, **fixed}


def to_file(look: Mapping[str, Any]) -> bytes:
    """Write a look as a file that another brokerage could read."""
    theme = {name: look.get(name, "") for name in FIELDS}
    body = {"format": _FORMAT, "version": 1, "theme": theme}
    return json.dumps(body, indent=2, ensure_ascii=False).encode()


def from_file(data: bytes) -> dict[str, str]:
    """Read a look from a file; raise InvalidInput for the field `theme_file`."""
    if not data:
        raise InvalidInput({"theme_file": "Choose a theme file first."})
    if len(data) > FILE_BYTES_MAX:
        raise InvalidInput({"theme_file": "This is larger than any theme file. Nothing was read."})
    try:
        body = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise InvalidInput({"theme_file": "This is no theme file. Nothing was read."}) from None
    if not isinstance(body, dict) or body.get("format") != _FORMAT or body.get("version") != 1:
        raise InvalidInput({"theme_file": "This is no theme file of version 1."})
    theme = body.get("theme")
    if not isinstance(theme, dict) or set(theme) != set(FIELDS):
        raise InvalidInput({"theme_file": f"A theme file holds exactly {', '.join(FIELDS)}."})
    try:
        return checked(theme)
    except InvalidInput as error:
        name, text = next(iter(error.fields.items()))
        raise InvalidInput({"theme_file": f"The file's {name} can't be used. {text}"}) from None
