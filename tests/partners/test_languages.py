"""The partner portal in every language, with a network, clients and commission lines in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from introducers.models import Partner
from kernel.language import gettext, speaking
from tests.factories.introducers import PASSWORD
from tests.fixtures.database import ALPHA
from tests.fixtures.pseudo import SPOKEN, pseudo, unbracketed, visible
from tests.fixtures.web import Browser
from tests.introducers.conftest import Office, office
from tests.partners.test_portal import IB, two_partners
from tools import texts

__all__ = ["office"]
_PLACES = ("/", "/referrals", "/referrals?show=partners", "/commissions", "/balance")
_DATA = (
    *(ALPHA.name, "Alpha", "Atlas", "Sari", "AT", "EURUSD", "Master", "Standard", "CSV", "forex"),
    *(
        "AE",
        "Silver",
        "FX Majors",
        "MASTER",
        "STANDARD",
        "STD",
        "Forex",
        "UTC",
        "EUR",
        "USD",
        "min",
        "ALP",
        "SA",
    ),
)


async def pages(browser: Browser, office: Office, top: Partner, spoken: str) -> dict[str, str]:
    """Return the portal's pages as the master sees them, one line's arithmetic among them."""
    await browser.get(IB, f"/login?lang={spoken}")
    await browser.log_in(IB, top.email, PASSWORD)
    line = (await office.lines_of(top))[0]
    found = {}
    for path in (*_PLACES, f"/commissions/{line.id}"):
        answer = await browser.get(IB, path)
        assert answer.status_code == 200, path
        found[path] = answer.text
    return found


@pytest.mark.parametrize("spoken", texts.LANGUAGES)
async def test_no_page_of_the_portal_shows_an_english_sentence(
    office: Office, browser: Browser, spoken: str
) -> None:
    """Home, network, statement, balance and the arithmetic of a line."""
    master, _ = await two_partners(office)
    with speaking(spoken):
        known = {text: gettext(text) for text in texts.used() if isinstance(text, str)}
    sentences = {
        text: said for text, said in known.items() if text.count(" ") >= 2 and "%" not in text
    }
    for path, html in (await pages(browser, office, master, spoken)).items():
        shown = visible(html)
        left = [text for text, said in sentences.items() if text in shown and text not in said]
        assert not left, path
        assert f'<html lang="{spoken}" dir="{"rtl" if spoken == "ar" else "ltr"}"' in html


async def test_in_a_made_up_language_every_text_of_the_portal_is_bracketed(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    """A text that no catalogue holds would stand there without brackets."""
    master, _ = await two_partners(office)
    with pseudo(tmp_path):
        shown = await pages(browser, office, master, SPOKEN)

    left = {path: unbracketed(html, data=_DATA) for path, html in shown.items()}
    assert not {path: found for path, found in left.items() if found}
