"""Stripe's events and errors in the port's words: signatures, kinds, minor units, retries."""

import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from connectors.payments.engine import provider_files
from connectors.payments.engine.failures import OrderRefused
from connectors.payments.engine.port import Addresses, Call, Notice, Order, Payer
from connectors.payments.port import (
    CredentialsRefused,
    PaymentRefused,
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


FILE = provider_files.load("stripe")


@pytest.fixture
def provider() -> Stripe:
    """An adapter that only verifies."""
    return Stripe(FILE, {"secret_key": "sk_test_1", "webhook_secret": SECRET})


def at(server: LocalServer) -> Stripe:
    """An adapter whose counterpart is a local server."""
    return Stripe(
        FILE,
        {"secret_key": "sk_test_1", "api_base": server.url},
        egress_allow=frozenset({server.url.removeprefix("http://")}),
    )


async def told(provider: Stripe, body: bytes, headers: dict[str, str]) -> list[Notice]:
    """Read a callback."""
    return list(await provider.receive(Call(body, headers)))


def signed(body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """Sign as the provider's documentation says: HMAC-SHA256 over time, dot, raw body."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}"}


def event(kind: str, subject: dict[str, Any], **fields: Any) -> bytes:
    """Write an event as it comes."""
    envelope = {"id": "evt_1", "type": kind, "created": 1795450000, "livemode": False}
    return json.dumps({**envelope, **fields, "data": {"object": subject}}).encode()


async def test_the_signature_is_the_known_vector_and_it_has_aged(provider: Stripe) -> None:
    """The digest is right, and just for its age the event is refused."""
    header = {"stripe-signature": f"t=1795450000,v1={VECTOR_SIGNATURE}"}

    assert signed(VECTOR, at=1795450000)["Stripe-Signature"].endswith(VECTOR_SIGNATURE)
    with pytest.raises(SignatureRefused):
        await told(provider, VECTOR, header)
    assert (await told(provider, VECTOR, signed(VECTOR)))[0].amount == Money.of("50.00", "USD")


@pytest.mark.parametrize("age", [301, 3600])
async def test_an_old_event_is_refused(provider: Stripe, age: int) -> None:
    """Five minutes are the limit, so a recorded event can't be played again later."""
    body = event("checkout.session.completed", {"id": "cs_1"})

    assert await told(provider, body, signed(body, at=int(time.time()) - 290))
    with pytest.raises(SignatureRefused):
        await told(provider, body, signed(body, at=int(time.time()) - age))


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=,v1=", "t=9999999999,v1=é", ",,,"],
)
async def test_a_header_of_another_shape_is_refused(provider: Stripe, header: str) -> None:
    """Nothing in a header can make the check stumble into an error of another kind."""
    with pytest.raises(SignatureRefused):
        await told(provider, VECTOR, {"Stripe-Signature": header})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"id":"x","type":"y"}'])
async def test_a_signed_body_that_is_no_event_is_refused(provider: Stripe, body: bytes) -> None:
    """Also what carries a good signature must be an event."""
    with pytest.raises(SignatureRefused):
        await told(provider, body, signed(body))


async def test_without_a_secret_nothing_is_believed() -> None:
    """A connection whose secret is missing fails closed, also against an empty secret."""
    provider = Stripe(FILE, {"secret_key": "sk_test_1", "webhook_secret": " "})

    with pytest.raises(SignatureRefused):
        await told(provider, VECTOR, signed(VECTOR, secret=""))


async def test_two_secrets_are_tried_while_one_is_replaced() -> None:
    """During a rotation events under either secret are good, under a third they are not."""
    provider = Stripe(FILE, {"secret_key": "sk_test_1", "webhook_secret": "whsec_new\nwhsec_old"})

    for secret in ("whsec_new", "whsec_old"):
        assert (await told(provider, VECTOR, signed(VECTOR, secret=secret)))[0].event_id
    with pytest.raises(SignatureRefused):
        await told(provider, VECTOR, signed(VECTOR, secret="whsec_other"))


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        ("checkout.session.completed", {"payment_status": "paid"}, ["succeeded"]),
        ("checkout.session.completed", {"payment_status": "unpaid"}, ["pending"]),
        ("checkout.session.async_payment_succeeded", {}, ["succeeded"]),
        ("checkout.session.async_payment_failed", {}, ["failed"]),
        ("checkout.session.expired", {}, ["cancelled"]),
        ("charge.refunded", {}, ["refunded"]),
        ("charge.dispute.created", {}, ["chargeback"]),
        ("payment_intent.payment_failed", {}, []),
        ("customer.created", {"currency": "xxx", "amount_total": "?"}, []),
    ],
)
async def test_an_event_type_has_a_kind(
    provider: Stripe, kind: str, subject: dict[str, Any], expected: list[str]
) -> None:
    """What we act on has a kind of its own; a failed attempt is not the end of a session."""
    body = event(kind, {"id": "x", **subject})

    assert [one.state for one in await told(provider, body, signed(body))] == expected


