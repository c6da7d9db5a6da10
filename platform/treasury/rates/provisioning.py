"""Exchange rates of a demo, so that conversion works at once: made up, and said to be so."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from random import Random

from kernel.clock import now
from kernel.database import TenantSession
from treasury.rates import markups, queries, references
from treasury.rates.models import EVERY
from treasury.rates.reference_file import Reference

SOURCE = "demo"
_DAYS = 90
_MARKUP = Decimal("0.5")
# Where each currency stands today, in units for one euro; what went before wanders about it.
_TODAY = {
    "USD": "1.0850",
    "GBP": "0.8680",
    "JPY": "162.75",
    "CHF": "0.9620",
    "AED": "3.9847",
    "AUD": "1.6530",
    "CAD": "1.4890",
    "USDT": "1.0846",
}


async def demo_rates(session: TenantSession) -> int:
    """Append ninety days of made-up rates, or what is missing of them; return how many were new."""
    today = now().astimezone(UTC).date()
    found = [
        Reference(currency, rate, datetime.combine(today - timedelta(days=back), time(), UTC))
        for currency, text in _TODAY.items()
        for back, rate in enumerate(_wander(currency, Decimal(text)))
    ]
    imported = await references.keep(session, found, source=SOURCE)
    if not await queries.markups(session):
        await markups.put(session, sell=EVERY, buy=EVERY, percent=_MARKUP)
    return imported.new


def _wander(currency: str, today: Decimal) -> list[Decimal]:
    """Return a rate for each day, today's first, the same at each call."""
    dice = Random(currency)  # noqa: S311 - invented data, no secret
    digits = max(2, 5 - len(str(int(today))))
    rates = [today]
    for _ in range(_DAYS - 1):
        step = Decimal(dice.randint(-40, 40)) / 10_000
        rates.append(round(rates[-1] * (1 + step), digits))
    return rates
