"""Money: a decimal amount in one currency, rounded once, never a float.

Rounding rules R1 to R3 of the worked finance examples: keep intermediate values
unrounded and round half up to the currency's minor unit when a line is posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Self

from kernel.errors import InvalidInput, ProductError
from kernel.language import marked

# ISO 4217 minor units where they are not 2, crypto assets by their usual scale, and
# cent currencies (USC), whose unit is a hundredth of the named currency.
_EXPONENTS: dict[str, int] = {
    **dict.fromkeys(("JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF", "PYG", "RWF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(
        (
            *("USD", "EUR", "GBP", "AED", "SAR", "QAR", "CHF", "AUD", "CAD", "NZD", "SGD", "HKD"),
            *("SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "TRY", "ZAR", "MXN", "BRL", "INR"),
            *("IDR", "THB", "MYR", "PHP", "CNY", "ILS", "EGP", "NGN", "KES", "COP", "PEN", "ARS"),
            *("UAH", "KZT", "TWD", "PKR", "BDT", "LKR", "MAD", "GHS", "TZS", "USC", "EUC"),
        ),
        2,
    ),
    "USDT": 6,
    "USDC": 6,
    "BTC": 8,
    "ETH": 8,
}
_UNITS = {currency: Decimal(1).scaleb(-places) for currency, places in _EXPONENTS.items()}


class UnknownCurrency(ProductError):
    """The currency has no entry in the table of exponents."""

    code = "unknown_currency"
    status = 422
    message = marked("This currency is not supported.")


class CurrencyMismatch(ProductError):
    """Two amounts of different currencies met in one sum."""

    code = "currency_mismatch"
    status = 500
    message = "Amounts of two currencies can't be added."


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency's minor unit; raise UnknownCurrency."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency (0.01 for USD); raise UnknownCurrency."""
    try:
        return _UNITS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def currencies() -> tuple[str, ...]:
    """All currencies the product can hold."""
    return tuple(sorted(_EXPONENTS))


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """Round half away from zero to the currency's minor unit (R2)."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def round_down(amount: Decimal, currency: str) -> Decimal:
    """Round towards zero to the minor unit, as partner accruals are (R2)."""
    return amount.quantize(minor_unit(currency), ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in major units of one currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse floats and infinities at the door."""
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            msg = "Money takes a finite Decimal"
            raise TypeError(msg)
        exponent(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Read an amount from text; raise InvalidInput for what is not a number."""
        try:
            return cls(Decimal(amount), currency)
        except InvalidOperation:
            raise InvalidInput({"amount": "Enter an amount such as 250.00."}) from None

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Self:
        """Build from an integer of minor units (cents for USD, yen for JPY)."""
        return cls(Decimal(units).scaleb(-exponent(currency)), currency)

    def minor_units(self) -> int:
        """Return the rounded amount as an integer of minor units."""
        return int(self.rounded().amount.scaleb(exponent(self.currency)))

    def rounded(self) -> Money:
        """Return the amount rounded half up to the minor unit."""
        return Money(round_half_up(self.amount, self.currency), self.currency)

    def as_json(self) -> dict[str, str]:
        """Return the form the API speaks: amount as a decimal string, and currency."""
        return {"amount": str(self.rounded().amount), "currency": self.currency}

    def __add__(self, other: Money) -> Money:
        """Add two amounts of one currency; raise CurrencyMismatch otherwise."""
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Subtract an amount of the same currency; raise CurrencyMismatch otherwise."""
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        """Return the amount with its sign turned."""
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Compare two amounts of one currency."""
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        """Compare two amounts of one currency."""
        self._same(other)
        return self.amount <= other.amount

    def __str__(self) -> str:
        """Show the rounded amount followed by the currency's code."""
        return f"{self.rounded().amount:,} {self.currency}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(first=self.currency, second=other.currency)
