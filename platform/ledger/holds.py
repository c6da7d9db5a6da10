"""Hot path: money is set aside, used or released by functions inside PostgreSQL.

Every outflow of a wallet or trading account goes through `reserve`: one guarded update, so
that any number of requests at once can't reserve more than is available.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from identity import audit
from kernel.database import TenantSession, driver, tagged
from kernel.money import round_half_up
from ledger import entries
from ledger.errors import InsufficientFunds, UnpostableEntry, translated
from ledger.lines import Draft, Line, Owner

_RESERVE = "SELECT reserve($1, $2, $3, $4, $5, $6, $7, $8)"
_RELEASE = "SELECT release_hold($1, 'voided', $2)"
_EXPIRE = "SELECT expire_holds($1)"


async def reserve(
    session: TenantSession,
    *,
    key: str,
    code: str,
    currency: str,
    owner: Owner,
    amount: Decimal,
    reference: str,
    expires_at: datetime | None = None,
) -> UUID:
    """Set an amount aside and return the hold's id; the first one when the key is repeated.

    Raises InsufficientFunds when less is available (the transaction stays usable), KeyReused
    when the key reserved something else.
    """
    if amount <= 0 or amount != round_half_up(amount, currency):
        raise UnpostableEntry(reason="a hold is a positive amount in whole minor units")
    with translated():
        hold_id: UUID | None = await (await driver(session)).fetchval(
            tagged(session, _RESERVE),
            key,
            code,
            currency,
            owner[0],
            str(owner[1]),
            amount,
            reference,
            expires_at,
        )
    if hold_id is None:
        raise InsufficientFunds(code=code, currency=currency)
    return hold_id


async def post(
    session: TenantSession,
    *,
    hold_id: UUID,
    key: str,
    kind: str,
    lines: Sequence[Line],
    reference: str = "",
    external_reference: str | None = None,
) -> UUID:
    """Use a hold: post the entry, release what it does not take, and return the entry's id.

    The lines must take more than nothing and at most the hold's amount from its account. Raises
    HoldClosed when it is no longer pending, else as `ledger.entries.post` does.
    """
    draft = Draft(key, kind, lines, reference, external_reference)
    return await entries.post_against_hold(session, hold_id=hold_id, draft=draft)


async def void(session: TenantSession, *, hold_id: UUID, reason: str) -> None:
    """Release a hold without using it; harmless when it is already voided.

    Raises HoldClosed when it has been posted or has expired.
    """
    with translated():
        released = await (await driver(session)).fetchval(
            tagged(session, _RELEASE), hold_id, reason
        )
    if released:
        audit.record(
            session,
            "ledger.hold_voided",
            subject=("hold", hold_id),
            before={"state": "pending"},
            after={"state": "voided"},
            reason=reason,
        )


async def expire(session: TenantSession, *, limit: int = 500) -> int:
    """Release holds whose time has passed by PostgreSQL's clock; return how many."""
    with translated():
        count: int = await (await driver(session)).fetchval(tagged(session, _EXPIRE), limit)
    return count
