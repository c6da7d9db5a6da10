"""The simulator through the provider's official SDK, its page and its webhooks."""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.fixtures.psp_simulator import PspSimulator

CARD = {"method": "card", "number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123"}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hands a redirect to the test instead of following it."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Refuse to follow."""


class Receiver:
    """A webhook endpoint that keeps what it got; `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.got: list[tuple[bytes, str, str, float]] = []
        self.peers: set[int] = set()
        self.status = status
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps one POST."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Read, keep, answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signature = self.headers["Stripe-Signature"]
                outer.got.append((body, signature, self.headers["Host"], time.time()))
                outer.peers.add(self.client_address[1])
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://pay.noor.localhost:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def types(self) -> list[str]:
        """Return the event types received so far."""
        return [json.loads(got[0])["type"] for got in list(self.got)]

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true."""
    end = time.time() + seconds
    while not true():
        assert time.time() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def psp() -> Iterator[PspSimulator]:
    """A running simulator."""
    simulator = PspSimulator()
    yield simulator
    simulator.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook endpoint."""
    made = Receiver()
    yield made
    made.close()


def client(psp: PspSimulator) -> stripe.StripeClient:
    """Return the SDK's client of a fresh account."""
    key = psp.create_account("Noor Markets")["secret_key"]
    return stripe.StripeClient(key, base_addresses={"api": psp.url}, max_network_retries=0)


def session(api: stripe.StripeClient, **more: Any) -> Any:
    """Open a session over 250.00 USD."""
    product = {"currency": "usd", "unit_amount": 25000, "product_data": {"name": "Deposit"}}
    parameters: Any = {
        "mode": "payment",
        "line_items": [{"price_data": product, "quantity": 1}],
        "client_reference_id": "dep-1",
        "metadata": {"deposit": "dep-1"},
        "payment_intent_data": {"metadata": {"deposit": "dep-1"}},
        "success_url": "http://noor.localhost/ok?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://noor.localhost/no",
        **more,
    }
    return api.v1.checkout.sessions.create(parameters)


def post(url: str, fields: dict[str, str]) -> tuple[int, str, str]:
    """Submit the page's form; return status, Location and body."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        reply = opener.open(url, urllib.parse.urlencode(fields).encode(), timeout=10)
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        return reply.status, reply.headers.get("Location", ""), reply.read().decode()


def hook(api: stripe.StripeClient, receiver: Receiver) -> Any:
    """Register the receiver for every event."""
    return api.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})


def test_a_paid_session_tells_by_redirect_api_and_signed_webhook(
    psp: PspSimulator, receiver: Receiver
) -> None:
    """One payment is seen the same by payer, merchant's key and webhook endpoint."""
    api = client(psp)
    endpoint = hook(api, receiver)
    opened = session(api)
    assert isinstance(opened, stripe.checkout.Session)

    started = time.time()
    status, location, _ = post(str(opened.url), CARD)

    assert (status, location) == (303, f"http://noor.localhost/ok?session={opened.id}")
    paid = api.v1.checkout.sessions.retrieve(
        opened.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert intent.latest_charge.balance_transaction.fee == 755
    assert (paid.payment_status, paid.status, intent.metadata["deposit"]) == (
        "paid", "complete", "dep-1",
    )  # fmt: skip
    until(lambda: "checkout.session.completed" in receiver.types())
    assert "payment_intent.succeeded" in receiver.types()
    assert "charge.succeeded" in receiver.types()
    body, signature, host, at = receiver.got[-1]
    assert host.startswith("pay.noor.localhost:")
    assert at - started < 0.5
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    assert event.livemode is False
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, endpoint.secret)
    assert api.v1.events.retrieve(event.id).type == event.type
    assert post(opened.url or "", CARD)[0] == 303
    assert len(api.v1.payment_intents.list().data) == 1


def test_a_declined_card_is_told_beside_its_field_and_can_be_followed_by_another(
    psp: PspSimulator,
) -> None:
    """A decline keeps what was typed and the session open; the same intent is then paid."""
    api = client(psp)
    opened = session(api)
    declines = (("4000000000000002", "was declined"), ("4000000000009995", "insufficient"))

    for number, words in declines:
        status, _, page = post(opened.url, {**CARD, "number": number, "holder": "A <b> Payer"})
        assert status == 402
        assert words in page
        assert f'value="{number}"' in page
        assert "A &lt;b&gt; Payer" in page
    status, _, page = post(opened.url, {**CARD, "number": "4242 4242 4242 4241", "cvc": "1"})
    assert status == 422
    assert 'aria-describedby="number-wrong"' in page
    assert 'id="cvc-wrong"' in page

    assert post(opened.url, CARD)[0] == 303
    (intent,) = api.v1.payment_intents.list().data
    assert intent.status == "succeeded"
    kinds = [event.type for event in api.v1.events.list({"limit": 50}).data]
    assert kinds.count("payment_intent.payment_failed") == 2


