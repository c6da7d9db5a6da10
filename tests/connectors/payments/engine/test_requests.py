"""Requests are built exactly, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.answers import SoftDecline, read, step_of
from connectors.payments.engine.failures import EgressForbidden, OrderRefused
from connectors.payments.engine.port import Account, Order, Received, Request
from connectors.payments.engine.requests import account_scope, build
from connectors.payments.port import PaymentRefused, PaymentUnknown
from kernel.money import Money

NOW = datetime.fromtimestamp(vectors.SAMPLE_TIME, UTC)


def request_of(provider_id: str, order: Order | None = None, **credentials: str) -> Request:
    """Build a deposit of the sample order."""
    provider = provider_files.load(provider_id)
    account = Account("sandbox", {**provider.sample, **credentials})
    return build(
        provider,
        provider.operations["deposit"],
        account,
        order or vectors.order_of({}),
        now=NOW,
    )


def test_a_header_cannot_be_split() -> None:
    """A line break in a credential or a key never begins a header of its own."""
    for value in ("a\r\nX-Evil: 1", "a\nb", "ключ"):
        with pytest.raises(OrderRefused):
            request_of("adyen", replace(vectors.order_of({}), idempotency_key=value))


def test_a_path_takes_no_segments_from_a_value() -> None:
    """A provider's reference with slashes stays one segment."""
    provider = provider_files.load("adyen")
    order = replace(vectors.order_of({}), provider_ref="../../admin?x=1#y")

    sent = build(
        provider,
        provider.operations["refund"],
        Account("sandbox", provider.sample),
        order,
        now=NOW,
    )

    assert sent.url.endswith("/v71/payments/..%2F..%2Fadmin%3Fx%3D1%23y/refunds")


@pytest.mark.parametrize(
    "base",
    [
        "https://u@evil.example",
        "https://",
        "//x",
        "http://x.example",
        "https://x@checkout.adyen.com",
    ],
)
def test_an_address_that_hides_its_host_is_refused(base: str) -> None:
    """What the administrator typed must name its host plainly."""
    with pytest.raises((EgressForbidden, OrderRefused)):
        request_of("adyen", base_url=base)


def test_a_stand_in_takes_the_place_of_every_address() -> None:
    """A local counterpart is asked at its own address, with the same body and signature."""
    provider = provider_files.load("skrill")
    account = Account("sandbox", provider.sample, stand_in="http://127.0.0.1:9000/")

    for name, path in (("deposit", ""), ("query", "/app/query.pl")):
        order = vectors.order_of({})
        sent = build(provider, provider.operations[name], account, order, now=NOW)
        assert sent.url == f"http://127.0.0.1:9000{path}"
        assert sent.host == "127.0.0.1"


def test_missing_credentials_and_values_are_named() -> None:
    """The error says what to fill in, and nothing was sent."""
    with pytest.raises(OrderRefused, match=r"secret\.merchant_secret is missing"):
        request_of("praxis", merchant_secret="")
    with pytest.raises(OrderRefused, match=r"cred\.merchant_id is missing"):
        request_of("praxis", merchant_id="")
    with pytest.raises(OrderRefused, match="no base_url"):
        request_of("vpg", replace(vectors.order_of({}), method="card"), base_url="")


def test_an_amount_that_a_provider_cannot_carry_is_refused() -> None:
    """Nothing is rounded on the way out."""
    order = replace(vectors.order_of({}), amount=Money.of("50.005", "USD"))

    for provider_id in ("praxis", "adyen", "skrill", "nowpayments"):
        with pytest.raises(OrderRefused, match="at most 2 decimals"):
            request_of(provider_id, order)


def test_of_two_secrets_the_first_signs() -> None:
    """While a secret is being replaced, requests are signed with the newer one."""
    old = request_of("praxis", merchant_secret="old")
    both = request_of("praxis", merchant_secret="new\nold")

    assert both == request_of("praxis", merchant_secret="new")
    assert both != old


def test_an_empty_secret_does_not_exist() -> None:
    """An empty text is no key: the scope has no such secret."""
    provider = provider_files.load("praxis")
    scope = account_scope(provider, Account("live", {"merchant_secret": " \n"}), NOW)

    assert scope.roots["secret"] == {}


def answered(status: int, raw: str, provider_id: str = "praxis") -> Any:
    """Read an answer to a deposit."""
    provider = provider_files.load(provider_id)
    scope = account_scope(provider, Account("sandbox", provider.sample), NOW)
    operation = provider.operations["deposit"]
    reading = read(provider, operation, Received(status, raw.encode()), scope)
    return step_of(provider, operation, reading)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 425, 429])
def test_an_answer_that_settles_nothing_is_unknown(status: int) -> None:
    """The provider may have acted: nothing is repeated before it was asked."""
    with pytest.raises(PaymentUnknown):
        answered(status, '{"status":0,"redirect_url":"https://x.example"}')


@pytest.mark.parametrize("raw", ["", "<html>", '{"status":0', '{"status":0,"status":1}', "[]x"])
def test_a_good_status_with_an_unreadable_body_is_unknown(raw: str) -> None:
    """An accepted request whose answer is garbage has an open outcome."""
    with pytest.raises(PaymentUnknown):
        answered(200, raw)


@pytest.mark.parametrize("value", ['{"a":1}', "[1]", '{"href":{}}'])
def test_a_value_of_another_kind_is_unknown(value: str) -> None:
    """A table where a text should be leaves open what the provider has done."""
    with pytest.raises(PaymentUnknown):
        answered(200, f'{{"status":0,"redirect_url":{value}}}')
    with pytest.raises(PaymentUnknown):
        answered(400, f'{{"status":7,"description":{value}}}')


def test_a_definite_no_is_one() -> None:
    """Refusals keep the provider's code and words; a body that can't be read changes nothing."""
    with pytest.raises(PaymentRefused) as refused:
        answered(400, '{"status":7,"description":"Nope"}')
    assert (refused.value.code, refused.value.text) == ("7", "Nope")
    with pytest.raises(PaymentRefused) as refused:
        answered(403, "<html>")
    assert refused.value.code == "403"


def test_a_soft_decline_is_told_from_a_refusal() -> None:
    """Only a decline that is the provider's own may be tried elsewhere."""
    with pytest.raises(SoftDecline):
        answered(200, '{"status":"SUCCESS","transactionStatus":"DECLINED"}', "nuvei")
    with pytest.raises(PaymentRefused) as refused:
        answered(200, '{"status":"ERROR"}', "nuvei")
    assert not isinstance(refused.value, SoftDecline)


@pytest.mark.parametrize("url", ["", "http://x.example/pay", "javascript:alert(1)"])
def test_a_payer_is_sent_to_https_only(url: str) -> None:
    """An answer without an address, or with a doubtful one, sends nobody anywhere."""
    with pytest.raises(PaymentUnknown):
        answered(200, f'{{"status":0,"redirect_url":"{url}"}}')
