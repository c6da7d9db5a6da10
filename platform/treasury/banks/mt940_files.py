"""Reads MT940, SWIFT's customer statement, through the library mt-940.

The library takes one message; a file may hold several, each beginning with its field 20.
"""

from __future__ import annotations

import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

from treasury.banks.documents import (
    LINES_MAX,
    Document,
    Entry,
    UnreadableStatement,
    account_number,
    amount,
    clean,
)

_MESSAGE = re.compile(r"(?m)^(?=:20:)")
_LINE = re.compile(r"(?m)^:61:")
_FIELD = re.compile(r"(?m)^(?=:\d\d[A-Z]?:)")
# SWIFT allows 65 characters a line and six lines a field; banks write more, but not without end,
# and the library's patterns need a time that grows with the square of a field.
_LINE_MAX = 500
_FIELD_MAX = 3_000
_MESSAGES_MAX = 2_000
_LONGEST = re.compile(rf"[^\r\n]{{{_LINE_MAX},}}")
_NOTHING = ("", "NONREF", "NOTPROVIDED")


def read(data: bytes) -> list[Document]:
    """Return the statements of a file; raise UnreadableStatement saying why not."""
    text = _text(data)
    if _LONGEST.search(text):
        msg = f"A line is longer than {_LINE_MAX:,} characters. No MT940 has such."
        raise UnreadableStatement(msg)
    if any(len(one) > _FIELD_MAX for one in _FIELD.split(text)):
        msg = f"A field is longer than {_FIELD_MAX:,} characters. No MT940 has such."
        raise UnreadableStatement(msg)
    if len(_LINE.findall(text)) > LINES_MAX:
        msg = f"The file has more than {LINES_MAX:,} lines. Import it in parts."
        raise UnreadableStatement(msg)
    messages = [one for one in _MESSAGE.split(text) if one.startswith(":20:")]
    if not messages:
        msg = "The file holds no MT940 message: no line begins with :20:."
        raise UnreadableStatement(msg)
    if len(messages) > _MESSAGES_MAX:
        msg = f"The file has more than {_MESSAGES_MAX:,} statements. Import it in parts."
        raise UnreadableStatement(msg)
    return [_document(message, at) for at, message in enumerate(messages, 1)]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def _document(message: str, at: int) -> Document:
    # Loaded where it is needed: few processes ever read a statement.
    import mt940  # noqa: PLC0415

    # It would write what it can't read, people's names among it, into the log.
    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)
    try:
        parsed = mt940.parse(
            message,
            options=mt940.Options(reversal_sign=True, case_insensitive_marks=True),
        )
    except Exception as error:  # noqa: BLE001 - the library raises what its regular expressions do
        msg = f"Statement {at} of the file can't be read: {type(error).__name__}."
        raise UnreadableStatement(msg) from None
    head: dict[str, Any] = parsed.data
    opening = head.get("final_opening_balance") or head.get("intermediate_opening_balance")
    closing = head.get("final_closing_balance") or head.get("intermediate_closing_balance")
    known = next((one for one in (opening, closing) if one is not None), None)
    currency = known.amount.currency if known is not None else ""
    entries = tuple(
        one for one in (_entry(line.data, currency) for line in parsed if line.data) if one
    )
    number = "/".join(
        str(head[name]) for name in ("statement_number", "sequence_number") if head.get(name)
    )
    return Document(
        account=account_number(head.get("account_identification")),
        currency=currency,
        reference=clean(head.get("transaction_reference"), 70),
        number=clean(number, 20),
        opening=opening.amount.amount if opening is not None else None,
        closing=closing.amount.amount if closing is not None else None,
        opened_on=_day(opening.date) if opening is not None else None,
        closed_on=_day(closing.date) if closing is not None else None,
        entries=entries,
    )


def _entry(line: dict[str, Any], currency: str) -> Entry | None:
    stated = line.get("amount")
    booked = line.get("entry_date") or line.get("date")
    if stated is None or booked is None:
        return None
    if not isinstance(stated.amount, Decimal) or not stated.amount.is_finite():
        msg = "A line's amount is no number."
        raise UnreadableStatement(msg)
    currency = stated.currency or currency
    size = amount(format(abs(stated.amount), "f"), currency)
    if not size:
        return None
    party = " ".join(
        str(line[name]) for name in ("applicant_name", "recipient_name") if line.get(name)
    )
    purpose = " ".join(
        str(line[name])
        for name in ("purpose", "transaction_details", "additional_purpose", "extra_details")
        if line.get(name)
    )
    own = clean(line.get("customer_reference"), 70)
    end_to_end = clean(line.get("end_to_end_reference"), 70) or own
    return Entry(
        amount=-size if stated.amount < 0 else size,
        currency=currency,
        booked_on=_day(booked),
        value_on=_day(line["date"]) if line.get("date") else None,
        bank_reference=clean(line.get("bank_reference"), 70),
        end_to_end="" if end_to_end.upper() in _NOTHING else end_to_end,
        party_name=clean(party, 140),
        party_number=account_number(line.get("gvc_applicant_iban") or line.get("applicant_iban")),
        purpose=clean(purpose, 500),
    )


def _day(found: date) -> date:
    # The library has a kind of date of its own.
    return date(found.year, found.month, found.day)
