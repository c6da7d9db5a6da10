"""Which documents a case needs, what may be typed beside them, and how long a review may take."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta

from kernel.errors import InvalidInput
from kernel.language import gettext, marked

# In the order a client is asked for them.
KINDS = {
    "passport": marked("Passport"),
    "id_front": marked("Identity card, front"),
    "id_back": marked("Identity card, back"),
    "proof_of_address": marked("Proof of address"),
    "selfie": marked("Selfie"),
}
LEVELS = {
    2: "Level 2: identity and address",
    3: "Level 3: source of funds too",
}
REVIEW_TIME = timedelta(hours=24)
ADULT_YEARS = 18
_OLDEST_YEARS = 120
_NUMBER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 /.-]{2,39}$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def missing(kinds: Collection[str]) -> list[str]:
    """Return what is still needed beside the kinds that are there, in words."""
    found = []
    if "passport" not in kinds and not {"id_front", "id_back"} <= set(kinds):
        if "id_front" in kinds:
            found.append(gettext("the back of your identity card"))
        elif "id_back" in kinds:
            found.append(gettext("the front of your identity card"))
        else:
            found.append(gettext("your passport, or both sides of your identity card"))
    if "proof_of_address" not in kinds:
        found.append(gettext("a proof of your address"))
    if "selfie" not in kinds:
        found.append(gettext("a selfie"))
    return found


def born_on(text: str, *, today: date) -> date:
    """Return a birthday of an adult; raise InvalidInput for anything else."""
    field = "born_on"
    try:
        born = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            {field: gettext("Enter your date of birth as year-month-day.")}
        ) from None
    if not 0 < age(born, today=today) < _OLDEST_YEARS:
        raise InvalidInput({field: gettext("Check the year of your date of birth.")})
    if age(born, today=today) < ADULT_YEARS:
        raise InvalidInput({field: gettext("You must be %d or older to trade here.") % ADULT_YEARS})
    return born


def age(born: date, *, today: date) -> int:
    """Return the full years since a birthday."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def address(text: str) -> str:
    """Return an address on one line; raise InvalidInput when it is none."""
    line = " ".join(text.split())
    if len(line) < 8:
        raise InvalidInput({"address": gettext("Enter street, number, postal code and town.")})
    if len(line) > 200 or _CONTROL.search(line):
        raise InvalidInput({"address": gettext("Shorten the address to 200 characters.")})
    return line


def document_number(text: str) -> str:
    """Return the number of an identity document; raise InvalidInput when it can't be one."""
    number = text.strip()
    if not _NUMBER.match(number):
        raise InvalidInput(
            {"document_number": gettext("Enter the number of your passport or identity card.")}
        )
    return number


def expires_on(text: str, *, today: date) -> date | None:
    """Return a date of expiry, None for an empty one; raise InvalidInput when it is past."""
    if not text.strip():
        return None
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput({"expires_on": gettext("Enter the date as year-month-day.")}) from None
    if found <= today:
        raise InvalidInput(
            {"expires_on": gettext("This document has expired. Send one that is valid.")}
        )
    return found


def due_at(submitted_at: datetime) -> datetime:
    """Return until when a case that was submitted then should be decided."""
    return submitted_at + REVIEW_TIME


def reason(text: str) -> str:
    """Return the reason of a decision; raise InvalidInput when it says nothing."""
    words = " ".join(text.split())
    if len(words) < 3:
        raise InvalidInput({"reason": "Say why. The client reads it, and the trail keeps it."})
    return words[:400]
