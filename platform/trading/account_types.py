"""The offers clients choose from, each a version that stays as it was once accounts have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from trading import queries
from trading.models import AccountType


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client sees of an account type; the minimum deposit is in the offer's currency."""

    code: str
    name: str
    group_name: str
    currency: str
    leverage_max: int
    minimum_deposit: Decimal


async def offer(session: TenantSession, *, server_id: UUID, terms: Offer) -> AccountType:
    """Make an offer, or a new version of it when its terms have changed; unchanged is kept.

    Raises InvalidInput when the group is not in the mirror or has another currency.
    """
    group = await queries.group(session, server_id=server_id, name=terms.group_name)
    if group is None:
        raise InvalidInput({"group_name": "Choose a group of the server; bring groups up to date."})
    if group.currency != terms.currency:
        raise InvalidInput({"currency": f"The group's currency is {group.currency}."})
    note = markup_note(group.spread_diffs, group.commissions)
    known = await queries.account_type(session, terms.code)
    values: dict[str, Any] = {
        "name": terms.name,
        "server_id": server_id,
        "group_name": terms.group_name,
        "currency": terms.currency,
        "leverage_max": terms.leverage_max,
        "minimum_deposit": terms.minimum_deposit,
        "markup_note": note,
    }
    if known is not None:
        if all(getattr(known, field) == value for field, value in values.items()):
            return known
        known.active = False
        # The old version must be seen as inactive before the unique index meets the new one.
        await session.flush()
    made = AccountType(code=terms.code, version=known.version + 1 if known else 1, **values)
    session.add(made)
    # The audit needs the id that the database makes.
    await session.flush()
    audit.record(
        session,
        "trading.account_type.offered",
        subject=("account_type", made.id),
        before={"version": known.version} if known else None,
        after={"code": made.code, "version": made.version},
    )
    return made


def markup_note(spread_diffs: dict[str, int], commissions: Sequence[dict[str, Any]]) -> str:
    """Say an offer's mark-up and commission in a line: pips for EURUSD, money per lot and side."""
    parts = []
    points = spread_diffs.get("EURUSD", 0)
    if points:
        parts.append(f"{Decimal(points) / 10:.1f} pip mark-up on EURUSD")
    parts += [
        f"{Decimal(tier['value']):.2f} commission per lot and side"
        for commission in commissions
        for tier in commission["tiers"][:1]
    ]
    return ", ".join(parts)[:200] or "no mark-up, no commission"