def test_a_direct_intent_declines_with_the_sdk_error_and_stays_payable(psp: PspSimulator) -> None:
    """Confirming with a refused card raises CardError; another card then succeeds."""
    api = client(psp)
    intent = api.v1.payment_intents.create({"amount": 5000, "currency": "jpy"})
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
        )
    assert caught.value.code == "card_declined"
    assert caught.value.http_status == 402

    paid = api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.amount_received) == ("succeeded", 5000)
    with pytest.raises(stripe.InvalidRequestError) as state:
        api.v1.payment_intents.cancel(intent.id)
    assert state.value.code == "payment_intent_unexpected_state"
    other = api.v1.payment_intents.create({"amount": 100, "currency": "eur"})
    assert api.v1.payment_intents.cancel(other.id).status == "canceled"


def test_refunds_never_exceed_the_charge_and_move_the_balance(psp: PspSimulator) -> None:
    """Partial refunds add up to the charge, and one more is refused."""
    api = client(psp)
    opened = session(api)
    post(opened.url, CARD)
    intent = str(api.v1.checkout.sessions.retrieve(opened.id).payment_intent)

    first = api.v1.refunds.create({"payment_intent": intent, "amount": 10000})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent, "amount": 15001})
    assert caught.value.param == "amount"
    api.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as again:
        api.v1.refunds.create({"payment_intent": intent})

    assert again.value.code == "charge_already_refunded"
    assert api.v1.refunds.retrieve(first.id).status == "succeeded"
    charge = api.v1.charges.retrieve(str(first.charge))
    assert (charge.amount_refunded, charge.refunded) == (25000, True)
    balance = api.v1.balance.retrieve()
    assert balance.pending[0].amount == -755
    nets = [line.net for line in api.v1.balance_transactions.list().data]
    assert sum(nets) == -755


def test_a_disputed_card_succeeds_and_then_opens_a_dispute(psp: PspSimulator) -> None:
    """The dispute is told by event and takes amount and fee back."""
    api = client(psp)
    post(session(api).url, {**CARD, "number": "4000000000000259"})
    (event,) = api.v1.events.list({"type": "charge.dispute.created"}).data
    dispute = api.v1.disputes.retrieve(event.data.object["id"])
    assert (dispute.amount, dispute.status) == (25000, "needs_response")
    assert dispute.balance_transactions[0].net == -26500
    assert api.v1.charges.retrieve(str(dispute.charge)).disputed


@pytest.mark.parametrize(
    ("iban", "word", "payment"),
    [
        ("AT61 1904 3002 3457 3201", "succeeded", "paid"),
        ("AT86 1904 3002 3547 3202", "failed", "unpaid"),
    ],
)
def test_a_bank_debit_completes_unpaid_and_is_decided_later(
    psp: PspSimulator, receiver: Receiver, iban: str, word: str, payment: str
) -> None:
    """The delayed method tells `processing` first and its outcome after the set time."""
    psp.operator("POST", "/_simulator/webhooks", {"settle_seconds": 0.5})
    api = client(psp)
    hook(api, receiver)
    opened = session(api)
    assert post(opened.url, {"method": "sepa_debit", "iban": iban})[0] == 303
    assert api.v1.checkout.sessions.retrieve(opened.id).payment_status == "unpaid"
    until(lambda: f"checkout.session.async_payment_{word}" in receiver.types())
    assert api.v1.checkout.sessions.retrieve(opened.id).payment_status == payment
    assert "payment_intent.processing" in receiver.types()


def test_the_same_idempotency_key_gives_the_same_reply_or_an_error(psp: PspSimulator) -> None:
    """A repeated request is not executed again; other parameters under its key are refused."""
    api = client(psp)
    options: Any = {"idempotency_key": "once"}
    first = api.v1.payment_intents.create({"amount": 5000, "currency": "usd"}, options)
    again = api.v1.payment_intents.create({"amount": 5000, "currency": "usd"}, options)
    assert again.id == first.id
    with pytest.raises(stripe.IdempotencyError):
        api.v1.payment_intents.create({"amount": 5001, "currency": "usd"}, options)
    assert len(api.v1.payment_intents.list().data) == 1


