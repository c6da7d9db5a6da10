"""Pure rules: one line's arithmetic as steps that a person can redo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CLOSED_BY = 3


def steps(kind: str, arithmetic: Mapping[str, Any], *, symbol: str) -> list[dict[str, str]]:
    """Return the steps of a line: label, note, operator and value, all as text."""
    made = _markup(arithmetic, symbol) if kind == "markup" else _charge(kind, arithmetic)
    if arithmetic["currency"] != arithmetic["base_currency"]:
        made.append(
            {
                "label": f"{arithmetic['currency']} in {arithmetic['base_currency']}",
                "note": str(arithmetic["rate_source"]),
                "operator": "×",
                "value": str(arithmetic.get("rate") or "no rate yet"),
            }
        )
        made.append(_unrounded(arithmetic.get("exact_base"), arithmetic["base_currency"]))
    return made


def _markup(arithmetic: Mapping[str, Any], symbol: str) -> list[dict[str, str]]:
    whole = arithmetic["points"]
    note = f"half of the group's {whole} points: a deal is one side"
    if arithmetic.get("entry") == _CLOSED_BY:
        note = "closed by an opposite position: no spread is paid on this side"
    made = [
        {"label": "Lots", "note": symbol, "value": str(arithmetic["lots"])},
        {
            "label": "Contract size",
            "note": "units in a lot",
            "operator": "×",
            "value": str(arithmetic["contract_size"]),
        },
        {
            "label": "Mark-up in points",
            "note": note,
            "operator": "×",
            "value": str(arithmetic["side_points"]),
        },
        {
            "label": "Point",
            "note": "the smallest step of the price",
            "operator": "×",
            "value": str(arithmetic["point"]),
        },
    ]
    if arithmetic["deal_currency"] != arithmetic["currency"]:
        made.append(_unrounded(arithmetic["exact_deal"], arithmetic["deal_currency"]))
        made.append(
            {
                "label": f"{arithmetic['deal_currency']} in {arithmetic['currency']}",
                "note": "the server's profit rate of the deal",
                "operator": "×",
                "value": str(arithmetic["rate_profit"]),
            }
        )
    made.append(_unrounded(arithmetic["exact"], arithmetic["currency"]))
    return made


def _charge(kind: str, arithmetic: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "label": f"{kind.capitalize()} on the deal",
            "note": "as the server posted it; a charge is negative",
            "value": _figure(arithmetic["charged"], arithmetic["currency"]),
        },
        {
            "label": "Sign turned",
            "note": "what the client pays the brokerage earns",
            "operator": "×",
            "value": "-1",
        },
    ]


def _unrounded(value: object, currency: object) -> dict[str, str]:
    shown = _figure(value, currency) if value is not None else "–"
    return {"label": "Unrounded", "operator": "=", "value": shown}


def _figure(value: object, currency: object) -> str:
    whole, _, decimals = str(value).partition(".")
    return f"{whole}.{decimals.ljust(2, '0')} {currency}"
