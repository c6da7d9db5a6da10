"""Declared providers over a socket: what is sent, what is kept, what is unknown afterwards."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.payments.declared import Declared, GuardedTransport, Tokens
from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.definitions import State
from connectors.payments.engine.failures import CallbackRefused, OrderRefused
from connectors.payments.engine.port import Received, Request
from connectors.payments.port import CredentialsRefused, PaymentRefused, PaymentUnknown
from kernel.money import Money
from tests.connectors.payments.engine.samples import RECEIVING, whole
from tests.connectors.payments.local_server import LocalServer
from tests.oracles import payment_digests as oracle
from treasury.rules import Fact, Standing, decide

NOW = datetime.fromtimestamp(vectors.SAMPLE_TIME, UTC)
ORDER = vectors.order_of({})


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    """Somebody else's server, on this machine."""
    async with LocalServer() as running:
        yield running


def gateway(provider_id: str, server: LocalServer, **credentials: str) -> Declared:
    """A provider's sample account, its stand-in being the local server."""
    provider = provider_files.load(provider_id)
    allow = frozenset({urlsplit(server.url).netloc})
    return Declared(
        provider,
        {**provider.sample, "api_base": server.url, **credentials},
        environment="sandbox",
        transport=GuardedTransport(allow=allow),
        egress_allow=allow,
        clock=lambda: NOW,
    )


async def test_a_deposit_goes_out_signed_and_comes_back_as_a_redirect(server: LocalServer) -> None:
    """The bytes that arrive carry the signature that the oracle makes of them."""
    server.answers = [
        (200, {"status": 0, "redirect_url": "https://c.example/1", "session": {"auth_token": "a1"}})
    ]

    step = await gateway("praxis", server).deposit(ORDER)

    (sent,) = server.all()
    body = json.loads(sent.body)
    names = ("merchant_id", "application_key", "timestamp", "intent", "cid", "order_id")
    signature = oracle.praxis("MerchantSecretKey", *(body[name] for name in names))
    assert sent.headers["Gt-Authentication"] == signature
    assert (step.kind, step.url, step.session_ref) == ("redirect", "https://c.example/1", "a1")


async def test_a_payout_in_the_providers_own_page_is_opened(server: LocalServer) -> None:
    """Praxis pays out in its cashier; asking it to pay out by itself is refused."""
    server.answers = [(200, {"status": 0, "redirect_url": "https://c.example/2"})]
    praxis = gateway("praxis", server)

    step = await praxis.open_withdrawal(ORDER)

    assert step.url == "https://c.example/2"
    assert json.loads(server.all()[0].body)["intent"] == "withdrawal"
    with pytest.raises(OrderRefused):
        await praxis.withdraw(ORDER)
    with pytest.raises(OrderRefused):
        await gateway("skrill", server).open_withdrawal(ORDER)


async def test_a_form_that_the_browser_posts_is_not_sent_by_us(server: LocalServer) -> None:
    """Help2Pay's form comes back as fields with their key, and nothing left this machine."""
    order = replace(ORDER, method="maybank", amount=Money.of("500.00", "MYR"))

    step = await gateway("help2pay", server).deposit(order)

    assert step.kind == "form_post"
    assert step.fields["Amount"] == "500.00"
    signed = (step.fields[n] for n in ("Merchant", "Reference", "Customer", "Amount", "Currency"))
    key = oracle.help2pay("h2pSecret", *signed, "20261124000640", after=step.fields["ClientIP"])
    assert step.fields["Key"] == key
    assert server.all() == []


async def test_a_bank_transfer_needs_nobody(server: LocalServer) -> None:
    """The lines to copy hold the account and the reference."""
    step = await gateway("bank_wire", server).deposit(ORDER)

    assert step.kind == "instructions"
    assert ("Reference: write this in the transfer", "DEP-7F3K2M") in step.instructions
    assert server.all() == []


MPESA_ORDER = replace(ORDER, amount=Money.of("500", "KES"))
TOKEN = (200, {"access_token": "t1", "expires_in": "3599"})
ACCEPTED = (200, {"ResponseCode": "0", "CheckoutRequestID": "ws_CO_1"})


