"""Coins, their decimals and fixed prices: a test's numbers have to come out the same each time."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

USD = {"usd": Decimal(1), "eur": Decimal("1.08"), "gbp": Decimal("1.25"), "jpy": Decimal("0.0065")}


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin: its price in US dollars, its network and the number of decimals on it."""

    usd: Decimal
    network: str
    decimals: int


COINS = {
    "btc": Coin(Decimal(50_000), "btc", 8),
    "eth": Coin(Decimal(2_500), "eth", 8),
    "ltc": Coin(Decimal(80), "ltc", 8),
    "usdttrc20": Coin(Decimal(1), "trx", 6),
    "usdterc20": Coin(Decimal(1), "eth", 6),
    "trx": Coin(Decimal("0.12"), "trx", 6),
    "xrp": Coin(Decimal("0.5"), "xrp", 6),
}


def in_usd(currency: str) -> Decimal | None:
    """Return the price of a unit of money or coin in US dollars; None when it is not known."""
    coin = COINS.get(currency)
    return USD.get(currency) if coin is None else coin.usd


def to_coin(amount: Decimal, currency: str, coin: str) -> Decimal:
    """Return how much of a coin an amount of money is, rounded up to its decimals."""
    price = in_usd(currency)
    if price is None:
        raise ValueError(currency)
    exact = amount * price / COINS[coin].usd
    return exact.quantize(Decimal(1).scaleb(-COINS[coin].decimals), ROUND_UP)
