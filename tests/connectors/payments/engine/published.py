"""The vectors of payments.md, P1 to V09: what is signed, the printed digest, and its recipe.

`recipe` is a table as a provider file has it, or the place of one in a file. `expected` is None
for the four whose digest is withheld: there the oracle's answer is the expectation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.oracles import payment_digests as oracle

REFERENCE = "DEP-7F3K2M"
RAW1 = (
    '{"id":"evt_1","type":"checkout.session.completed",'
    '"data":{"object":{"id":"cs_1","amount_total":5000,"currency":"usd"}}}'
)
_NOW = (
    '{"payment_id":123456789,"payment_status":"finished","pay_address":"0xabc","price_amount":50,'
    '"price_currency":"usd","pay_amount":49.95,"actually_paid":49.95,"pay_currency":"usdttrc20",'
    '"order_id":"DEP-7F3K2M","fee":{"currency":"usdttrc20","withdrawalFee":0,"depositFee":0.5,'
    '"serviceFee":0.25},"outcome_amount":49.2}'
)
_PAYSAFE = (
    '{"payload":{"id":"c7f1","merchantRefNum":"DEP-7F3K2M","amount":5000,"currencyCode":"EUR",'
    '"status":"COMPLETED"},"eventType":"PAYMENT_COMPLETED"}'
)
_ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
_ADYEN_P3 = {
    "pspReference": "7914073381342284",
    "merchantAccountCode": "TestMerchant",
    "merchantReference": "TestPayment-1407325143704",
    "amount": {"value": 1130, "currency": "EUR"},
    "eventCode": "AUTHORISATION",
    "success": "true",
}
_ADYEN_V02 = {
    "pspReference": "7914073381342284",
    "originalReference": "8515131751004933",
    "merchantAccountCode": "FxTenantECOM",
    "merchantReference": REFERENCE,
    "amount": {"value": 5000, "currency": "EUR"},
    "eventCode": "REFUND",
    "success": "true",
}
_PAYASIA = {
    "amount": "600.00",
    "currency": "THB",
    "customer_address": "1, Bay Street",
    "customer_email": "someone@gmail.com",
    "customer_first_name": "John",
    "customer_ip": "123.123.123.123",
    "customer_last_name": "Doe",
    "customer_phone": "0123123123",
    "merchant_reference": "1234567890",
    "network": "DirectDebit",
    "return_url": "https://demo.shop.com/payment/return",
}
_PRAXIS = {"merchant_id": "Test-Integration-Merchant", "application_key": "Sandbox"}
_PRAXIS_V07 = {
    **_PRAXIS,
    "timestamp": 1795450100,
    "customer": {"customer_token": "cust-55"},
    "session": {"order_id": REFERENCE},
    "transaction": {
        "tid": 756850,
        "currency": "USD",
        "amount": 5000,
        "conversion_rate": None,
        "processed_currency": "EUR",
        "processed_amount": 4602,
    },
}
_NUVEI_V05 = {
    "totalAmount": "50.00",
    "currency": "USD",
    "responseTimeStamp": "2026-11-23.16:35:01",
    "PPP_TransactionID": "211000000012345678",
    "Status": "APPROVED",
    "productId": REFERENCE,
}
_SKRILL_KEY = "ee38b95c14d6cc07f48ef550c4474ee3"
_SKRILL_TEXT = "299202295frn123meridEE38B95C14D6CC07F48EF550C4474EE320.45GBP"


@dataclass(frozen=True)
class Published:
    """One line of the table."""

    name: str
    recipe: Mapping[str, Any] | tuple[str, str]
    expected: str | None
    oracle: Callable[[], str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def hmac(name: str, **more: Any) -> dict[str, Any]:
    """Return a recipe with a keyed digest."""
    return {"alg": f"hmac-{name}", "key": "secret.key", **more}


def concat(alg: str, *fields: str, **more: Any) -> dict[str, Any]:
    """Return a recipe of values one after the other."""
    return {"alg": alg, "message": "concat", "fields": list(fields), **more}


FIRST = [
    Published(
        "P1 Skrill payout",
        hmac("sha256", out="HEX"),
        "1F4ACCA3FED7681C2C9F645DDF3210A88A5A4F072FEF5DF432CF3BB053136D87",
        lambda: oracle.skrill_payout(_SKRILL_KEY, _SKRILL_TEXT),
        {"key": _SKRILL_KEY},
        {"raw": _SKRILL_TEXT, "encoding": "none"},
    ),
    Published(
        "P2 CoinsPaid and Hyperswitch",
        hmac("sha512"),
        "03c25fcf7cd35e7d995e402cd5d51edd72d48e1471e865907967809a0c189ba5"
        "5b90815f20e2bb10f82c7a9e9d865546fda58989c2ae9e8e2ff7bc29195fa1ec",
        lambda: oracle.raw_hex(
            "sha512", "AbCdEfG123456", b'{"currency":"BTC","foreign_id":"123456"}'
        ),
        {"key": "AbCdEfG123456"},
        {"raw": '{"currency":"BTC","foreign_id":"123456"}'},
    ),
    Published(
        "P3 Adyen",
        ("adyen", "callback.signature"),
        "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=",
        lambda: oracle.adyen(_ADYEN_KEY, _ADYEN_P3),
        {"hmac_key": _ADYEN_KEY},
        {"item": {"NotificationRequestItem": _ADYEN_P3}},
    ),
    Published(
        "P4 PayAsia",
        {
            "alg": "sha512",
            "message": "pairs",
            "urlencode": True,
            "drop_empty": True,
            "suffix": "{{secret.key}}",
        },
        "e58e599473393fdd38a9fa6fed2977ccd2dbb443a8116be448d0128e77a88854"
        "2a8d8fde649a040339b7602d028d2e4883652082af068573ddf673e417c4eb67",
        lambda: oracle.sorted_pairs(
            "sha512", _PAYASIA, suffix="127f7830-b856-4ddf-92b4-a6478e38547b", encoded=True
        ),
        {"key": "127f7830-b856-4ddf-92b4-a6478e38547b"},
        {"body": dict(reversed(_PAYASIA.items()))},
    ),
    Published(
        "P5 Nuvei, once Worldnet",
        concat(
            "sha512",
            "body.terminal",
            "body.order",
            "body.amount",
            "body.time",
            "secret.key",
            separator=":",
            out="HEX",
        ),
        "5B39821025C33A3C37560196F36AF68668E46E82AFC4017434D72E62DBC4C067"
        "81AFC6364E992D5594656FB185C901ECE65ADF85E8822832B8985F602E533EBA",
        lambda: oracle.worldnet(
            "678002", "300145858", "325.56", "15-3-2006:10:43:01:673", "x4n35c32RT"
        ),
        {"key": "x4n35c32RT"},
        {
            "body": {
                "terminal": "678002",
                "order": "300145858",
                "amount": "325.56",
                "time": "15-3-2006:10:43:01:673",
            }
        },
    ),
    Published(
        "V01 Stripe",
        ("stripe", "callback.signature"),
        "e536196ae89d53cd181f16347ecd6b17ea4205586f8b805757f6cba400c718e2",
        lambda: oracle.stripe("whsec_test_8f2b", 1795450000, RAW1.encode()),
        {"webhook_secret": "whsec_test_8f2b"},
        {"raw": RAW1, "part": {"t": "1795450000"}},
    ),
    Published(
        "V02 Adyen refund",
        ("adyen", "callback.signature"),
        None,
        lambda: oracle.adyen(_ADYEN_KEY, _ADYEN_V02),
        {"hmac_key": _ADYEN_KEY},
        {"item": {"NotificationRequestItem": _ADYEN_V02}},
    ),
    Published(
        "V03 Skrill md5sig",
        ("skrill", "callback.signature"),
        "EA77F6C6EFF939A0ADC63AB45A626353",
        lambda: oracle.skrill(
            "skrillword", before=["100005", REFERENCE], after=["25.46", "GBP", "2"]
        ),
        {"secret_word": "skrillword"},
        {
            "body": {
                "merchant_id": "100005",
                "transaction_id": REFERENCE,
                "mb_amount": "25.46",
                "mb_currency": "GBP",
                "status": "2",
            }
        },
    ),
    Published(
        "V04 Nuvei request",
        ("nuvei", "signing.session"),
        "bb1b283c4085a087d6548ec5760f58a0c2f3ee37017e4e21fade14de3e8b4fe5",
        lambda: oracle.nuvei_request(
            "nuveiSecret01", "427583496191624621", "142033", REFERENCE, "20261123163500"
        ),
        {"secret_key": "nuveiSecret01"},
        {
            "body": {
                "merchantId": "427583496191624621",
                "merchantSiteId": "142033",
                "clientRequestId": REFERENCE,
                "timeStamp": "20261123163500",
            }
        },
    ),
    Published(
        "V05 Nuvei notification",
        ("nuvei", "callback.signature"),
        None,
        lambda: oracle.nuvei_notification("nuveiSecret01", *_NUVEI_V05.values()),
        {"secret_key": "nuveiSecret01"},
        {"body": _NUVEI_V05},
    ),
    Published(
        "V06 Praxis request",
        ("praxis", "signing.request"),
        "6345ee3857e1d7a25fa40a5761424502b6fdef44a6bab92322f377da9b3b8b21"
        "2e55032a7f5ec14bf6b721fc3fb1c72d",
        lambda: oracle.praxis(
            "MerchantSecretKey", *_PRAXIS.values(), 1795450000, "payment", "1", REFERENCE
        ),
        {"merchant_secret": "MerchantSecretKey"},
        {
            "body": {
                **_PRAXIS,
                "timestamp": 1795450000,
                "intent": "payment",
                "cid": "1",
                "order_id": REFERENCE,
            }
        },
    ),
    Published(
        "V07 Praxis notification",
        ("praxis", "callback.signature"),
        None,
        lambda: oracle.praxis(
            "MerchantSecretKey",
            *_PRAXIS.values(),
            1795450100,
            "cust-55",
            REFERENCE,
            *_PRAXIS_V07["transaction"].values(),  # type: ignore[attr-defined]
        ),
        {"merchant_secret": "MerchantSecretKey"},
        {"body": _PRAXIS_V07},
    ),
    Published(
        "V32 Praxis reply",
        ("praxis", "signing.reply"),
        "5edcf86f9b8bcf28fd104197b8a6ce9f37eb33c375ce7ee9b345161cc8003e6c"
        "10c4259d47dfaa7f0dac505fdf9c082e",
        lambda: oracle.praxis("MerchantSecretKey", 0, 1795450100),
        {"merchant_secret": "MerchantSecretKey"},
        {"body": {"status": 0, "timestamp": 1795450100}},
    ),
    Published(
        "V08 Paysafe",
        hmac("sha256", out="base64"),
        "N8zXLqA6oy+QWB6WLJFg7PUN7sFpEP1vS3mux1Ke+y8=",
        lambda: oracle.raw_base64("sha256", "paysafeHmacKey01", _PAYSAFE.encode()),
        {"key": "paysafeHmacKey01"},
        {"raw": _PAYSAFE},
    ),
    Published(
        "V09 NOWPayments",
        ("nowpayments", "callback.signature"),
        None,
        lambda: oracle.nowpayments("np-ipn-secret-01", _NOW.encode()),
        {"ipn_secret": "np-ipn-secret-01"},
        {"raw": _NOW},
    ),
]
