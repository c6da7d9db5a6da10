"""What every provider file must keep to, whatever it says (payments.md 3.5)."""

import contextlib
import copy
import hmac
import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.failures import CallbackRefused
from connectors.payments.engine.literals import Number, Value
from connectors.payments.engine.port import Account, Notice, Request
from connectors.payments.engine.requests import build
from connectors.payments.port import PaymentError
from kernel.money import Money
from tests.connectors.payments.engine.mutations import table_faults
from tests.connectors.payments.engine.samples import (
    RECEIVING,
    Sample,
    paths_of,
    put,
    samples,
    whole,
)
from tests.oracles.payment_tables import EXPONENTS

ALL = sorted(provider_files.catalogue())
SIGNED = [one for one in RECEIVING if whole(one).callback.signature.alg != "none"]
# All but those whose signature only the provider can make, with a key that we have never seen.
SHARED = [one for one in RECEIVING if not whole(one).callback.signature.is_asymmetric]
AMOUNTS = [("JPY", "5000"), ("USD", "50.25"), ("KWD", "50.125"), ("BTC", "0.00012345")]
ISO_DECIMALS = {"JPY": 0, "USD": 2, "KWD": 3, "BTC": 8}


def guarded(sample: Sample, notice: Notice) -> dict[str, object]:
    """What a forger must not be able to change: what is acted upon of a notice."""
    kept = {"reference": notice.reference, "amount": str(notice.amount), "state": notice.state}
    return {name: kept[name] for name in kept if name not in sample.callback.unsigned}


def is_harmless(sample: Sample, changed: list[Notice]) -> bool:
    """Whether notices say no more than the sample's own, or nothing that is acted upon."""
    before = [guarded(sample, one) for one in sample.receive()]
    after = [guarded(sample, one) for one in changed if one.state != "pending"]
    return all(one in before for one in after)


@pytest.mark.parametrize("provider_id", ALL)
def test_the_file_reads_and_its_vectors_hold(provider_id: str) -> None:
    """Schema, vectors, and a worked example of each request and each answer."""
    provider = provider_files.load(provider_id)
    shown = {one.of for one in provider.vectors}

    assert vectors.failures(provider) == []
    # A brand's requests are its dialect's, sent to another address.
    asked = {"deposit"} if provider.extends else set(provider.operations)
    assert {f"operations.{name}" for name in asked} <= shown
    answered = {n for n, o in provider.operations.items() if o.sent_by == "server"}
    assert {f"answers.{name}" for name in answered} <= shown
    assert table_faults(provider_files.merged(provider_id)) == []


@pytest.mark.parametrize("provider_id", SIGNED)
def test_one_changed_byte_changes_nothing_that_counts(provider_id: str) -> None:
    """Each byte of each sample, changed: refused, or nothing is acted upon that was not before."""
    for sample in samples(provider_id):
        raw = sample.text
        for at in range(len(raw)):
            changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            try:
                notices = sample.receive(sample.with_text(changed))
            except CallbackRefused:
                continue
            assert is_harmless(sample, notices), changed


@pytest.mark.parametrize("provider_id", SIGNED)
@pytest.mark.parametrize("field", ["status", "reference", "amount", "currency"])
def test_a_forged_value_is_refused_or_only_a_hint(provider_id: str, field: str) -> None:
    """Another status, reference, amount or currency under the old signature credits nothing."""
    sample = whole(provider_id)
    paths = paths_of(sample, field)
    assert paths or field not in sample.callback.fields
    for path in paths:
        body = copy.deepcopy(sample.body)
        put(sample, body, path, "9" if field == "amount" else "FORGED")
        try:
            notices = sample.receive(sample.with_body(body))
        except CallbackRefused:
            continue
        assert all(one.state in ("pending", "held") for one in notices)
        assert field in sample.callback.unsigned or sample.callback.signature.when is not None


