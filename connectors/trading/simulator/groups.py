r"""Groups of accounts: their records, masks, and the trading terms they give.

A group's ``Symbols`` entries name a symbol, a path mask such as ``FX Majors\\*``, or ``*``;
the most specific entry wins. ``SpreadDiff`` is the whole extra spread in points: half goes on
each side, an odd point on the ask. ``Commissions`` are per lot and side, in account currency.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import symbols
from .scales import SCALE, divide, parse, rounded, text
from .symbols import SYMBOLS, Symbol

_INHERIT = "default"
_CHARGE_INSTANT = 2
_ENTRY_ALL = 0
_MODE_STANDARD = 0

DEFAULTS: dict[str, Any] = {
    "Group": "",
    "Server": "1",
    "PermissionsFlags": "2",
    "AuthMode": "0",
    "AuthPasswordMin": "8",
    "AuthOTPMode": "0",
    "Company": "",
    "CompanyPage": "",
    "CompanyEmail": "",
    "CompanySupportPage": "",
    "CompanySupportEmail": "",
    "CompanyCatalog": "",
    "Currency": "USD",
    "CurrencyDigits": "2",
    "ReportsMode": "0",
    "ReportsFlags": "0",
    "NewsMode": "2",
    "NewsCategory": "",
    "MailMode": "1",
    "TradeFlags": "1119",
    "TradeTransferMode": "0",
    "TradeInterestrate": "0.00",
    "TradeVirtualCredit": "0.00",
    "MarginMode": "2",
    "MarginSOMode": "0",
    "MarginFreeMode": "1",
    "MarginCall": "100.00",
    "MarginStopOut": "50.00",
    "MarginFreeProfitMode": "0",
    "DemoLeverage": "100",
    "DemoDeposit": "10000.00",
    "LimitHistory": "0",
    "LimitOrders": "0",
    "LimitSymbols": "0",
    "LimitPositions": "0",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a group makes of a symbol: spread in points, swaps in 1e-8 of a point or percent."""

    spread_points: int
    swap_mode: int
    swap_long: int
    swap_short: int


@lru_cache(maxsize=1000)
def _mask_pattern(mask: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in mask.split("*"))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)


def matches(name: str, masks: str) -> bool:
    """Return whether a name fits a comma list of masks; ``!mask`` takes names out again."""
    found = False
    for mask in (part.strip() for part in masks.split(",")):
        if mask.startswith("!"):
            if _mask_pattern(mask[1:]).fullmatch(name):
                return False
        elif mask and _mask_pattern(mask).fullmatch(name):
            found = True
    return found


def _specificity(path: str, symbol: Symbol) -> int:
    if path.lower() in (symbol.name.lower(), symbol.path.lower()):
        return 10_000
    if _mask_pattern(path).fullmatch(symbol.path) or _mask_pattern(path).fullmatch(symbol.name):
        return 1 + len(path.replace("*", ""))
    return 0


def _entry(record: dict[str, Any], symbol: Symbol) -> dict[str, Any]:
    best: dict[str, Any] = {}
    best_score = 0
    for entry in record.get("Symbols", ()):
        score = _specificity(str(entry.get("Path", "")), symbol)
        if score > best_score:
            best, best_score = entry, score
    return best


def terms(record: dict[str, Any], symbol: Symbol) -> Terms:
    """Return the spread and swaps that a group's clients get on a symbol."""
    entry = _entry(record, symbol)

    def value(name: str) -> str | None:
        found = str(entry.get(name, _INHERIT))
        return None if found == _INHERIT else found

    spread, mode = value("SpreadDiff"), value("SwapMode")
    long, short = value("SwapLong"), value("SwapShort")
    return Terms(
        int(spread) if spread is not None else 0,
        int(mode) if mode is not None else symbol.swap_mode,
        parse(long) if long is not None else symbol.swap_long,
        parse(short) if short is not None else symbol.swap_short,
    )


def commission(
    record: dict[str, Any], symbol: Symbol, *, entry: int, volume: int, digits: int
) -> int:
    """Return the commission of one deal in account currency (1e-8): negative or zero.

    Only instant broker commissions count; entry 0 opens, 1 closes; volume is in 1e-8 lots.
    """
    total = 0
    for rule in record.get("Commissions", ()):
        if int(rule.get("Mode", 0)) != _MODE_STANDARD:
            continue
        if int(rule.get("ChargeMode", _CHARGE_INSTANT)) != _CHARGE_INSTANT:
            continue
        if int(rule.get("EntryMode", 0)) not in (_ENTRY_ALL, entry + 1):
            continue
        if not _specificity(str(rule.get("Path", "*")), symbol):
            continue
        for tier in rule.get("Tiers", ()):
            start, end = parse(tier.get("RangeFrom", 0)), parse(tier.get("RangeTo", 0))
            if start <= volume and (end == 0 or volume <= end):
                amount = divide(parse(tier.get("Value", 0)) * volume, SCALE)
                total += max(amount, parse(tier.get("Minimal", 0)))
                break
    return -rounded(total, digits)


