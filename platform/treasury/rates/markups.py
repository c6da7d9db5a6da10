"""What a brokerage adds to the market's rate, and how long rates and quotes are good."""

from __future__ import annotations

from decimal import Decimal

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.money import currencies
from treasury.rates import queries
from treasury.rates.models import EVERY, RateMarkup, RatePolicy

_PERCENT_MAX = Decimal(20)


async def put(session: TenantSession, *, sell: str, buy: str, percent: Decimal) -> RateMarkup:
    """Set the mark-up of a client's side of a pair from now on; `*` and `*` are all others.

    Raises InvalidInput beside the field that is wrong.
    """
    known = currencies()
    errors: dict[str, str] = {}
    if (sell, buy) != (EVERY, EVERY):
        if sell not in known:
            errors["sell"] = "Choose a currency, or every pair."
        if buy not in known or buy == sell:
            errors["buy"] = "Choose another currency."
    if not percent.is_finite() or not 0 <= percent <= _PERCENT_MAX:
        errors["percent"] = f"Enter a mark-up from 0 to {_PERCENT_MAX} percent."
    elif percent != round(percent, 4):
        errors["percent"] = "Enter four decimals at most."
    if errors:
        raise InvalidInput(errors)
    before = await queries.markup(session, sell, buy)
    row = RateMarkup(
        id=uuid7(),
        currency_from=sell,
        currency_to=buy,
        percent=percent,
        actor=session.info["actor"].label[:120],
    )
    session.add(row)
    audit.record(
        session,
        "treasury.markup_changed",
        subject=("rate_markup", row.id),
        before={"percent": f"{before:f}"},
        after={"pair": f"{sell}/{buy}", "percent": f"{percent:f}"},
    )
    await session.flush()
    return row


async def set_policy(session: TenantSession, *, age_hours: int, quote_seconds: int) -> None:
    """Set how old a rate may be and how long a quote holds; raises InvalidInput."""
    errors: dict[str, str] = {}
    if not 1 <= age_hours <= 720:
        errors["age_hours"] = "Enter 1 to 720 hours."
    if not 5 <= quote_seconds <= 3600:
        errors["quote_seconds"] = "Enter 5 to 3,600 seconds."
    if errors:
        raise InvalidInput(errors)
    before = await queries.policy(session)
    row = await queries.policy_row(session)
    if row is None:
        session.add(RatePolicy(id=1, age_hours=age_hours, quote_seconds=quote_seconds))
    else:
        row.age_hours, row.quote_seconds = age_hours, quote_seconds
    audit.record(
        session,
        "treasury.rate_policy_changed",
        subject=("tenant", session.info["tenant"].id),
        before={"age_hours": before.age_hours, "quote_seconds": before.quote_seconds},
        after={"age_hours": age_hours, "quote_seconds": quote_seconds},
    )
