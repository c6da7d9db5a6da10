"""Verbs on checkout sessions: create, pay, expire, and settle a delayed payment."""

import time
from typing import Any

from connectors.payments.simulator import currencies, events, forms, objects, payments, prices
from connectors.payments.simulator.errors import ApiError, missing_parameter
from connectors.payments.simulator.instruments import Instrument
from connectors.payments.simulator.store import JsonObject, Store, new_id

LIFE_SECONDS_MAX = 24 * 3600
LIFE_SECONDS_MIN = 30 * 60
CREATE_KNOWN = {
    "mode", "line_items", "currency", "client_reference_id", "metadata", "success_url",
    "cancel_url", "payment_intent_data", "customer_email", "payment_method_types", "expires_at",
    "locale", "submit_type", "ui_mode", "expand", "billing_address_collection",
    "payment_method_options", "automatic_tax", "allow_promotion_codes", "customer_creation",
    "phone_number_collection",
}  # fmt: skip
INTENT_KNOWN = {
    "description", "metadata", "receipt_email", "statement_descriptor",
    "statement_descriptor_suffix", "capture_method", "setup_future_usage", "transfer_group",
}  # fmt: skip
METHODS = ("card", "sepa_debit")


def create(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Open a session in mode `payment` and return it with the address of its page.

    Raises ApiError(400) that names the parameter at fault.
    """
    forms.allow_only(parameters, CREATE_KNOWN)
    mode = forms.choice(parameters, "mode", ("payment", "subscription", "setup"))
    if mode is None:
        raise missing_parameter("mode")
    if mode != "payment":
        raise ApiError(400, "This simulator serves mode payment only.", param="mode")
    success_url = _address(parameters, "success_url")
    if success_url is None:
        raise missing_parameter("success_url")
    items, currency, total = _line_items(store, account, parameters)
    methods = forms.strings(parameters, "payment_method_types") or list(METHODS)
    for index, method in enumerate(methods):
        if method not in METHODS:
            raise ApiError(
                400,
                f"Invalid payment_method_types: this simulator has {', '.join(METHODS)}.",
                param=f"payment_method_types[{index}]",
            )
    intent_data = forms.mapping(parameters, "payment_intent_data")
    for name in intent_data:
        if name not in INTENT_KNOWN:
            raise ApiError(
                400,
                f"Received unknown parameter: payment_intent_data[{name}]",
                code="parameter_unknown",
                param=f"payment_intent_data[{name}]",
            )
    session = _blank(total, currency) | {
        "cancel_url": _address(parameters, "cancel_url"),
        "client_reference_id": forms.text(parameters, "client_reference_id", length_max=200),
        "customer_email": forms.text(parameters, "customer_email", length_max=512),
        "expires_at": _expiry(parameters),
        "locale": forms.text(parameters, "locale"),
        "metadata": forms.metadata(parameters),
        "payment_method_types": methods,
        "submit_type": forms.choice(parameters, "submit_type", ("auto", "book", "donate", "pay")),
        "success_url": success_url,
        "_line_items": items,
        "_intent": {
            "metadata": forms.metadata(intent_data),
            "description": forms.text(intent_data, "description", length_max=1000),
            "receipt_email": forms.text(intent_data, "receipt_email", length_max=512),
        },
    }
    session["url"] = f"{store.public_url}/pay/{session['id']}"
    store.put(account, session)
    store.add_timer(account, "expires", session["id"], session["expires_at"])
    return session


def _address(parameters: dict[str, Any], name: str) -> str | None:
    value = forms.text(parameters, name)
    if value is None:
        return None
    if not value.startswith(("http://", "https://")) or any(char in value for char in "\r\n \t"):
        raise ApiError(
            400, f"Not a valid URL: {name} starts with http:// or https://.", code="url_invalid",
            param=name,
        )  # fmt: skip
    return value


def _expiry(parameters: dict[str, Any]) -> int:
    now = int(time.time())
    moment = forms.integer(parameters, "expires_at")
    if moment is None:
        return now + LIFE_SECONDS_MAX
    if not now + LIFE_SECONDS_MIN - 60 <= moment <= now + LIFE_SECONDS_MAX + 60:
        raise ApiError(
            400,
            "The expires_at timestamp must be between 30 minutes and 24 hours from now.",
            param="expires_at",
        )
    return moment


def _line_items(
    store: Store, account: str, parameters: dict[str, Any]
) -> tuple[list[JsonObject], str, int]:
    sent = parameters.get("line_items")
    if not sent:
        raise missing_parameter("line_items")
    if not isinstance(sent, list) or not all(isinstance(item, dict) for item in sent):
        raise ApiError(400, "Invalid array", param="line_items")
    items: list[JsonObject] = []
    for index, item in enumerate(sent):
        name = f"line_items[{index}]"
        quantity = forms.integer(item, "quantity", param=f"{name}[quantity]")
        quantity = 1 if quantity is None else quantity
        if quantity < 1:
            raise ApiError(
                400,
                "A quantity is at least 1.",
                code="parameter_invalid_integer",
                param=f"{name}[quantity]",
            )
        if "price" in item:
            found = prices.of_line(store, account, str(item["price"]), f"{name}[price]")
        else:
            found = _priced(parameters, item, name)
        if items and found[0]["currency"] != items[0]["currency"]:
            raise ApiError(
                400, "All line items must have the same currency.", param=f"{name}[currency]"
            )
        items.append(_item(*found, quantity))
    total, currency = sum(item["amount_total"] for item in items), items[0]["currency"]
    currencies.check_amount(total, currency, param="line_items")
    return items, currency, total


def _priced(parameters: dict[str, Any], item: dict[str, Any], name: str) -> tuple[JsonObject, str]:
    """Return the price that a line itself describes, and the words for it."""
    priced = forms.mapping(item, "price_data") if "price_data" in item else item
    inner = f"{name}[price_data]" if "price_data" in item else name
    currency = currencies.checked(
        priced.get("currency") or parameters.get("currency"), param=f"{inner}[currency]"
    )
    amount_name = "unit_amount" if "price_data" in item else "amount"
    amount = forms.integer(priced, amount_name, param=f"{inner}[{amount_name}]")
    if amount is None:
        raise missing_parameter(f"{inner}[{amount_name}]")
    if amount < 0:
        raise ApiError(
            400,
            "Amounts can't be negative.",
            code="parameter_invalid_integer",
            param=f"{inner}[{amount_name}]",
        )
    label = forms.mapping(priced, "product_data").get("name") or priced.get("name")
    if not label and "price_data" in item:
        raise missing_parameter(f"{inner}[product_data][name]")
    price = prices.blank(currency, amount, new_id("prod", 14)) | {"active": False}
    return price, str(label or "Payment")


def _item(price: JsonObject, label: str, quantity: int) -> JsonObject:
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": label,
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def _blank(total: int, currency: str) -> JsonObject:
    absent = (
        "adaptive_pricing after_expiration allow_promotion_codes billing_address_collection"
        " client_secret collected_information consent consent_collection currency_conversion"
        " customer customer_details invoice origin_context payment_intent payment_link"
        " payment_method_configuration_details recovered_from saved_payment_method_options"
        " setup_intent shipping_address_collection shipping_cost subscription wallet_options"
    )
    return dict.fromkeys(absent.split()) | {
        "id": new_id("cs_test", 56),
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": int(time.time()),
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer_creation": "if_required",
        "discounts": [],
        "livemode": False,
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "redirect_on_completion": None,
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }


def public(session: JsonObject) -> JsonObject:
    """Return a session without the parts a caller does not see."""
    return {key: value for key, value in session.items() if not key.startswith("_")}


def line_items(session: JsonObject) -> JsonObject:
    """Return a session's line items as a list object."""
    return {
        "object": "list",
        "data": session["_line_items"],
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session['id']}/line_items",
    }


