"""Reads camt.053, the bank-to-customer statement of ISO 20022, versions 001.02 to 001.13.

Entities, document types and anything nested deeper than a statement are refused before they are
read. Source of the structure: ISO 20022 message definition reports, camt.053.001.02 and 001.08.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from treasury.banks.documents import (
    LINES_MAX,
    Document,
    Entry,
    UnreadableStatement,
    account_number,
    amount,
    clean,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d\}")
_DEPTH_MAX = 40
_NODES_MAX = 1_500_000
_NOTHING = ("", "NOTPROVIDED", "NONREF")


def read(data: bytes) -> list[Document]:
    """Return the statements of a file; raise UnreadableStatement saying why not."""
    root, space = _tree(data)
    found = [_statement(one, space) for one in root.iterfind(f"{space}BkToCstmrStmt/{space}Stmt")]
    if not found:
        msg = "The file holds no statement."
        raise UnreadableStatement(msg)
    if sum(len(one.entries) for one in found) > LINES_MAX:
        msg = f"The file has more than {LINES_MAX:,} lines. Import it in parts."
        raise UnreadableStatement(msg)
    return found


def _tree(data: bytes) -> tuple[Element, str]:
    """Parse without entities, counting depth and nodes as they come."""
    # Loaded where it is needed: few processes ever read a statement.
    from defusedxml import ElementTree as Safe  # noqa: PLC0415
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415

    depth = nodes = 0
    root: Element | None = None
    try:
        for happening, node in Safe.iterparse(
            io.BytesIO(data), events=("start", "end"), forbid_dtd=True
        ):
            depth += 1 if happening == "start" else -1
            nodes += 1
            if depth > _DEPTH_MAX or nodes > _NODES_MAX:
                msg = "The file is nested deeper, or is larger, than a statement can be."
                raise UnreadableStatement(msg)
            root = node if root is None else root
    except DefusedXmlException:
        msg = "The file declares entities or a document type. A statement needs none."
        raise UnreadableStatement(msg) from None
    except (Safe.ParseError, ValueError, LookupError) as error:
        at = getattr(error, "position", None)
        msg = f"The file is not well-formed XML{f', line {at[0]}' if at else ''}."
        raise UnreadableStatement(msg) from None
    space = _SPACE.match(root.tag) if root is not None else None
    if root is None or space is None or root.tag != f"{space.group()}Document":
        msg = "The file is XML, but no camt.053 document."
        raise UnreadableStatement(msg)
    return root, space.group()


class _Node:
    """Reads below one element, names without their namespace."""

    def __init__(self, node: Element, space: str) -> None:
        self._node = node
        self._space = space

    def text(self, *paths: str) -> str:
        """Return the first text that stands at one of the paths."""
        for path in paths:
            found = self._node.find(self._path(path))
            if found is not None and (found.text or "").strip():
                return str(found.text).strip()
        return ""

    def all(self, path: str) -> Iterator[_Node]:
        """Return what stands at a path."""
        return (_Node(one, self._space) for one in self._node.iterfind(self._path(path)))

    def texts(self, path: str) -> str:
        """Return all texts at a path in a row."""
        return " ".join((one.text or "").strip() for one in self._node.iterfind(self._path(path)))

    def money(self, path: str = "Amt") -> tuple[Decimal, str] | None:
        """Return the amount at a path and its currency."""
        found = self._node.find(self._path(path))
        if found is None:
            return None
        currency = found.get("Ccy", "")
        return amount(found.text or "", currency), currency

    def signed(self, value: Decimal) -> Decimal:
        """Turn an amount's sign where the indicator says that money left."""
        mark = self.text("CdtDbtInd")
        if mark not in ("CRDT", "DBIT"):
            msg = "An amount does not say whether it is a credit or a debit."
            raise UnreadableStatement(msg)
        return -value if mark == "DBIT" else value

    def day(self, *paths: str) -> date | None:
        """Return the first day that stands at one of the paths, with or without a time."""
        text = self.text(*(f"{path}/{kind}" for path in paths for kind in ("Dt", "DtTm")))
        if not text:
            return None
        try:
            return date.fromisoformat(text[:10]) if len(text) > 9 else None
        except ValueError:
            msg = f"{clean(text, 30)!r} is no date."
            raise UnreadableStatement(msg) from None

    def _path(self, path: str) -> str:
        return _spaced(self._space, path)


