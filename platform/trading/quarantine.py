"""Sorts an answer that PostgreSQL refused: deals that can be read, and the ones set aside.

The slow way, deal by deal, and only after the fast one failed: a server (or what sits in front
of it) sent a value that is no number, no moment of this century, or no text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

_MAX = 2**63 - 1
_REQUIRED = ("Deal", "Login", "Action")
_INTEGERS = (
    *("Dealer", "Order", "PositionID", "Entry", "Reason", "Digits", "DigitsCurrency"),
    *("Time", "TimeMsc"),
)
_SMALL = frozenset({"Action", "Entry", "Reason", "Digits", "DigitsCurrency"})
_NUMBERS = (
    *("ContractSize", "Price", "PricePosition", "PriceSL", "PriceTP", "Profit", "ProfitRaw"),
    *("Storage", "Commission", "Fee", "RateProfit", "RateMargin", "TickValue", "TickSize"),
    *("MarketBid", "MarketAsk", "MarketLast", "ExpertID", "Flags", "ModifyFlags"),
    *("ModificationFlags", "Volume", "VolumeExt", "VolumeClosed", "VolumeClosedExt"),
)
_TEXTS = ("Symbol", "ExternalID", "Gateway", "Comment")
_FIRST = datetime(2000, 2, 1, tzinfo=UTC).timestamp()
_LAST = datetime(2099, 12, 1, tzinfo=UTC).timestamp()


class AnswerUnreadable(Exception):
    """The server's answer is no list of deals at all, or changes nothing can be made of."""

    def __init__(self) -> None:
        """Say it in words for the health page."""
        super().__init__("the server's answer can't be read")


class _Bad(Exception):
    """A value of a deal can't be used; the text names the field."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A deal that was set aside: its ticket as sent, why, and its body, bounded."""

    digest: str
    ticket: str
    reason: str
    body: str


def sift(text: str, *, offset_seconds: int) -> tuple[str, list[Rejection]]:
    """Return the answer with only readable deals, and the others; raise AnswerUnreadable.

    Characters that PostgreSQL can't hold are replaced; such a deal counts as readable.
    """
    try:
        rows = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise AnswerUnreadable from None
    if not isinstance(rows, list):
        raise AnswerUnreadable
    good: list[dict[str, str]] = []
    rejected: list[Rejection] = []
    for row in rows:
        try:
            good.append(_checked(row, offset_seconds))
        except _Bad as bad:
            rejected.append(_rejection(row, str(bad)))
    return json.dumps(good), rejected


def _checked(row: object, offset_seconds: int) -> dict[str, str]:
    if not isinstance(row, dict):
        raise _Bad("not an object")
    deal: dict[str, str] = {}
    for name in (*_REQUIRED, *_INTEGERS):
        value = _scalar(row, name)
        if value:
            deal[name] = _integer(name, value)
        elif name in _REQUIRED:
            raise _Bad(f"{name} is missing")
    for name in _NUMBERS:
        value = _scalar(row, name)
        if value:
            deal[name] = _number(name, value)
    for name in _TEXTS:
        deal[name] = _clean(_scalar(row, name))
    milliseconds = int(deal.get("TimeMsc") or 0) or int(deal.get("Time") or 0) * 1000
    if not _FIRST < milliseconds / 1000 - offset_seconds < _LAST:
        raise _Bad("Time is not of this century")
    return deal


def _scalar(row: dict[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Bad(f"{name} is not a value")
    return value.strip()


def _integer(name: str, value: str) -> str:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise _Bad(f"{name} is not a whole number")
    if abs(int(value)) > (32767 if name in _SMALL else _MAX):
        raise _Bad(f"{name} is too large")
    return value


def _number(name: str, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise _Bad(f"{name} is not a number") from None
    if not number.is_finite():
        raise _Bad(f"{name} is not a finite number")
    if number and not -20 <= number.adjusted() < 20:
        raise _Bad(f"{name} is too large or too fine")
    return f"{number:f}"


def _clean(text: str) -> str:
    """Replace what PostgreSQL's text can't hold: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _rejection(row: object, reason: str) -> Rejection:
    body = _clean(json.dumps(row, sort_keys=True))
    ticket = _clean(str(row.get("Deal", "")))[:40] if isinstance(row, dict) else ""
    return Rejection(
        digest=hashlib.sha256(body.encode()).hexdigest(),
        ticket=ticket,
        reason=reason[:200],
        body=body[:2000],
    )
