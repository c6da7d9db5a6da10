"""Pages keep to the budgets of weight, and what they need of Tabler is in the purged sheet."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import brotli
import pytest

from themes import catalogue, specimens
from themes.loader import render, static_path
from themes.tokens import FONTS, derive, theme_css
from tools import fonts, frontend, purge

TRADER, STAFF, CHARTS = 170_000, 200_000, 170_000
PARTS = {
    "vendor/tabler.min.css": 25_000,
    "vendor/tabler.rtl.min.css": 25_000,
    "vendor/icons.svg": 8_000,
    "vendor/echarts.min.js": CHARTS,
}
PAGES = [
    (brand, name, template, surface, title, context)
    for brand in specimens.BRANDS
    for name, template, surface, title, context in catalogue._specimens(brand)
]
NAMES = [f"{brand.slug}-{name}" for brand, name, *_ in PAGES]


@pytest.fixture(scope="module", autouse=True)
def _vendor() -> None:
    """The vendor folder, brought up to date."""
    subprocess.run([sys.executable, "tools/frontend.py", "dev"], cwd=frontend.ROOT, check=True)


@cache
def _sent(name: str) -> int:
    """How many bytes of a static file travel: fonts as they are, text in Brotli."""
    data = (static_path() / name).read_bytes()
    return len(data) if name.endswith(".woff2") else len(brotli.compress(data, quality=11))


def _font_files(html: str, font: str) -> set[str]:
    """The font files that the characters of a page ask for."""
    shown = {ord(character) for character in re.sub(r"<[^>]*>", "", html)}
    sheet = (static_path() / f"vendor/font-{font}.css").read_text(encoding="utf-8")
    families: dict[str, list[tuple[str, set[int]]]] = {}
    for face in re.findall(r"@font-face\s*{[^}]*}", sheet):
        (file,) = re.findall(r"url\(([^)]+)\)", face)
        (family,) = re.findall(r"font-family: '([^']+)'", face)
        codes = {code for code in shown if any(a <= code <= b for a, b in fonts.ranges(face))}
        families.setdefault(family, []).append((file, codes))
    # The second family is asked only for what the first has no file for.
    first, *_ = families
    own = set[int]().union(*(codes for _, codes in families[first]))
    return {
        f"vendor/{file}"
        for family, files in families.items()
        for file, codes in files
        if codes - (set() if family == first else own)
    }


def _weight(page: tuple, font: str = "inter") -> tuple[int, bool]:  # type: ignore[type-arg]
    """What a first visit costs, all that the page names and itself; whether there are charts."""
    brand, _, template, surface, title, context = page
    brand = replace(brand, colours=replace(brand.colours, font=font))
    html = render(template, specimens.page(brand, surface, title), **context)
    files = {found.split("?")[0] for found in re.findall(r'/static/([^"#]+)', html)}
    assert {"marque.css", "pages.css", "app.js"} <= files
    weight = sum(map(_sent, files | _font_files(html, font)))
    sheets = html.encode(), theme_css(derive(brand.colours)).encode()
    weight += sum(len(brotli.compress(text, quality=2)) for text in sheets)
    return weight, "vendor/echarts.min.js" in files


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_first_visit_keeps_to_its_budget(page: tuple) -> None:  # type: ignore[type-arg]
    """Everything that the page names, its fonts and itself; charts only for staff."""
    weight, charts = _weight(page)

    assert page[3] == "staff" or not charts
    assert weight <= (STAFF if page[3] == "staff" else TRADER) + charts * CHARTS


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(one, id=name)
        for one, name in zip(PAGES, NAMES, strict=True)
        if one[3] == "trader"
    ],
)
def test_every_font_of_the_list_keeps_to_the_traders_budget(
    page: tuple,  # type: ignore[type-arg]
    font: str,
) -> None:
    """In Latin and in Arabic: a brokerage may choose any."""
    assert _weight(page, font)[0] <= TRADER


@pytest.mark.parametrize("name", PARTS)
def test_a_part_keeps_to_its_budget(name: str) -> None:
    """So that one part does not live on the savings of another."""
    assert _sent(name) <= PARTS[name]


def test_our_own_rules_keep_to_their_budget() -> None:
    """Components and a brand's theme together."""
    theme = theme_css(derive(specimens.BRANDS[0].colours)).encode()

    assert _sent("marque.css") + len(brotli.compress(theme)) <= 12_000


def _classes_of_markup() -> set[str]:
    """The classes of every specimen as rendered, and those that stand in templates."""
    found: set[str] = set()
    for brand, _, template, surface, title, context in PAGES:
        html = render(template, specimens.page(brand, surface, title), **context)
        found.update(*(value.split() for value in re.findall(r'class="([^"]*)"', html)))
    for path in frontend.ROOT.glob("themes/*/templates/**/*.html"):
        for value in re.findall(r'class="((?:{{.*?}}|{%.*?%}|[^"])*)"', path.read_text("utf-8")):
            plain = re.sub(r"{{.*?}}|{%.*?%}", " ", value)
            found.update(plain.split(), *(one.split() for one in re.findall(r'"([^"]*)"', value)))
    return found


@pytest.mark.parametrize("name", frontend.SHEETS)
def test_every_rule_of_tabler_that_markup_can_meet_survives(name: str) -> None:
    """A selector all of whose classes stand in a page is in the purged sheet."""
    used = _classes_of_markup()
    whole = (frontend.MODULES / frontend.SHEETS[name]).read_text(encoding="utf-8")
    kept = (static_path() / "vendor" / name).read_text(encoding="utf-8")

    needed = _selectors(whole, used)
    assert {"btn", "form-control"} <= used & purge.classes(whole)
    assert len(needed) > 30
    assert needed <= _selectors(kept, used)


def _selectors(sheet: str, used: set[str]) -> set[str]:
    """The selectors of a sheet that ask for a class, and for no class that is not used."""
    bare = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    heads = re.findall(r"(?:^|[{};])([^{};@]+){", bare)
    selectors = {one.strip() for head in heads for one in head.split(",")}
    return {
        one
        for one in selectors
        if "(" not in one
        and ")" not in one
        and "[" not in one
        and (names := set(re.findall(r"\.([A-Za-z][\w-]*)", one)))
        and names <= used
    }


def test_every_icon_of_a_page_is_in_the_sprite() -> None:
    """Whatever way its name came there."""
    sprite = (static_path() / "vendor/icons.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))

    for brand, _, template, surface, title, context in PAGES:
        html = render(template, specimens.page(brand, surface, title), **context)
        assert set(re.findall(r"icons\.svg[^#\"]*#([a-z0-9-]+)", html)) <= known


def test_the_vendor_folder_has_no_file_that_pages_do_not_ask_for() -> None:
    """A whole Tabler or ECharts would be served by mistake."""
    largest = max(path.stat().st_size for path in Path(static_path() / "vendor").glob("*.css"))

    assert largest < 150_000