@cache
def _spaced(space: str, path: str) -> str:
    return "/".join(f"{space}{part}" for part in path.split("/"))


def _statement(element: Element, space: str) -> Document:
    node = _Node(element, space)
    balances: dict[str, tuple[Decimal, str, date | None]] = {}
    for one in node.all("Bal"):
        if (value := one.money()) is not None:
            kind = one.text("Tp/CdOrPrtry/Cd")
            balances[kind] = (one.signed(value[0]), value[1], one.day("Dt"))
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    entries = [line for one in node.all("Ntry") for line in _entries(one, node)]
    currency = node.text("Acct/Ccy")
    if not currency:
        known = [one.currency for one in entries[:1]] + [
            one[1] for one in (closing, opening) if one
        ]
        currency = known[0] if known else ""
    return Document(
        account=account_number(node.text("Acct/Id/IBAN", "Acct/Id/Othr/Id")),
        currency=currency,
        reference=clean(node.text("Id"), 70),
        number=clean(node.text("LglSeqNb", "ElctrncSeqNb"), 20),
        opening=opening[0] if opening and opening[1] == currency else None,
        closing=closing[0] if closing and closing[1] == currency else None,
        opened_on=opening[2] if opening else _day(node.text("FrToDt/FrDtTm")),
        closed_on=closing[2] if closing else _day(node.text("FrToDt/ToDtTm")),
        entries=tuple(entries),
    )


def _day(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _entries(entry: _Node, statement: _Node) -> list[Entry]:
    """Return the lines of an entry: a batch is taken apart where its parts add up to it."""
    if entry.text("Sts/Cd", "Sts") not in ("BOOK", ""):
        return []
    value = entry.money()
    booked = entry.day("BookgDt", "ValDt") or _day(statement.text("CreDtTm"))
    if value is None or booked is None:
        msg = "A line has no amount or no date."
        raise UnreadableStatement(msg)
    whole, currency = value
    if not whole:
        return []
    details = list(entry.all("NtryDtls/TxDtls"))
    parts = [one.money("Amt") or one.money("AmtDtls/TxAmt/Amt") for one in details]
    amounts = [part[0] for part in parts if part is not None and part[1] == currency]
    if len(details) > 1 and len(amounts) == len(details) and sum(amounts) == whole:
        pairs = [(one, part) for one, part in zip(details, amounts, strict=True) if part]
    else:
        pairs = [(details[0] if details else entry, whole)]
    return [
        _line(entry, one, entry.signed(part), currency, booked, alone=len(pairs) == 1)
        for one, part in pairs
    ]


def _line(
    entry: _Node, detail: _Node, value: Decimal, currency: str, booked: date, *, alone: bool
) -> Entry:
    party = "Dbtr" if value > 0 else "Cdtr"
    end_to_end = detail.text("Refs/EndToEndId")
    own = detail.text("Refs/AcctSvcrRef")
    purpose = " ".join(
        (
            detail.texts("RmtInf/Ustrd"),
            detail.texts("RmtInf/Strd/CdtrRefInf/Ref"),
            detail.text("AddtlTxInf"),
            entry.text("AddtlNtryInf"),
        )
    )
    return Entry(
        amount=value,
        currency=currency,
        booked_on=booked,
        value_on=entry.day("ValDt"),
        bank_reference=clean(own or (entry.text("AcctSvcrRef", "NtryRef") if alone else ""), 70),
        end_to_end="" if end_to_end.upper() in _NOTHING else clean(end_to_end, 70),
        party_name=clean(detail.text(f"RltdPties/{party}/Nm", f"RltdPties/{party}/Pty/Nm"), 140),
        party_number=account_number(
            detail.text(f"RltdPties/{party}Acct/Id/IBAN", f"RltdPties/{party}Acct/Id/Othr/Id")
        ),
        purpose=clean(purpose, 500),
    )
