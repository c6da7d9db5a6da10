"""Reference rates come into the brokerage: from a file, from a live source, or typed by a person.

They are appended and never changed; the same rate twice is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert

from connectors.fx_rates.port import RateFeed
from identity import audit
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.money import currencies
from treasury.rates import reference_file
from treasury.rates.models import ReferenceRate
from treasury.rates.reference_file import Reference, UnreadableRates

MANUAL = "manual"
_AT_ONCE = 1_000
_AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: rates in the file, rates that were new, and the newest day."""

    rates: int
    new: int
    newest: datetime


async def import_file(session: TenantSession, content: bytes) -> Imported:
    """Append the rates of an ECB file; imported again, it changes nothing.

    Raises UnreadableRates, also for a file from the future.
    """
    found = reference_file.read(content)
    return await keep(session, found, source=reference_file.SOURCE)


async def keep(session: TenantSession, rates: Sequence[Reference], *, source: str) -> Imported:
    """Append rates of a source, at least one; those it has said before are left as they are.

    Raises UnreadableRates for rates from the future.
    """
    newest = max(one.quoted_at for one in rates)
    if newest - now() > _AHEAD:
        raise UnreadableRates("The rates' day lies ahead. Check the file and the server's clock.")
    new = 0
    for first in range(0, len(rates), _AT_ONCE):
        new += await _append(session, rates[first : first + _AT_ONCE], source)
    audit.record(
        session,
        "treasury.rates_imported",
        subject=("tenant", session.info["tenant"].id),
        after={
            "source": source,
            "rates": len(rates),
            "new": new,
            "newest": newest.isoformat(),
        },
    )
    return Imported(len(rates), new, newest)


async def fetch(database: Database, tenant: TenantRef, *, feed: RateFeed) -> Imported:
    """Read the live source, then append what it says; the call stands before the transaction.

    Raises RatesUnavailable and UnreadableRates.
    """
    content = await feed.latest()
    async with database.tenant(tenant) as session:
        return await import_file(session, content)


async def say(session: TenantSession, *, sell: str, buy: str, mid: Decimal) -> ReferenceRate:
    """Append a rate that a person types; it counts from now until a newer one comes.

    Raises InvalidInput beside the field that is wrong.
    """
    known = currencies()
    errors: dict[str, str] = {}
    if sell not in known:
        errors["sell"] = "Choose a currency."
    if buy not in known or buy == sell:
        errors["buy"] = "Choose another currency."
    if not mid.is_finite() or not 0 < mid < Decimal(10) ** 12:
        errors["mid"] = "Enter a positive rate such as 1.0850."
    if errors:
        raise InvalidInput(errors)
    row = ReferenceRate(
        id=uuid7(),
        currency_from=sell,
        currency_to=buy,
        mid=mid,
        source=MANUAL,
        quoted_at=now(),
        actor=session.info["actor"].label[:120],
    )
    session.add(row)
    audit.record(
        session,
        "treasury.rate_said",
        subject=("reference_rate", row.id),
        after={"pair": f"{sell}/{buy}", "mid": f"{mid:f}"},
    )
    await session.flush()
    return row


async def _append(session: TenantSession, rates: Sequence[Reference], source: str) -> int:
    actor = session.info["actor"].label[:120]
    statement = (
        insert(ReferenceRate)
        .values(
            [
                {
                    "id": uuid7(),
                    "currency_from": one.pair[0],
                    "currency_to": one.pair[1],
                    "mid": one.mid,
                    "source": source,
                    "quoted_at": one.quoted_at,
                    "actor": actor,
                }
                for one in rates
            ]
        )
        .on_conflict_do_nothing(constraint="uq_reference_rate_said")
        .returning(ReferenceRate.id)
    )
    return len((await session.scalars(statement)).all())
