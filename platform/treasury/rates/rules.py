"""Pure rules of rates: which of several to take, through which currency, and what is added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from kernel.errors import ProductError
from kernel.language import marked
from ledger.lines import Rate

# The currency of the reference file, through which any two others are compared.
PIVOT = "EUR"
_STORED = Decimal("0.000000000001")
Pair = tuple[str, str]


class RateMissing(ProductError):
    """Nobody has said what one of the currencies is worth."""

    code = "rate_missing"
    status = 409
    message = marked("There is no exchange rate for these two currencies yet. Write to us.")


class RateStale(ProductError):
    """The newest rate is older than the brokerage lets a rate be used."""

    code = "rate_stale"
    status = 409
    message = marked(
        "Our newest exchange rate is too old to convert at. Try again later; nothing was moved."
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What a source said of a pair, and when."""

    mid: Decimal
    source: str
    quoted_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """What one unit of `sell` is worth in `buy`: the market's rate and the client's.

    Both have 12 decimals, as the book stores them. `percent` is the mark-up between them.
    """

    sell: str
    buy: str
    mid: Decimal
    client_rate: Decimal
    percent: Decimal
    source: str
    quoted_at: datetime

    @property
    def rate(self) -> Rate:
        """The quote as an entry of the book keeps it."""
        return Rate(self.sell, self.buy, self.client_rate, self.mid, self.source, self.quoted_at)


def wanted(sell: str, buy: str) -> set[Pair]:
    """Return the pairs that say something of one: itself, its reverse, and both by the pivot."""
    pairs = {(sell, buy), (buy, sell), (PIVOT, sell), (PIVOT, buy)}
    return {pair for pair in pairs if pair[0] != pair[1]}


def market(sell: str, buy: str, known: Mapping[Pair, Said]) -> Said | None:
    """Return the newest of what is said of a pair: directly, turned round, or through the pivot.

    A cross rate is as old as the older of its two legs. It is computed from the unrounded legs
    (R1, R3) and cut to 12 decimals only at the end; of equally new ones the direct one counts.
    """
    found: list[Said] = []
    direct, turned = known.get((sell, buy)), known.get((buy, sell))
    if direct is not None:
        found.append(direct)
    with localcontext(prec=50):
        if turned is not None:
            found.append(Said(1 / turned.mid, turned.source, turned.quoted_at))
        theirs, ours = known.get((PIVOT, buy)), known.get((PIVOT, sell))
        if theirs is not None and ours is not None and PIVOT not in (sell, buy):
            source = theirs.source if theirs.source == ours.source else "several"
            moment = min(theirs.quoted_at, ours.quoted_at)
            found.append(Said(theirs.mid / ours.mid, f"{source}, by {PIVOT}", moment))
        if not found:
            return None
        newest = max(found, key=lambda said: said.quoted_at)
        return Said(_stored(newest.mid), newest.source, newest.quoted_at)


def quoted(sell: str, buy: str, said: Said, percent: Decimal) -> Quote:
    """Return what a client is quoted: the market's rate less the mark-up in percent."""
    with localcontext(prec=50):
        client_rate = _stored(said.mid * (1 - percent / 100))
    return Quote(sell, buy, said.mid, client_rate, percent, said.source, said.quoted_at)


def check_age(said: Said, *, moment: datetime, hours: int) -> None:
    """Raise RateStale for a rate that is older than so many hours."""
    if moment - said.quoted_at > timedelta(hours=hours):
        raise RateStale(quoted_at=said.quoted_at)


def _stored(rate: Decimal) -> Decimal:
    return rate.quantize(_STORED, ROUND_HALF_EVEN)
