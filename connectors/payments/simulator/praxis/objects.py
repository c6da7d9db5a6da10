"""Praxis' objects: customer, session and transaction, and JSON that keeps number literals."""

import json
from decimal import Decimal
from typing import Any

from connectors.payments.simulator.praxis import minor
from connectors.payments.simulator.store import JsonObject

FIRST_TID = 756_850


def dumps(tree: JsonObject) -> str:
    """Return JSON in which rates keep their six decimals."""
    marked: dict[str, str] = {}

    def mark(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: mark(child) for name, child in value.items()}
        if isinstance(value, Decimal):
            token = f"@@{len(marked)}@@"
            marked[token] = f"{value:.6f}"
            return token
        return value

    text = json.dumps(mark(tree))
    for token, literal in marked.items():
        text = text.replace(f'"{token}"', literal)
    return text


def revived(content: JsonObject) -> JsonObject:
    """Return stored content with its rates as numbers again."""
    made = {**content}
    if made.get("conversion_rate"):
        made["conversion_rate"] = Decimal(made["conversion_rate"])
    part = made.get("transaction")
    if part and part["conversion_rate"]:
        made["transaction"] = {**part, "conversion_rate": Decimal(part["conversion_rate"])}
    return made


def transaction(payment: JsonObject, attempt: JsonObject) -> JsonObject:
    """Return the transaction object of one attempt within a session."""
    currency = payment["currency"]
    return {
        "transaction_type": attempt["type"],
        "transaction_status": attempt["status"],
        "tid": attempt["tid"],
        "transaction_id": f"psp-{attempt['tid']}",
        "currency": currency,
        "amount": minor.write(Decimal(attempt["amount"]), currency),
        "conversion_rate": attempt["rate"],
        "processed_currency": attempt["processed_currency"],
        "processed_amount": attempt["processed_amount"],
        "fee": minor.write(Decimal(attempt["fee"]), currency),
        "fee_included": 0,
        "fee_type": "flat",
        "payment_method": attempt["method"],
        "payment_processor": "TestCardProcessor",
        "gateway": "7a41d3a2b96cfd37f1a2c1b5",
        "card": {
            "card_token": None,
            "card_type": "Visa",
            "card_number": "4***********1111",
            "card_exp": "12/2034",
            "card_issuer_name": "Test Bank",
            "card_issuer_country": "GB",
            "card_holder": "Test Holder",
        }
        if attempt["method"] == "Credit Card"
        else None,
        "wallet": None,
        "is_async": 0,
        "is_cascade": 0,
        "cascade_level": 0,
        "reference_id": attempt["reference_id"],
        "withdrawal_request_id": attempt["withdrawal_request_id"],
        "created_by": "INTERNET",
        "edited_by": "INTERNET",
        "status_code": attempt["code"],
        "status_details": attempt["details"],
    }


def session(payment: JsonObject) -> JsonObject:
    """Return the session object."""
    extra = payment["extra"]
    return {
        "auth_token": extra["auth_token"],
        "intent": extra["intent"],
        "session_status": extra["session_status"],
        "order_id": payment["reference"],
        "currency": payment["currency"],
        "amount": minor.write(Decimal(payment["amount"]), payment["currency"]),
        "conversion_rate": None,
        "processed_currency": None,
        "processed_amount": None,
        "payment_method": extra["payment_method"],
        "gateway": extra["gateway"],
        "cid": extra["cid"],
        "variable1": extra["variables"][0],
        "variable2": extra["variables"][1],
        "variable3": extra["variables"][2],
    }


def customer(payment: JsonObject) -> JsonObject:
    """Return the customer object."""
    return {
        "customer_token": payment["extra"]["customer_token"],
        "country": payment["extra"]["country"],
        "first_name": payment["extra"]["first_name"],
        "last_name": payment["extra"]["last_name"],
        "avs_alert": 0,
        "verification_alert": 0,
    }
