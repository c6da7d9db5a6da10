"""The choices on the deposit page: where to, how, at what price and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from clients.models import Client
from kernel.language import gettext, marked
from kernel.money import Money
from themes.formats import amount_text, money_text, number_text, theirs
from themes.formats import isolated as ltr
from trading.models import TradingAccount
from treasury.offers.ways import Payer, Way

WALLET = "wallet"
_ICONS = {
    "address": "coins",
    "instructions": "building-bank",
    "qr": "qrcode",
    "push": "device-mobile",
}
# What provider files say of it, which knows no language.
_ARRIVALS = {
    "": marked("As soon as the provider confirms it"),
    "at once": marked("Instantly"),
    "within minutes": marked("Within minutes"),
    "one to three working days": marked("One to three working days"),
}


def payer_of(client: Client) -> Payer:
    """Return what decides which ways are open to a client."""
    return Payer(client.country, client.kyc_level)


def arrival(text: str) -> str:
    """Return when money arrives, in the language of this request where it is a known text."""
    return gettext(_ARRIVALS[text]) if text in _ARRIVALS else text


def fee_text(way: Way) -> str:
    """Return what the payer bears, before an amount is known."""
    fee = way.method.fees.get("deposit")
    if fee is None or fee.payer != "client" or not (fee.percent or fee.fixed):
        return gettext("Free")
    parts = []
    if fee.percent:
        places = 2 if fee.percent != fee.percent.quantize(Decimal("0.1")) else 1
        parts.append(f"{number_text(fee.percent, places)} %")
    if fee.fixed:
        parts.append(money_text(Money(fee.fixed, way.currency)))
    return ltr(" + ".join(parts))


def methods(found: Sequence[Way], base_currency: str) -> list[dict[str, Any]]:
    """Return one card for each way to pay, its limits in the base currency where it is taken."""
    shown: dict[str, list[Way]] = {}
    for way in found:
        shown.setdefault(way.title, []).append(way)
    return [_card(title, some, base_currency) for title, some in shown.items()]


def _card(title: str, some: Sequence[Way], base_currency: str) -> dict[str, Any]:
    currency = next((one.currency for one in some if one.currency == base_currency), "")
    same = [one for one in some if one.currency == (currency or some[0].currency)]
    smallest = min((one.smallest for one in same), key=_size)
    largest = max((one.largest for one in same), key=_size)
    first = same[0]
    return {
        "value": title,
        "label": theirs(title),
        "icon": _ICONS.get(first.show, "credit-card"),
        "line": ltr(f"{amount_text(smallest)} – {money_text(largest)}"),
        "end": fee_text(first),
        "end_line": arrival(first.method.arrival),
        "tone": "a",
    }


def _size(money: Money) -> Decimal:
    return money.amount


def currencies(found: Sequence[Way], base_currency: str) -> list[str]:
    """Return the currencies that can be paid in, the brokerage's own first."""
    taken = {way.currency for way in found}
    return sorted(taken, key=lambda code: (code != base_currency, code))


def target(row: TradingAccount) -> dict[str, Any]:
    """Return the card of a trading account that money can go to."""
    return {
        "value": str(row.id),
        "label": theirs(row.nickname) if row.nickname else gettext("Account %s") % row.login,
        "icon": "chart-candle",
        "tone": "b",
        "line": ltr(f"MT5 · {row.login}"),
        "end": ltr(money_text(Money(row.balance, row.currency))),
        "end_line": gettext("balance"),
    }


def wallet_target() -> dict[str, Any]:
    """Return the card of the wallet."""
    return {
        "value": WALLET,
        "label": gettext("Wallet"),
        "icon": "wallet",
        "line": gettext("Keep it here, move it to an account later"),
    }
