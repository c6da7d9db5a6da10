"""Hot path: money is set aside, used or released by functions inside PostgreSQL.

Every outflow of a wallet or trading account goes through `reserve` or `reserve_batch`: a guarded
update, so that any number of requests at once can't reserve more than is available.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from identity import audit
from kernel.database import TenantSession, driver, tagged
from kernel.money import round_half_up
from ledger import entries
from ledger.errors import InsufficientFunds, UnpostableEntry, translated
from ledger.lines import Line, Owner, Rate

_RESERVE = "SELECT reserve($1, $2, $3, $4, $5, $6, $7, $8)"
_RESERVE_BATCH = "SELECT reserve_batch($1)::text[]"
_RELEASE = "SELECT release_hold($1, 'voided', $2)"
_EXPIRE = "SELECT expire_holds($1)"
_MAX_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Reservation:
    """An amount to be set aside in a batch, in major units; `reserve` says what the fields mean."""

    key: str
    code: str
    currency: str
    owner: Owner
    amount: Decimal
    reference: str
    expires_at: datetime | None = None


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
    _check(amount, currency)
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


async def reserve_batch(
    session: TenantSession, *, reservations: Sequence[Reservation]
) -> list[UUID | None]:
    """Set up to 5,000 amounts aside in one call and return the holds' ids in order.

    None stands where less is available, and the transaction stays usable. Where an account has
    not enough for all that the batch wants of it, they are served in order, as `reserve` would
    serve them. A repeated key gives the first hold's id. Raises KeyReused when a key reserved
    something else; then nothing of the batch is reserved.
    """
    if len(reservations) > _MAX_BATCH:
        msg = f"a batch holds {_MAX_BATCH} reservations at most"
        raise ValueError(msg)
    for wanted in reservations:
        _check(wanted.amount, wanted.currency)
    payload = msgspec.json.encode([_as_json(wanted) for wanted in reservations]).decode()
    with translated():
        ids: list[str | None] = await (await driver(session)).fetchval(
            tagged(session, _RESERVE_BATCH), payload
        )
    return [UUID(found) if found is not None else None for found in ids]


async def post(
    session: TenantSession,
    *,
    hold_id: UUID,
    key: str,
    kind: str,
    lines: Sequence[Line],
    reference: str = "",
    external_reference: str | None = None,
    occurred_at: datetime | None = None,
    rate: Rate | None = None,
) -> UUID:
    """Use a hold: post the entry, release what it does not take, and return the entry's id.

    The lines must take more than nothing and at most the hold's amount from its account. Raises
    HoldClosed when it is no longer pending, else as `ledger.entries.post` does.
    """
    return await entries.post(
        session,
        key=key,
        kind=kind,
        lines=lines,
        reference=reference,
        external_reference=external_reference,
        occurred_at=occurred_at,
        hold_id=hold_id,
        rate=rate,
    )


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


def _check(amount: Decimal, currency: str) -> None:
    if not amount.is_finite() or amount <= 0 or amount != round_half_up(amount, currency):
        raise UnpostableEntry(reason="a hold is a positive amount in whole minor units")


def _as_json(wanted: Reservation) -> dict[str, Any]:
    return {
        "key": wanted.key,
        "code": wanted.code,
        "currency": wanted.currency,
        "owner_kind": wanted.owner[0],
        "owner_id": str(wanted.owner[1]),
        "amount": str(wanted.amount),
        "reference": wanted.reference,
        "expires_at": wanted.expires_at,
    }
