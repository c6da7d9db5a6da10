"""Stripe's events and errors in the port's words: signatures, kinds, minor units, retries."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from connectors.payments.port import (
    CredentialsRefused,
    PaymentRefused,
    PaymentRequest,
    PaymentUnknown,
    SignatureRefused,
)
from connectors.payments.stripe import Stripe
from kernel.money import Money
from tests.connectors.payments.local_server import LocalServer

SECRET = "whsec_test_8f2b"
VECTOR = (
    b'{"id":"evt_1","type":"checkout.session.completed",'
    b'"data":{"object":{"id":"cs_1","amount_total":5000,"currency":"usd"}}}'
)
VECTOR_SIGNATURE = "e536196ae89d53cd181f16347ecd6b17ea4205586f8b805757f6cba400c718e2"


@pytest.fixture
def provider() -> Stripe:
    """An adapter that only verifies."""
    return Stripe({"secret_key": "sk_test_1", "webhook_secret": SECRET})


def signed(body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """Sign as the provider's documentation says: HMAC-SHA256 over time, dot, raw body."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}"}


def event(kind: str, subject: dict[str, Any], **fields: Any) -> bytes:
    """Write an event as it comes."""
    envelope = {"id": "evt_1", "type": kind, "created": 1795450000, "livemode": False}
    return json.dumps({**envelope, **fields, "data": {"object": subject}}).encode()


def test_the_signature_is_the_known_vector_and_it_has_aged(provider: Stripe) -> None:
    """The digest is right, and just for its age the event is refused."""
    header = {"stripe-signature": f"t=1795450000,v1={VECTOR_SIGNATURE}"}

    assert signed(VECTOR, at=1795450000)["Stripe-Signature"].endswith(VECTOR_SIGNATURE)
    with pytest.raises(SignatureRefused):
        provider.verify(VECTOR, header)
    assert provider.verify(VECTOR, signed(VECTOR)).amount == Money.of("50.00", "USD")


@pytest.mark.parametrize("age", [301, 3600])
def test_an_old_event_is_refused(provider: Stripe, age: int) -> None:
    """Five minutes are the limit, so a recorded event can't be played again later."""
    body = event("checkout.session.completed", {"id": "cs_1"})

    assert provider.verify(body, signed(body, at=int(time.time()) - 290)).event_id
    with pytest.raises(SignatureRefused):
        provider.verify(body, signed(body, at=int(time.time()) - age))


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=,v1=", "t=9999999999,v1=é", ",,,"],
)
def test_a_header_of_another_shape_is_refused(provider: Stripe, header: str) -> None:
    """Nothing in a header can make the check stumble into an error of another kind."""
    with pytest.raises(SignatureRefused):
        provider.verify(VECTOR, {"Stripe-Signature": header})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"id":"x","type":"y"}'])
def test_a_signed_body_that_is_no_event_is_refused(provider: Stripe, body: bytes) -> None:
    """Also what carries a good signature must be an event."""
    with pytest.raises(SignatureRefused):
        provider.verify(body, signed(body))


def test_without_a_secret_nothing_is_believed() -> None:
    """A connection whose secret is missing fails closed, also against an empty secret."""
    provider = Stripe({"secret_key": "sk_test_1", "webhook_secret": " "})

    with pytest.raises(SignatureRefused):
        provider.verify(VECTOR, signed(VECTOR, secret=""))


def test_two_secrets_are_tried_while_one_is_replaced() -> None:
    """During a rotation events under either secret are good, under a third they are not."""
    provider = Stripe({"secret_key": "sk_test_1", "webhook_secret": "whsec_new whsec_old"})

    for secret in ("whsec_new", "whsec_old"):
        assert provider.verify(VECTOR, signed(VECTOR, secret=secret)).event_id
    with pytest.raises(SignatureRefused):
        provider.verify(VECTOR, signed(VECTOR, secret="whsec_other"))


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        ("checkout.session.completed", {"payment_status": "paid"}, "paid"),
        ("checkout.session.completed", {"payment_status": "unpaid"}, "pending"),
        ("checkout.session.async_payment_succeeded", {}, "paid"),
        ("checkout.session.async_payment_failed", {}, "failed"),
        ("checkout.session.expired", {}, "expired"),
        ("charge.refunded", {}, "refunded"),
        ("charge.dispute.created", {}, "disputed"),
        ("payment_intent.payment_failed", {}, "ignored"),
        ("customer.created", {"currency": "xxx", "amount_total": "?"}, "ignored"),
    ],
)
def test_an_event_type_has_a_kind(
    provider: Stripe, kind: str, subject: dict[str, Any], expected: str
) -> None:
    """What we act on has a kind of its own; a failed attempt is not the end of a session."""
    body = event(kind, {"id": "x", **subject})

    assert provider.verify(body, signed(body)).kind == expected