async def test_a_token_is_fetched_once_and_again_when_it_has_ended(server: LocalServer) -> None:
    """Two payments take one token; a 401 fetches another one, once."""
    fresh = (200, {"access_token": "t2", "expires_in": "3599"})
    server.answers = [TOKEN, ACCEPTED, ACCEPTED, (401, {}), fresh, ACCEPTED, (401, {}), TOKEN]
    server.answers.append((401, {}))
    mpesa = gateway("mpesa", server)

    first = await mpesa.deposit(MPESA_ORDER)
    await mpesa.deposit(MPESA_ORDER)
    await mpesa.deposit(MPESA_ORDER)

    assert (first.kind, first.session_ref) == ("push", "ws_CO_1")
    shown = [one.headers["Authorization"].split()[-1] for one in server.all()]
    assert shown[1:4] == ["t1", "t1", "t1"]
    assert shown[5] == "t2"
    with pytest.raises(CredentialsRefused):
        await mpesa.deposit(MPESA_ORDER)


async def test_two_payments_at_once_share_a_token(server: LocalServer) -> None:
    """Whoever comes second waits for the first one's token."""
    server.answers = [TOKEN, ACCEPTED]
    mpesa = gateway("mpesa", server)

    await asyncio.gather(*(mpesa.deposit(MPESA_ORDER) for _ in range(4)))

    paths = [one.path.split("?")[0] for one in server.all()]
    assert paths.count("/oauth/v1/generate") == 1
    assert paths.count("/mpesa/stkpush/v1/processrequest") == 4


async def test_tokens_end_and_are_no_secrets_in_memory() -> None:
    """A token is good until a minute before its end; what it is kept under is a digest."""
    moment = 100.0
    tokens = Tokens(clock=lambda: moment)
    tokens.keep("k", "t1", 3540)

    assert tokens.get("k") == "t1"
    moment += 3540
    assert tokens.get("k") == ""
    for number in range(600):
        tokens.keep(str(number), "t", 60)
    assert len(tokens._kept) <= 512


@pytest.mark.parametrize("answer", [None, (500, {}), (502, {}), (200, [])])
async def test_no_clear_answer_is_unknown(server: LocalServer, answer: Any) -> None:
    """A dropped connection, a server's fault, an answer of another kind: ask before repeating."""
    server.answers = [answer]

    with pytest.raises(PaymentUnknown):
        await gateway("praxis", server).deposit(ORDER)


async def test_a_query_and_a_refund_answer_with_a_standing(server: LocalServer) -> None:
    """What the provider says when asked has a state and an exact amount."""
    order = replace(ORDER, session_ref="PL1", provider_ref="psp1")
    amount = {"value": 5000, "currency": "USD"}
    answer = {"reference": "DEP-7F3K2M", "status": "completed", "amount": amount}
    server.answers = [(200, answer), (201, {"pspReference": "r1", "status": "received"})]
    adyen = gateway("adyen", server)

    asked, refunded = await adyen.query(order), await adyen.refund(order)

    assert (asked.state, asked.amount) == ("succeeded", Money.of("50.00", "USD"))
    assert (refunded.state, refunded.provider_ref) == ("pending", "r1")
    assert [one.method for one in server.all()] == ["GET", "POST"]


async def test_a_two_step_provider_is_paid_when_its_notice_asks(server: LocalServer) -> None:
    """Neteller's payer has agreed: the notice names the call, and the call takes the money."""
    payload = {"id": "h1", "paymentHandleToken": "PHt1", "merchantRefNum": "DEP-7F3K2M"}
    raw = json.dumps({"payload": payload, "eventType": "PAYMENT_HANDLE_PAYABLE"}).encode()
    sample = whole("neteller")
    call = replace(
        sample.call,
        body=raw.replace(b'"DEP-7F3K2M"', b'"DEP-7F3K2M","status":"PAYABLE"'),
    )
    signature = oracle.raw_base64("sha256", "paysafeHmacKey01", call.body)
    call = replace(call, headers={"signature": signature})
    paid = {"id": "c7f1", "status": "COMPLETED", "amount": 5000, "currencyCode": "USD"}
    server.answers = [(200, paid)]
    neteller = gateway("neteller", server)

    (notice,) = await neteller.receive(call)
    standing = await neteller.follow_up(notice, ORDER)

    assert notice.follow_up == "confirm"
    assert (standing.state, standing.provider_ref) == ("succeeded", "c7f1")
    (sent,) = server.all()
    assert sent.path == "/paymenthub/v1/payments"
    assert json.loads(sent.body)["paymentHandleToken"] == "PHt1"


