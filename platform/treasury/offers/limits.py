"""A brokerage's own limits on deposits: how much, how often and how many at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.language import gettext
from kernel.money import Money
from themes.formats import money_text
from treasury.models import DepositLimit
from treasury.offers import queries
from treasury.offers.queries import Session
from treasury.offers.ways import Payer


async def check(
    session: Session, *, client_id: UUID, payer: Payer, title: str, amount: Money, now: datetime
) -> None:
    """Raise InvalidInput when a deposit would go beyond a limit that concerns this client."""
    for one in await queries.limits(session):
        if one.currency != amount.currency or not _concerns(one, payer, title):
            continue
        since = now - timedelta(hours=one.window_hours)
        total, count, waiting = await queries.used(
            session, client_id=client_id, currency=one.currency, title=one.title, since=since
        )
        if one.amount_max is not None and total + amount.amount > one.amount_max:
            left = Money(max(one.amount_max - total, Decimal(0)), one.currency)
            message = gettext(
                "You can pay in %s more at the moment. Enter less, or verify further."
            )
            raise InvalidInput({"amount": message % money_text(left)})
        if one.count_max is not None and count >= one.count_max:
            raise InvalidInput(
                {"amount": gettext("You have reached the number of deposits for now. Try later.")}
            )
        if one.pending_max is not None and waiting >= one.pending_max:
            raise InvalidInput(
                {"amount": gettext("Wait until your earlier deposits have arrived.")}
            )


def _concerns(one: DepositLimit, payer: Payer, title: str) -> bool:
    return (
        (not one.title or one.title == title)
        and (not one.country or one.country == payer.country)
        and (one.kyc_level is None or payer.kyc_level <= one.kyc_level)
    )


async def add(session: TenantSession, *, values: Mapping[str, object]) -> DepositLimit:
    """Add a limit; raise InvalidInput for one that limits nothing."""
    made = DepositLimit(id=uuid7(), **values)
    if made.amount_max is None and made.count_max is None and made.pending_max is None:
        raise InvalidInput({"amount_max": "Say how much, how often or how many at once."})
    session.add(made)
    await session.flush()
    audit.record(
        session,
        "treasury.deposit_limit_added",
        subject=("deposit_limit", made.id),
        after={name: str(value) for name, value in values.items() if value not in (None, "")},
    )
    return made


async def remove(session: TenantSession, *, limit_id: UUID) -> None:
    """Take a limit away."""
    found = await queries.limit(session, limit_id)
    if found is None:
        raise NotFound
    await session.delete(found)
    audit.record(
        session,
        "treasury.deposit_limit_removed",
        subject=("deposit_limit", limit_id),
        before={"currency": found.currency, "amount_max": str(found.amount_max)},
    )
