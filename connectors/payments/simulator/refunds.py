"""The API's requests on refunds, and the merchant's balance."""

import time
from typing import Any

from connectors.payments.simulator import forms, payments
from connectors.payments.simulator.errors import ApiError, missing_parameter, no_such
from connectors.payments.simulator.store import JsonObject, Store

KNOWN = {"charge", "payment_intent", "amount", "reason", "metadata"}
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Refund a charge, named by its id or its payment intent's. Raises ApiError(400)."""
    forms.allow_only(parameters, KNOWN)
    charge_id = forms.text(parameters, "charge")
    intent_id = forms.text(parameters, "payment_intent")
    if charge_id is None and intent_id is None:
        raise missing_parameter("payment_intent")
    if charge_id is None and intent_id is not None:
        intent = store.get(account, intent_id)
        if intent is None or intent["object"] != "payment_intent":
            raise no_such("payment_intent", intent_id, param="payment_intent")
        charge_id = intent["latest_charge"]
        if charge_id is None or intent["status"] != "succeeded":
            raise ApiError(
                400,
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
    charge = store.get(account, str(charge_id))
    if charge is None or charge["object"] != "charge":
        raise no_such("charge", str(charge_id), param="charge")
    return payments.refund(
        store,
        account,
        charge=charge,
        amount=forms.integer(parameters, "amount"),
        reason=forms.choice(parameters, "reason", REASONS),
        metadata=forms.metadata(parameters),
    )


def balance(store: Store, account: str) -> JsonObject:
    """Return the balance by currency: net of transactions, available after two days."""
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for transaction in store.everything(account, "balance_transaction"):
        part = "available" if transaction["available_on"] <= time.time() else "pending"
        currency = transaction["currency"]
        for amounts in sums.values():
            amounts.setdefault(currency, 0)
        sums[part][currency] += transaction["net"]
    shown = {
        name: [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sorted(amounts.items())
        ]
        or [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
        for name, amounts in sums.items()
    }
    return {"object": "balance", "livemode": False, **shown}
