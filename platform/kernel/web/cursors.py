"""The key of a row in an address, and the page beside it.

A cursor holds what the list is sorted by, the row's id and its place. It comes back from an
address: what this list did not write is no cursor.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from kernel.web.table import State

Key = str | int | Decimal | datetime
Row_co = TypeVar("Row_co", covariant=True)
Row = TypeVar("Row")
_INT_MAX = 2**31 - 1
_MONEY_MAX = Decimal(10) ** 18


class Cursor(NamedTuple):
    """The row a page starts beside: its key in the list's order, its id, its place."""

    value: Key
    id: UUID
    position: int


def cursor(value: Key, row_id: UUID, position: int) -> str:
    """Write a cursor for an address."""
    shown = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([str(shown) if isinstance(shown, Decimal) else shown, str(row_id), position])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, kind: Literal["text", "number", "money", "date"]) -> Cursor | None:
    """Read a cursor whose key is of a kind; None for one that this list did not write."""
    try:
        padded = text + "=" * (-len(text) % 4)
        value, row_id, position = json.loads(base64.urlsafe_b64decode(padded.encode()))
        return Cursor(_KEYS[kind](str(value)), UUID(str(row_id)), max(0, int(position)))
    except (ValueError, TypeError, OverflowError, InvalidOperation, binascii.Error):
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,19}", text) or abs(int(text)) > _INT_MAX:
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number) > _MONEY_MAX:
        raise ValueError("no amount is as large")
    return number


def _words_of(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no text holds this")
    return text


_KEYS: dict[str, Callable[[str], Key]] = {
    "text": _words_of,
    "number": _integer,
    "money": _decimal,
    "date": _moment,
}


@dataclass(frozen=True)
class Window(Generic[Row_co]):
    """The rows of one page, the place of the first (from 1), and the cursors around them."""

    rows: Sequence[Row_co]
    first: int
    next: str | None
    previous: str | None

    def paging(self, state: State, total: int, *, most: int = 0) -> dict[str, Any]:
        """Return what the foot of the list says and links to; past `most` is not counted."""
        return {
            "first": self.first,
            "last": self.first + len(self.rows) - 1 if self.rows else 0,
            "total": min(total, most) if most else total,
            "more": bool(most) and total > most,
            "previous": state.address(before=self.previous) if self.previous else None,
            "next": state.address(after=self.next) if self.next else None,
        }


def window(
    rows: Sequence[Row],
    *,
    size: int,
    key: Callable[[Row], tuple[Key, UUID]],
    backwards: bool,
    position: int,
) -> Window[Row]:
    """Cut what was read, one row more than a page where there is more, to one page.

    Rows that were read `backwards` are turned; `position` counts the rows before, or up to,
    the cursor.
    """
    more = len(rows) > size
    kept = list(rows[:size])
    if backwards:
        kept.reverse()
    start = max(0, position - len(kept)) if backwards else position
    has_next = more or backwards
    has_previous = more if backwards else start > 0
    return Window(
        rows=kept,
        first=start + 1 if kept else 0,
        next=cursor(*key(kept[-1]), start + len(kept)) if kept and has_next else None,
        previous=cursor(*key(kept[0]), start) if kept and has_previous else None,
    )
