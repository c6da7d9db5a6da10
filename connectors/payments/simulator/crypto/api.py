"""NOWPayments' requests under /v1. Source: the API collection (documenter 7907941) and its types.

`x-api-key` names the account; payouts also ask for a Bearer token of `/v1/auth`, good for five
minutes. With the account's option `payout_2fa` a payout waits for `/verify`.
"""

import json
import secrets
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from connectors.payments.simulator.crypto import javascript, rates, transfers
from connectors.payments.simulator.desk.protocols import Answered, Choice, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Request, Response

TOKEN_SECONDS = 300
EXPIRY_SECONDS = 7 * 86400.0
PATHS = (
    "/v1/status", "/v1/currencies", "/v1/estimate", "/v1/min-amount", "/v1/payment",
    "/v1/invoice", "/v1/auth", "/v1/payout", "/v1/crypto-balance",
)  # fmt: skip


class Wrong(Exception):
    """An error in the API's shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the parts of the reply."""
        super().__init__(message)
        self.status = status
        self.code = code


class Crypto:
    """The protocol."""

    name = "crypto"
    tries_max = 12
    reply_seconds = 3.0

    def owns(self, path: str) -> bool:
        """Return whether a path is one of the API's."""
        return "/".join(path.rstrip("/").split("/")[:3]) in PATHS

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the API key, the IPN secret and the account's login."""
        key = "-".join(secrets.token_hex(4).upper()[:7] for _ in range(4))
        return {
            "api_key": key,
            "ipn_secret": secrets.token_hex(16),
            "email": f"{secrets.token_hex(4)}@example.com",
            "password": secrets.token_hex(8),
            **given,
        }

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one request."""
        try:
            status, reply = _route(records, request)
        except Wrong as error:
            status = error.status
            reply = {
                "status": False,
                "statusCode": error.status,
                "code": error.code,
                "message": str(error),
            }
        if isinstance(reply, str):
            return Response(status, reply.encode(), "text/html; charset=utf-8")
        return Response(status, javascript.dumps(transfers.numbers(reply)).encode())

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what the payer can do; coins may come at any time, also after the end."""
        if payment["direction"] != "deposit" or payment["status"] in ("failed", "refunded"):
            return []
        coin = payment["extra"]["pay_currency"].upper()
        return [
            Choice("send", f"Send {payment['extra']['pay_amount']} {coin}"),
            Choice(
                "part",
                f"Send another amount of {coin}",
                "Less is a part payment, more an over-payment; send the rest again.",
                amount=True,
            ),
            Choice("later", "Send the whole amount later"),
            Choice("fail", "The transfer fails"),
        ]

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return the address and how much to send to it."""
        extra = payment["extra"]
        coin = extra["pay_currency"].upper()
        return [
            ("Send", f"{extra['pay_amount']} {coin}"),
            ("To", extra["pay_address"]),
            ("Received", f"{payment['paid']} {coin}"),
            ("Status", payment["status"]),
        ]

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock."""
        transfers.act(records, payment, verb, details)

    def back(self, payment: JsonObject) -> str:
        """Stay on the page: the payer watches the confirmations there."""
        del payment
        return ""

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Sign an IPN."""
        del moment
        whole = transfers.numbers(content)
        secret = "wrong" if forged else merchant["credentials"]["ipn_secret"]
        header = {"x-nowpayments-sig": javascript.signature(secret, whole)}
        return Sealed(javascript.dumps(whole).encode(), "application/json", header)

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Ask for HTTP 200."""
        del merchant
        return answered.status == 200


def _sent(request: Request) -> JsonObject:
    if not request.body:
        return {}
    try:
        sent = json.loads(request.body, parse_float=Decimal)
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise Wrong(400, "INVALID_REQUEST_PARAMS", "Send a JSON object")
    return sent


def _route(records: Records, request: Request) -> tuple[int, Any]:
    parts = request.path.strip("/").split("/")[1:]
    if parts == ["status"]:
        return 200, {"message": "OK"}
    sent = _sent(request)
    if (request.method, *parts) == ("POST", "auth"):
        return _login(records, sent)
    merchant = records.merchant_by("crypto", api_key=request.headers.get("x-api-key", ""))
    if merchant is None:
        raise Wrong(403, "INVALID_API_KEY", "Invalid api key")
    asked = dict(parse_qsl(request.query))
    match (request.method, *parts):
        case ("GET", "currencies"):
            return 200, {"currencies": sorted(rates.COINS)}
        case ("GET", "estimate"):
            return 200, _estimate(asked)
        case ("GET", "min-amount"):
            coin = asked.get("currency_from", "")
            return 200, {"currency_from": coin, "min_amount": {"number": "0.00001"}}
        case ("POST", "payment"):
            return 201, _paid_for(records, merchant, sent, invoice=None)
        case ("GET", "payment", payment_id):
            return 200, _shown(_own(records, merchant, payment_id))
        case ("POST", "invoice"):
            return 200, _invoice(records, merchant, sent)
        case ("POST", "payout"):
            _require_token(records, merchant, request)
            return 200, _payout(records, merchant, sent)
        case ("POST", "payout", batch, "verify"):
            _require_token(records, merchant, request)
            return 200, _verify(records, merchant, batch, sent)
        case ("GET", "payout", batch):
            return 200, _batch(records, merchant, batch)
    raise Wrong(404, "NOT_FOUND", f"Cannot {request.method} {request.path}")