def pay(
    store: Store, account: str, *, session: JsonObject, instrument: Instrument, holder: str | None
) -> str | None:
    """Pay an open session; return None when it completed, else why it was declined."""
    intent = _intent(store, account, session)
    intent = payments.confirm(
        store,
        account,
        intent=intent,
        instrument=instrument,
        method=payments.new_method_id(),
    )
    if intent["last_payment_error"] is not None:
        store.put(account, session)
        return str(intent["last_payment_error"]["message"])
    session |= {
        "status": "complete",
        "payment_status": "paid" if intent["status"] == "succeeded" else "unpaid",
        "url": None,
        "customer_details": {
            **objects.blank_billing(),
            "business_name": None,
            "email": session["customer_email"],
            "individual_name": None,
            "name": holder,
            "tax_exempt": "none",
            "tax_ids": [],
        },
    }
    session["customer_details"].pop("tax_id")
    store.put(account, session)
    events.record(store, account, "checkout.session.completed", public(session))
    return None


def _intent(store: Store, account: str, session: JsonObject) -> JsonObject:
    if session["payment_intent"] is not None:
        known = store.get(account, session["payment_intent"])
        if known is not None:
            return known
    intent = objects.payment_intent(
        amount=session["amount_total"],
        currency=session["currency"],
        metadata=dict(session["_intent"]["metadata"]),
    )
    intent |= {
        "description": session["_intent"]["description"],
        "receipt_email": session["_intent"]["receipt_email"],
        "payment_method_types": session["payment_method_types"],
    }
    session["payment_intent"] = intent["id"]
    store.put(account, intent)
    events.record(store, account, "payment_intent.created", intent)
    return intent


def expire(store: Store, account: str, session: JsonObject) -> JsonObject:
    """Close an open session unpaid. Raises ApiError(400) in any other status."""
    if session["status"] != "open":
        raise ApiError(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of {session['status']}.",
            executed=True,
        )
    session |= {"status": "expired", "url": None, "expires_at": int(time.time())}
    store.put(account, session)
    if session["payment_intent"] is not None:
        intent = store.get(account, session["payment_intent"])
        if intent is not None:
            payments.cancel(store, account, intent=intent, reason="abandoned")
    events.record(store, account, "checkout.session.expired", public(session))
    return session


def settle(store: Store, account: str, *, intent: JsonObject, instrument: Instrument) -> None:
    """Finish a payment that was `processing`, and tell its session when it has one."""
    charge = store.get(account, intent["latest_charge"])
    if intent["status"] != "processing" or charge is None:
        return
    paid = instrument.outcome == "settles_later"
    if paid:
        payments.succeed(store, account, intent=intent, charge=charge)
    else:
        payments.fail(store, account, intent=intent, charge=charge, instrument=instrument)
    found, _ = store.page(
        account,
        "checkout.session",
        limit=1,
        after=None,
        before=None,
        equal={"payment_intent": intent["id"]},
        created={},
    )
    for session in found:
        session["payment_status"] = "paid" if paid else "unpaid"
        store.put(account, session)
        kind = "succeeded" if paid else "failed"
        events.record(store, account, f"checkout.session.async_payment_{kind}", public(session))


def expire_requested(
    store: Store, account: str, session: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Expire a session on the merchant's request."""
    forms.allow_only(parameters, set())
    return expire(store, account, session)


def update(
    store: Store, account: str, session: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Change a session's metadata; an empty value removes its key."""
    forms.allow_only(parameters, {"metadata"})
    merged = {**session["metadata"], **forms.metadata(parameters)}
    session["metadata"] = {key: value for key, value in merged.items() if value != ""}
    store.put(account, session)
    return session
