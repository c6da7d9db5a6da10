"""Turn a brokerage's two colours into a complete light and dark theme that stays readable.

Text roles keep at least 4.5:1 and graphics 3:1 (WCAG 2 AA) whatever colours come in: hue is
kept, OKLCH lightness moves. Every value is checked on the way in and on the way out, so that
the style sheet may be written without escaping.
"""

import hashlib
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from themes.colour import contrast, fit, from_oklch, mix, to_oklch

FONTS = {
    "inter": '"Inter Variable","Noto Sans Arabic Variable",system-ui,sans-serif',
    "manrope": '"Manrope Variable","Noto Sans Arabic Variable",system-ui,sans-serif',
    "readex": '"Readex Pro Variable",system-ui,sans-serif',
    "source-serif": '"Source Serif 4 Variable","Noto Naskh Arabic Variable",ui-serif,serif',
    "system": 'system-ui,"Noto Sans Arabic Variable",sans-serif',
}
"""Fonts a brokerage may choose: name to CSS font stack, all shipped or on the device.

Each has a style sheet `vendor/font-<name>.css`, made at set-up.
"""

FONT_LABELS = {
    "inter": "Inter, with Noto Sans Arabic",
    "manrope": "Manrope, with Noto Sans Arabic",
    "readex": "Readex Pro, Latin and Arabic of one hand",
    "source-serif": "Source Serif, with Noto Naskh Arabic",
    "system": "The font of the reader's device",
}
"""What the fonts are called where one is chosen."""

RADII = ("0", "1", "1.25")
"""Scale of corner rounding: square, normal, round."""

DENSITIES = {"compact": "34px", "regular": "40px", "loose": "46px"}
"""Height of a table's rows where the page does not choose its own."""

BACKGROUNDS = {
    "waves": "A line of a chart",
    "grid": "Fine grid",
    "rings": "Rings",
    "plain": "Plain gradient",
    "picture": "Your picture",
}
"""What stands behind the words beside a sign-in form: drawn from the colours, or a picture."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_VALUE = re.compile(r"#[0-9a-fA-F]{6}|\d{1,2}%")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")

_WHITE, _INK, _NIGHT = "#ffffff", "#111827", "#0c0f14"
_TEXT, _GRAPHIC = 4.6, 3.0
_SURFACES = {
    "light": {"canvas": "#f5f6f8", "surface": _WHITE},
    "dark": {"canvas": _NIGHT, "surface": "#14181f"},
}


class ThemeValueRefused(ValueError):
    """A colour, radius or font that a theme may not hold; the message says what is allowed."""


@dataclass(frozen=True)
class BrandColours:
    """What a brokerage chooses: two colours as `#rrggbb`, corners, a font name and a density.

    Raises ThemeValueRefused when a value is anything else.
    """

    brand: str
    accent: str
    radius: str = "1"
    font: str = "inter"
    density: str = "regular"

    def __post_init__(self) -> None:
        """Refuse every value that could carry more than a colour, a scale or a font name."""
        for label, value in (("Main colour", self.brand), ("Accent colour", self.accent)):
            if not _HEX.fullmatch(value):
                raise ThemeValueRefused(
                    f"{label}: write a colour as # and six hex digits, for example #0B2545."
                )
        if self.radius not in RADII:
            raise ThemeValueRefused(f"Corners: choose one of {', '.join(RADII)}.")
        if self.font not in FONTS:
            raise ThemeValueRefused(f"Font: choose one of {', '.join(sorted(FONTS))}.")
        if self.density not in DENSITIES:
            raise ThemeValueRefused(f"Density: choose one of {', '.join(DENSITIES)}.")


@dataclass(frozen=True)
class ThemeTokens:
    """A derived theme: token name to value for both modes, and what was corrected and why."""

    colours: BrandColours
    light: dict[str, str]
    dark: dict[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Button:
    solid: str
    text: str


def _button(brand: str) -> _Button:
    """The brand as given when white or ink reads on it, else darkened until white does."""
    for text in (_WHITE, _INK):
        if contrast(brand, text) >= 4.5:
            return _Button(brand, text)
    return _Button(fit(brand, [(_WHITE, 4.5)], -0.005), _WHITE)


def _button_on_dark(button: _Button, surface: str) -> _Button:
    """Lift a button that would vanish on a dark card to 3:1 against it."""
    if contrast(button.solid, surface) >= _GRAPHIC:
        return button
    solid = fit(button.solid, [(surface, 3.05)], 0.005)
    return _Button(solid, _WHITE if contrast(solid, _WHITE) >= 4.5 else _NIGHT)


def _hover(button: _Button) -> str:
    near_black = to_oklch(button.solid)[0] < 0.33
    shades = (_WHITE, "#000000") if near_black else ("#000000", _WHITE)
    for shade in shades:
        candidate = mix(shade, button.solid, 0.10)
        if contrast(candidate, button.text) >= 4.5:
            return candidate
    return button.solid


def _hero(brand: str, accent: str) -> dict[str, str]:
    """Dark brand gradient on which white keeps 5:1 even under the accent's glow."""
    lightness, chroma, hue = to_oklch(brand)
    first = from_oklch(min(lightness, 0.36), min(chroma, 0.13), hue)
    second = from_oklch(min(lightness, 0.36) + 0.09, min(chroma, 0.13) * 1.1, hue)
    glow = next(
        share
        for share in (34, 30, 26, 22, 18, 14, 10, 6, 0)
        if share == 0 or contrast(_WHITE, mix(accent, second, share / 100)) >= 5
    )
    light = fit(accent, [(first, 4.5)], 0.005)
    # A pattern lies on the brightest place at worst, and a picture may be white all over.
    brightest = mix(accent, second, glow / 100)
    line = next(
        share
        for share in (16, 12, 9, 6, 3, 0)
        if share == 0 or contrast(_WHITE, mix(light, brightest, share / 100)) >= _TEXT
    )
    scrim = next(
        share
        for share in range(56, 100)
        if share == 99 or contrast(_WHITE, mix(first, _WHITE, share / 100)) >= _TEXT
    )
    return {
        "hero-1": first,
        "hero-2": second,
        "hero-glow": f"{glow}%",
        "hero-ink": _WHITE,
        "hero-accent": light,
        "hero-line": f"{line}%",
        "hero-scrim": f"{scrim}%",
    }


