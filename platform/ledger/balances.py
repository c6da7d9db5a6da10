"""Hot path: balances are made anew from lines, holds and codes, where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from identity import audit
from kernel.database import TenantSession, driver, tagged
from ledger.entries import actor_of
from ledger.errors import translated

_REBUILD = (
    "SELECT r.account_id, a.code, a.currency, a.owner_id, r.old_amount, r.amount, r.old_held,"
    " r.held FROM rebuild_balances($1, $2) r JOIN ledger_account a ON a.id = r.account_id"
    " ORDER BY a.code, a.currency, a.owner_id"
)


@dataclass(frozen=True, slots=True)
class Repair:
    """A balance that was wrong, debit positive; `old_*` are None where there was none at all."""

    account_id: UUID
    code: str
    currency: str
    owner_id: str
    old_amount: Decimal | None
    amount: Decimal
    old_held: Decimal | None
    held: Decimal


async def rebuild(session: TenantSession, *, reason: str) -> list[Repair]:
    """Compare every balance with its lines and holds, mend what differs, and return that.

    Each repair is appended to a journal of its own and to the audit trail. Raises BookDamaged when
    the lines themselves leave a wallet below zero, and BookBusy when entries are being posted for
    longer than five seconds.
    """
    with translated():
        rows = await (await driver(session)).fetch(
            tagged(session, _REBUILD), reason[:200], actor_of(session)
        )
    repairs = [Repair(*row) for row in rows]
    for one in repairs:
        audit.record(
            session,
            "ledger.balance_rebuilt",
            subject=("ledger_account", one.account_id),
            before={"amount": _text(one.old_amount), "held": _text(one.old_held)},
            after={"amount": _text(one.amount), "held": _text(one.held)},
            reason=reason,
        )
    return repairs


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
