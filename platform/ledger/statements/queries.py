"""Every select of statements as lists: narrowed, sorted and paged by a list's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, case, cast, func, or_, select

from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.slices import Source
from kernel.web.cursors import Window
from kernel.web.table import State
from ledger.lines import Owner
from ledger.models import Entry, LedgerAccount, Posting

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a statement, amounts in the account's natural sign."""

    number: int
    entry_id: UUID
    kind: str
    reference: str
    occurred_at: datetime
    amount: Decimal
    balance_after: Decimal
    currency: str


def natural(code: Any) -> ColumnElement[int]:  # noqa: ANN401 - a column of any table
    """Return 1 where debits are positive and -1 where credits are, as `chart.natural_sign`."""
    return case((or_(code.like("asset.%"), code.like("expense.%")), 1), else_=-1)


_SIGN = natural(LedgerAccount.code)
_SOURCE = Source(
    {
        "number": Posting.account_version,
        "account": Posting.account_id,
        "currency": Posting.currency,
        "kind": Entry.kind,
        "reference": Entry.reference,
        "occurred": Entry.occurred_at,
        "amount": _SIGN * Posting.amount,
    },
    # An entry may have several lines on one owner's accounts, as a conversion has: its id, which
    # grows with time, ends in the line's number here.
    key=cast(
        func.concat(
            func.left(cast(Posting.entry_id, String), 32),
            func.lpad(func.to_hex(Posting.line), 4, "0"),
        ),
        Uuid,
    ),
    search=lambda word: [
        func.lower(Entry.reference).contains(word, autoescape=True),
        func.lower(Entry.external_reference) == word,
    ],
)


def _lines(owned: tuple[str, Owner] | None) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            Posting.account_version,
            Entry.id,
            Entry.kind,
            Entry.reference,
            Entry.occurred_at,
            _SIGN * Posting.amount,
            _SIGN * Posting.balance_after,
            Posting.currency,
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
    )
    if owned is None:
        return query
    code, (kind, owner) = owned
    return query.where(
        LedgerAccount.code == code,
        LedgerAccount.owner_kind == kind,
        LedgerAccount.owner_id == str(owner),
    )


async def page(
    session: Session, state: State, *, owned: tuple[str, Owner] | None = None
) -> Window[LineRow]:
    """Return a page of lines: of the accounts of a code that somebody owns, or of any account.

    Without `owned` the state has to name an account.
    """
    return await slices.page(session, _lines(owned), state, _SOURCE, make=LineRow)


async def rows(
    session: Session, state: State, *, limit: int, owned: tuple[str, Owner] | None = None
) -> list[LineRow]:
    """Return the start of a whole statement, for a file."""
    return await slices.rows(session, _lines(owned), state, _SOURCE, make=LineRow, limit=limit)


async def count(session: Session, state: State, *, owned: tuple[str, Owner] | None = None) -> int:
    """Return how many lines a statement has, as far as they are counted."""
    return await slices.count(session, _lines(owned), state, _SOURCE)
