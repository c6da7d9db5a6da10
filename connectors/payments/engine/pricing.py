"""What a method costs and whom it takes: limits, fees, countries, levels of verification. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from connectors.payments.engine.definitions import Method
from connectors.payments.engine.failures import ValueUnusable
from kernel.money import Money

Direction = Literal["deposit", "withdraw"]
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Price:
    """What a payment costs, and who bears it. `payer_sends` is what leaves the client."""

    fee: Money
    client_pays: Money
    merchant_pays: Money
    payer_sends: Money


def misfit(method: Method, amount: Money, *, country: str = "", kyc_level: int = 0) -> str:
    """Return why a method does not take a payment, in words for staff; empty when it does."""
    currency = amount.currency
    if method.currencies and currency not in method.currencies:
        return f"takes no {currency}"
    if method.countries and country not in method.countries:
        return f"is not offered in {country or 'an unknown country'}"
    if kyc_level < method.kyc_level:
        return f"needs verification level {method.kyc_level}"
    limit = method.limits.get(currency)
    if method.limits and limit is None:
        return f"has no limits in {currency}"
    if limit is not None and amount.amount < limit.smallest:
        return f"takes {limit.smallest} {currency} or more"
    if limit is not None and amount.amount > limit.largest:
        return f"takes {limit.largest} {currency} or less"
    return ""


def price(method: Method, direction: Direction, amount: Money) -> Price:
    """Return what a payment costs: a percentage, and something fixed in the same currency.

    The fee is rounded half up, once (R2). A fixed part in another currency raises ValueUnusable
    unless the payment is in that currency: the file says which currency it is meant for.
    """
    fee = method.fees.get(direction)
    nothing = Money(Decimal(0), amount.currency).rounded()
    if fee is None:
        return Price(nothing, nothing, nothing, amount)
    fixed = fee.fixed
    if fixed and fee.currency and fee.currency != amount.currency:
        # A card's fixed 0.30 USD is not owed on a payment in yen by this table alone.
        raise ValueUnusable(f"The fixed fee is in {fee.currency}: convert it first.")
    total = Money(amount.amount * fee.percent / _HUNDRED + fixed, amount.currency).rounded()
    if fee.payer == "client":
        return Price(total, total, nothing, amount + total)
    return Price(total, nothing, total, amount)
