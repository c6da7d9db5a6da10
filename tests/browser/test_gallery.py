"""Every page of both brands, wide and on a phone, light and dark: looked at, and photographed."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from bench.eyes import PHONE, WIDE, Copy
from bench.pages import HOST_OF, NO_PAGE, OF_A_BROKERAGE, OF_THE_VENDOR, Spot, View
from bench.pictures import Studio, quick_webp
from entrypoints import routes
from tests.browser import judge

OUT = Path(__file__).resolve().parents[2] / "build" / "gallery"
BRANDS = ("meridian", "noor")
PARTS = 12
_STYLE = "figure{display:inline-block;width:320px;vertical-align:top}img{width:100%}"


def _views(spots: Iterable[Spot], slugs: tuple[str, ...] = BRANDS) -> list[View]:
    return [spot.view(slug) for slug in slugs for spot in spots]


ALL = [*_views(OF_A_BROKERAGE), *_views(OF_THE_VENDOR, ("",))]


def _looks(page: Page) -> Iterable[tuple[str, list[str]]]:
    """Show the page in each width and mode, and say what is wrong with it there."""
    judge.prepare(page)
    for mode in ("light", "dark"):
        page.evaluate("mode => document.documentElement.setAttribute('data-bs-theme', mode)", mode)
        for size in (WIDE, PHONE):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            yield f"{size[0]}-{mode}", judge.faults(page)


def _complaints(studio: Studio, views: Iterable[View], out: Path | None = None) -> list[str]:
    """Look at pages, keep their pictures when asked to, and return whatever is wrong."""
    wrong: list[str] = []
    figures: list[str] = []
    for view in views:
        name = "-".join(word for word in (view.slug, view.name) if word)
        try:
            page = studio.open(view)
        except Exception as error:  # noqa: BLE001 - the other pages are worth looking at
            wrong.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        for look, faults in _looks(page):
            wrong += [f"{name} {look}: {fault}" for fault in faults]
            if out is not None:
                file = f"{name}-{look}.webp"
                (out / file).write_bytes(quick_webp(page.screenshot(full_page=True)))
                shown = html.escape(file)
                figures.append(
                    f"<figure><a href='{shown}'><img loading='lazy' src='{shown}'></a>"
                    f"<figcaption>{shown}</figcaption></figure>"
                )
        page.close()
    if out is not None:
        (out / "index.html").write_text(
            f"<!doctype html><meta charset=utf-8><title>Gallery</title><style>{_STYLE}</style>"
            + "\n".join(figures),
            encoding="utf-8",
        )
    return wrong


@pytest.mark.browser
@pytest.mark.prove
@pytest.mark.timeout(3000)
def test_no_page_has_a_violation_is_too_wide_or_cuts_words_off(
    eyes: Browser, copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    """All pages, both brands, two widths, light and dark; the gallery lies in build/gallery."""
    OUT.mkdir(parents=True, exist_ok=True)
    studio = Studio(eyes, copy, scale=1)
    wrong = _complaints(studio, ALL, OUT)
    studio.close()
    line = f"gallery: pages={len(ALL)} looks={len(ALL) * 4} faults={len(wrong)}"
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
    assert wrong == []


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_the_pages_whose_turn_it_is_today_have_nothing_wrong(eyes: Browser, copy: Copy) -> None:
    """A twelfth of all pages: another one each day."""
    turn = datetime.now(UTC).toordinal() % PARTS
    studio = Studio(eyes, copy, scale=1)
    wrong = _complaints(studio, ALL[turn::PARTS])
    studio.close()
    assert wrong == []


def test_every_route_that_answers_with_a_page_is_in_the_gallery() -> None:
    """A new page is looked at by itself, or says why it need not be."""
    known = {(spot.host, spot.route) for spot in (*OF_A_BROKERAGE, *OF_THE_VENDOR)}
    answered = {
        (surface.name, path)
        for surface in routes.surfaces()
        for route in surface.routes
        if "GET" in {str(method) for method in getattr(route, "http_methods", ())}
        and not re.match(r"/(api|hooks)/", next(iter(route.paths)))
        for path in route.paths
    }
    missing = {
        (surface, path)
        for surface, path in answered
        if (HOST_OF[surface], path) not in known and (surface, path) not in NO_PAGE
    }
    assert missing == set()
    gone = {(spot.host, spot.route) for spot in (*OF_A_BROKERAGE, *OF_THE_VENDOR)} - {
        (HOST_OF[surface], path) for surface, path in answered
    }
    assert gone == set()
    assert set(NO_PAGE) <= answered


@pytest.mark.browser
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<p style='inline-size:60px;overflow:hidden;white-space:nowrap'>far too long a word</p>",
         "cut at the side"),
        ("<p style='block-size:10px;overflow:hidden'>words below words</p>", "cut below"),
        ("<b style='display:block;inline-size:9px'>Unbreakable</b>", "cut at the side"),
        ("<i style='display:block;inline-size:5000px'>wide</i>", "wider than the screen"),
        ("<p style='color:#ccc;background:#fff'>pale</p>", "color-contrast"),
    ],
)  # fmt: skip
def test_the_judge_sees_what_is_wrong(eyes: Browser, body: str, fault: str) -> None:
    """A fault made on purpose is found; without one the page is in order."""
    page = eyes.new_page()
    whole = "<!doctype html><html lang=en><title>Page</title><main>{}</main></html>"
    for content, wanted in ((body, True), ("<p>In order.</p>", False)):
        page.set_content(whole.format(content))
        judge.prepare(page)
        assert any(fault in found for found in judge.faults(page)) is wanted
    page.close()
