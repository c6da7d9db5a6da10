"""Stripe: deposits by Checkout Sessions, with the official SDK.

Our reference travels as the session's `client_reference_id` and in the metadata of the session
and of its payment intent, so that refunds find it too. A dispute names only its payment intent:
its event has an empty reference, and `query` with the intent's id tells it.
"""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import stripe as sdk

from connectors.payments.port import (
    CredentialsRefused,
    EventKind,
    Payment,
    PaymentEvent,
    PaymentRefused,
    PaymentRequest,
    PaymentState,
    PaymentStatus,
    PaymentUnknown,
    SignatureRefused,
)
from connectors.payments.stripe_http import StripeHttp
from kernel.money import Money, UnknownCurrency, exponent

SIGNATURE_TOLERANCE_SECONDS = 300
_NETWORK_RETRIES = 2
_BODY_BYTES_MAX = 1_000_000

# Stripe keeps two decimals for these two although ISO 4217 says none.
_TWO_DECIMALS_AT_STRIPE = frozenset({"ISK", "UGX"})

# A failed attempt inside a session (payment_intent.payment_failed) is not the end of it: the
# payer may try another card until the session expires, so it is not among the events.
_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.refunded",
    "charge.dispute.created",
)

_SESSION_KINDS: dict[str, EventKind] = {
    "checkout.session.async_payment_succeeded": "paid",
    "checkout.session.async_payment_failed": "failed",
    "checkout.session.expired": "expired",
}
_OTHER_KINDS: dict[str, EventKind] = {
    "charge.refunded": "refunded",
    "charge.dispute.created": "disputed",
}


def _require_allowed(base: str, allow: frozenset[str]) -> None:
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if f"{parts.hostname}:{port}" not in allow:
        raise CredentialsRefused("api_base", "The operator does not allow this base address.")


class _Call(Protocol):
    async def __call__(self, *args: Any, **options: Any) -> Any: ...


