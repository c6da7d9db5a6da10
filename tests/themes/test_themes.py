"""Every page works in every theme, and a theme shows nothing but its own and the default's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from entrypoints.static_files import StaticFiles
from themes import catalogue, loader, specimens
from themes.loader import available, described, render, static

PHYSICAL = re.compile(
    r"(?<![-\w])(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right):"
)
OTHERS = [name for name in available() if name != "default"]
LANDMARKS = re.compile(r'<(main|nav|header|footer|aside|h1|form)\b|id="([a-z][\w-]*)"|name="(\w+)"')


def _pages(theme: str, brand: int) -> dict[str, str]:
    made = replace(specimens.BRANDS[brand], theme=theme)
    return {
        name: render(template, specimens.page(made, surface, title), **context)
        for name, template, surface, title, context in catalogue._specimens(made)
    }


def test_a_theme_has_a_name_that_is_shown_and_changes_three_templates() -> None:
    """The default one comes first; each other one brings a sheet and templates of its own."""
    assert [theme.name for theme in described()] == ["default", "folio", "stage"]
    assert all(theme.title and theme.description.endswith(".") for theme in described())
    for name in OTHERS:
        assert len(list((loader.ROOT / name / "templates").rglob("*.html"))) >= 3
        assert (loader.ROOT / name / "static/theme.css").is_file()


@pytest.mark.parametrize("brand", range(2))
@pytest.mark.parametrize("theme", OTHERS)
def test_every_page_has_in_every_theme_what_it_has_in_the_default_one(
    theme: str, brand: int
) -> None:
    """The same landmarks, headings, forms, fields and ids, in the same number."""
    plain, dressed = _pages("default", brand), _pages(theme, brand)

    for name, html in plain.items():
        assert sorted(LANDMARKS.findall(dressed[name])) == sorted(LANDMARKS.findall(html)), name


@pytest.mark.parametrize("theme", OTHERS)
def test_a_themes_sheet_is_on_its_pages_and_never_on_those_of_staff(theme: str) -> None:
    """Before the brand's own colours, under the hash of its content."""
    pages = _pages(theme, 0)
    address = static(f"themes/{theme}/theme.css")

    assert re.fullmatch(rf"/static/themes/{theme}/theme\.css\?v=[0-9a-f]{{10}}", address)
    for name in ("trader", "landing", "login", "deposit", "register"):
        assert address in pages[name]
        order = [pages[name].index(text) for text in ("/static/pages.css", address, '"/theme.css')]
        assert order == sorted(order)
        assert f" {theme}" in pages[name]
    assert address not in pages["staff"]


@pytest.mark.parametrize("theme", ["../folio", "folio/../stage", "locale", "", "folio.", "FOLIO"])
def test_a_theme_that_is_none_gets_the_default_pages(theme: str) -> None:
    """A folder is no theme, and no name leads out of the folder of themes."""
    assert _pages(theme, 0)["login"] == _pages("default", 0)["login"]


async def _asked(files: StaticFiles, path: str) -> int:
    told: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            told.append(int(str(message["status"])))

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    await files(scope, None, send)  # type: ignore[arg-type]
    return told[0]


async def test_a_themes_files_are_served_and_nothing_beside_them() -> None:
    """Neither its templates and tokens, nor another theme's file by a step upwards."""
    files = StaticFiles(loader.static_path(), loader.static_folders())

    assert await _asked(files, "/static/themes/folio/theme.css") == 200
    for trick in (
        "themes/folio/../tokens.toml",
        "themes/folio/../../stage/static/theme.css",
        "themes/folio/../templates/layouts/auth.html",
        "themes/folio/../../loader.py",
        "themes/default/marque.css",
        "themes/locale/de/LC_MESSAGES/messages.po",
        "themes/folio//etc/passwd",
    ):
        assert await _asked(files, f"/static/{trick}") == 404, trick


@pytest.mark.parametrize("theme", OTHERS)
def test_a_sheet_is_small_and_knows_no_left_and_right(theme: str) -> None:
    """Pages keep their weight, and one sheet serves both directions of writing."""
    text = Path(loader.ROOT / theme / "static/theme.css").read_text(encoding="utf-8")

    assert len(text) < 12_000
    assert not re.search(
        r"(?<![-\w])(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right):", text
    )
    assert "http" not in text
