"""What a brand may look like: values checked, contrast measured and mended."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInput
from kernel.language import LANGUAGES
from themes import brand_texts
from themes.arrangement import CARDS, MUST, PORTALS
from themes.brand_texts import TEXTS
from themes.colour import contrast
from themes.loader import available
from themes.tokens import (
    BACKGROUNDS,
    DENSITIES,
    FONTS,
    RADII,
    BrandColours,
    ThemeValueRefused,
    derive,
)

PLAIN = {
    "name": "",
    "main": "",
    "accent": "",
    "radius": "1",
    "density": "regular",
    "font": "inter",
    "theme": "default",
    "background": "waves",
}
"""Values of one word or colour, and what they are where nobody chose."""

FIELDS = (*PLAIN, "menu", "cards", "texts")
"""Everything of a look but its pictures."""

MENU_MAX = 24
_PATH = re.compile(r"/[a-z0-9/_-]{0,60}")
_SURFACE = "#ffffff"
_INK = "#111827"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one colour does: yours, the one that is used instead, and why.

    `shades` are what it becomes where: a place, a colour, its contrast to what lies beneath.
    """

    field: str
    label: str
    yours: str
    used: str
    ratio: float
    wanted: float
    text: str
    shades: tuple[tuple[str, str, float], ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the colour is used as it was given."""
        return self.ratio >= self.wanted


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the look that was typed; raise InvalidInput with one sentence a field.

    Errors of lists are named `menu-<portal>` and `cards-<portal>`, those of a text
    `text-<key>-<language>`.
    """
    look: dict[str, Any] = {
        name: str(values.get(name) or standard).strip() for name, standard in PLAIN.items()
    }
    errors: dict[str, str] = {}
    if not 2 <= len(look["name"]) <= 80 or not look["name"].isprintable():
        errors["name"] = "Give the name your clients read, in 2 to 80 characters."
    for name, label in (("main", "Main colour"), ("accent", "Accent colour")):
        try:
            BrandColours(look[name], "#000000")
        except ThemeValueRefused:
            errors[name] = f"{label}: write # and six hex digits, for example #0B2545."
    known: dict[str, Sequence[str]] = {
        "radius": RADII,
        "density": tuple(DENSITIES),
        "font": tuple(FONTS),
        "theme": available(),
        "background": tuple(BACKGROUNDS),
    }
    for name, allowed in known.items():
        if look[name] not in allowed:
            errors[name] = f"Choose one of {', '.join(allowed)}."
    look["menu"] = _each_portal(values.get("menu"), "menu", _menu, errors)
    look["cards"] = _each_portal(values.get("cards"), "cards", _cards, errors)
    look["texts"] = _texts(values.get("texts"), errors)
    if errors:
        raise InvalidInput(errors)
    return look


def passable(values: Mapping[str, Any], fallback: Mapping[str, Any]) -> dict[str, Any]:
    """Return the look that was typed so far, with what does not pass as it was before."""
    look = {name: values.get(name) for name in FIELDS}
    try:
        return checked(look)
    except InvalidInput as error:
        for name in error.fields:
            field, _, rest = name.partition("-")
            if field == "text":
                key, _, language = rest.partition("-")
                look["texts"] = _dropped(look["texts"], key, language)
            else:
                whole = field if field in FIELDS else name
                look[whole] = fallback.get(whole)
    return checked(look)


def _dropped(texts: object, key: str, language: str) -> dict[str, Any]:
    """Return texts without one of them."""
    if not isinstance(texts, dict) or key not in brand_texts.BY_KEY:
        return {}
    inner = texts.get(key)
    kept = {one: said for one, said in inner.items() if one != language} if inner else {}
    return {**texts, key: kept}


def _each_portal(
    chosen: object, field: str, check: Callable[[str, object], Any], errors: dict[str, str]
) -> dict[str, Any]:
    """Check what was chosen for each portal, and name what is wrong by its portal."""
    if not chosen:
        return {}
    if not isinstance(chosen, dict) or not set(chosen) <= set(PORTALS):
        errors[f"{field}-{PORTALS[0]}"] = f"Choose for {' and '.join(PORTALS)} only."
        return {}
    found = {}
    for portal, value in chosen.items():
        try:
            found[portal] = check(portal, value)
        except ValueError as refused:
            errors[f"{field}-{portal}"] = str(refused)
    return found


def _menu(portal: str, value: object) -> dict[str, list[str]]:
    if not isinstance(value, dict) or not set(value) <= {"order", "hidden"}:
        raise ValueError("A menu has an order and what is hidden, and nothing else.")
    order, hidden = (_paths(value.get(name, [])) for name in ("order", "hidden"))
    kept = MUST[portal].intersection(hidden)
    if kept:
        raise ValueError(f"{', '.join(sorted(kept))} must be shown. Hide another page.")
    return {"order": order, "hidden": hidden}


def _paths(value: object) -> list[str]:
    if (
        not isinstance(value, list)
        or len(value) > MENU_MAX
        or len(set(map(str, value))) != len(value)
        or not all(isinstance(one, str) and _PATH.fullmatch(one) for one in value)
    ):
        raise ValueError(f"Name at most {MENU_MAX} pages, each once and by its path.")
    return list(value)


def _cards(portal: str, value: object) -> list[str]:
    if not isinstance(value, list) or sorted(map(str, value)) != sorted(CARDS[portal]):
        raise ValueError(f"Give each card one place: {', '.join(CARDS[portal])}.")
    return list(value)


def _texts(chosen: object, errors: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the texts that say something; an empty one leaves the word to the product."""
    if not isinstance(chosen, dict):
        return {}
    found: dict[str, dict[str, str]] = {}
    for key, said in chosen.items():
        inner = said if isinstance(said, dict) else {"": said}
        if (
            key not in brand_texts.BY_KEY
            or not set(inner) <= set(LANGUAGES)
            or not all(isinstance(one, str) for one in inner.values())
        ):
            errors[f"text-{TEXTS[0].key}-en"] = "There is a text here that no page shows."
            continue
        for language, text in inner.items():
            plain = str(text).strip()
            if refused := brand_texts.refusal(key, language, plain):
                errors[f"text-{key}-{language}"] = refused
            elif plain:
                found.setdefault(key, {})[language] = plain
    return found


def findings(main: str, accent: str) -> tuple[Finding, ...]:
    """Measure both colours where they are used; raise ThemeValueRefused for what is no colour."""
    light = derive(BrandColours(main, accent)).light
    readable = max(contrast(main, _SURFACE), contrast(main, _INK))
    visible = contrast(accent, _SURFACE)
    solid = light["brand-solid"]
    return (
        Finding(
            *("main", "Main colour", main, light["brand-solid"], readable, 4.5),
            "Words on a button of this colour, white or dark, whichever reads better.",
            (
                ("Buttons", solid, contrast(solid, light["on-brand"])),
                ("Links", light["link"], contrast(light["link"], _SURFACE)),
                ("Words", light["brand-ink"], contrast(light["brand-ink"], _SURFACE)),
            ),
        ),
        Finding(
            *("accent", "Accent colour", accent, light["accent"], visible, 3.0),
            "Lines and points of this colour on a white card.",
            (
                ("Fills", accent, visible),
                ("Charts", light["accent"], contrast(light["accent"], _SURFACE)),
                ("Words", light["accent-ink"], contrast(light["accent-ink"], _SURFACE)),
            ),
        ),
    )


def mended(look: Mapping[str, Any]) -> dict[str, Any]:
    """Return the look with each colour that fails replaced by the nearest that passes."""
    fixed = {one.field: one.used for one in findings(look["main"], look["accent"])}
    return {**look, **fixed}
