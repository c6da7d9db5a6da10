"""Every select of rates and mark-ups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.database import ReadSession, TenantSession
from treasury.rates import rules
from treasury.rates.models import EVERY, RateMarkup, RatePolicy, ReferenceRate
from treasury.rates.rules import Pair, Quote, RateMissing, Said

Session = TenantSession | ReadSession
# The reference file comes on working days; the longest gap is Easter's, five days.
AGE_HOURS = 120
QUOTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Policy:
    """How old a rate may be, in hours, and how long a quote holds, in seconds."""

    age_hours: int
    quote_seconds: int


async def rate(session: Session, sell: str, buy: str, at: datetime | None = None) -> Quote:
    """Return what one unit of a currency is worth in another, now or as it was at a moment.

    Raises RateMissing, RateStale, and ValueError for a currency and itself.
    """
    if sell == buy:
        msg = "a currency is worth itself"
        raise ValueError(msg)
    moment = at or await _now(session)
    said = rules.market(sell, buy, await newest(session, rules.wanted(sell, buy), at=moment))
    if said is None:
        raise RateMissing(sell=sell, buy=buy)
    rules.check_age(said, moment=moment, hours=(await policy(session)).age_hours)
    return rules.quoted(sell, buy, said, await markup(session, sell, buy))


async def newest(session: Session, pairs: Collection[Pair], *, at: datetime) -> dict[Pair, Said]:
    """Return what was last said of each pair until a moment, whoever said it."""
    statement = (
        select(ReferenceRate)
        .where(
            tuple_(ReferenceRate.currency_from, ReferenceRate.currency_to).in_(list(pairs)),
            ReferenceRate.quoted_at <= at,
        )
        .ext(distinct_on(ReferenceRate.currency_from, ReferenceRate.currency_to))
        .order_by(
            ReferenceRate.currency_from,
            ReferenceRate.currency_to,
            ReferenceRate.quoted_at.desc(),
            ReferenceRate.imported_at.desc(),
            ReferenceRate.id.desc(),
        )
    )
    return {
        (row.currency_from, row.currency_to): Said(row.mid, row.source, row.quoted_at)
        for row in await session.scalars(statement)
    }


async def markup(session: Session, sell: str, buy: str) -> Decimal:
    """Return the mark-up of a pair in percent: its own, else everybody's, else none."""
    own = (RateMarkup.currency_from == sell) & (RateMarkup.currency_to == buy)
    every = (RateMarkup.currency_from == EVERY) & (RateMarkup.currency_to == EVERY)
    statement = (
        select(RateMarkup.percent)
        .where(or_(own, every))
        .order_by((RateMarkup.currency_from == literal(EVERY)), RateMarkup.id.desc())
        .limit(1)
    )
    found = await session.scalar(statement)
    return found if found is not None else Decimal(0)


async def markups(session: Session) -> Sequence[RateMarkup]:
    """Return the mark-up of every pair that has one now, everybody's first."""
    statement = (
        select(RateMarkup)
        .ext(distinct_on(RateMarkup.currency_from, RateMarkup.currency_to))
        .order_by(RateMarkup.currency_from, RateMarkup.currency_to, RateMarkup.id.desc())
    )
    return (await session.scalars(statement)).all()


async def policy(session: Session) -> Policy:
    """Return what the brokerage has set, or what everybody starts with."""
    found = await session.get(RatePolicy, 1)
    if found is None:
        return Policy(AGE_HOURS, QUOTE_SECONDS)
    return Policy(found.age_hours, found.quote_seconds)


async def policy_row(session: TenantSession) -> RatePolicy | None:
    """Return the row that the brokerage has set, to be changed."""
    return await session.get(RatePolicy, 1, with_for_update=True)


async def pairs(session: Session) -> Sequence[ReferenceRate]:
    """Return the newest rate of every pair, by pair."""
    statement = (
        select(ReferenceRate)
        .ext(distinct_on(ReferenceRate.currency_from, ReferenceRate.currency_to))
        .order_by(
            ReferenceRate.currency_from,
            ReferenceRate.currency_to,
            ReferenceRate.quoted_at.desc(),
            ReferenceRate.imported_at.desc(),
            ReferenceRate.id.desc(),
        )
    )
    return (await session.scalars(statement)).all()


async def history(
    session: Session, *, currency_from: str, currency_to: str, limit: int = 260
) -> Sequence[ReferenceRate]:
    """Return what was said of a pair, the oldest of the newest `limit` first."""
    statement = (
        select(ReferenceRate)
        .where(
            ReferenceRate.currency_from == currency_from, ReferenceRate.currency_to == currency_to
        )
        .order_by(ReferenceRate.quoted_at.desc(), ReferenceRate.imported_at.desc())
        .limit(limit)
    )
    return list(reversed((await session.scalars(statement)).all()))


async def _now(session: Session) -> datetime:
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment
