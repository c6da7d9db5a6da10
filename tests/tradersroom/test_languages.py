"""The pages of clients in every language: what they say, where they begin, how they are chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.language import gettext, speaking
from tenants.ports import Ports
from tests.fixtures.database import ALPHA
from tests.fixtures.pseudo import SPOKEN, pseudo, unbracketed, visible
from tests.fixtures.web import Browser, host
from tests.tradersroom import people
from tools import texts

MY, IB, WWW = host("my"), host("ib"), host("www")
INSIDE = ("/", "/accounts", "/deposit", "/history", "/history?state=done", "/verification")
OUTSIDE = (
    *((MY, "/register"), (MY, "/login"), (IB, "/register"), (IB, "/login"), (WWW, "/")),
    *((WWW, "/thanks"), (WWW, "/embed/lead"), (WWW, "/embed/thanks"), (MY, "/verify/unknown")),
)
DATA = (
    *("Sofia Keller", "SK", ALPHA.name, "Alpha", "Sofia"),
    *("MetaTrader", "MT5", "JPG", "PNG", "PDF", "CSV"),
)


def sentences(spoken: str) -> dict[str, str]:
    """Return English sentences of three words or more that the language says otherwise."""
    with speaking(spoken):
        return {
            text: gettext(text)
            for text in texts.used()
            if isinstance(text, str) and text.count(" ") >= 2 and "%" not in text
        }


async def pages(browser: Browser, ports: Ports, spoken: str) -> dict[str, str]:
    """Return the pages that anybody sees, and then those of a new client, by address."""
    found = {}
    for place, path in OUTSIDE:
        answer = await browser.get(place, f"{path}?lang={spoken}")
        assert answer.status_code in (200, 404), (place, path)
        found[f"{place}{path}"] = answer.text
    await people.sign_up(browser, ports)
    for path in INSIDE:
        answer = await browser.get(MY, path)
        assert answer.status_code == 200, path
        found[path] = answer.text
    missing = await browser.get(MY, "/nowhere")
    refused = await browser.post(MY, "/verification/facts", {"born_on": "yesterday"})
    assert (missing.status_code, refused.status_code) == (404, 422)
    # The number of the request is nobody's word.
    nowhere = missing.text.replace(missing.headers["x-request-id"], "")
    return {**found, "nowhere": nowhere, "refused": refused.text}


@pytest.mark.parametrize("spoken", texts.LANGUAGES)
async def test_no_page_of_a_language_shows_an_english_sentence(
    browser: Browser, ports: Ports, spoken: str
) -> None:
    """Home, accounts, deposit, history, verification, registration, partner portal, landing."""
    known = sentences(spoken)
    for place, html in (await pages(browser, ports, spoken)).items():
        shown = visible(html)
        left = [text for text, other in known.items() if text in shown and text not in other]
        assert not left, place
        assert f'<html lang="{spoken}" dir="{"rtl" if spoken == "ar" else "ltr"}"' in html


async def test_in_a_made_up_language_every_visible_text_is_bracketed(
    browser: Browser, ports: Ports, tmp_path: Path
) -> None:
    """A text that no catalogue holds would stand there without brackets."""
    with pseudo(tmp_path):
        for place, html in (await pages(browser, ports, SPOKEN)).items():
            assert not unbracketed(html, data=DATA), place


async def test_a_choice_is_kept_and_english_is_the_brand_s(browser: Browser, ports: Ports) -> None:
    """`?lang=` sets a cookie for a year; an unknown language changes nothing."""
    await people.sign_up(browser, ports)
    first = await browser.get(MY, "/")
    chosen = await browser.get(MY, "/?lang=es")
    later = await browser.get(MY, "/history")
    unknown = await browser.get(MY, "/history?lang=xx")

    assert '<html lang="en" dir="ltr"' in first.text
    assert "Max-Age=31536000" in chosen.headers["set-cookie"]
    for answer in (chosen, later, unknown):
        assert '<html lang="es" dir="ltr"' in answer.text
    assert "Todo lo que ha depositado" in later.text


async def test_staff_and_programs_read_english(browser: Browser) -> None:
    """A choice changes neither the staff's pages nor an answer in JSON."""
    page = await browser.get(host("team"), "/login?lang=ar")
    answer = await browser.get(MY, "/nowhere?lang=de", headers={"accept": "application/json"})

    assert '<html lang="en" dir="ltr"' in page.text
    assert answer.headers["content-type"].startswith("application/problem+json")