class Stripe:
    """A `PaymentProvider` for one Stripe account.

    Credentials: `secret_key`, `webhook_secret` (several, separated by spaces, while one is
    being replaced) and, for a local provider that the operator allows, `api_base`.
    """

    def __init__(
        self,
        credentials: Mapping[str, str],
        *,
        api_base: str | None = None,
        egress_allow: frozenset[str] = frozenset(),
        timeout_seconds: float = 10.0,
    ) -> None:
        """Make a client of its own; nothing is sent yet and nothing global is set.

        A base address in the credentials must be among the operator's `host:port` exceptions,
        or `CredentialsRefused` is raised: a tenant's key must not point us at other servers.
        """
        base = api_base
        if base is None and (base := credentials.get("api_base")):
            _require_allowed(base, egress_allow)
        self._secrets = credentials.get("webhook_secret", "").split()
        self._http = StripeHttp(timeout_seconds)
        self._client = sdk.StripeClient(
            credentials["secret_key"],
            base_addresses={"api": base.rstrip("/")} if base else {},
            max_network_retries=_NETWORK_RETRIES,
            http_client=self._http,
        )

    async def create_payment(self, request: PaymentRequest) -> Payment:
        """Create a Checkout Session once for the idempotency key."""
        metadata = {"reference": request.reference}
        session = await _asked(
            self._client.v1.checkout.sessions.create_async,
            {
                "mode": "payment",
                "client_reference_id": request.reference,
                **({"customer_email": request.customer_email} if request.customer_email else {}),
                "success_url": request.return_url,
                "cancel_url": request.cancel_url,
                "metadata": metadata,
                "payment_intent_data": {"metadata": metadata, "description": request.description},
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": request.amount.currency.lower(),
                            "unit_amount": _minor_units(request.amount),
                            "product_data": {"name": request.description},
                        },
                    }
                ],
            },
            options={"idempotency_key": request.idempotency_key},
        )
        url = _text(session, "url")
        if not url:
            raise PaymentUnknown("The payment provider named no address for the payer.")
        return Payment(_text(session, "id"), url)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent:
        """Check the signature (v1, HMAC-SHA256 over time and raw bytes) and read the event."""
        signature = next(
            (value for name, value in headers.items() if name.lower() == "stripe-signature"), ""
        )
        if not self._secrets or not signature or len(body) > _BODY_BYTES_MAX:
            raise SignatureRefused("The webhook is not signed, or no signing secret is set.")
        if not any(_is_signed(body, signature, secret) for secret in self._secrets):
            raise SignatureRefused("The webhook's signature is wrong or too old.")
        try:
            return _event(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise SignatureRefused("The webhook is signed but is no event.") from None

    async def query(self, provider_reference: str) -> PaymentStatus:
        """Ask what became of a session (`cs_`) or a payment intent (`pi_`)."""
        if provider_reference.startswith("pi_"):
            intent = await _asked(
                self._client.v1.payment_intents.retrieve_async,
                provider_reference,
                {"expand": ["latest_charge.balance_transaction"]},
            )
            return _intent_status(intent)
        session = await _asked(
            self._client.v1.checkout.sessions.retrieve_async,
            provider_reference,
            {"expand": ["payment_intent.latest_charge.balance_transaction"]},
        )
        return PaymentStatus(
            provider_reference=_text(session, "id"),
            reference=_text(session, "client_reference_id"),
            state=_session_state(session),
            amount=_money(_get(session, "amount_total"), _text(session, "currency")),
            fee=_fee(_get(session, "payment_intent")),
        )

    async def register_webhook(self, url: str) -> str:
        """Have events sent to the address; an older registration of it is removed afterwards."""
        endpoints = self._client.v1.webhook_endpoints
        older = await _asked(endpoints.list_async, {"limit": 100})
        made = await _asked(
            endpoints.create_async,
            {"url": url, "enabled_events": list(_EVENTS), "api_version": sdk.api_version},
        )
        for endpoint in _get(older, "data") or []:
            if _text(endpoint, "url") == url:
                await _asked(endpoints.delete_async, _text(endpoint, "id"))
        return _text(made, "secret")

    async def check(self) -> None:
        """Make sure that the key may see Checkout Sessions."""
        await _asked(self._client.v1.checkout.sessions.list_async, {"limit": 1})

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._http.close_async()


async def _asked(call: _Call, *arguments: Any, **options: Any) -> Any:
    """Call the SDK and turn its errors into the port's; keys and addresses are left out."""
    try:
        return await call(*arguments, **options)
    except (sdk.AuthenticationError, sdk.PermissionError) as error:
        raise CredentialsRefused(
            str(error.code or "unauthorized"),
            "The secret key is not accepted: copy the account's current one.",
        ) from None
    except (sdk.InvalidRequestError, sdk.CardError, sdk.IdempotencyError) as error:
        code = str(error.code or type(error).__name__)
        if code == "idempotency_key_in_use":
            raise PaymentUnknown("The payment provider still works on this payment.") from None
        parameter = getattr(error, "param", None)
        raise PaymentRefused(code, f"at {parameter}" if parameter else "") from None
    except (sdk.StripeError, OSError) as error:
        raise PaymentUnknown(
            f"The payment provider gave no clear answer ({type(error).__name__})."
        ) from None


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    with contextlib.suppress(sdk.SignatureVerificationError, ValueError, TypeError, IndexError):
        return bool(
            sdk.WebhookSignature.verify_header(
                body.decode(), signature, secret, SIGNATURE_TOLERANCE_SECONDS
            )
        )
    return False


def _event(event: Mapping[str, Any]) -> PaymentEvent:
    kind_name, subject = str(event["type"]), event["data"]["object"]
    kind: EventKind = "ignored"
    reference, provider_reference, amount = "", str(subject.get("id") or ""), None
    currency = str(subject.get("currency") or "")
    if kind_name == "checkout.session.completed":
        kind = "pending" if subject.get("payment_status") == "unpaid" else "paid"
    kind = _SESSION_KINDS.get(kind_name, _OTHER_KINDS.get(kind_name, kind))
    if kind_name.startswith("checkout.session."):
        reference = str(subject.get("client_reference_id") or "")
        amount = _money(subject.get("amount_total"), currency)
    elif kind_name in _OTHER_KINDS:
        provider_reference = str(subject.get("payment_intent") or provider_reference)
        reference = str((subject.get("metadata") or {}).get("reference") or "")
        units = subject.get("amount_refunded" if kind == "refunded" else "amount")
        amount = _money(units, currency)
    return PaymentEvent(
        event_id=str(event["id"]),
        kind=kind,
        type=kind_name,
        provider_reference=provider_reference,
        reference=reference,
        amount=amount,
        fee=None,
        occurred_at=datetime.fromtimestamp(int(event.get("created") or 0), UTC),
        live=event.get("livemode") is True,
    )


def _session_state(session: Any) -> PaymentState:
    if _text(session, "payment_status") in ("paid", "no_payment_required"):
        return "paid"
    return "expired" if _text(session, "status") == "expired" else "pending"


def _intent_status(intent: Any) -> PaymentStatus:
    state: PaymentState = "pending"
    if _text(intent, "status") == "succeeded":
        state = "paid"
    elif _text(intent, "status") == "canceled":
        state = "failed"
    return PaymentStatus(
        provider_reference=_text(intent, "id"),
        reference=_text(_get(intent, "metadata"), "reference"),
        state=state,
        amount=_money(_get(intent, "amount"), _text(intent, "currency")),
        fee=_fee(intent),
    )


def _fee(intent: Any) -> Money | None:
    """Return what Stripe kept, when the answer was expanded as far as the balance transaction."""
    transaction = _get(_get(intent, "latest_charge"), "balance_transaction")
    return _money(_get(transaction, "fee"), _text(transaction, "currency"))


def _get(source: Any, name: str) -> Any:
    """Return a field of an SDK object; an id that was not expanded has none."""
    return getattr(source, name, None) if isinstance(source, sdk.StripeObject) else None


def _text(source: Any, name: str) -> str:
    return str(_get(source, name) or "")


def _scale(currency: str) -> int:
    return 2 if currency in _TWO_DECIMALS_AT_STRIPE else exponent(currency)


def _minor_units(amount: Money) -> int:
    """Return the amount in Stripe's minor units, rounded to the currency first."""
    return int(amount.rounded().amount.scaleb(_scale(amount.currency)))


def _money(units: Any, currency: str) -> Money | None:
    """Read minor units; None when there are none or the currency is not one we hold."""
    if not isinstance(units, int) or isinstance(units, bool) or not currency:
        return None
    code = currency.upper()
    with contextlib.suppress(UnknownCurrency):
        return Money(
            Money.from_minor(units, code).amount.scaleb(exponent(code) - _scale(code)), code
        )
    return None
