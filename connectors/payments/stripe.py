"""Stripe by its official SDK, in the words of every other gateway.

A payment is a Checkout Session, so that no card number ever passes through our pages. The session
is created once for the idempotency key; its payment intent is what refunds and disputes name.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import stripe as sdk

from connectors.payments.engine.definitions import Provider, State
from connectors.payments.engine.failures import CallbackRefused, OrderRefused
from connectors.payments.engine.port import Answering, Call, Notice, Order, Standing, Step
from connectors.payments.port import CredentialsRefused, PaymentRefused, PaymentUnknown
from connectors.payments.stripe_http import StripeHttp
from kernel.money import Money, UnknownCurrency, exponent

SIGNATURE_TOLERANCE_SECONDS = 300
_NETWORK_RETRIES = 2
_BODY_BYTES_MAX = 1_000_000

# Stripe keeps two decimals for these two although ISO 4217 says none.
_TWO_DECIMALS_AT_STRIPE = frozenset({"ISK", "UGX"})

# A failed attempt inside a session (payment_intent.payment_failed) is not the end of it: the
# payer may try another card until the session expires, so it is not among the events.
_STATES: dict[str, State] = {
    "checkout.session.completed": "succeeded",
    "checkout.session.async_payment_succeeded": "succeeded",
    "checkout.session.async_payment_failed": "failed",
    "checkout.session.expired": "cancelled",
    "charge.refunded": "refunded",
    "charge.dispute.created": "chargeback",
}
_REFUNDS: dict[str, State] = {
    "succeeded": "refunded",
    "pending": "pending",
    "requires_action": "pending",
    "failed": "failed",
    "canceled": "cancelled",
}


class _Sdk(Protocol):
    async def __call__(self, *args: Any, **options: Any) -> Any: ...


class Stripe:
    """A `DeclaredGateway` for one Stripe account.

    Credentials: `secret_key`, `webhook_secret` (several lines while one is being replaced) and,
    for a local counterpart that the operator allows, `api_base`.
    """

    def __init__(
        self,
        provider: Provider,
        credentials: Mapping[str, str],
        *,
        egress_allow: frozenset[str] = frozenset(),
        timeout_seconds: float = 10.0,
    ) -> None:
        """Make a client of its own; nothing is sent yet and nothing global is set.

        A base address in the credentials must be among the operator's `host:port` exceptions,
        or `CredentialsRefused` is raised: a tenant's key must not point us at other servers.
        """
        base = credentials.get("api_base", "")
        if base:
            _require_allowed(base, egress_allow)
        keys = credentials.get("secret_key", "").split()
        if not keys:
            raise CredentialsRefused("secret_key", "Fill in the secret key.")
        self.provider = provider
        self._secrets = credentials.get("webhook_secret", "").split()
        self._http = StripeHttp(timeout_seconds)
        self._client = sdk.StripeClient(
            keys[0],
            base_addresses={"api": base.rstrip("/")} if base else {},
            max_network_retries=_NETWORK_RETRIES,
            http_client=self._http,
        )

    async def deposit(self, order: Order) -> Step:
        """Create a Checkout Session once for the idempotency key, and send the payer there."""
        metadata = {"reference": order.reference}
        title = order.description or order.reference
        session = await _asked(
            self._client.v1.checkout.sessions.create_async,
            {
                "mode": "payment",
                "client_reference_id": order.reference,
                **({"customer_email": order.payer.email} if order.payer.email else {}),
                "success_url": order.addresses.done,
                "cancel_url": order.addresses.cancel,
                "metadata": metadata,
                "payment_intent_data": {"metadata": metadata, "description": title},
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": order.amount.currency.lower(),
                            "unit_amount": _minor_units(order.amount),
                            "product_data": {"name": title},
                        },
                    }
                ],
            },
            options={"idempotency_key": order.idempotency_key},
        )
        url = _text(session, "url")
        if not url:
            raise PaymentUnknown("The payment provider named no address for the payer.")
        return Step("redirect", session_ref=_text(session, "id"), url=url)

    async def withdraw(self, order: Order) -> Standing:
        """Refuse: Stripe pays nobody who has not paid in; refund the deposit instead."""
        del order
        raise OrderRefused("withdraw", "Stripe pays out by refunding deposits.")

    async def open_withdrawal(self, order: Order) -> Step:
        """Refuse: there is no page for payouts."""
        del order
        raise OrderRefused("withdraw", "This provider has no page for payouts.")

    async def refund(self, order: Order) -> Standing:
        """Refund a payment, or the part of it that the amount says, once for the key."""
        intent = await self._intent_of(order)
        refund = await _asked(
            self._client.v1.refunds.create_async,
            {
                "payment_intent": intent,
                "amount": _minor_units(order.amount),
                "metadata": {"reference": order.reference},
            },
            options={"idempotency_key": order.idempotency_key},
        )
        word = _text(refund, "status")
        return Standing(
            state=_REFUNDS.get(word, "pending"),
            status=word,
            reference=order.reference,
            provider_ref=_text(refund, "id"),
            amount=_money(_get(refund, "amount"), _text(refund, "currency")),
            settled=None,
            fee=None,
            alarm="" if word in _REFUNDS else f"Stripe's refund is {word[:40]!r}: look there.",
        )

    async def query(self, order: Order) -> Standing:
        """Ask what became of a refund (`re_`), of a payment intent (`pi_`) or of a session."""
        if order.provider_ref.startswith("re_"):
            return await self._refund_standing(order.provider_ref)
        if order.provider_ref.startswith("pi_"):
            return _intent_standing(await self._intent(order.provider_ref))
        session = await self._session(order)
        state: State = "pending"
        if _text(session, "payment_status") in ("paid", "no_payment_required"):
            state = "succeeded"
        elif _text(session, "status") == "expired":
            state = "cancelled"
        intent = _get(session, "payment_intent")
        return Standing(
            state=state,
            status=_text(session, "payment_status") or _text(session, "status"),
            reference=_text(session, "client_reference_id"),
            provider_ref=_id(intent) or _text(session, "id"),
            amount=_money(_get(session, "amount_total"), _text(session, "currency")),
            settled=None,
            fee=_fee(intent),
        )

    async def follow_up(self, notice: Notice, order: Order) -> Standing:
        """Refuse: no event of Stripe's asks for another call."""
        del notice, order
        raise OrderRefused("follow_up", "This provider waits for no further call.")

    async def receive(self, call: Call) -> Sequence[Notice]:
        """Check the signature (v1, HMAC-SHA256 over time and raw bytes) and read the event."""
        signature = next(
            (text for name, text in call.headers.items() if name.lower() == "stripe-signature"), ""
        )
        if not self._secrets:
            raise CallbackRefused("no_secret", "No signing secret is set for this connection.")
        if not signature:
            raise CallbackRefused("missing_signature", "The callback carries no signature.")
        if len(call.body) > _BODY_BYTES_MAX:
            raise CallbackRefused("too_large", "The callback is too large.")
        if not any(_is_signed(call.body, signature, secret) for secret in self._secrets):
            raise CallbackRefused("wrong_signature", "The signature is wrong or too old.")
        try:
            notice = _notice(json.loads(call.body))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise CallbackRefused("unreadable", "The callback is signed but no event.") from None
        return [notice] if notice is not None else []

    def answering(self, call: Call) -> Answering:
        """Return what Stripe takes for an answer: any 2xx."""
        del call
        return Answering(200, {"Content-Type": "text/plain; charset=utf-8"}, b"")

    async def check(self) -> None:
        """Make sure that the key may see Checkout Sessions."""
        await _asked(self._client.v1.checkout.sessions.list_async, {"limit": 1})

    async def register(self, callback: str) -> Mapping[str, str]:
        """Have events sent to the address; an older registration of it is removed afterwards."""
        endpoints = self._client.v1.webhook_endpoints
        older = await _asked(endpoints.list_async, {"limit": 100})
        made = await _asked(
            endpoints.create_async,
            {"url": callback, "enabled_events": list(_STATES), "api_version": sdk.api_version},
        )
        for endpoint in _get(older, "data") or []:
            if _text(endpoint, "url") == callback:
                await _asked(endpoints.delete_async, _text(endpoint, "id"))
        return {"webhook_secret": _text(made, "secret")}

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._http.close_async()

    async def _session(self, order: Order) -> Any:
        session_ref = order.session_ref or order.provider_ref
        if not session_ref:
            raise OrderRefused("session_ref", "This payment was never begun at Stripe.")
        return await _asked(
            self._client.v1.checkout.sessions.retrieve_async,
            session_ref,
            {"expand": ["payment_intent.latest_charge.balance_transaction"]},
        )

    async def _intent(self, intent_id: str) -> Any:
        return await _asked(
            self._client.v1.payment_intents.retrieve_async,
            intent_id,
            {"expand": ["latest_charge.balance_transaction"]},
        )

    async def _intent_of(self, order: Order) -> str:
        """Return the payment intent of a payment, of which only the session may be known."""
        if order.provider_ref.startswith("pi_"):
            return order.provider_ref
        found = _id(_get(await self._session(order), "payment_intent"))
        if not found:
            raise OrderRefused("provider_ref", "Nothing was paid, so nothing can be refunded.")
        return found

    async def _refund_standing(self, refund_id: str) -> Standing:
        refund = await _asked(self._client.v1.refunds.retrieve_async, refund_id)
        word = _text(refund, "status")
        return Standing(
            state=_REFUNDS.get(word, "pending"),
            status=word,
            reference=_text(_get(refund, "metadata"), "reference"),
            provider_ref=refund_id,
            amount=_money(_get(refund, "amount"), _text(refund, "currency")),
            settled=None,
            fee=None,
            alarm="" if word in _REFUNDS else f"Stripe's refund is {word[:40]!r}: look there.",
        )


