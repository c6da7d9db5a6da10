"""Who cares about which event: the one list."""

from __future__ import annotations

from functools import partial

from backoffice import subscribers as backoffice_subscribers
from compliance import subscribers as compliance_subscribers
from crm import client_list, lead_list_screens
from crm import subscribers as crm_subscribers
from identity.events import BulkStarted
from identity.listings import bulk
from introducers import subscribers as introducers_subscribers
from kernel.subscriptions import Subscriptions
from messaging import subscribers as messaging_subscribers
from messaging.liquid.renderer import Renderer
from revenue import subscribers as revenue_subscribers
from tenants.ports import Ports
from tradersroom import subscribers as tradersroom_subscribers
from trading import subscribers as trading_subscribers
from trading.events import CashDone, CashFailed
from treasury import subscribers as treasury_subscribers
from treasury.adjustments import subscribers as adjustment_subscribers
from treasury.banks import subscribers as bank_subscribers
from treasury.connections import Reach
from treasury.events import DepositSettled, PaymentUnclear, WebhookStored
from treasury.reconciliation import subscribers as reconciliation_subscribers
from treasury.transfers import subscribers as transfer_subscribers
from treasury.withdrawals import subscribers as withdrawal_subscribers

_BATCH = 100


def subscriptions(ports: Ports) -> Subscriptions:
    """Return every subscription of the product, bound to the ports of this process."""
    made = Subscriptions()
    renderer = Renderer()  # starts children when a tenant's template is first used
    made.at_close(renderer.close)
    _treasury(made, ports)
    withdrawal_subscribers.subscribe(made, ports)
    trading_subscribers.subscribe(made, ports)
    messaging_subscribers.subscribe(made, ports, renderer)
    compliance_subscribers.subscribe(made, ports)
    revenue_subscribers.subscribe(made, ports)
    introducers_subscribers.subscribe(made, ports)
    crm_subscribers.subscribe(made, ports)
    tradersroom_subscribers.subscribe(made, ports)
    backoffice_subscribers.subscribe(made, ports, renderer)
    made.job(BulkStarted, "identity.bulk", partial(bulk.work, actions=_bulk_actions()))
    return made


def _bulk_actions() -> bulk.Actions:
    """Return what can be done to many rows, by list and action."""
    lists = (lead_list_screens.LISTING, client_list.LISTING)
    return {(one.table.name, action.name): action for one in lists for action in one.actions}


def _treasury(made: Subscriptions, ports: Ports) -> None:
    """Bind what moves money: from the provider's event to the trading account's balance."""
    reach = Reach(ports.gateways, ports.vault, ports.settings)
    unclear = partial(treasury_subscribers.on_payment_unclear, reach=reach)
    fee = partial(treasury_subscribers.on_deposit_settled, reach=reach)
    made.on_batch(
        WebhookStored,
        "treasury.settle",
        treasury_subscribers.on_webhooks_stored,
        size=_BATCH,
        lane="money",
    )
    made.job(PaymentUnclear, "treasury.ask_provider", unclear)
    # The hold keeps the money safe meanwhile, so that other clients' credits may go first.
    made.on_batch(CashDone, "treasury.credit", treasury_subscribers.on_cash_done, size=_BATCH)
    made.on(CashFailed, "treasury.return", treasury_subscribers.on_cash_failed, lane="money")
    made.job(DepositSettled, "treasury.fee", fee)
    transfer_subscribers.subscribe(made)
    bank_subscribers.subscribe(made)
    reconciliation_subscribers.subscribe(made)
    adjustment_subscribers.subscribe(made)