@pytest.mark.parametrize("provider_id", SIGNED)
def test_the_signature_is_needed_whole(provider_id: str) -> None:
    """Missing, empty, cut, lengthened, another's secret, no secret: each is refused."""
    sample = whole(provider_id)
    good = sample.signature
    flipped = good[:-2] + ("0" if good[-2] != "0" else "1") + good[-1]

    assert _reason(sample, None) == "missing_signature"
    assert _reason(sample, "") == "missing_signature"
    for wrong in (flipped, good[:-1], good + "0", "0", "é", good[:-4] + "  ==", good * 90):
        assert _reason(sample, wrong) == "wrong_signature"
    if not sample.callback.signature.is_asymmetric:
        assert _reason(sample, good, _secrets(sample, "")) == "no_secret"
        assert _reason(sample, good, _secrets(sample, "00" * 16)) == "wrong_signature"


@pytest.mark.parametrize("provider_id", [one for one in SIGNED if one in SHARED])
def test_signatures_are_compared_in_constant_time(
    provider_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right and a wrong signature go through compare_digest, with every live secret."""
    sample = whole(provider_id)
    calls = []
    compare = hmac.compare_digest

    def counted(first: bytes, second: bytes) -> bool:
        calls.append(len(first))
        return compare(first, second)

    monkeypatch.setattr("connectors.payments.engine.digests.hmac.compare_digest", counted)
    sample.receive()
    once = len(calls)
    with pytest.raises(CallbackRefused):
        sample.receive(sample.carrying("f" * len(sample.signature), sample.call, sample.body))
    before = len(calls)
    sample.receive(account=_secrets(sample, "", older=3))

    assert once >= 1
    assert before > once or sample.callback.signature.parts
    assert len(calls) - before == 4 * once


def _reason(sample: Sample, signature: str | None, account: Account | None = None) -> str:
    """Why a call with a signature is refused; no secret stands in the words for it."""
    with pytest.raises(CallbackRefused) as refused:
        sample.receive(sample.carrying(signature, sample.call, sample.body), account)
    shown = str(refused.value)
    assert not [
        text for text in sample.account.credentials.values() if len(text) > 3 and text in shown
    ]
    return refused.value.reason


def _secrets(sample: Sample, text: str, *, older: int = 0) -> Account:
    """The account with another text in place of every secret, or with older ones behind each."""
    kinds = {name: one.kind for name, one in sample.provider.credentials.items()}
    kept = sample.account.credentials
    behind = "".join(f"\n{'0' * 31}{number}" for number in range(older))
    new = {n: kept[n] + behind if older else text for n in kept}
    return Account("sandbox", {n: new[n] if kinds[n] == "secret" else kept[n] for n in kept})


@pytest.mark.parametrize("provider_id", [one for one in SIGNED if one in SHARED])
def test_a_secret_can_be_replaced_without_a_pause(provider_id: str) -> None:
    """While two secrets are live, the older one's signature counts; afterwards it does not."""
    sample = whole(provider_id)
    both = {
        name: f"{'11' * 16}\n{text}" if sample.provider.credentials[name].kind == "secret" else text
        for name, text in sample.account.credentials.items()
    }

    assert sample.receive(account=Account("sandbox", both)) == sample.receive()
    only_new = {name: text.split("\n")[0] for name, text in both.items()}
    with pytest.raises(CallbackRefused):
        sample.receive(account=Account("sandbox", only_new))


@pytest.mark.parametrize("provider_id", RECEIVING)
def test_a_repeated_event_is_known_by_its_id(provider_id: str) -> None:
    """The same call twice has one event id; another event of the same payment has another."""
    found = [sample.receive()[0].event_id for sample in samples(provider_id)]

    again = [sample.receive()[0].event_id for sample in samples(provider_id)]
    assert found == again
    assert all(0 < len(one) <= 120 for one in found)


@pytest.mark.parametrize("provider_id", RECEIVING)
def test_order_and_spaces_of_a_body_mean_nothing_or_are_refused(provider_id: str) -> None:
    """A body written in another order is refused, or says exactly the same."""
    sample = whole(provider_id)
    turned = dict(reversed(sample.body.items()))

    notices = None
    with contextlib.suppress(CallbackRefused):
        notices = sample.receive(sample.with_body(turned))

    assert notices in (None, sample.receive())


@pytest.mark.parametrize("provider_id", RECEIVING)
def test_a_name_that_comes_twice_is_refused(provider_id: str) -> None:
    """Two readers of such a body could see two amounts; nobody reads it."""
    sample = whole(provider_id)
    raw = sample.text
    name = next(iter(sample.body))
    doubled = (
        raw[:-1] + f',"{name}":1}}'.encode()
        if sample.callback.encoding == "json"
        else raw + f"&{name}=1".encode()
    )

    with pytest.raises(CallbackRefused) as refused:
        sample.receive(sample.with_text(doubled))

    assert refused.value.reason == "unreadable"


@pytest.mark.parametrize("provider_id", RECEIVING)
def test_garbage_is_refused(provider_id: str) -> None:
    """Bytes that are no body of this provider's end in a refusal and in nothing else."""
    sample = whole(provider_id)
    deep = b'{"a":' * 40 + b"1" + b"}" * 40

    for raw in (b"\xff\xfe", b"[]", b"null", b'{"a":NaN}', deep, b"x" * 300_000, b""):
        try:
            notices = sample.receive(sample.with_text(raw))
        except CallbackRefused:
            continue
        assert all(one.must_ask for one in notices)
    with pytest.raises(CallbackRefused):
        sample.receive(replace(sample.call, method="DELETE"))


@pytest.mark.parametrize("provider_id", SHARED)
def test_an_unknown_status_is_held_and_told(provider_id: str) -> None:
    """A word that nobody mapped is pending with an alarm: never a success, never a failure."""
    sample = whole(provider_id)
    paths = paths_of(sample, "status")
    if not paths:
        assert "status" not in sample.callback.fields
        assert sample.callback.confirm == "query"
        return
    for word in ("never-heard-of", "SUCCEEDED ", ""):
        body = copy.deepcopy(sample.body)
        put(sample, body, paths[-1], word)

        (notice,) = sample.receive(sample.signed(body))

        assert (notice.state, notice.claims) == ("pending", "pending")
        assert notice.alarm


@pytest.mark.parametrize("provider_id", SIGNED)
def test_a_signed_moment_must_be_near(provider_id: str) -> None:
    """Where a time is signed, a call is refused before and after its tolerance, not within."""
    sample = whole(provider_id)
    recipe = sample.callback.signature
    if recipe.timestamp is None:
        assert recipe.tolerance_seconds == 0
        return
    for seconds, stale in ((0, False), (1, True)):
        for sign in (1, -1):
            late = timedelta(seconds=sign * (recipe.tolerance_seconds + seconds))
            moved = replace(sample, now=_signed_at(sample) + late)
            if stale:
                with pytest.raises(CallbackRefused) as refused:
                    moved.receive()
                assert refused.value.reason == "stale"
            else:
                assert moved.receive()


def _signed_at(sample: Sample) -> datetime:
    """When a sample says that it was sent."""
    pairs = dict(pair.split("=", 1) for pair in reversed(sample.signature.split(",")))
    return datetime.fromtimestamp(int(pairs[sample.callback.signature.parts[0]][:10]), UTC)


def wire(provider: Provider, currency: str, amount: str, kind: str) -> str | None:
    """What an amount looks like on the wire, worked out apart from the engine; None: it can't."""
    places = EXPONENTS.get(provider.id, {}).get(currency, ISO_DECIMALS[currency])
    if provider.money.decimals is not None and currency not in EXPONENTS.get(provider.id, {}):
        places = provider.money.decimals
    shifted = Decimal(amount).scaleb(places if kind == "minor" else 0)
    fits = Decimal(amount).scaleb(0 if kind == "whole" else places) % 1 == 0
    if not fits:
        return None
    text = f"{shifted:.{0 if kind in ('minor', 'whole') else places}f}"
    if provider.money.trim_zeros and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


@pytest.mark.parametrize("provider_id", [one for one in ALL if one != "paymentiq"])
@pytest.mark.parametrize(("currency", "amount"), AMOUNTS)
def test_amounts_survive_the_wire(provider_id: str, currency: str, amount: str) -> None:
    """Currencies of 0, 2, 3 and 8 decimals go out and come back exactly, or are refused."""
    provider = provider_files.load(provider_id)
    money = Money.of(amount, currency)
    expected = wire(provider, currency, amount, provider.money.kind)
    if expected is None:
        with pytest.raises(PaymentError):
            provider.money.write(money)
        return

    written = provider.money.write(money)

    text = written.text if isinstance(written, Number) else written
    assert text == expected
    if provider.callback_money == provider.money:
        assert provider.callback_money.read(written, currency) == money


@pytest.mark.parametrize("provider_id", SHARED)
@pytest.mark.parametrize(("currency", "amount"), AMOUNTS)
def test_callbacks_amounts_are_read_exactly(provider_id: str, currency: str, amount: str) -> None:
    """A newly signed callback in each kind of currency says the amount that it was about."""
    sample = whole(provider_id)
    where = [paths_of(sample, name) for name in ("amount", "currency")]
    expected = wire(sample.provider, currency, amount, sample.provider.callback_money.kind)
    if not all(where) or expected is None:
        assert sample.callback.confirm == "query" or all(where)
        return
    body = copy.deepcopy(sample.body)
    value: Value = Number(expected) if sample.callback.encoding == "json" else expected
    put(sample, body, where[0][0], value)
    put(sample, body, where[1][0], sample.provider.callback_money.write_currency(currency))

    (notice,) = sample.receive(sample.signed(body))

    assert notice.amount == Money.of(amount, currency)


@pytest.mark.parametrize("provider_id", SHARED)
def test_an_amount_that_cannot_be_read_is_none(provider_id: str) -> None:
    """Too fine, negative, no number, another currency: no amount is made up."""
    sample = whole(provider_id)
    where = [paths_of(sample, name) for name in ("amount", "currency")]
    if not all(where):
        assert sample.callback.confirm == "query"
        return
    for value, currency in itertools.chain(
        zip(("1e3x", "-5", "0.001", "+5", " 5", "1_0", ""), itertools.repeat("JPY")),
        (("50.00", "XXX"), ("50.00", "")),
    ):
        body = copy.deepcopy(sample.body)
        put(sample, body, where[0][0], value)
        put(sample, body, where[1][0], currency)

        try:
            (notice,) = sample.receive(sample.signed(body))
        except (CallbackRefused, PaymentError):
            continue
        assert notice.amount is None, (value, currency)


@pytest.mark.parametrize("provider_id", ALL)
def test_secrets_are_in_no_text(provider_id: str) -> None:
    """Nothing that may end in a log shows a credential, an address or a person."""
    provider = provider_files.load(provider_id)
    account = vectors.account_of(provider, {})
    secrets = {
        text
        for name, text in account.credentials.items()
        if provider.credentials[name].kind == "secret"
    }
    shown = repr(account) + repr(vectors.order_of({}))
    for vector in provider.vectors:
        if vector.of.startswith("operations."):
            try:
                shown += repr(_request(provider, vector.data, vector.of))
            except PaymentError as error:
                shown += str(error)

    assert not [secret for secret in secrets if secret in shown]
    assert not [text for text in vectors.SAMPLE_PAYER.values() if len(text) > 4 and text in shown]


def _request(provider: Provider, data: Mapping[str, Any], of: str) -> Request:
    """Build the request that a vector describes."""
    return build(
        provider,
        provider.operations[of.removeprefix("operations.")],
        vectors.account_of(provider, data),
        vectors.order_of(data),
        now=datetime.fromtimestamp(data.get("at", vectors.SAMPLE_TIME), UTC),
        token=data.get("token", ""),
    )


@pytest.mark.parametrize("provider_id", ALL)
def test_requests_go_to_declared_hosts_only(provider_id: str) -> None:
    """Whatever an order holds, the address stays below the base that the file declares."""
    provider = provider_files.load(provider_id)
    hostile = "x/../../@evil.example:1?a=b#c\\"
    for vector in provider.vectors:
        if not vector.of.startswith("operations."):
            continue
        order = {**vector.data.get("order", {}), "provider_ref": hostile, "reference": hostile}
        try:
            request = _request(provider, {**vector.data, "order": order}, vector.of)
        except PaymentError:
            continue
        bases = {url for urls in provider.environments.values() for url in urls.values()}
        typed = vectors.account_of(provider, vector.data).credentials
        bases |= {u for n, u in typed.items() if provider.credentials[n].kind == "url"}
        sent = urlsplit(request.url)
        below = {urlsplit(base).path for base in bases if urlsplit(base).hostname == sent.hostname}
        assert below
        assert any(sent.path.startswith(path) for path in below)
        assert request.host == sent.hostname
        assert "/../" not in sent.path
        assert "@" not in sent.netloc
