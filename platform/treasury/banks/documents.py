"""A statement as any file states it, before it is stored, and what is asked of its texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from kernel.errors import ProductError
from kernel.money import UnknownCurrency, exponent

BYTES_MAX = 8 * 1024 * 1024
LINES_MAX = 10_000
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,8})?")
_UNPRINTED = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class UnreadableStatement(ProductError):
    """A file is no statement we can read; the text says why and where."""

    code = "statement_file"
    status = 422
    message = "This is no camt.053 or MT940 statement that can be read."


@dataclass(frozen=True, slots=True)
class Entry:
    """A booked line: money in is positive, texts are cleaned and cut."""

    amount: Decimal
    currency: str
    booked_on: date
    value_on: date | None = None
    bank_reference: str = ""
    end_to_end: str = ""
    party_name: str = ""
    party_number: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One statement of one account; balances are signed and may be missing."""

    account: str
    currency: str
    reference: str
    number: str
    opening: Decimal | None
    closing: Decimal | None
    opened_on: date | None
    closed_on: date | None
    entries: tuple[Entry, ...] = field(default=())

    @property
    def whole(self) -> bool:
        """Whether the lines lead from the opening balance to the closing one."""
        if self.opening is None or self.closing is None:
            return False
        lines = sum((one.amount for one in self.entries), Decimal(0))
        return self.opening + lines == self.closing


def clean(text: str | None, size: int) -> str:
    """Return a text on one line, without what can't be printed, cut to a size."""
    return _UNPRINTED.sub(" ", text or "").strip()[:size]


def account_number(text: str | None) -> str:
    """Return an account's number as it is compared: capitals and digits, no spaces."""
    return re.sub(r"[^0-9A-Z/]", "", (text or "").upper())[:34]


def amount(text: str, currency: str) -> Decimal:
    """Read a positive amount; raise UnreadableStatement for a fraction nobody can be paid."""
    try:
        decimals = exponent(currency)
    except UnknownCurrency:
        msg = f"The currency {clean(currency, 8)!r} is not known here."
        raise UnreadableStatement(msg) from None
    try:
        found = Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else None
    except InvalidOperation:
        found = None
    if found is None or found != round(found, decimals):
        msg = f"{clean(text, 30)!r} is no amount in {currency}."
        raise UnreadableStatement(msg)
    return found