def test_a_paid_session_names_our_reference(provider: Stripe) -> None:
    """Reference, provider's reference, amount, mode and moment are read."""
    session = {
        "id": "cs_1",
        "client_reference_id": "DEP-7F3K2M",
        "payment_status": "paid",
        "amount_total": 25007,
        "currency": "eur",
    }
    body = event("checkout.session.completed", session, livemode=True)

    found = provider.verify(body, signed(body))

    assert (found.event_id, found.reference, found.provider_reference) == (
        "evt_1",
        "DEP-7F3K2M",
        "cs_1",
    )
    assert found.amount == Money.of("250.07", "EUR")
    assert found.live
    assert int(found.occurred_at.timestamp()) == 1795450000


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(5000, "jpy", "5000"), (5000, "kwd", "5.000"), (5000, "isk", "50"), (5000, "ugx", "50")],
)
def test_minor_units_follow_the_currency(
    provider: Stripe, units: int, currency: str, amount: str
) -> None:
    """No decimals, three, and the two currencies that keep two at Stripe only."""
    body = event(
        "checkout.session.completed", {"id": "c", "amount_total": units, "currency": currency}
    )

    assert provider.verify(body, signed(body)).amount == Money.of(amount, currency.upper())


def test_refunds_and_disputes_name_their_intent(provider: Stripe) -> None:
    """A refund brings our reference along; a dispute has the intent to ask about."""
    charge = {
        "id": "ch_1",
        "payment_intent": "pi_1",
        "amount": 5000,
        "amount_refunded": 1500,
        "currency": "usd",
        "metadata": {"reference": "DEP-7F3K2M"},
    }
    refund = event("charge.refunded", charge)
    dispute = event(
        "charge.dispute.created",
        {"id": "dp_1", "payment_intent": "pi_1", "amount": 5000, "currency": "usd"},
    )

    refunded = provider.verify(refund, signed(refund))
    disputed = provider.verify(dispute, signed(dispute))

    assert (refunded.reference, refunded.amount) == ("DEP-7F3K2M", Money.of("15.00", "USD"))
    assert (disputed.reference, disputed.provider_reference) == ("", "pi_1")
    assert disputed.amount == Money.of("50.00", "USD")


def test_an_unknown_currency_gives_no_amount(provider: Stripe) -> None:
    """The event is kept and can be held by a person; no amount is invented."""
    body = event("checkout.session.completed", {"id": "c", "amount_total": 5, "currency": "xts"})

    assert provider.verify(body, signed(body)).amount is None


REQUEST = PaymentRequest(
    reference="DEP-7F3K2M",
    amount=Money.of("5000", "JPY"),
    description="Deposit DEP-7F3K2M",
    customer_email="ada@example.com",
    return_url="https://my.alpha.example/deposit/DEP-7F3K2M",
    cancel_url="https://my.alpha.example/deposit",
    idempotency_key="deposit:DEP-7F3K2M",
)
CREATED = (200, {"object": "checkout.session", "id": "cs_1", "url": "https://pay.example/cs_1"})


async def test_a_payment_goes_out_with_our_reference_and_key() -> None:
    """The reference is where every later event finds it, and the amount is in minor units."""
    async with LocalServer([CREATED]) as server:
        provider = Stripe({"secret_key": "sk_test_1"}, api_base=server.url)
        payment = await provider.create_payment(REQUEST)
        await provider.close()
        (sent,) = server.all()

    assert payment.redirect_url == "https://pay.example/cs_1"
    assert sent.path == "/v1/checkout/sessions"
    assert sent.headers["Idempotency-Key"] == "deposit:DEP-7F3K2M"
    assert sent.form["client_reference_id"] == "DEP-7F3K2M"
    assert sent.form["payment_intent_data[metadata][reference]"] == "DEP-7F3K2M"
    assert sent.form["line_items[0][price_data][unit_amount]"] == "5000"
    assert sent.form["line_items[0][price_data][currency]"] == "jpy"


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    """The provider's key makes the repetition safe; it is the same on every attempt."""
    async with LocalServer([None, (500, {}), CREATED]) as server:
        provider = Stripe({"secret_key": "sk_test_1"}, api_base=server.url)
        payment = await provider.create_payment(REQUEST)
        await provider.close()
        keys = {item.headers["Idempotency-Key"] for item in server.all()}

    assert payment.provider_reference == "cs_1"
    assert keys == {"deposit:DEP-7F3K2M"}