def _login(records: Records, sent: JsonObject) -> tuple[int, Any]:
    merchant = records.merchant_by(
        "crypto", email=str(sent.get("email")), password=str(sent.get("password"))
    )
    if merchant is None:
        raise Wrong(403, "ACCESS_DENIED", "Access denied")
    token = secrets.token_urlsafe(24)
    records.store.set_setting(f"crypto:token:{token}", [merchant["id"], time.time()])
    return 200, {"token": token}


def _require_token(records: Records, merchant: JsonObject, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    known = records.store.setting(f"crypto:token:{token}", None) if token else None
    if scheme != "Bearer" or known is None or known[0] != merchant["id"]:
        raise Wrong(
            401,
            "AUTH_REQUIRED",
            "Authorization header is empty (Bearer JWTtoken is required)",
        )
    if time.time() - known[1] > TOKEN_SECONDS:
        raise Wrong(401, "AUTH_REQUIRED", "Token expired")


def _decimal(sent: Mapping[str, Any], name: str) -> Decimal:
    try:
        amount = Decimal(str(sent.get(name)))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise Wrong(400, "INVALID_REQUEST_PARAMS", f"{name} must be a number above 0")
    return amount


def _coin(sent: Mapping[str, Any], name: str, default: str = "") -> str:
    coin = str(sent.get(name) or default).lower()
    if coin not in rates.COINS:
        raise Wrong(400, "INVALID_REQUEST_PARAMS", f"{name} is not available")
    return coin


def _estimate(asked: Mapping[str, str]) -> JsonObject:
    amount, coin = _decimal(asked, "amount"), _coin(asked, "currency_to")
    currency = asked.get("currency_from", "").lower()
    if rates.in_usd(currency) is None:
        raise Wrong(400, "INVALID_REQUEST_PARAMS", "currency_from is not available")
    return {
        "currency_from": currency,
        "amount_from": {"number": f"{amount:f}"},
        "currency_to": coin,
        "estimated_amount": f"{rates.to_coin(amount, currency, coin):f}",
    }


def _payment(
    records: Records, merchant: JsonObject, sent: JsonObject, coin: str, invoice: int | None
) -> JsonObject:
    amount = _decimal(sent, "price_amount")
    currency = str(sent.get("price_currency", "")).lower()
    if rates.in_usd(currency) is None:
        raise Wrong(400, "INVALID_REQUEST_PARAMS", "price_currency is not available")
    pay_amount = rates.to_coin(amount, currency, coin)
    number = records.next_number("crypto:payment", transfers.FIRST_ID)
    payment = records.add_payment(
        merchant,
        str(number),
        direction="deposit",
        reference=str(sent.get("order_id") or ""),
        amount=amount,
        currency=currency.upper(),
        status="waiting",
        urls={
            "callback": str(sent.get("ipn_callback_url") or ""),
            "done": str(sent.get("success_url") or ""),
            "cancel": str(sent.get("cancel_url") or ""),
        },
        extra={
            "parent": None,
            "invoice_id": invoice,
            "pay_currency": coin,
            "pay_amount": f"{pay_amount:f}",
            "page_amount": f"{pay_amount:f}",
            "pay_address": f"{coin[0]}1{secrets.token_hex(17)}",
            "order_description": sent.get("order_description"),
            "purchase_id": str(records.next_number("crypto:purchase", 5_837_122_679)),
            "payin_hash": None,
        },
    )
    records.after(payment, "expire", EXPIRY_SECONDS)
    return payment


def _paid_for(
    records: Records, merchant: JsonObject, sent: JsonObject, invoice: int | None
) -> JsonObject:
    coin = _coin(sent, "pay_currency")
    payment = _payment(records, merchant, sent, coin, invoice)
    extra = payment["extra"]
    made = transfers.moment(payment["created"])
    return {
        "payment_id": payment["id"],
        "payment_status": payment["status"],
        "pay_address": extra["pay_address"],
        "price_amount": {"number": payment["amount"]},
        "price_currency": payment["currency"].lower(),
        "pay_amount": {"number": extra["pay_amount"]},
        "amount_received": {
            "number": f"{transfers.outcome({**payment, 'paid': extra['pay_amount']})[0]:f}"
        },
        "pay_currency": coin,
        "order_id": payment["reference"] or None,
        "order_description": extra["order_description"],
        "payin_extra_id": None,
        "ipn_callback_url": payment["urls"]["callback"] or None,
        "created_at": made,
        "updated_at": made,
        "purchase_id": extra["purchase_id"],
        "smart_contract": None,
        "network": rates.COINS[coin].network,
        "network_precision": rates.COINS[coin].decimals,
        "time_limit": None,
        "burning_percent": None,
        "expiration_estimate_date": transfers.moment(payment["created"] + EXPIRY_SECONDS),
    }


def _own(records: Records, merchant: JsonObject, payment_id: str) -> JsonObject:
    payment = records.payment(payment_id)
    if payment is None or payment["merchant"] != merchant["id"]:
        raise Wrong(404, "PAYMENT_NOT_FOUND", "Payment not found")
    return payment


def _shown(payment: JsonObject) -> JsonObject:
    told = transfers.notice(payment)
    for name in ("actually_paid_at_fiat", "fee"):
        told.pop(name)
    return {
        **told,
        "payin_hash": payment["extra"]["payin_hash"],
        "payout_hash": None,
        "burning_percent": "null",
        "created_at": transfers.moment(payment["created"]),
        "updated_at": transfers.moment(payment["history"][-1]["at"]),
        "type": "crypto2crypto",
    }


def _invoice(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    coin = _coin(sent, "pay_currency", "usdttrc20")
    number = records.next_number("crypto:invoice", 4_522_625_843)
    payment = _payment(records, merchant, sent, coin, number)
    made = transfers.moment(payment["created"])
    return {
        "id": str(number),
        "token_id": str(number + 1),
        "order_id": payment["reference"] or None,
        "order_description": payment["extra"]["order_description"],
        "price_amount": payment["amount"],
        "price_currency": payment["currency"],
        "pay_currency": sent.get("pay_currency"),
        "ipn_callback_url": payment["urls"]["callback"] or None,
        "invoice_url": f"{records.store.public_url}/hosted/{payment['id']}",
        "success_url": payment["urls"]["done"] or None,
        "cancel_url": payment["urls"]["cancel"] or None,
        "partially_paid_url": None,
        "payout_currency": None,
        "created_at": made,
        "updated_at": made,
        "is_fixed_rate": False,
        "is_fee_paid_by_user": False,
    }


def _payout(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    wanted = sent.get("withdrawals")
    if not isinstance(wanted, list) or not wanted:
        raise Wrong(400, "BAD_CREATE_WITHDRAWAL_REQUEST", "withdrawals must be a list")
    for one in wanted:
        _decimal(one, "amount")
        if not one.get("address") or str(one["address"]).startswith("bad"):
            raise Wrong(400, "BAD_CREATE_WITHDRAWAL_REQUEST", "Invalid payout_address")
        _coin(one, "currency")
    batch = str(records.next_number("crypto:batch", 5_000_000_713))
    waits = bool(merchant["options"].get("payout_2fa"))
    made = [_withdrawal(records, merchant, batch, sent, one, waits=waits) for one in wanted]
    return {"id": batch, "withdrawals": [transfers.payout_notice(one) for one in made]}


def _withdrawal(
    records: Records,
    merchant: JsonObject,
    batch: str,
    sent: JsonObject,
    one: JsonObject,
    *,
    waits: bool,
) -> JsonObject:
    external = one.get("unique_external_id")
    payment = records.add_payment(
        merchant,
        str(records.next_number("crypto:payout", 5_000_000_000)),
        direction="payout",
        reference=str(external or one.get("payout_description") or batch),
        amount=_decimal(one, "amount"),
        currency=str(one["currency"]).lower(),
        status="WAITING",
        urls={"callback": str(one.get("ipn_callback_url") or sent.get("ipn_callback_url") or "")},
        extra={
            "batch": batch,
            "address": one["address"],
            "extra_id": one.get("extra_id"),
            "hash": None,
            "error": None,
            "requested_at": None,
            "payout_description": one.get("payout_description") or sent.get("payout_description"),
            "unique_external_id": external,
        },
    )
    if not waits:
        records.after(payment, "step", 0)
    return payment


def _withdrawals(records: Records, merchant: JsonObject, batch: str) -> list[JsonObject]:
    found = records.payments(merchant=merchant["id"], equal={"extra.batch": batch})
    if not found:
        raise Wrong(404, "NOT_FOUND", "Payout not found")
    return found


def _verify(records: Records, merchant: JsonObject, batch: str, sent: JsonObject) -> str:
    code = str(sent.get("verification_code", ""))
    if len(code) != 6 or not code.isdigit():
        raise Wrong(400, "BAD_VERIFICATION_CODE", "Invalid verification code")
    for payment in _withdrawals(records, merchant, batch):
        if payment["status"] == "WAITING":
            transfers.payout(records, payment, "step")
    return "OK"


def _batch(records: Records, merchant: JsonObject, batch: str) -> JsonObject:
    found = _withdrawals(records, merchant, batch)
    return {
        "id": batch,
        "createdAt": transfers.moment(found[0]["created"]),
        "withdrawals": [transfers.payout_notice(one) for one in found],
    }