async def test_a_paid_session_names_our_reference(provider: Stripe) -> None:
    """Reference, provider's session, amount and mode are read."""
    session = {
        "id": "cs_1",
        "client_reference_id": "DEP-7F3K2M",
        "payment_status": "paid",
        "amount_total": 25007,
        "currency": "eur",
    }
    body = event("checkout.session.completed", session, livemode=True)

    found = (await told(provider, body, signed(body)))[0]

    assert (found.event_id, found.reference, found.session_ref) == ("evt_1", "DEP-7F3K2M", "cs_1")
    assert found.amount == Money.of("250.07", "EUR")
    assert found.is_live


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(5000, "jpy", "5000"), (5000, "kwd", "5.000"), (5000, "isk", "50"), (5000, "ugx", "50")],
)
async def test_minor_units_follow_the_currency(
    provider: Stripe, units: int, currency: str, amount: str
) -> None:
    """No decimals, three, and the two currencies that keep two at Stripe only."""
    body = event(
        "checkout.session.completed", {"id": "c", "amount_total": units, "currency": currency}
    )

    assert (await told(provider, body, signed(body)))[0].amount == Money.of(
        amount, currency.upper()
    )


async def test_refunds_and_disputes_name_their_intent(provider: Stripe) -> None:
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

    refunded = (await told(provider, refund, signed(refund)))[0]
    disputed = (await told(provider, dispute, signed(dispute)))[0]

    assert (refunded.reference, refunded.amount) == ("DEP-7F3K2M", Money.of("15.00", "USD"))
    assert (disputed.reference, disputed.provider_ref) == ("", "pi_1")
    assert disputed.amount == Money.of("50.00", "USD")


async def test_an_unknown_currency_gives_no_amount(provider: Stripe) -> None:
    """The event is kept and can be held by a person; no amount is invented."""
    body = event("checkout.session.completed", {"id": "c", "amount_total": 5, "currency": "xts"})

    assert (await told(provider, body, signed(body)))[0].amount is None


ORDER = Order(
    reference="DEP-7F3K2M",
    amount=Money.of("5000", "JPY"),
    payer=Payer(public_id="C-1", email="ada@example.com"),
    addresses=Addresses(
        callback="https://www.alpha.example/hooks/payments/T",
        done="https://my.alpha.example/deposit/DEP-7F3K2M",
        cancel="https://my.alpha.example/deposit",
    ),
    idempotency_key="deposit:DEP-7F3K2M",
    description="Deposit DEP-7F3K2M",
)
CREATED = (200, {"object": "checkout.session", "id": "cs_1", "url": "https://pay.example/cs_1"})


async def test_a_payment_goes_out_with_our_reference_and_key() -> None:
    """The reference is where every later event finds it, and the amount is in minor units."""
    async with LocalServer([CREATED]) as server:
        provider = at(server)
        step = await provider.deposit(ORDER)
        await provider.close()
        (sent,) = server.all()

    assert step.url == "https://pay.example/cs_1"
    assert sent.path == "/v1/checkout/sessions"
    assert sent.headers["Idempotency-Key"] == "deposit:DEP-7F3K2M"
    assert sent.form["client_reference_id"] == "DEP-7F3K2M"
    assert sent.form["payment_intent_data[metadata][reference]"] == "DEP-7F3K2M"
    assert sent.form["line_items[0][price_data][unit_amount]"] == "5000"
    assert sent.form["line_items[0][price_data][currency]"] == "jpy"


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    """The provider's key makes the repetition safe; it is the same on every attempt."""
    async with LocalServer([None, (500, {}), CREATED]) as server:
        provider = at(server)
        step = await provider.deposit(ORDER)
        await provider.close()
        keys = {item.headers["Idempotency-Key"] for item in server.all()}

    assert step.session_ref == "cs_1"
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
        provider = at(server)
        with pytest.raises(error) as raised:
            await provider.deposit(ORDER)
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
        provider = at(server)
        full = await provider.query(replace(ORDER, session_ref="cs_1"))
        plain = await provider.query(replace(ORDER, session_ref="cs_1"))
        await provider.close()

    assert (full.state, full.fee) == ("succeeded", Money.of("7.55", "USD"))
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
        provider = at(server)
        status = await provider.query(replace(ORDER, provider_ref="pi_1"))
        await provider.close()
        (sent,) = server.all()

    assert sent.path.startswith("/v1/payment_intents/pi_1")
    assert (status.reference, status.state) == ("DEP-7F3K2M", "succeeded")


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "https://127.0.0.1", "http://[::1]:9"])
def test_credentials_cannot_point_at_other_servers(base: str) -> None:
    """Only the operator's exceptions may stand in for the provider."""
    with pytest.raises(CredentialsRefused):
        Stripe(
            FILE,
            {"secret_key": "sk_test_1", "api_base": base},
            egress_allow=frozenset({"127.0.0.1:8"}),
        )


def test_nothing_global_is_set() -> None:
    """Two merchants in one process never meet in the SDK's module."""
    import stripe

    Stripe(FILE, {"secret_key": "sk_test_1"})

    assert stripe.api_key is None
    assert stripe.default_http_client is None
    assert stripe.api_base == "https://api.stripe.com"


async def test_what_stripe_can_not_do_is_refused_before_anything_is_sent() -> None:
    """Payouts, its own page for them, a further call, and the refund of what nobody has paid."""
    session = {"object": "checkout.session", "id": "cs_1", "payment_intent": None}
    async with LocalServer([(200, session)]) as server:
        provider = at(server)
        notice = Notice("e", "pending", "pending", "x", "", "", "", None, None, None, False, None)
        for call in (
            provider.withdraw(ORDER),
            provider.open_withdrawal(ORDER),
            provider.follow_up(notice, ORDER),
            provider.query(ORDER),
            provider.refund(replace(ORDER, session_ref="cs_1")),
        ):
            with pytest.raises(OrderRefused):
                await call
        await provider.close()
        assert len(server.all()) == 1