def _mode(colours: BrandColours, mode: str) -> dict[str, str]:
    brand, accent = colours.brand, colours.accent
    dark = mode == "dark"
    step = 0.005 if dark else -0.005
    surface, canvas = _SURFACES[mode]["surface"], _SURFACES[mode]["canvas"]
    side = mix(brand, canvas, 0.05 if dark else 0.025)
    soft = mix(brand, surface, 0.22 if dark else 0.07)
    accent_soft = mix(accent, surface, 0.18 if dark else 0.11)
    button = _button(brand)
    if dark:
        button = _button_on_dark(button, surface)
    grounds = [(surface, _TEXT), (canvas, _TEXT)]
    brand_ink = fit(brand, [*grounds, (soft, _TEXT)], step)
    accent_ink = fit(accent, [*grounds, (accent_soft, _TEXT)], step)
    graphic = fit(accent, [(surface, _GRAPHIC)], step)
    near_ink = to_oklch(brand)[0] < 0.33
    link = accent_ink if near_ink else brand_ink
    reddish = 5 <= math.degrees(to_oklch(accent)[2]) % 360 <= 55
    visible = brand_ink if dark or contrast(brand, surface) < _GRAPHIC else brand
    return {
        "brand": brand,
        "brand-solid": button.solid,
        "brand-solid-hover": _hover(button),
        "on-brand": button.text,
        "brand-ink": brand_ink,
        "brand-soft": soft,
        "brand-line": mix(brand_ink if dark else brand, surface, 0.26),
        "accent": graphic,
        "accent-raw": accent,
        "accent-ink": accent_ink,
        "accent-soft": accent_soft,
        "link": link,
        "link-soft": accent_soft if near_ink else soft,
        "focus": fit(link, [(surface, _GRAPHIC), (canvas, _GRAPHIC)], step),
        **_hero(brand, accent),
        "side": side,
        "chart-1": visible,
        "chart-2": graphic,
        "spark": brand_ink if reddish else graphic,
        "chart-3": mix(brand_ink, surface, 0.55),
        "chart-4": mix(graphic, surface, 0.5) if dark else mix(accent_ink, surface, 0.55),
    }


def _notes(colours: BrandColours, light: dict[str, str]) -> tuple[str, ...]:
    notes = []
    if light["brand-solid"] != colours.brand:
        notes.append(
            f"Main colour {colours.brand}: buttons use {light['brand-solid']}, "
            "because neither white nor dark text reads on yours."
        )
    if light["accent"].lower() != colours.accent.lower():
        ratio = contrast(colours.accent, _WHITE)
        notes.append(
            f"Accent {colours.accent} is {ratio:.1f}:1 on white: charts use {light['accent']}, "
            f"words use {light['accent-ink']}."
        )
    if to_oklch(colours.brand)[0] < 0.33:
        notes.append(
            f"Main colour {colours.brand} is as dark as text: links and focus use {light['link']}."
        )
    return tuple(notes)


# Mails carry the colours too. Nobody changes the tokens that come back.
@lru_cache(maxsize=1024)
def derive(brand: BrandColours) -> ThemeTokens:
    """Derive every brand role, light and dark, from the colours a brokerage chose."""
    light = _mode(brand, "light")
    return ThemeTokens(brand, light, _mode(brand, "dark"), _notes(brand, light))


def _declarations(tokens: dict[str, str], colours: BrandColours) -> str:
    for name, value in tokens.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ThemeValueRefused(f"Token {name} holds a value that is neither colour nor share.")
    solid = tokens["brand-solid"]
    red, green, blue = (int(solid[at : at + 2], 16) for at in (1, 3, 5))
    lines = [f"--mq-{name}:{value}" for name, value in tokens.items()]
    lines += [
        f"--tblr-primary:{solid}",
        f"--tblr-primary-rgb:{red},{green},{blue}",
        f"--tblr-link-color:{tokens['link']}",
        f"--tblr-border-radius-scale:{colours.radius}",
        f"--mq-font:{FONTS[colours.font]}",
        f"--mq-row:{DENSITIES[colours.density]}",
    ]
    return ";".join(lines)


def theme_css(tokens: ThemeTokens) -> str:
    """Write the style sheet of one brand, light and dark; safe to serve as it is.

    Raises ThemeValueRefused when a token holds anything but a colour or a percentage.
    """
    light = _declarations(tokens.light, tokens.colours)
    dark = _declarations(tokens.dark, tokens.colours)
    return f':root{{{light}}}\n[data-bs-theme="dark"]{{{dark}}}\n'


# Every page names the version, and deriving a theme takes longer than rendering the page.
@lru_cache(maxsize=1024)
def theme_version(colours: BrandColours) -> str:
    """Twelve hex digits that change whenever the style sheet of these colours does."""
    return hashlib.sha256(theme_css(derive(colours)).encode()).hexdigest()[:12]
