"""Reads one side from a CSV file: id, amount, currency, time, status, fee. Strict, line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from kernel.errors import ProductError
from kernel.money import Money, UnknownCurrency, exponent
from treasury.reconciliation.records import Record, Side, standing_of

COLUMNS = ("id", "amount", "currency", "time", "status", "fee")
BYTES_MAX = 32 * 1024 * 1024
_ERRORS_MAX = 20
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,8})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ID_MAX = 120


class UnreadableFile(ProductError):
    """A file is not what is asked for; the text names each line that is wrong."""

    code = "reconciliation_file"
    status = 422
    message = "The file can't be read."


def read(data: bytes, *, side: Side, name: str) -> list[Record]:
    """Return the records of a file; raise UnreadableFile naming every line that is wrong.

    UTF-8 with a head that names the six columns, in any order. Amounts are decimal numbers in major
    units, without separators; a time is ISO 8601, UTC where it names no offset; a fee may be empty.
    """
    rows = csv.reader(io.StringIO(_text(data, name), newline=""), strict=True)
    records: list[Record] = []
    errors: list[str] = []
    try:
        order = _order(next(rows, []), name)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            found = _record(row, order, side, f"line {rows.line_num}")
            if isinstance(found, Record):
                records.append(found)
            else:
                errors.append(f"{name}:{rows.line_num}: {found}")
    except csv.Error as error:
        errors.append(f"{name}:{rows.line_num}: not CSV: {error}")
    if errors:
        left = len(errors) - _ERRORS_MAX
        more = [f"{name}: {left} more lines are wrong"] if left > 0 else []
        raise UnreadableFile("\n".join(errors[:_ERRORS_MAX] + more))
    return records


def _text(data: bytes, name: str) -> str:
    if len(data) > BYTES_MAX:
        msg = f"{name}: larger than {BYTES_MAX // 1024 // 1024} MB"
        raise UnreadableFile(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{name}:{line}: not UTF-8"
        raise UnreadableFile(msg) from None


def _order(head: Sequence[str], name: str) -> dict[str, int]:
    names = [cell.strip().lower() for cell in head]
    if sorted(names) != sorted(COLUMNS):
        msg = f"{name}:1: the first line names the columns {', '.join(COLUMNS)}"
        raise UnreadableFile(msg)
    return {column: names.index(column) for column in COLUMNS}


def _record(row: Sequence[str], order: dict[str, int], side: Side, place: str) -> Record | str:
    """Return the record of a row, or what is wrong with it."""
    if len(row) != len(COLUMNS):
        return f"has {len(row)} cells instead of {len(COLUMNS)}"
    cell = {column: row[at].strip() for column, at in order.items()}
    if len(cell["id"]) > _ID_MAX or _CONTROL.search(cell["id"]):
        return f"the id is longer than {_ID_MAX} characters or has control characters"
    if side == "ledger" and not cell["id"]:
        return "the id is missing: each entry of the book names its payment"
    try:
        amount = _amount(cell["amount"], cell["currency"])
        fee = _amount(cell["fee"], cell["currency"]).amount if cell["fee"] else None
        at = _moment(cell["time"])
    except ValueError as error:
        return str(error)
    if fee is not None and fee < 0:
        return "a fee is not below zero"
    standing = standing_of(cell["status"])
    if standing is None:
        return (
            f"the status {cell['status'][:40]!r} is not known: use settled, pending, failed"
            " or chargeback"
        )
    return Record(side, cell["id"], amount, at, standing, fee, place)


def _amount(text: str, currency: str) -> Money:
    try:
        decimals = exponent(currency)
    except UnknownCurrency:
        msg = f"the currency {currency[:12]!r} is not known"
        raise ValueError(msg) from None
    if not _NUMBER.fullmatch(text):
        msg = f"{text[:40]!r} is not an amount such as 1250.00"
        raise ValueError(msg)
    amount = Money(Decimal(text), currency)
    if amount != amount.rounded():
        msg = f"{text} has more than the {decimals} decimals of {currency}"
        raise ValueError(msg)
    return amount.rounded()


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text[:40]!r} is not a time such as 2026-11-30T10:15:00Z"
        raise ValueError(msg) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
