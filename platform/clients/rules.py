"""What a name, a telephone number, a country and a language may look like."""

from __future__ import annotations

import re

from clients import countries
from kernel.errors import InvalidInput
from kernel.language import gettext, marked

NAME_MAX = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_PHONE = re.compile(r"^\+?[0-9 ()./-]{6,23}$")
_LANGUAGE = re.compile(r"^[a-z]{2}(-[A-Z]{2})?$")
_ENTER = {
    "first name": marked("Enter your first name."),
    "last name": marked("Enter your last name."),
    "name": marked("Enter your name."),
}


def line(value: str, *, field: str, label: str, limit: int, required: bool = True) -> str:
    """Return one line of text without surrounding space; raise InvalidInput otherwise."""
    value = value.strip()
    if not value and required:
        raise InvalidInput({field: gettext(_ENTER.get(label, f"Enter your {label}."))})
    if len(value) > limit:
        raise InvalidInput({field: gettext("Shorten this to %d characters.") % limit})
    if _CONTROL.search(value):
        raise InvalidInput({field: gettext("Write this on one line, without control characters.")})
    return value


def phone(value: str) -> str:
    """Return a telephone number as `+` and digits; raise InvalidInput for anything else."""
    value = value.strip()
    if not _PHONE.match(value):
        raise InvalidInput({"phone": gettext("Enter a number such as +971 50 123 4567.")})
    found = digits(value)
    if not 6 <= len(found) <= 15:
        raise InvalidInput({"phone": gettext("A telephone number has 6 to 15 digits.")})
    return f"+{found}" if value.startswith(("+", "00")) else found


def digits(value: str) -> str:
    """Return only the digits, without an international prefix of two zeros."""
    found = re.sub(r"[^0-9]", "", value)
    return found[2:] if value.strip().startswith("00") else found


def country(value: str) -> str:
    """Return a country's two letters (ISO 3166-1); raise InvalidInput for anything else."""
    value = value.strip().upper()
    if value not in countries.names("en"):
        raise InvalidInput({"country": gettext("Choose your country.")})
    return value


def language(value: str) -> str:
    """Return a language such as `en`; raise InvalidInput for anything else."""
    value = value.strip()
    if not _LANGUAGE.match(value):
        raise InvalidInput({"language": gettext("Choose a language.")})
    return value