def _require_allowed(base: str, allow: frozenset[str]) -> None:
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if f"{parts.hostname}:{port}" not in allow:
        raise CredentialsRefused("api_base", "The operator does not allow this base address.")


async def _asked(call: _Sdk, *arguments: Any, **options: Any) -> Any:
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


def _notice(event: Mapping[str, Any]) -> Notice | None:
    """Read a signed event; None for one that we do not act on."""
    name, subject = str(event["type"]), event["data"]["object"]
    event_id, live = str(event["id"]), event.get("livemode") is True
    state = _STATES.get(name)
    if state is None:
        return None
    currency = str(subject.get("currency") or "")
    intent = str(subject.get("payment_intent") or subject.get("id") or "")
    word = name
    if name.startswith("checkout.session."):
        reference = str(subject.get("client_reference_id") or "")
        session_ref = str(subject.get("id") or "")
        amount = _money(subject.get("amount_total"), currency)
        word = f"{name}/{subject.get('payment_status') or 'none'}"
        if state == "succeeded" and subject.get("payment_status") == "unpaid":
            state = "pending"
    else:
        reference = str((subject.get("metadata") or {}).get("reference") or "")
        session_ref = ""
        units = subject.get("amount_refunded" if state == "refunded" else "amount")
        amount = _money(units, currency)
    return Notice(
        event_id=event_id,
        state=state,
        claims=state,
        status=word,
        reference=reference,
        session_ref=session_ref,
        provider_ref=intent,
        amount=amount,
        settled=None,
        fee=None,
        must_ask=False,
        is_live=live,
    )


def _intent_standing(intent: Any) -> Standing:
    word = _text(intent, "status")
    states: dict[str, State] = {"succeeded": "succeeded", "canceled": "failed"}
    return Standing(
        state=states.get(word, "pending"),
        status=word,
        reference=_text(_get(intent, "metadata"), "reference"),
        provider_ref=_text(intent, "id"),
        amount=_money(_get(intent, "amount"), _text(intent, "currency")),
        settled=None,
        fee=_fee(intent),
    )


def _fee(intent: Any) -> Money | None:
    """Return what Stripe kept, when the answer was expanded as far as the balance transaction."""
    transaction = _get(_get(intent, "latest_charge"), "balance_transaction")
    return _money(_get(transaction, "fee"), _text(transaction, "currency"))


def _id(source: Any) -> str:
    """Return the id of something that may have been expanded or not."""
    return source if isinstance(source, str) else _text(source, "id")


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