def problem(kind: str, **fields: str) -> dict[str, Any]:
    """Write an error as it comes, with what a person typed inside."""
    return {"error": {"type": kind, "message": "ada@example.com sk_test_1", **fields}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, problem("invalid_request_error")), CredentialsRefused),
        ((403, problem("invalid_request_error")), CredentialsRefused),
        ((400, problem("invalid_request_error", code="amount_too_small")), PaymentRefused),
        ((400, problem("idempotency_error")), PaymentRefused),
        ((409, problem("idempotency_error", code="idempotency_key_in_use")), PaymentUnknown),
        ((429, problem("invalid_request_error")), PaymentUnknown),
        ((503, problem("api_error")), PaymentUnknown),
        ((200, {"object": "checkout.session", "id": "cs_1"}), PaymentUnknown),
        (None, PaymentUnknown),
    ],
    ids=range(9),
)
async def test_errors_are_definite_or_unknown_and_say_nothing_private(
    answer: tuple[int, Any] | None, error: type[Exception]
) -> None:
    """Only a clear no is a refusal; keys and addresses are not repeated."""
    async with LocalServer([answer]) as server:
        provider = Stripe({"secret_key": "sk_test_1"}, api_base=server.url)
        with pytest.raises(error) as raised:
            await provider.create_payment(REQUEST)
        await provider.close()

    assert raised.type is error
    assert "ada@" not in str(raised.value)
    assert "sk_test_1" not in str(raised.value)


async def test_the_fee_is_read_where_the_answer_is_expanded() -> None:
    """A query brings what the provider kept, in the currency of the settlement."""
    transaction = {"object": "balance_transaction", "id": "txn_1", "fee": 755, "currency": "usd"}
    charge = {"object": "charge", "id": "ch_1", "balance_transaction": transaction}
    intent = {"object": "payment_intent", "id": "pi_1", "latest_charge": charge}
    session = {
        "object": "checkout.session",
        "id": "cs_1",
        "client_reference_id": "DEP-7F3K2M",
        "payment_status": "paid",
        "amount_total": 25000,
        "currency": "usd",
        "payment_intent": intent,
    }
    async with LocalServer(
        [(200, session), (200, {**session, "payment_intent": "pi_1"})]
    ) as server:
        provider = Stripe({"secret_key": "sk_test_1"}, api_base=server.url)
        full = await provider.query("cs_1")
        plain = await provider.query("cs_1")
        await provider.close()

    assert (full.state, full.fee) == ("paid", Money.of("7.55", "USD"))
    assert plain.fee is None


async def test_an_intent_is_asked_for_its_reference() -> None:
    """What a dispute names can be led back to our deposit."""
    intent = {
        "object": "payment_intent",
        "id": "pi_1",
        "status": "succeeded",
        "amount": 5000,
        "currency": "usd",
        "metadata": {"reference": "DEP-7F3K2M"},
    }
    async with LocalServer([(200, intent)]) as server:
        provider = Stripe({"secret_key": "sk_test_1"}, api_base=server.url)
        status = await provider.query("pi_1")
        await provider.close()
        (sent,) = server.all()

    assert sent.path.startswith("/v1/payment_intents/pi_1")
    assert (status.reference, status.state) == ("DEP-7F3K2M", "paid")


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "https://127.0.0.1", "http://[::1]:9"])
def test_credentials_cannot_point_at_other_servers(base: str) -> None:
    """Only the operator's exceptions may stand in for the provider."""
    with pytest.raises(CredentialsRefused):
        Stripe(
            {"secret_key": "sk_test_1", "api_base": base}, egress_allow=frozenset({"127.0.0.1:8"})
        )


def test_nothing_global_is_set() -> None:
    """Two merchants in one process never meet in the SDK's module."""
    import stripe

    Stripe({"secret_key": "sk_test_1"}, api_base="http://127.0.0.1:9")

    assert stripe.api_key is None
    assert stripe.default_http_client is None
    assert stripe.api_base == "https://api.stripe.com"
