"""Who cares about which event: the one list."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.util import find_spec

from kernel.subscriptions import Subscriptions
from tenants.ports import Ports
from trading.events import CashDone, CashFailed
from treasury import subscribers as treasury_subscribers
from treasury.events import DepositSettled, WebhookStored

# Rooms that bind their own subscribers to the ports.
_ROOMS = (
    *("trading", "messaging", "compliance", "revenue", "introducers", "crm"),
    *("tradersroom", "partners"),
)


def subscriptions(ports: Ports) -> Subscriptions:
    """Return every subscription of the product, bound to the ports of this process."""
    made = Subscriptions()
    _money_path(made, ports)
    for room in _ROOMS:
        if find_spec(room) and find_spec(f"{room}.subscribers"):
            import_module(f"{room}.subscribers").subscribe(made, ports)
    return made


def _money_path(made: Subscriptions, ports: Ports) -> None:
    """Bind what moves money: from the provider's event to the trading account's balance."""
    made.job(
        WebhookStored,
        "treasury.settle",
        partial(treasury_subscribers.on_webhook_stored, payments=ports.payments, vault=ports.vault),
        lane="money",
    )
    made.on(CashDone, "treasury.credit", treasury_subscribers.on_cash_done, lane="money")
    made.on(CashFailed, "treasury.return", treasury_subscribers.on_cash_failed, lane="money")
    made.job(
        DepositSettled,
        "treasury.fee",
        partial(
            treasury_subscribers.on_deposit_settled, payments=ports.payments, vault=ports.vault
        ),
    )
