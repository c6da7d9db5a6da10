"""The 24 instruments the server quotes, with their contract, spread and swap terms."""

from dataclasses import dataclass
from typing import Any

from .scales import SCALE, points_text, text

SWAP_POINTS = 1
SWAP_INTEREST_OPEN = 6
CALC_FOREX = 0
CALC_CFD_LEVERAGE = 4
WEDNESDAY = 3
FRIDAY = 5
LOT_MAX = 100


@dataclass(frozen=True, slots=True)
class Symbol:
    """One instrument: spreads and swaps in points (swaps in 1e-8), level = usual bid in points."""

    name: str
    family: str
    base: str
    profit: str
    contract: int
    digits: int
    spread_points: int
    standard_spread_points: int
    swap_long: int
    swap_short: int
    swap_mode: int
    swap_triple_day: int
    level_points: int
    daily_move_ppm: int

    @property
    def path(self) -> str:
        r"""The path in the symbol tree, for example ``FX Majors\EURUSD``."""
        return f"{self.family}\\{self.name}"

    @property
    def is_forex(self) -> bool:
        """Whether the symbol is a currency pair, margined in its base currency."""
        return self.family.startswith("FX")


def _swap(number: str) -> int:
    whole, _, rest = number.lstrip("-").partition(".")
    amount = int(whole) * SCALE + int((rest + "0" * 8)[:8])
    return -amount if number.startswith("-") else amount


def _table(family: str, triple_day: int, lines: str) -> list[Symbol]:
    result = []
    for line in lines.strip().splitlines():
        name, base, profit, *numbers, long, short, level, move = line.split()
        contract, digits, raw, standard = (int(number) for number in numbers)
        interest = long.endswith("%")
        result.append(
            Symbol(
                name,
                family,
                base,
                profit,
                contract,
                digits,
                raw,
                standard,
                _swap(long.rstrip("%")),
                _swap(short.rstrip("%")),
                SWAP_INTEREST_OPEN if interest else SWAP_POINTS,
                triple_day,
                int(level),
                int(move),
            )
        )
    return result


# name base profit contract digits raw standard swap-long swap-short level move
_ALL = [
    *_table(
        "FX Majors",
        WEDNESDAY,
        """
        EURUSD EUR USD 100000 5 1 11 -6.8 2.1 108000 4500
        GBPUSD GBP USD 100000 5 3 13 -4.2 0.4 127000 5000
        USDJPY USD JPY 100000 3 2 12 9.5 -19.0 154000 5500
        USDCHF USD CHF 100000 5 3 13 5.1 -11.0 89300 4500
        AUDUSD AUD USD 100000 5 2 12 -2.9 0.3 65000 5500
        USDCAD USD CAD 100000 5 3 13 1.0 -5.8 138900 4000
        NZDUSD NZD USD 100000 5 4 14 -2.1 -0.6 58500 5500
        """,
    ),
    *_table(
        "FX Minors",
        WEDNESDAY,
        """
        EURGBP EUR GBP 100000 5 4 14 -5.9 1.0 85039 0
        EURJPY EUR JPY 100000 3 5 15 3.1 -12.4 166320 0
        GBPJPY GBP JPY 100000 3 9 19 8.0 -21.5 195580 0
        AUDNZD AUD NZD 100000 5 9 19 -2.0 -2.4 111111 0
        """,
    ),
    *_table(
        "FX Exotics",
        WEDNESDAY,
        """
        USDTRY USD TRY 100000 5 600 900 -950 310 4000000 3000
        USDZAR USD ZAR 100000 5 500 750 -145 40 1790000 7000
        """,
    ),
    *_table(
        "Metals",
        WEDNESDAY,
        """
        XAUUSD XAU USD 100 2 12 25 -38 14 265000 9000
        XAGUSD XAG USD 5000 3 15 28 -4.5 0.9 31000 16000
        """,
    ),
    *_table(
        "Indices",
        FRIDAY,
        """
        US30 USD USD 1 1 15 28 -6.1 -1.2 435000 7000
        US500 USD USD 10 2 40 70 -0.9 -0.2 595000 7500
        NAS100 USD USD 1 1 10 19 -3.3 -0.7 207000 10000
        GER40 EUR EUR 1 1 9 16 -2.5 -0.9 193000 8000
        """,
    ),
    *_table(
        "Energies",
        FRIDAY,
        """
        WTI USD USD 1000 2 2 4 -3.0 0.6 7100 18000
        NGAS USD USD 10000 3 4 8 -9.0 1.4 3000 28000
        """,
    ),
    *_table("Shares", FRIDAY, "AAPL USD USD 100 2 3 6 -6% -2% 22800 13000"),
    *_table(
        "Crypto",
        FRIDAY,
        """
        BTCUSD BTC USD 1 2 1200 2200 -18% 0% 9200000 24000
        ETHUSD ETH USD 10 2 90 170 -18% 0% 320000 30000
        """,
    ),
]

SYMBOLS: dict[str, Symbol] = {symbol.name: symbol for symbol in _ALL}
"""Every instrument by name, in the order the server lists them."""


def record(symbol: Symbol) -> dict[str, Any]:
    """Return the symbol as the protocol shows it: every scalar a string."""
    point = points_text(1, symbol.digits)
    volumes = {"VolumeMin": 100, "VolumeMax": LOT_MAX * 10_000, "VolumeStep": 100}
    return {
        "Symbol": symbol.name,
        "Path": symbol.path,
        "ISIN": "",
        "Description": symbol.name,
        "CurrencyBase": symbol.base,
        "CurrencyBaseDigits": "2",
        "CurrencyProfit": symbol.profit,
        "CurrencyProfitDigits": "0" if symbol.profit == "JPY" else "2",
        "CurrencyMargin": symbol.base if symbol.is_forex else symbol.profit,
        "CurrencyMarginDigits": "2",
        "Color": "4278190080",
        "Digits": str(symbol.digits),
        "Point": point,
        "Multiply": str(10**symbol.digits),
        "TickFlags": "3",
        "TickBookDepth": "0",
        "TradeMode": "4",
        "CalcMode": str(CALC_FOREX if symbol.is_forex else CALC_CFD_LEVERAGE),
        "ExecMode": "2",
        "GTCMode": "0",
        "FillFlags": "3",
        "ExpirFlags": "15",
        "Spread": "0",
        "SpreadBalance": "0",
        "SpreadDiff": "0",
        "SpreadDiffBalance": "0",
        "TickValue": "0",
        "TickSize": "0",
        "ContractSize": text(symbol.contract * SCALE, 2),
        "StopsLevel": "0",
        "FreezeLevel": "0",
        **{name: str(volume) for name, volume in volumes.items()},
        **{f"{name}Ext": str(volume * 10_000) for name, volume in volumes.items()},
        "VolumeLimit": "0",
        "VolumeLimitExt": "0",
        "MarginInitial": "0.00",
        "MarginMaintenance": "0.00",
        "MarginLong": "1.00",
        "MarginShort": "1.00",
        "SwapMode": str(symbol.swap_mode),
        "SwapLong": text(symbol.swap_long, 8),
        "SwapShort": text(symbol.swap_short, 8),
        "Swap3Day": str(symbol.swap_triple_day),
        "TimeStart": "0",
        "TimeExpiration": "0",
    }
