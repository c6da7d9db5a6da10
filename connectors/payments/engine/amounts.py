"""How a provider writes amounts, and back: minor units, decimal strings, bare numbers.

The provider's own number of decimals wins over ISO 4217's, currency by currency. Nothing is
rounded: an amount that the provider can't carry exactly is refused before it is sent, and one
that can't be read exactly is no amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import DecimalException
from typing import Literal

from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.literals import Number, Value
from kernel.money import Money, UnknownCurrency, exponent

AmountKind = Literal["minor", "major_string", "major_number", "whole"]
CurrencyCase = Literal["upper", "lower"]


@dataclass(frozen=True, slots=True)
class MoneyForm:
    """A provider's way to write money.

    `decimals` is how many a written amount has; None means the currency's own number. `currencies`
    are the provider's names for ours, such as {"USDT": "usdttrc20"}; `aliases` are more of its
    names, which only come in, and ours for them.
    """

    kind: AmountKind
    decimals: int | None = None
    trim_zeros: bool = False
    exponents: Mapping[str, int] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    case: CurrencyCase = "upper"

    def scale(self, currency: str) -> int:
        """How many decimals the provider keeps of a currency; raise UnknownCurrency."""
        if currency in self.exponents:
            return self.exponents[currency]
        return exponent(currency) if self.decimals is None else self.decimals

    def write(self, money: Money) -> Number | str:
        """Return the amount as it goes on the wire; raise ValueUnusable where it does not fit."""
        places = 0 if self.kind == "whole" else self.scale(money.currency)
        units = money.amount.scaleb(places)
        if units != units.to_integral_value():
            raise ValueUnusable(f"This provider takes at most {places} decimals here.")
        if self.kind == "minor":
            return Number(str(int(units)))
        text = f"{money.amount:.{places}f}"
        if self.trim_zeros and "." in text:
            text = text.rstrip("0").rstrip(".")
        return text if self.kind == "major_string" else Number(text)

    def write_currency(self, currency: str) -> str:
        """Return the provider's name of a currency of ours."""
        named = self.currencies.get(currency, currency)
        return named.lower() if self.case == "lower" else named

    def read_currency(self, name: Value) -> str:
        """Return our code for the provider's name of a currency; raise ValueUnusable."""
        if not isinstance(name, str) or not name:
            raise ValueUnusable("The currency is no text.")
        for ours, theirs in self.currencies.items():
            if name.lower() == theirs.lower():
                return ours
        return self.aliases.get(name, name.upper())

    def read(self, value: Value, currency: str) -> Money:
        """Read a received amount exactly; raise ValueUnusable when that can't be done."""
        if not isinstance(value, Number | str):
            raise ValueUnusable("The amount is no number.")
        try:
            # The grammar of a JSON number also keeps blanks, "+1", "1_000" and "NaN" out.
            amount = Number(value).decimal if isinstance(value, str) else value.decimal
            if self.kind == "minor":
                if amount != amount.to_integral_value():
                    raise ValueUnusable("Minor units are whole.")
                amount = amount.scaleb(-self.scale(currency))
            elif self.kind == "whole" and amount != amount.to_integral_value():
                raise ValueUnusable("This provider knows whole amounts only.")
            money = Money(amount, currency)
            whole = money.amount == money.rounded().amount
        except (UnknownCurrency, DecimalException):
            raise ValueUnusable("We hold no money of this currency and size.") from None
        if not whole or amount < 0:
            raise ValueUnusable("The amount is negative, or finer than its currency.")
        return money.rounded()