def validate(given: dict[str, Any]) -> dict[str, Any]:
    """Return a complete group record from what was sent; raise ValueError when it is not one."""
    record = {**DEFAULTS, "Commissions": [], "Symbols": []}
    for name, value in given.items():
        if isinstance(value, list):
            record[name] = [_texts(item) for item in value]
        else:
            record[name] = str(value)
    name = record["Group"]
    if not re.fullmatch(r"[^\\*,!]+(\\[^\\*,!]+)*", name) or len(name) > 63:
        raise ValueError("group name")
    if not 0 <= int(record["CurrencyDigits"]) <= 8 or not record["Currency"]:
        raise ValueError("currency")
    for symbol in SYMBOLS.values():
        found = terms(record, symbol)
        if not 0 <= found.spread_points <= 1_000_000:
            raise ValueError("spread")
        commission(record, symbol, entry=0, volume=SCALE, digits=2)
    return record


def _texts(item: Any) -> Any:
    if isinstance(item, dict):
        return {name: _texts(value) for name, value in item.items()}
    if isinstance(item, list):
        return [_texts(value) for value in item]
    return str(item)


def _symbol_entries(share_percent: int) -> list[dict[str, str]]:
    entries = []
    families: dict[str, set[int]] = {}
    for symbol in SYMBOLS.values():
        extra = (symbol.standard_spread_points - symbol.spread_points) * share_percent
        families.setdefault(symbol.family, set()).add(divide(extra, 100))
    for symbol in SYMBOLS.values():
        same = families[symbol.family]
        path = symbol.name if len(same) > 1 else f"{symbol.family}\\*"
        extra = (symbol.standard_spread_points - symbol.spread_points) * share_percent
        entry = {"Path": path, "TradeMode": "4", "SpreadDiff": str(divide(extra, 100))}
        entry |= {"SpreadDiffBalance": "0", "SwapMode": _INHERIT}
        entry |= {"SwapLong": _INHERIT, "SwapShort": _INHERIT}
        if entry not in entries:
            entries.append(entry)
    return entries


def _commission(per_side: str) -> dict[str, Any]:
    tier = {"Mode": "0", "Type": "1", "Value": per_side, "Minimal": "0.00", "Currency": ""}
    tier |= {"RangeFrom": "0.00", "RangeTo": "0.00"}
    rule: dict[str, Any] = {"Name": "Commission", "Description": "", "Path": "*", "Mode": "0"}
    rule |= {"RangeMode": "0", "ChargeMode": "2", "TurnoverCurrency": "", "EntryMode": "0"}
    rule |= {"ActionMode": "0", "ProfitMode": "0", "ReasonMode": "127", "Tiers": [tier]}
    return rule


def initial() -> Iterable[dict[str, Any]]:
    """Yield the groups of a fresh server: mark-up in percent of the standard one."""
    offers = [
        ("real\\MM\\STD", ["USD", "EUR", "GBP", "AED"], 100, ""),
        ("real\\MM\\RAW", ["USD", "EUR", "GBP"], 0, "3.50"),
        ("real\\MM\\PRO", ["USD", "EUR"], 20, "2.00"),
        ("real\\MM\\CENT", ["USC"], 150, ""),
        ("real\\MM\\ISL", ["USD", "AED"], 140, ""),
        ("managed\\MM\\PAMM", ["USD"], 60, "2.50"),
        ("demo\\MM\\STD", ["USD"], 100, ""),
    ]
    for prefix, currencies, share, per_side in offers:
        for currency in currencies:
            entries = _symbol_entries(share)
            if prefix.endswith("ISL"):
                entries = [entry | {"SwapMode": "0"} for entry in entries]
            yield validate(
                {
                    "Group": f"{prefix}-{currency}",
                    "Currency": currency,
                    "Company": "Meridian Markets",
                    "Symbols": entries,
                    "Commissions": [_commission(per_side)] if per_side else [],
                }
            )


def money(amount: int, record: dict[str, Any]) -> str:
    """Write an amount of 1e-8 with the group's currency digits."""
    return text(amount, int(record["CurrencyDigits"]))


def symbol_record(group: dict[str, Any], symbol: Symbol) -> dict[str, Any]:
    """Return the symbol as the group's clients have it: with its extra spread and swaps."""
    found = terms(group, symbol)
    return symbols.record(symbol) | {
        "SpreadDiff": str(found.spread_points),
        "SwapMode": str(found.swap_mode),
        "SwapLong": text(found.swap_long, 8),
        "SwapShort": text(found.swap_short, 8),
    }
