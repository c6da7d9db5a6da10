"""A made-up language on every page of clients, partners and visitors, as Chromium shows it.

A second web process of the running copy reads catalogues whose every text is in brackets and by
two fifths longer. Whatever stands there without brackets, and is no data, comes from no catalogue;
whatever is cut off or makes a page wider than a telephone has no room for other languages.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from bench.eyes import Copy
from bench.pages import PARTNERS, PUBLIC, TRADER, Spot, View
from bench.pictures import Studio
from messaging import kinds, texts
from tests.browser import states, wording
from tests.browser.wording import Tally
from tests.fixtures.pseudo import CLOSE, LONGER, OPEN, bracketed

BRANDS = ("meridian", "noor")
PARTS = 12


@dataclass(frozen=True)
class Looked:
    """A page to look at; of some only a part is translated, and some hold invented values."""

    view: View
    within: str = ""
    data: tuple[str, ...] = ()


def _clients() -> Iterator[Looked]:
    """Every page of the public site, the trader's room and the partner portal, and its states."""
    for slug in BRANDS:
        for spot in (*PUBLIC, *TRADER, *PARTNERS, *states.ALL):
            yield Looked(spot.view(slug))


# Staff read English, but share the pages around signing in; what is theirs alone stands here.
STAFF = ("Staff", "Vendor console", *(label for label in kinds.STAFF.values()))
# What stands in the mails of the preview (`backoffice.settings.mail_screens`): all of it invented.
MAILED = (
    *("Omar Haddad", "Alpha-Live", "Kx7-example", "Lz8-example", "The photo is blurred."),
    *("https://my.example.com/t/abc123", "https://www.example.com/r/omar", "DEP-7F3K2M"),
)


def _shared() -> Iterator[Looked]:
    """The main part of pages that staff have in common with clients, and every built-in mail."""
    own = [Spot("team", path, "sales") for path in ("/notifications", "/offline", "/security")]
    before = [one for one in states.of_signing_in("team") if one.route != "/register"]
    for spot in (Spot("team", "/login"), *before, *own):
        yield Looked(spot.view("meridian"), "main", STAFF)
    for spot in (Spot("console", "/login"), Spot("console", "/security", "vendor")):
        yield Looked(spot.view(""), "main", STAFF)
    for template in sorted({*texts.TEMPLATES} - {"mail_test"}):  # that one goes to staff
        for language in ("en", "ar"):
            path = f"/settings/mail/preview/{template}/{language}"
            spot = Spot("team", path, "owner", label="mail")
            yield Looked(spot.view("noor"), data=MAILED)


ALL = [*_clients(), *_shared()]


def _look_at(eyes: Browser, copy: Copy, pages: Iterable[Looked]) -> Tally:
    tally = Tally()
    studio = Studio(eyes, copy, scale=1)
    for one in pages:
        name = "-".join(word for word in (one.view.slug, one.view.name) if word)
        try:
            page = studio.open(one.view)
        except Exception as error:  # noqa: BLE001 - the other pages are worth looking at
            tally.wrong.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        tally.look_at(page, name, within=one.within, data=one.data)
        page.close()
    studio.close()
    return tally


@pytest.mark.browser
@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_every_text_is_bracketed_and_has_room_to_grow(
    eyes: Browser, bracketed_copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    """All pages and their states, both brands, left to right and right to left, and all mails."""
    begun = time.monotonic()
    tally = _look_at(eyes, bracketed_copy, ALL)
    with capsys.disabled():
        sys.stdout.write(f"\n{tally} seconds={time.monotonic() - begun:.0f}\n")
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_the_pages_whose_turn_it_is_today_are_bracketed(
    eyes: Browser, bracketed_copy: Copy
) -> None:
    """A twelfth of all pages and states: another one each day, neighbours for few sign-ins."""
    turn = datetime.now(UTC).toordinal() % PARTS
    first, last = len(ALL) * turn // PARTS, len(ALL) * (turn + 1) // PARTS
    tally = _look_at(eyes, bracketed_copy, ALL[first:last])
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.fixture(scope="module")
def sheet(eyes: Browser) -> Iterator[Page]:
    """An empty page for markup made on purpose."""
    page = eyes.new_page()
    yield page
    page.close()


_WORD, _COUNTRY = f"{OPEN}Woord{CLOSE}", "Deutschland"
_STYLE = "<style>p::after{{content:'{}'}}</style><p></p>"
_LATER = "<p id=late></p><script>late.textContent = '{}'</script>"


@pytest.mark.browser
@pytest.mark.parametrize(
    "markup",
    [
        "<p>{}</p>",
        "<p hidden>{}</p>",
        "<dialog>{}</dialog>",
        "<details><summary></summary>{}</details>",
        "<select><option>{}</option></select>",
        "<button>{}</button>",
        "<svg><text>{}</text></svg>",
        "<p aria-label='{}'></p>",
        "<input placeholder='{}'>",
        "<img alt='{}'>",
        "<p title='{}'></p>",
        "<input type=submit value='{}'>",
        "<body data-copied='{}'>",
        "<p data-anything='{0} {0}'></p>",
        "<title>{}</title>",
        "<meta name=description content='{}'>",
        _STYLE,
        _LATER,
    ],
)
def test_the_judge_sees_a_text_without_brackets_wherever_it_stands(
    sheet: Page, markup: str
) -> None:
    """Shown now or later, read out, drawn by a style sheet or by a script."""
    for text, wanted in (("Word", 1), (_WORD, 0)):
        assert len(_found(sheet, markup.format(text))) == wanted


@pytest.mark.browser
@pytest.mark.parametrize(
    ("markup", "faults"),
    [
        (f"<p>{_WORD} and more</p>", 1),
        (f"<p>{OPEN}You have <b>5 accounts</b> here{CLOSE}</p>", 0),
        (f"<p>{OPEN}Cut off in the mid</p><p>{_WORD}</p>", 1),
        (f"<p>Cut off at the start{CLOSE}</p>", 1),
        (f"<p>{OPEN}Shortened on purpose…</p><p>{_WORD}</p>", 0),
        ("<p><bdi>Maya Lindgren</bdi> <time>6 min ago</time> 12.50 USD, DEP-7F3K2MXY</p>", 0),
        (f"<select><option>{_COUNTRY}</option></select>", 0),
        (f"<p>{_COUNTRY} and more</p>", 1),
        ("<select><option>Germany</option></select>", 1),
        ("<p translate=no>EURUSD</p><p>\u2066EURUSD\u2069</p>", 0),
        ("<p>a@b.example</p>", 0),
    ],
)
def test_the_judge_tells_data_from_words(sheet: Page, markup: str, faults: int) -> None:
    """Data is told by its markup or its form; a country is one in the page's language only."""
    assert len(_found(sheet, markup)) == faults


def _found(sheet: Page, markup: str) -> list[str]:
    sheet.set_content(f"<!doctype html><html lang=de>{markup}")
    return wording.look(sheet).unbracketed


def test_bracketed_texts_are_longer_and_keep_the_places_of_values() -> None:
    """What `%` and templates fill in, and markup, stay as they are."""
    text = "Send %(amount)s to %s, %d %% of <b>it</b>, {{ client.name }} and {name} &amp; more"
    made = bracketed(text)

    assert made.startswith(f"{OPEN}Seend %(amount)s too %s, %d %% oof <b>iit</b>,")
    assert "{{ client.name }} aand {name} &amp; mooree" in made
    assert len(made) >= LONGER * len(text)
