"""Verbs on payment intents, charges, refunds and disputes; each runs inside a transaction."""

import time
from typing import Any

from connectors.payments.simulator import events, objects
from connectors.payments.simulator.currencies import DISPUTE_FEE, minor
from connectors.payments.simulator.errors import ApiError
from connectors.payments.simulator.instruments import Instrument
from connectors.payments.simulator.store import JsonObject, Store, new_id

SETTLE_SECONDS = 5.0
CONFIRMABLE = ("requires_payment_method", "requires_confirmation")


def unexpected_state(intent: JsonObject, verb: str) -> ApiError:
    """Return the error for a verb that does not fit an intent's status."""
    return ApiError(
        400,
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        executed=True,
        payment_intent=intent,
    )


def confirm(
    store: Store, account: str, *, intent: JsonObject, instrument: Instrument, method: str
) -> JsonObject:
    """Try to charge an intent; return it as `succeeded`, `processing` or still unpaid.

    A decline is told by `last_payment_error`. Raises ApiError(400) in any other status.
    """
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(intent, "confirm")
    intent["payment_method"] = method
    charge = objects.charge(intent, instrument)
    intent["latest_charge"] = charge["id"]
    if instrument.outcome == "declines":
        return fail(store, account, intent=intent, charge=charge, instrument=instrument)
    if instrument.outcome in ("settles_later", "fails_later"):
        intent["status"] = "processing"
        store.put(account, charge)
        store.put(account, intent)
        events.record(store, account, "payment_intent.processing", intent)
        delay = store.setting("settle_seconds", SETTLE_SECONDS)
        store.add_timer(account, instrument.outcome, intent["id"], time.time() + delay)
        return intent
    succeed(store, account, intent=intent, charge=charge)
    if instrument.outcome == "disputed":
        open_dispute(store, account, charge)
    return intent


def succeed(store: Store, account: str, *, intent: JsonObject, charge: JsonObject) -> None:
    """Settle a charge: credit the balance less the fee and tell about it."""
    transaction = objects.charge_transaction(charge)
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": charge["amount"],
        "balance_transaction": transaction["id"],
        "outcome": objects.approval(),
    }
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "last_payment_error": None,
    }
    for thing in (transaction, charge, intent):
        store.put(account, thing)
    events.record(store, account, "charge.succeeded", charge)
    events.record(store, account, "payment_intent.succeeded", intent)


def fail(
    store: Store, account: str, *, intent: JsonObject, charge: JsonObject, instrument: Instrument
) -> JsonObject:
    """Record a refused charge; the intent waits for another payment method."""
    charge |= {
        "status": "failed",
        "failure_code": instrument.code,
        "failure_message": instrument.message,
        "outcome": objects.refusal(instrument),
    }
    method = intent["payment_method"]
    error: dict[str, Any] = {
        "type": "card_error" if instrument.kind == "card" else "invalid_request_error",
        "charge": charge["id"],
        "code": instrument.code,
        "message": instrument.message,
        "payment_method": objects.payment_method(instrument, method),
    }
    if instrument.decline_code:
        error["decline_code"] = instrument.decline_code
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": error,
    }
    store.put(account, charge)
    store.put(account, intent)
    events.record(store, account, "charge.failed", charge)
    events.record(store, account, "payment_intent.payment_failed", intent)
    return intent


def declined(intent: JsonObject) -> ApiError:
    """Return the error a caller gets for a decline: 402, executed, with the intent."""
    error = dict(intent["last_payment_error"])
    message, kind, code = error.pop("message"), error.pop("type"), error.pop("code")
    return ApiError(
        402, message, kind=kind, code=code, executed=True, payment_intent=intent, **error
    )


def cancel(store: Store, account: str, *, intent: JsonObject, reason: str | None) -> JsonObject:
    """Cancel an intent that was not paid. Raises ApiError(400) in any other status."""
    if intent["status"] not in (*CONFIRMABLE, "requires_action", "requires_capture"):
        raise unexpected_state(intent, "cancel")
    intent |= {
        "status": "canceled",
        "canceled_at": int(time.time()),
        "cancellation_reason": reason,
    }
    store.put(account, intent)
    events.record(store, account, "payment_intent.canceled", intent)
    return intent


def refund(
    store: Store,
    account: str,
    *,
    charge: JsonObject,
    amount: int | None,
    reason: str | None,
    metadata: dict[str, str],
) -> JsonObject:
    """Return money of a charge to the payer; `amount` in minor units, None for the rest.

    Raises ApiError(400) when the charge was not paid, is disputed, is refunded in full, or when
    the amount is more than what is left.
    """
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise ApiError(400, "This charge has not been paid.", param="charge", executed=True)
    if charge["disputed"]:
        raise ApiError(
            400,
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            executed=True,
        )
    if left == 0:
        raise ApiError(
            400,
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            executed=True,
        )
    taken = left if amount is None else amount
    if taken < 1 or taken > left:
        raise ApiError(
            400,
            f"Refund amount ({taken}) must be between 1 and the unrefunded amount on the charge"
            f" ({left}).",
            code="parameter_invalid_integer" if taken < 1 else "amount_too_large",
            param="amount",
        )
    made = objects.refund(charge, amount=taken, metadata=metadata)
    transaction = objects.balance_transaction(
        amount=-taken,
        fee=0,
        currency=charge["currency"],
        source=made["id"],
        kind="refund",
        category="refund",
    )
    made |= {"balance_transaction": transaction["id"], "reason": reason}
    charge["amount_refunded"] += taken
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    for thing in (transaction, made, charge):
        store.put(account, thing)
    events.record(store, account, "refund.created", made)
    events.record(store, account, "charge.refunded", charge)
    return made


def open_dispute(store: Store, account: str, charge: JsonObject) -> JsonObject:
    """Dispute a paid charge: take its amount and the dispute fee out of the balance."""
    made = objects.dispute(charge)
    transaction = objects.balance_transaction(
        amount=-charge["amount"],
        fee=minor(DISPUTE_FEE, charge["currency"]),
        currency=charge["currency"],
        source=made["id"],
        kind="adjustment",
        category="dispute",
    )
    made["balance_transactions"] = [transaction]
    charge["disputed"] = True
    for thing in (transaction, made, charge):
        store.put(account, thing)
    events.record(store, account, "charge.dispute.created", made)
    return made


def new_method_id() -> str:
    """Return a fresh payment method id."""
    return new_id("pm")
