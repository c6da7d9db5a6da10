"""Amounts of Praxis' API: whole numbers of the currency's smallest part, with ten exceptions.

Source: integration_docs 3.3 and 3.4: "for certain currencies (JPY, CLP, KRW, VND, BHD, IQD, JOD,
LYD, OMR, TND) the amount is sent as-is". The latest pages point to a list that was not to be had.
"""

from decimal import Decimal

from connectors.payments.simulator.desk import amounts

AS_IT_IS = ("JPY", "CLP", "KRW", "VND", "BHD", "IQD", "JOD", "LYD", "OMR", "TND")


def read(amount: int, currency: str) -> Decimal:
    """Return whole units."""
    return Decimal(amount) if currency in AS_IT_IS else amounts.from_minor(amount, currency)


def write(amount: Decimal, currency: str) -> int:
    """Return the API's number; raise ValueError when it cannot say so small a part."""
    if currency not in AS_IT_IS:
        return amounts.to_minor(amount, currency)
    if amount != amount.to_integral_value():
        raise ValueError(f"{currency} is sent in whole units.")
    return int(amount)
