"""What a conversion gives: both amounts and the mark-up, each rounded once (rules R2 and R3)."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import CurrencyMismatch, Money
from ledger.lines import Rate


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount sold, what is bought for it, and what the brokerage keeps of the difference.

    `markup` is in the bought currency: the amount at the middle rate, unrounded, less what was
    bought. It is zero or below when the client's rate is no worse than the middle one.
    """

    sold: Money
    bought: Money
    markup: Money
    rate: Rate


def convert(amount: Money, rate: Rate) -> Conversion:
    """Return what an amount becomes at a rate; raises CurrencyMismatch for another currency."""
    if amount.currency != rate.currency_from:
        raise CurrencyMismatch(first=amount.currency, second=rate.currency_from)
    sold = amount.rounded()
    bought = Money(sold.amount * rate.rate, rate.currency_to).rounded()
    at_mid = Money(sold.amount * rate.mid, rate.currency_to)
    return Conversion(sold, bought, (at_mid - bought).rounded(), rate)
