"""The vectors of payments.md, V10 to V33."""

from __future__ import annotations

from tests.connectors.payments.engine.published import (
    FIRST,
    RAW1,
    REFERENCE,
    Published,
    concat,
    hmac,
)
from tests.oracles import payment_digests as oracle

_IPN = (
    "ipn_version=1.0&ipn_type=api&ipn_mode=hmac&ipn_id=abc123&merchant=m1&txn_id=CPXX1&status=100"
    "&status_text=Complete&currency1=USD&currency2=BTC&amount1=50&amount2=0.0005&custom=DEP-7F3K2M"
)
_BTCPAY = (
    '{"deliveryId":"d1","webhookId":"w1","isRedelivery":false,"type":"InvoiceSettled",'
    '"timestamp":1795450000,"storeId":"s1","invoiceId":"inv1"}'
)
_DLOCAL = '{"amount":50.0,"currency":"BRL","country":"BR","order_id":"DEP-7F3K2M"}'
_CRYPTOPAY = '{"price_amount":"50.00","price_currency":"EUR"}'

_REST = [
    Published(
        "V10 CoinPayments",
        hmac("sha512"),
        "3b75eeec956f646be8600aa5e46b2a7912541adb4f0623e8931383d851381de7"
        "b3b0e119252d21d567879459986522303d49474b8bd0e4d0af6ce940d2ba3c24",
        lambda: oracle.raw_hex("sha512", "cp_ipn_secret", _IPN.encode()),
        {"key": "cp_ipn_secret"},
        {"raw": _IPN, "encoding": "form"},
    ),
    Published(
        "V11 BTCPay",
        hmac("sha256", prefix="sha256="),
        "sha256=359c1418c5088e9a3fcbfd1abad0ce51cc075ba6afc71e6af2253dbbfe46a899",
        lambda: "sha256=" + oracle.raw_hex("sha256", "btcpaySecret9", _BTCPAY.encode()),
        {"key": "btcpaySecret9"},
        {"raw": _BTCPAY},
    ),
    Published(
        "V12 Checkout.com, Coinbase and Razorpay",
        hmac("sha256"),
        "9f1b74c42666869a6f93386406f1ba1cb9de14b225264a661fc5533e0a0eb0ad",
        lambda: oracle.raw_hex("sha256", "sharedSecret77", RAW1.encode()),
        {"key": "sharedSecret77"},
        {"raw": RAW1},
    ),
    Published(
        "V13 Mercado Pago",
        hmac(
            "sha256",
            message="segments",
            segments=[
                "id:{{query.data.id|lower}};",
                "request-id:{{header.x-request-id}};",
                "ts:{{part.ts}};",
            ],
        ),
        "6d2e7b8a4066a47bf485dcee0a3d622e48ef5c9ac23629a5a7921ee28f9ddc01",
        lambda: oracle.mercado_pago(
            "mp_secret_42",
            data_id="1234567890",
            request_id="f7b2a1d4-0b1c-4ec2-aaaa-9e8b1d2f3c4d",
            time="1795450000",
        ),
        {"key": "mp_secret_42"},
        {
            "query": "data.id=1234567890",
            "headers": {"X-Request-Id": "f7b2a1d4-0b1c-4ec2-aaaa-9e8b1d2f3c4d"},
            "part": {"ts": "1795450000"},
        },
    ),
    Published(
        "V14 Razorpay redirect",
        hmac(
            "sha256",
            message="concat",
            separator="|",
            fields=["body.link", "body.reference", "body.status", "body.payment"],
        ),
        "374ea2c504c60e2b573809e0755ac0405673c0a16c1c6276467052b9123a2014",
        lambda: oracle.razorpay_link(
            "rzp_key_secret", "plink_ExjpAUN3gVHrPJ", REFERENCE, "paid", "pay_JkX1"
        ),
        {"key": "rzp_key_secret"},
        {
            "body": {
                "link": "plink_ExjpAUN3gVHrPJ",
                "reference": REFERENCE,
                "status": "paid",
                "payment": "pay_JkX1",
            }
        },
    ),
    Published(
        "V15 VPG session",
        ("vpg", "signing.request"),
        "86a0858243227c4b3c41510359eb4b5e549228c9",
        lambda: oracle.vpg("aku_pass_01", REFERENCE, "50.00", "USD", "Deposit 7F3K2M"),
        {"password": "aku_pass_01"},
        {
            "body": {
                "order": {
                    "number": REFERENCE,
                    "amount": "50.00",
                    "currency": "USD",
                    "description": "Deposit 7F3K2M",
                }
            }
        },
    ),
    Published(
        "V16 VPG server to server",
        ("vpg", "signing.s2s_apm"),
        "2d43f6ebc936ce89458bdacb5efb5e62",
        lambda: oracle.vpg_apm("aku_pass_01", "success@example.com", REFERENCE, "50.00", "USD"),
        {"password": "aku_pass_01"},
        {
            "body": {
                "identifier": "success@example.com",
                "order_id": REFERENCE,
                "order_amount": "50.00",
                "order_currency": "USD",
            }
        },
    ),
    Published(
        "V17 dLocal",
        hmac(
            "sha256",
            message="template",
            text="{{header.X-Login}}{{header.X-Date}}{{raw}}",
            prefix="V2-HMAC-SHA256, Signature: ",
        ),
        "V2-HMAC-SHA256, Signature: "
        "b1aaed9b959fa6e98dc96cceb71fb45926bffac7153fccaa24de924539ac9008",
        lambda: oracle.dlocal(
            "dlocalsecret", "login01", "2026-11-23T16:35:00.000Z", _DLOCAL.encode()
        ),
        {"key": "dlocalsecret"},
        {
            "raw": _DLOCAL,
            "headers": {"x-login": "login01", "x-date": "2026-11-23T16:35:00.000Z"},
        },
    ),
    Published(
        "V18 Noon",
        hmac(
            "sha512",
            message="concat",
            separator=",",
            out="base64",
            fields=["body.id", "body.status", "body.event", "body.type", "body.time"],
        ),
        "lEbBxzBvsox6X+USxr7hdlk7ZpJ7NNeJy1O3aLjtGuodb8vHX8mPwhyuzZxNzZjEKRk6Jv1e/x4KYl+o4fwvyQ==",
        lambda: oracle.noon("noonkey", "12345", "CAPTURED", "ev-1", "SALE", "2026-11-23T16:35:00Z"),
        {"key": "noonkey"},
        {
            "body": {
                "id": 12345,
                "status": "CAPTURED",
                "event": "ev-1",
                "type": "SALE",
                "time": "2026-11-23T16:35:00Z",
            }
        },
    ),
    Published(
        "V19 Novalnet",
        concat(
            "sha256",
            "body.tid",
            "body.type",
            "body.status",
            "body.amount",
            "body.currency",
            "secret.key|reverse",
        ),
        "c1c8e122433b0713cfb65bd77d390143a355df7aacf7cc215120193e7cac017c",
        lambda: oracle.novalnet(
            "a87ff679a2f3e71d9181a67b7542122c",
            "14000000000000001",
            "PAYMENT",
            "SUCCESS",
            "5000",
            "EUR",
        ),
        {"key": "a87ff679a2f3e71d9181a67b7542122c"},
        {
            "body": {
                "tid": 14000000000000001,
                "type": "PAYMENT",
                "status": "SUCCESS",
                "amount": 5000,
                "currency": "EUR",
            }
        },
    ),
    Published(
        "V21 Cryptopay request",
        hmac(
            "sha1",
            message="template",
            text="{{verb}}\n{{raw|md5}}\n{{header.Content-Type}}\n{{header.Date}}\n{{path}}",
            out="base64",
            prefix="HMAC cpkey:",
        ),
        "HMAC cpkey:MN080OOaHBkB5cTC68WgPSYFznU=",
        lambda: oracle.cryptopay_request(
            "cpkey",
            "cpsecret",
            raw=_CRYPTOPAY.encode(),
            date="2026-11-23T16:35:00+00:00",
            path="/api/invoices",
        ),
        {"key": "cpsecret"},
        {
            "raw": _CRYPTOPAY,
            "path": "/api/invoices",
            "headers": {
                "Content-Type": "application/json",
                "Date": "2026-11-23T16:35:00+00:00",
            },
        },
    ),
    Published(
        "V22 M-Pesa password",
        {"alg": "equals", "key": "(body.shortcode + secret.key + body.time)|b64"},
        "MTc0Mzc5cGFzc2tleUFCQzIwMjYxMTIzMTYzNTAw",
        lambda: oracle.mpesa_password("174379", "passkeyABC", "20261123163500"),
        {"key": "passkeyABC"},
        {"body": {"shortcode": "174379", "time": "20261123163500"}},
    ),
    Published(
        "V23 Revolut",
        hmac("sha256", message="template", text="v1.{{part.ts}}.{{raw}}", prefix="v1="),
        "v1=7768ca53ad4a5bf4220fb1e54a657e50cca42248c1f6e35f4e1d3a60f5293c63",
        lambda: oracle.revolut("wsk_revolut01", 1795450000000, RAW1.encode()),
        {"key": "wsk_revolut01"},
        {"raw": RAW1, "part": {"ts": "1795450000000"}},
    ),
    Published(
        "V27 Help2Pay callback",
        concat(
            "md5",
            "body.Merchant",
            "body.Reference",
            "body.Customer",
            "body.Amount",
            "body.Currency",
            "body.Status",
            "secret.key",
        ),
        "cf17cc80bf1ea00a698423e100285143",
        lambda: oracle.help2pay("h2pSecret", "M0001", REFERENCE, "cust55", "500.00", "MYR", "000"),
        {"key": "h2pSecret"},
        {
            "body": {
                "Merchant": "M0001",
                "Reference": REFERENCE,
                "Customer": "cust55",
                "Amount": "500.00",
                "Currency": "MYR",
                "Status": "000",
            }
        },
    ),
    Published(
        "V28 sorted pairs",
        {
            "alg": "md5",
            "message": "pairs",
            "drop_empty": True,
            "exclude": ["sign"],
            "suffix": "&key={{secret.key}}",
        },
        "29091f2c7fb8e43736804b5660e91915",
        lambda: oracle.sorted_pairs(
            "md5",
            {
                "amount": "500.00",
                "merchant": "M9",
                "order": REFERENCE,
                "remark": "",
                "status": "1",
            },
            suffix="&key=mypayKey",
        ),
        {"key": "mypayKey"},
        {
            "body": {
                "status": 1,
                "sign": "x",
                "remark": "",
                "order": REFERENCE,
                "merchant": "M9",
                "amount": "500.00",
            }
        },
    ),
    Published(
        "V29 Match2Pay callback",
        concat(
            "sha384",
            "body.transactionAmount|fixed:8",
            "body.transactionCurrency",
            "body.status",
            "secret.token",
            "secret.key",
        ),
        "c33ce8618cf3d7ba62ab806b2e37aff3f2ff1bfbb17d2198031d8f53770e7666"
        "30f819cfc438ab155ed28a52c781cc1d",
        lambda: oracle.match2pay("apiSec1", "50", "USD", "DONE", "apiTok1"),
        {"token": "apiTok1", "key": "apiSec1"},
        {"body": {"transactionAmount": 50, "transactionCurrency": "USD", "status": "DONE"}},
    ),
    Published(
        "V31 MyFatoorah",
        hmac("sha256", message="pairs", separator=",", out="base64"),
        "JrqgUdMr2r7oznIIWxE4YYz57dYpHywWrcHcbir70F8=",
        lambda: oracle.myfatoorah(
            "mfSecret", {"amount": "50.00", "currency": "KWD", "order": REFERENCE}
        ),
        {"key": "mfSecret"},
        {"body": {"order": REFERENCE, "currency": "KWD", "amount": "50.00"}},
    ),
    Published(
        "V33 Fiuu skey",
        concat(
            "md5",
            "body.time",
            "body.domain",
            "(body.tran+body.order+body.status+body.domain+body.amount+body.currency)|md5",
            "body.code",
            "secret.key",
        ),
        "0de72c55d1172f6120501cc43d09802d",
        lambda: oracle.fiuu(
            "fiuuSecret",
            time="1690000000",
            domain="domain1",
            code="APP01",
            inner=["T123", REFERENCE, "00", "domain1", "50.00", "MYR"],
        ),
        {"key": "fiuuSecret"},
        {
            "body": {
                "time": "1690000000",
                "domain": "domain1",
                "tran": "T123",
                "order": REFERENCE,
                "status": "00",
                "amount": "50.00",
                "currency": "MYR",
                "code": "APP01",
            }
        },
    ),
]

PUBLISHED = [*FIRST, *_REST]