def test_wrong_requests_are_told_in_the_provider_shape(psp: PspSimulator) -> None:
    """Bad keys, ids and parameters raise the SDK's own errors and name the parameter."""
    api = client(psp)
    wrong = stripe.StripeClient("sk_test_nobody", base_addresses={"api": psp.url})
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.balance.retrieve()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.retrieve("pi_missing")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    for more, param in (
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"line_items": [{"amount": 1000, "currency": "xxx"}]}, "line_items[0][currency]"),
        ({"colour": "red"}, "colour"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            session(api, **more)
        assert refused.value.param == param
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.webhook_endpoints.create({"url": "http://192.0.2.1/", "enabled_events": ["*"]})


def test_an_account_sees_only_its_own_objects(psp: PspSimulator) -> None:
    """Another key neither finds, lists, refunds nor expires what is not its own."""
    mine, other = client(psp), client(psp)
    opened = session(mine)
    with pytest.raises(stripe.InvalidRequestError):
        other.v1.checkout.sessions.retrieve(opened.id)
    with pytest.raises(stripe.InvalidRequestError):
        other.v1.checkout.sessions.expire(opened.id)
    assert other.v1.checkout.sessions.list().data == []
    assert mine.v1.checkout.sessions.expire(opened.id).status == "expired"
    assert post(opened.url, CARD)[0] == 410


def test_lists_are_paged_newest_first(psp: PspSimulator) -> None:
    """The SDK's own paging walks over every object once."""
    api = client(psp)
    made = [api.v1.payment_intents.create({"amount": 100, "currency": "usd"}).id for _ in range(5)]
    walked = [item.id for item in api.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert walked == made[::-1]


def test_webhooks_can_be_held_doubled_and_shuffled(psp: PspSimulator, receiver: Receiver) -> None:
    """Held events leave on release, each seven times, and not in the order they happened."""
    switches = {"hold": True, "duplicate": 7, "shuffle": True}
    psp.operator("POST", "/_simulator/webhooks", switches)
    api = client(psp)
    hook(api, receiver)
    post(session(api).url, CARD)
    time.sleep(0.3)
    assert receiver.got == []
    assert psp.operator("POST", "/_simulator/webhooks/release") == {"released": 28}
    until(lambda: len(receiver.got) == 28)
    happened = [event.type for event in reversed(api.v1.events.list().data)]
    assert receiver.types() != [kind for kind in happened for _ in range(7)]
    shown = psp.operator("GET", "/_simulator/deliveries")["deliveries"]
    until(lambda: all(
        line["statuses"] == [200]
        for line in psp.operator("GET", "/_simulator/deliveries")["deliveries"]
    ))  # fmt: skip
    assert len(shown) == 28


def test_a_killed_simulator_delivers_after_its_restart(
    psp: PspSimulator, receiver: Receiver
) -> None:
    """Events an endpoint refused before kill -9 arrive after the restart, and state is kept."""
    receiver.status = 500
    api = client(psp)
    hook(api, receiver)
    opened = session(api)
    post(opened.url, CARD)
    until(lambda: len(receiver.got) >= 4)
    port = int(psp.url.rpartition(":")[2])

    psp.kill()
    receiver.got.clear()
    receiver.status = 200
    psp.start(port=port)

    until(lambda: len(set(receiver.types())) == 4)
    assert api.v1.checkout.sessions.retrieve(opened.id).payment_status == "paid"
    event = api.v1.events.list().data[0]
    count = len(receiver.got)
    psp.operator("POST", f"/_simulator/events/{event.id}/resend")
    until(lambda: len(receiver.got) == count + 1)


def test_deliveries_keep_their_connection(psp: PspSimulator, receiver: Receiver) -> None:
    """Later events travel over connections that earlier ones opened."""

    def has(wanted: int) -> bool:
        return len(receiver.got) == wanted

    api = client(psp)
    hook(api, receiver)
    for number in range(6):
        api.v1.payment_intents.create({"amount": 100, "currency": "usd"})
        until(partial(has, number + 1))
        time.sleep(0.02)
    assert len(receiver.peers) == 1


def test_every_reply_has_the_fields_the_sdk_types_as_present(psp: PspSimulator) -> None:
    """No field that the SDK declares as always there is missing from a reply."""
    api = client(psp)
    opened = session(api)
    post(opened.url, {**CARD, "number": "4000000000000259"})
    post(session(api).url, CARD)
    charge = api.v1.charges.list({"limit": 1}).data[0]
    api.v1.refunds.create({"charge": charge.id})
    api.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    replies: list[Any] = [
        opened,
        charge,
        api.v1.balance.retrieve(),
        *(getattr(api.v1, name).list().data[0] for name in (
            "payment_intents", "refunds", "balance_transactions", "events", "webhook_endpoints",
            "disputes",
        )),
    ]  # fmt: skip
    for reply in replies:
        required = [
            name
            for name, kind in type(reply).__annotations__.items()
            if not str(kind).startswith(("typing.Optional", "typing.ClassVar"))
            and not name.startswith("_")
            and "deleted" not in name
        ]
        assert [name for name in required if name not in reply] == [], type(reply)


def test_the_process_stays_small(psp: PspSimulator) -> None:
    """Resident memory is under 50 MB after a payment."""
    post(session(client(psp)).url, CARD)
    lines = Path(f"/proc/{psp.process.pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmRSS"))
    assert int(line.split()[1]) < 50 * 1024
