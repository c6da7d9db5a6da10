"""Decimals of currencies, and amounts between whole and minor units."""

from decimal import Decimal, InvalidOperation

# ISO 4217; what is not here has two decimals.
DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND",
         "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("BTC", "LTC", "BCH", "DOGE", "ETH"), 8),
    **dict.fromkeys(("USDT", "USDC", "USDTTRC20", "USDTERC20", "USDTBSC", "TRX", "XRP"), 6),
}  # fmt: skip


def decimals(currency: str) -> int:
    """Return the number of decimals of a currency."""
    return DECIMALS.get(currency.upper(), 2)


def read(text: str) -> Decimal:
    """Return a positive finite amount. Raises ValueError that says what to give."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ValueError("Give an amount above zero, such as 12.50.")
    return amount


def from_minor(amount: int, currency: str) -> Decimal:
    """Return whole units."""
    return Decimal(amount).scaleb(-decimals(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """Return minor units; raises ValueError when the currency has no such small part."""
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency} has {decimals(currency)} decimals.")
    return int(minor)


def written(amount: Decimal, currency: str) -> str:
    """Return the amount for a person: `1,250.00 USD`."""
    places = max(decimals(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f} {currency.upper()}"


def plain(amount: Decimal, currency: str) -> str:
    """Return the amount with all decimals of its currency and no separators: `50.00`."""
    return f"{amount:.{decimals(currency)}f}"
