"""Blank objects in the provider's shapes: every field its SDK types as always present."""

import time

from connectors.payments.simulator.currencies import charge_fee
from connectors.payments.simulator.instruments import Instrument
from connectors.payments.simulator.store import JsonObject, new_id

AVAILABLE_AFTER_SECONDS = 2 * 86400
EVIDENCE_SECONDS = 7 * 86400


def payment_intent(*, amount: int, currency: str, metadata: dict[str, str]) -> JsonObject:
    """Return a payment intent that waits for a payment method."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": intent_id + "_secret_" + new_id("s")[2:],
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def payment_method_details(instrument: Instrument) -> JsonObject:
    """Return what a charge tells about the card or bank account."""
    if instrument.kind != "card":
        return {
            "type": "sepa_debit",
            "sepa_debit": {
                "bank_code": "19043",
                "branch_code": None,
                "country": "AT",
                "expected_debit_date": None,
                "fingerprint": None,
                "last4": instrument.last4,
                "mandate": None,
            },
        }
    return {
        "type": "card",
        "card": {
            "amount_authorized": None,
            "authorization_code": None,
            "brand": instrument.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "exp_month": instrument.exp_month,
            "exp_year": instrument.exp_year,
            "funding": "credit",
            "installments": None,
            "last4": instrument.last4,
            "mandate": None,
            "network": instrument.brand,
            "three_d_secure": None,
            "wallet": None,
        },
    }


def payment_method(instrument: Instrument, method_id: str) -> JsonObject:
    """Return a payment method as an error reply carries it."""
    details = payment_method_details(instrument)
    return {
        "id": method_id,
        "object": "payment_method",
        "billing_details": blank_billing(),
        details["type"]: details[details["type"]],
        "created": int(time.time()),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": details["type"],
    }


def blank_billing() -> JsonObject:
    """Return billing details nobody filled in."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": None, "name": None, "phone": None, "tax_id": None}


def charge(intent: JsonObject, instrument: Instrument) -> JsonObject:
    """Return a charge of a payment intent, not yet decided (`pending`)."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": blank_billing(),
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": int(time.time()),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": payment_method_details(instrument),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer": None,
        "transfer_data": None,
        "transfer_group": None,
    }


def approval() -> JsonObject:
    """Return the outcome of a charge that was approved."""
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 32,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def refusal(instrument: Instrument) -> JsonObject:
    """Return the outcome of a charge that was refused, by the test value's reason."""
    return approval() | {
        "advice_code": "try_again_later",
        "network_status": "declined_by_network",
        "reason": instrument.decline_code or instrument.code,
        "seller_message": "The bank declined the payment.",
        "type": "issuer_declined",
    }


def balance_transaction(
    *, amount: int, fee: int, currency: str, source: str, kind: str, category: str
) -> JsonObject:
    """Return a movement of the merchant's balance; amounts are minor units, debit negative."""
    now = int(time.time())
    detail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Dispute fee" if kind == "adjustment" else "Processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": kind,
    }


def charge_transaction(charged: JsonObject) -> JsonObject:
    """Return the balance movement of a paid charge, less the provider's fee."""
    return balance_transaction(
        amount=charged["amount"],
        fee=charge_fee(charged["amount"], charged["currency"]),
        currency=charged["currency"],
        source=charged["id"],
        kind="charge" if charged["payment_method_details"]["type"] == "card" else "payment",
        category="charge",
    )


def refund(charged: JsonObject, *, amount: int, metadata: dict[str, str]) -> JsonObject:
    """Return a refund of part or all of a charge."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charged["id"],
        "created": int(time.time()),
        "currency": charged["currency"],
        "customer": charged["customer"],
        "destination_details": {
            "type": "card",
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
        },
        "failure_balance_transaction": None,
        "metadata": metadata,
        "payment_intent": charged["payment_intent"],
        "payment_method": charged["payment_method"],
        "pending_reason": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def dispute(charged: JsonObject) -> JsonObject:
    """Return a cardholder's dispute of a whole charge."""
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charged["amount"],
        "balance_transactions": [],
        "charge": charged["id"],
        "created": int(time.time()),
        "currency": charged["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": int(time.time()) + EVIDENCE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charged["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": charged["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
        },
        "reason": "fraudulent",
        "status": "needs_response",
    }
