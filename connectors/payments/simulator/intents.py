"""The API's requests on payment intents: parameters checked, then the verb called."""

from typing import Any

from connectors.payments.simulator import currencies, events, forms, objects, payments
from connectors.payments.simulator.errors import ApiError, missing_parameter, no_such
from connectors.payments.simulator.instruments import BY_NAME
from connectors.payments.simulator.store import JsonObject, Store

CREATE_KNOWN = {
    "amount", "currency", "metadata", "description", "receipt_email", "confirm", "payment_method",
    "payment_method_types", "automatic_payment_methods", "capture_method", "return_url",
    "off_session", "statement_descriptor", "statement_descriptor_suffix", "confirmation_method",
}  # fmt: skip
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Create an intent, and confirm it at once when asked to.

    Raises ApiError: 400 for parameters, 402 for a decline.
    """
    forms.allow_only(parameters, CREATE_KNOWN)
    amount = forms.integer(parameters, "amount")
    if amount is None:
        raise missing_parameter("amount")
    currency = currencies.checked(forms.text(parameters, "currency"))
    currencies.check_amount(amount, currency, param="amount")
    if forms.choice(parameters, "capture_method", ("automatic", "automatic_async", "manual")) == (
        "manual"
    ):
        raise ApiError(400, "This simulator captures automatically only.", param="capture_method")
    intent = objects.payment_intent(
        amount=amount, currency=currency, metadata=forms.metadata(parameters)
    )
    method = forms.text(parameters, "payment_method")
    intent |= {
        "description": forms.text(parameters, "description", length_max=1000),
        "receipt_email": forms.text(parameters, "receipt_email", length_max=512),
        "payment_method_types": forms.strings(parameters, "payment_method_types") or ["card"],
    }
    if "automatic_payment_methods" in parameters:
        intent["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True}
    if method is not None:
        _instrument(method)
        intent |= {"payment_method": method, "status": "requires_confirmation"}
    store.put(account, intent)
    events.record(store, account, "payment_intent.created", intent)
    if forms.boolean(parameters, "confirm"):
        return confirm(store, account, intent, {})
    return intent


def _instrument(method: str) -> Any:
    if method not in BY_NAME:
        raise no_such("PaymentMethod", method, param="payment_method", status=400)
    return BY_NAME[method]


def confirm(
    store: Store, account: str, intent: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Charge an intent with a named test payment method. Raises ApiError(402) on a decline."""
    forms.allow_only(parameters, {"payment_method", "return_url", "off_session", "receipt_email"})
    method = forms.text(parameters, "payment_method") or intent["payment_method"]
    if method is None:
        raise ApiError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    intent = payments.confirm(
        store, account, intent=intent, instrument=_instrument(method), method=method
    )
    if intent["last_payment_error"] is not None:
        raise payments.declined(intent)
    return intent


def cancel(
    store: Store, account: str, intent: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Cancel an unpaid intent on the merchant's request."""
    forms.allow_only(parameters, {"cancellation_reason"})
    reason = forms.choice(parameters, "cancellation_reason", REASONS)
    return payments.cancel(store, account, intent=intent, reason=reason)