async def test_an_address_that_nobody_allowed_is_refused(server: LocalServer) -> None:
    """A stand-in needs the operator's exception, twice: here and where requests leave."""
    provider = provider_files.load("praxis")
    inner = {**provider.sample, "api_base": server.url}
    nobody = GuardedTransport(allow=frozenset())
    with pytest.raises(CredentialsRefused):
        Declared(provider, inner, environment="sandbox", transport=nobody)

    allowed = frozenset({urlsplit(server.url).netloc})
    guarded = Declared(
        provider, inner, environment="sandbox", transport=nobody, egress_allow=allowed
    )
    with pytest.raises(PaymentRefused) as refused:
        await guarded.deposit(ORDER)
    assert refused.value.code == "egress"
    assert server.all() == []


async def test_a_disabled_provider_takes_no_orders(server: LocalServer) -> None:
    """A formula from memory moves nobody's money."""
    with pytest.raises(OrderRefused):
        await gateway("payneteasy", server).deposit(ORDER)
    assert server.all() == []


async def test_credentials_are_checked_where_there_is_a_token_to_get(server: LocalServer) -> None:
    """A refused token is a refused credential; others are only proven by a payment."""
    refusal = {"errorCode": "400.008.01", "errorMessage": "Invalid"}
    server.answers = [(400, refusal), TOKEN]
    mpesa = gateway("mpesa", server)

    with pytest.raises(CredentialsRefused):
        await mpesa.check()
    await mpesa.check()
    await gateway("praxis", server).check()
    assert len(server.all()) == 2


class Pinned:
    """A transport that hands out one certificate."""

    def __init__(self, pem: str) -> None:
        """Take the certificate."""
        self.pem = pem
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Received:
        """Remember the request and answer it."""
        self.sent.append(request)
        return Received(200, self.pem.encode())


async def test_a_pinned_certificate_is_fetched_once() -> None:
    """PayPal's signature is checked with what its pinned host gives; a day long."""
    sample = whole("paypal")
    ((url, pem),) = sample.certificates.items()
    transport = Pinned(pem)
    paypal = Declared(
        sample.provider,
        sample.account.credentials,
        environment="sandbox",
        transport=transport,
        clock=lambda: sample.now,
    )

    first, again = await paypal.receive(sample.call), await paypal.receive(sample.call)

    assert first == again == sample.receive()
    assert [one.url for one in transport.sent] == [url]
    transport.pem = "no certificate"
    other = Declared(
        sample.provider, sample.account.credentials, environment="live", transport=transport
    )
    with pytest.raises(CallbackRefused):
        await other.receive(sample.call)


@pytest.mark.parametrize("provider_id", RECEIVING)
def test_events_credit_once_in_whatever_order(provider_id: str) -> None:
    """Pending, paid, paid again and a chargeback: one credit, none once the money is back."""
    notice = whole(provider_id).receive()[0]
    amount = notice.amount or Money.of("50.00", "USD")
    states: tuple[State, ...] = ("pending", "succeeded", "succeeded", "chargeback")
    for turn in set(itertools.permutations(states)):
        standing, credited, disputed = Standing("created", None), 0, 0
        for state in turn:
            decision = decide(standing, Fact(state, notice.provider_ref, amount, None))
            credited += decision.action == "settle"
            disputed += decision.action == "dispute"
            standing = replace(standing, state=decision.to_state)
        was_paid_first = turn.index("succeeded") < turn.index("chargeback")
        assert (credited, disputed) == ((1, 1) if was_paid_first else (0, 0))
        assert standing.state == ("settled" if was_paid_first else "held")
