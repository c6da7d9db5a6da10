"""A brokerage's own texts lie above the catalogue for as long as its request lasts."""

from __future__ import annotations

import asyncio

from kernel.language import Own, current, gettext, ngettext, speak, speaking
from themes import words

OWN = Own(
    {
        "en": {"Support": ("Helpdesk",)},
        "de": {"Support": ("Hilfe",), "%d code is left.": ("Einer: %d", "Mehrere: %d")},
    }
)
_MANY = "%d codes are left."


def test_own_texts_are_spoken_inside_and_nowhere_else() -> None:
    """In their language; other texts stay the catalogue's."""
    with speaking("de", own=OWN):
        inside = (gettext("Support"), gettext("Password"), ngettext("%d code is left.", _MANY, 2))
        with speaking("en"):
            english = gettext("Support")
        speak("es")
        spanish = gettext("Support")
    with speaking("de"):
        outside = (gettext("Support"), ngettext("%d code is left.", _MANY, 1))

    assert words.LOCALE.is_dir()
    assert inside == ("Hilfe", "Passwort", "Mehrere: %d")
    assert english == "Helpdesk"
    assert spanish != "Helpdesk"
    assert outside == ("Support", "Noch %d Code.")
    assert (current(), gettext("Support")) == ("en", "Support")


def test_what_is_said_plainly_is_the_product_s_and_what_is_made_inside_is_not() -> None:
    """A page of staff, and the mail to a client that is written while it is answered."""
    with speaking("en", own=OWN, plainly=True):
        page = gettext("Support")
        with speaking("de"):
            mail = gettext("Support")
        after = gettext("Support")

    assert (page, mail, after) == ("Support", "Hilfe", "Support")


async def test_two_brokerages_at_once_never_hear_each_other() -> None:
    """Each task has its own texts, whatever comes between."""

    async def ask(word: str) -> set[str]:
        with speaking("en", own=Own({"en": {"Support": (word,)}})):
            found = set()
            for _ in range(20):
                await asyncio.sleep(0)
                found.add(gettext("Support"))
            return found

    heard = await asyncio.gather(*(ask(f"Desk {at}") for at in range(20)))

    assert heard == [{f"Desk {at}"} for at in range(20)]
