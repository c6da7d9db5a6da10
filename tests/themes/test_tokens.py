"""Themes stay readable whatever colours come in, and hold nothing but colours."""

import random
import re

import pytest

from themes.colour import contrast, from_oklch, mix, to_oklch
from themes.tokens import BrandColours, ThemeTokens, ThemeValueRefused, derive, theme_css

SURFACES = {
    "light": ("#ffffff", "#f5f6f8"),
    "dark": ("#14181f", "#0c0f14"),
}


def _random_pairs(count: int) -> list[tuple[str, str]]:
    chance = random.Random(20261124)
    return [
        (f"#{chance.randrange(1 << 24):06x}", f"#{chance.randrange(1 << 24):06x}")
        for _ in range(count)
    ]


EXTREMES = [
    ("#000000", "#ffffff"),
    ("#ffffff", "#000000"),
    ("#ffff00", "#ff0000"),
    ("#777777", "#777777"),
    ("#0000ff", "#00ff00"),
    ("#ffffff", "#ffffff"),
]


def _failures(brand: str, accent: str) -> list[str]:
    tokens = derive(BrandColours(brand, accent))
    failed = []
    for mode, (surface, canvas) in SURFACES.items():
        values = tokens.light if mode == "light" else tokens.dark
        text = [
            ("on-brand", values["brand-solid"], 4.5),
            ("on-brand", values["brand-solid-hover"], 4.5),
            ("brand-ink", surface, 4.5),
            ("brand-ink", values["brand-soft"], 4.5),
            ("accent-ink", surface, 4.5),
            ("accent-ink", canvas, 4.5),
            ("accent-ink", values["accent-soft"], 4.5),
            ("link", surface, 4.5),
            ("link", canvas, 4.5),
            ("link", values["link-soft"], 4.5),
            ("hero-ink", values["hero-1"], 5),
            ("hero-ink", values["hero-2"], 4.5),
            ("focus", surface, 3),
            ("accent", surface, 3),
        ]
        failed += [
            f"{mode} {role} on {ground}: {contrast(values[role], ground):.2f}"
            for role, ground, minimum in text
            if contrast(values[role], ground) < minimum
        ]
        glow = int(values["hero-glow"].rstrip("%")) / 100
        lit = mix(accent, values["hero-2"], glow)
        if glow and contrast("#ffffff", lit) < 5:
            failed.append(f"{mode} white under the glow")
    return failed


def test_every_role_is_readable_for_hundreds_of_random_pairs() -> None:
    """Text keeps 4.5:1 and graphics 3:1, light and dark, for 300 seeded pairs and the extremes."""
    broken = {pair: _failures(*pair) for pair in [*EXTREMES, *_random_pairs(300)]}

    assert {pair: failed for pair, failed in broken.items() if failed} == {}


def test_a_brand_that_reads_is_left_as_it_is() -> None:
    """Meridian's navy button is exactly the colour the brokerage chose."""
    tokens = derive(BrandColours("#0B2545", "#13A89E"))

    assert tokens.light["brand-solid"] == "#0B2545"
    assert tokens.light["link"] == "#117972"


def test_a_navy_button_does_not_vanish_on_a_dark_card() -> None:
    """In dark mode the button is lifted to 3:1 against the card."""
    tokens = derive(BrandColours("#0B2545", "#13A89E"))

    assert contrast(tokens.dark["brand-solid"], "#14181f") >= 3


def test_a_reddish_accent_does_not_draw_sparklines() -> None:
    """Growth in Kestrel's coral would look like a loss."""
    tokens = derive(BrandColours("#5B2A86", "#FF7F6B"))

    assert tokens.light["spark"] == tokens.light["brand-ink"]


def test_corrections_are_told() -> None:
    """Noor's gold is too pale for words, and the notes say what is used instead."""
    tokens = derive(BrandColours("#0F5132", "#C9A227"))

    assert any(tokens.light["accent-ink"] in note for note in tokens.notes)


@pytest.mark.parametrize(
    "values",
    [
        ("#12345", "#123456", "1", "inter"),
        ("red", "#123456", "1", "inter"),
        ("#123456;}body{display:none", "#123456", "1", "inter"),
        ("#123456\n", "#123456", "1", "inter"),
        ("#123456", "url(//evil.example)", "1", "inter"),
        ("#123456", "#123456", "2", "inter"),
        ("#123456", "#123456", "1;color:red", "inter"),
        ("#123456", "#123456", "1", "Comic Sans"),
    ],
)
def test_anything_but_colours_scales_and_shipped_fonts_is_refused(values: tuple[str, ...]) -> None:
    """A value that could carry a rule never becomes part of a style sheet."""
    brand, accent, radius, font = values

    with pytest.raises(ThemeValueRefused):
        BrandColours(brand, accent, radius, font)


def test_a_token_that_is_no_colour_is_refused_on_the_way_out() -> None:
    """The style sheet checks again what it writes, whoever made the tokens."""
    tokens = derive(BrandColours("#0B2545", "#13A89E"))
    forged = ThemeTokens(tokens.colours, {**tokens.light, "link": "red;}*{x:y"}, tokens.dark)

    with pytest.raises(ThemeValueRefused):
        theme_css(forged)


def test_the_style_sheet_holds_two_rules_and_no_markup() -> None:
    """One rule for light, one for dark, declarations only."""
    css = theme_css(derive(BrandColours("#0B2545", "#13A89E", "1.25", "system")))

    assert re.findall(r"([^{}]+)\{[^{}]*\}\n", css) == [":root", '[data-bs-theme="dark"]']
    assert "<" not in css
    assert "--tblr-border-radius-scale:1.25" in css


def test_oklch_returns_the_colour_it_was_made_of() -> None:
    """There and back moves no channel by more than one step."""
    for colour, _ in _random_pairs(200):
        back = from_oklch(*to_oklch(colour))
        steps = [abs(int(colour[at : at + 2], 16) - int(back[at : at + 2], 16)) for at in (1, 3, 5)]
        assert max(steps) <= 1, (colour, back)
