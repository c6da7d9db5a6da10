"""The engine and the oracle sign whatever comes alike: two readings of the same prose."""

import json
import string
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import stripe as sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.literals import parse_json
from connectors.payments.engine.port import Account
from connectors.payments.engine.recipes import sign
from connectors.payments.engine.requests import account_scope
from tests.oracles import payment_digests as oracle

NOW = datetime.fromtimestamp(vectors.SAMPLE_TIME, UTC)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)
ASCII = st.text(string.ascii_letters + string.digits + " -_.:/", min_size=1, max_size=20)
SECRETS = st.text(string.ascii_letters + string.digits + "+/=-_!", min_size=1, max_size=40)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=0, max_value=1e9)
LEAVES = WORDS | st.booleans() | st.none() | st.integers(0, 10**12) | NUMBERS


def written(value: Any) -> str:
    """JSON with Decimals as the digits that they have."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


def engine(provider_id: str, of: str, raw: bytes, **roots: Any) -> str:
    """What the engine signs a body with, by the provider's file."""
    provider = provider_files.load(provider_id)
    secrets = roots.pop("secrets")
    scope = account_scope(provider, Account("sandbox", secrets), NOW)
    body = parse_json(raw) if roots.pop("parsed", True) else {}
    scope = scope.plus(body=body, raw=raw, **roots)
    return sign(vectors.recipe_of(provider, of), scope)


def check_praxis(secret: str, values: list[Any], words: list[str], raw: bytes) -> None:
    """Notifications with nulls and rates of any digits."""
    names = ("tid", "currency", "amount", "conversion_rate", "processed_currency")
    transaction = dict(zip(names, values[:5], strict=True))
    body = {
        "merchant_id": words[0],
        "application_key": words[1],
        "timestamp": 1795450100,
        "customer": {"customer_token": words[2]},
        "session": {"order_id": words[3]},
        "transaction": {**transaction, "processed_amount": values[5]},
    }
    flat = [words[0], words[1], 1795450100, words[2], words[3], *values[:6]]
    texts = ["true" if v is True else "false" if v is False else v for v in flat]
    got = engine(
        "praxis", "callback.signature", written(body).encode(), secrets={"merchant_secret": secret}
    )
    exact = [_as_php(value) for value in texts]
    assert got == oracle.praxis(secret, *exact)


def _as_php(value: Any) -> Any:
    """PHP's own text where it needs an exponent, which the oracle leaves to a literal."""
    if isinstance(value, Decimal) and value and abs(value) < Decimal("0.0001"):
        return "{}E{}".format(*_mantissa(value))
    return value


def _mantissa(value: Decimal) -> tuple[str, int]:
    digits, power = f"{value:.13E}".split("E")
    short = digits.rstrip("0").rstrip(".")
    return (short if "." in short else f"{short}.0"), int(power)


def check_adyen(secret: str, values: list[Any], words: list[str], raw: bytes) -> None:
    """Items with and without their optional parts."""
    key = secret.encode().hex()
    item: dict[str, Any] = {
        "pspReference": words[0],
        "originalReference": words[1] if len(words[1]) % 2 else None,
        "merchantAccountCode": words[2],
        "merchantReference": words[3],
        "amount": {"value": 5000, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
    }
    wrapped = {"NotificationRequestItem": parse_json(written(item).encode())}
    got = engine("adyen", "callback.signature", b"{}", secrets={"hmac_key": key}, item=wrapped)
    assert got == oracle.adyen(key, item)


def check_concatenations(secret: str, values: list[Any], words: list[str], raw: bytes) -> None:
    """Skrill, Nuvei and the VPG dialect, over any words."""
    names = ("merchant_id", "transaction_id", "mb_amount", "mb_currency", "status")
    body = dict(zip(names, [*words[:3], "GBP", "2"], strict=True))
    got = engine(
        "skrill", "callback.signature", written(body).encode(), secrets={"secret_word": secret}
    )
    assert got == oracle.skrill(secret, before=words[:2], after=[words[2], "GBP", "2"])

    keys = ("totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status")
    told = {**dict(zip(keys, [*words[:3], words[3], "APPROVED"], strict=True)), "productId": "D"}
    got = engine(
        "nuvei", "callback.signature", written(told).encode(), secrets={"secret_key": secret}
    )
    assert got == oracle.nuvei_notification(secret, *told.values())

    order = dict(zip(("number", "amount", "currency", "description"), words[:4], strict=True))
    got = engine(
        "vpg",
        "signing.request",
        written({"order": order}).encode(),
        secrets={"password": secret},
    )
    assert got == oracle.vpg(secret, *words[:4])


def check_json_and_raw(secret: str, values: list[Any], words: list[str], raw: bytes) -> None:
    """NOWPayments over nested JSON of any numbers, and raw bodies of any bytes."""
    nested = {words[0]: values, "z": {words[1]: values[0], "a": values[1]}, "9": values[2]}
    text = written(nested).encode()
    got = engine("nowpayments", "callback.signature", text, secrets={"ipn_secret": secret})
    assert got == oracle.nowpayments(secret, text)

    for provider_id, name, digest in (
        ("coinspaid", "api_secret", "sha512"),
        ("checkout_com", "webhook_key", "sha256"),
    ):
        got = engine(provider_id, "callback.signature", raw, secrets={name: secret}, parsed=False)
        assert got == oracle.raw_hex(digest, secret, raw)
    part = {"t": "1795450000"}
    got = engine(
        "stripe",
        "callback.signature",
        words[0].encode(),
        secrets={"webhook_secret": secret},
        parsed=False,
        part=part,
    )
    assert got == oracle.stripe(secret, 1795450000, words[0].encode())
    header = f"t=1795450000,v1={got}"
    assert sdk.WebhookSignature.verify_header(words[0], header, secret, None)


CHECKS = [check_praxis, check_adyen, check_concatenations, check_json_and_raw]
Check = Callable[[str, list[Any], list[str], bytes], None]
GIVEN = given(
    secret=SECRETS,
    values=st.lists(LEAVES, min_size=6, max_size=6),
    words=st.lists(WORDS, min_size=4, max_size=4, unique=True),
    raw=st.binary(),
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
@FEW
@GIVEN
def test_the_engine_agrees_with_the_oracle(
    check: Check, secret: str, values: list[Any], words: list[str], raw: bytes
) -> None:
    """Any secret, any values, any bytes: both sign the same."""
    assert check(secret, values, words, raw) is None  # type: ignore[func-returns-value]


@pytest.mark.prove
@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
@MANY
@GIVEN
def test_the_engine_agrees_with_the_oracle_a_thousand_times(
    check: Check, secret: str, values: list[Any], words: list[str], raw: bytes
) -> None:
    """The same, often."""
    assert check(secret, values, words, raw) is None  # type: ignore[func-returns-value]
