"""The API's requests on payouts of the merchant's own balance to its bank account.

Source: docs.stripe.com/api/payouts. A payout is pending, then `paid` after the settling time;
money of somebody else's account is not paid out here: that is Connect.
"""

import time
from typing import Any

from connectors.payments.simulator import currencies, events, forms, objects, refunds
from connectors.payments.simulator.errors import ApiError, missing_parameter
from connectors.payments.simulator.payments import SETTLE_SECONDS
from connectors.payments.simulator.store import JsonObject, Store, new_id

KNOWN = {
    "amount", "currency", "description", "metadata", "method", "destination", "source_type",
    "statement_descriptor",
}  # fmt: skip
ARRIVAL_SECONDS = 2 * 86400
PAID = "payout_paid"


def create(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Pay out a part of the balance. Raises ApiError(400) when it is more than there is."""
    forms.allow_only(parameters, KNOWN)
    amount = forms.integer(parameters, "amount")
    if amount is None:
        raise missing_parameter("amount")
    currency = currencies.checked(forms.text(parameters, "currency"))
    if amount < 1:
        raise ApiError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    balance = refunds.balance(store, account)
    # The money of today's charges counts too: two days would be too long for a test.
    have = sum(
        one["amount"]
        for part in ("available", "pending")
        for one in balance[part]
        if one["currency"] == currency
    )
    if amount > have:
        raise ApiError(
            400,
            "You have insufficient funds in your Stripe account for this transfer.",
            code="balance_insufficient",
            executed=True,
        )
    payout: JsonObject = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(time.time()) + ARRIVAL_SECONDS,
        "automatic": False,
        "balance_transaction": None,
        "created": int(time.time()),
        "currency": currency,
        "description": forms.text(parameters, "description"),
        "destination": new_id("ba"),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": forms.metadata(parameters),
        "method": forms.choice(parameters, "method", ("standard", "instant")) or "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": forms.text(parameters, "statement_descriptor"),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    _book(store, account, payout, -amount, "payout")
    store.put(account, payout)
    events.record(store, account, "payout.created", payout)
    delay = store.setting("settle_seconds", SETTLE_SECONDS)
    store.add_timer(account, PAID, payout["id"], time.time() + delay)
    return payout


def _book(store: Store, account: str, payout: JsonObject, amount: int, category: str) -> None:
    moved = objects.balance_transaction(
        amount=amount,
        fee=0,
        currency=payout["currency"],
        source=payout["id"],
        kind="payout" if category == "payout" else "payout_cancel",
        category=category,
    )
    payout["balance_transaction"] = moved["id"]
    store.put(account, moved)


def cancel(
    store: Store, account: str, payout: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Take a pending payout back."""
    forms.allow_only(parameters, set())
    if payout["status"] != "pending":
        raise ApiError(
            400, f"Payouts can't be canceled in status {payout['status']}.", executed=True
        )
    payout["status"] = "canceled"
    _book(store, account, payout, payout["amount"], "payout_reversal")
    store.put(account, payout)
    events.record(store, account, "payout.canceled", payout)
    return payout


def arrive(store: Store, account: str, payout: JsonObject) -> None:
    """The bank has it."""
    if payout["status"] != "pending":
        return
    payout["status"] = "paid"
    store.put(account, payout)
    events.record(store, account, "payout.paid", payout)
