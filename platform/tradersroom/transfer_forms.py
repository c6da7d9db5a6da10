"""What a transfer's form offers and how it is read: places money comes from and goes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from clients.models import Client
from kernel.database import ReadSession, TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.money import Money, round_half_up
from ledger import queries as ledger_queries
from ledger.chart import CLIENT_WALLET
from themes.formats import isolated as ltr
from themes.formats import money_text, number_text, theirs, typed_amount
from trading import queries as trading_queries
from treasury.transfers import queries

CLIENT = "client"
# What a wallet can be opened in by converting, besides what the client has already.
_COMMON = ("USD", "EUR", "GBP")


@dataclass(frozen=True, slots=True)
class Place:
    """Where money comes from or goes to: an account, or the wallet in a currency."""

    currency: str
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form offers: options as cards show them, and the places behind their values."""

    sources: list[dict[str, Any]]
    targets: list[dict[str, Any]]
    places: dict[str, Place]
    sends: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What the form asks for; `target` is None where another client receives."""

    source: Place
    target: Place | None
    amount: Money
    recipient: str


async def offer(
    session: TenantSession | ReadSession,
    client: Client,
    base_currency: str,
    *,
    only_wallets: bool = False,
) -> Offer:
    """Return what a client can choose; with `only_wallets` only conversions between them."""
    held = await ledger_queries.balances(session, code=CLIENT_WALLET, owners=[client.id])
    available = {row.currency: row.balance.available for row in held}
    owned = [] if only_wallets else await trading_queries.accounts_of(session, client.id)
    accounts = [one for one in owned if one.state == "open"]
    currencies = list(
        dict.fromkeys([base_currency, *available, *(one.currency for one in accounts), *_COMMON])
    )
    places = {f"w:{code}": Place(code) for code in currencies}
    places |= {f"a:{one.id}": Place(one.currency, one.id) for one in accounts}
    cards = [
        {
            "value": f"a:{one.id}",
            "label": theirs(one.nickname) if one.nickname else gettext("Account %s") % one.login,
            "icon": "chart-candle",
            "tone": "b",
            "line": ltr(f"MT5 · {one.login}"),
            "end": ltr(money_text(Money(one.balance, one.currency))),
            "end_line": gettext("balance"),
        }
        for one in accounts
    ]
    wallets = {code: _wallet(code, available.get(code, Decimal(0))) for code in currencies}
    policy = await queries.policy(session)
    sends = policy.between_clients and not only_wallets
    targets = [*cards, *wallets.values()]
    if sends:
        targets.append(
            {
                "value": CLIENT,
                "label": gettext("Another client"),
                "icon": "user",
                "line": gettext("From your wallet to theirs, in the same currency"),
            }
        )
    sources = [wallets[code] for code in currencies if available.get(code)] + cards
    return Offer(sources, targets, places, sends)


def read(values: Mapping[str, str], offered: Offer) -> Order:
    """Read the form; raise InvalidInput with what to do beside each field."""
    errors: dict[str, str] = {}
    chosen = {option["value"] for option in offered.sources}
    source = offered.places.get(values.get("source", ""))
    if source is None or values.get("source") not in chosen:
        errors["source"] = gettext("Choose where the money comes from.")
    target = offered.places.get(values.get("target", ""))
    to_client = offered.sends and values.get("target") == CLIENT
    if target is None and not to_client:
        errors["target"] = gettext("Choose where the money goes.")
    elif target is not None and target == source:
        errors["target"] = gettext("Choose another place than where it comes from.")
    if to_client and not values.get("recipient", "").strip():
        errors["recipient"] = gettext("Enter their e-mail address or client number.")
    if to_client and source is not None and source.account_id is not None:
        errors["source"] = gettext("Other clients receive from your wallet: choose one.")
    amount = typed_amount(values.get("amount", ""))
    if amount is None or amount <= 0:
        errors["amount"] = gettext("Enter an amount such as %s.") % number_text(Decimal(250), 2)
    elif source is not None and amount != round_half_up(amount, source.currency):
        errors["amount"] = gettext("Enter a positive amount in whole minor units.")
    if errors or source is None or amount is None:
        raise InvalidInput(errors)
    recipient = values.get("recipient", "") if to_client else ""
    return Order(source, None if to_client else target, Money(amount, source.currency), recipient)


def _wallet(code: str, available: Decimal) -> dict[str, Any]:
    return {
        "value": f"w:{code}",
        "label": gettext("Wallet in %s") % code,
        "icon": "wallet",
        "line": gettext("Yours, outside the trading accounts"),
        "end": ltr(money_text(Money(available, code))),
        "end_line": gettext("available"),
    }
