"""The dialect's checkout requests: session, status, refund.

Source: Algol22/gitbook checkout/checkout-integration, version 6.6.2. JSON in and out; an error is
`{"error_code": 0, "errors": [...]}`. A session lives for an hour. The callback is a form, and the
merchant answers the text `OK`.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Answered, Choice, Refused, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.vpg import credits as payouts
from connectors.payments.simulator.vpg import signing, statuses
from connectors.payments.simulator.wire import Request, Response

SESSION = "/api/v1/session"
STATUS = "/api/v1/payment/status"
REFUND = "/api/v1/payment/refund"
POSTS = ("/post", "/v2/post")
EXPIRY_SECONDS = 3600.0
FORM = "application/x-www-form-urlencoded"


class Wrong(Exception):
    """A request that the platform refuses as invalid data."""


class Vpg:
    """The protocol."""

    name = "vpg"
    tries_max = 10
    reply_seconds = 10.0

    def owns(self, path: str) -> bool:
        """Return whether a path is one of the platform's."""
        return path in (SESSION, STATUS, REFUND, *POSTS)

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the merchant's key and password."""
        return {
            "merchant_key": str(uuid.uuid4()),
            "merchant_pass": secrets.token_hex(16),
            **given,
        }

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one request."""
        if request.path in POSTS:
            return payouts.answer(records, request)
        try:
            sent = json.loads(request.body)
            if not isinstance(sent, dict):
                raise Wrong("Request data is invalid.")
            merchant = records.merchant_by("vpg", merchant_key=str(sent.get("merchant_key")))
            if merchant is None:
                raise Wrong("merchant_key: The key is not known.")
            verbs = {SESSION: _session, STATUS: _status, REFUND: _refund}
            reply = verbs[request.path](records, merchant, sent)
        except (Wrong, Refused, ValueError) as error:
            problem = {"error_code": 100000, "error_message": str(error)}
            body = {
                "error_code": 0,
                "error_message": "Request data is invalid.",
                "errors": [problem],
            }
            return Response(400, json.dumps(body).encode())
        return Response(200, json.dumps(reply).encode())

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what the payer can do."""
        if payment["direction"] != "deposit" or payment["status"] != "prepare":
            return []
        return [
            Choice("approve", "Pay by card"),
            Choice("secure", "Pay by card after 3-D Secure", "Two callbacks come."),
            Choice("late", "Pay, settled later", "It stays pending for a while."),
            Choice("soft", "Decline: insufficient funds"),
            Choice("hard", "Decline: card reported stolen"),
        ]

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return the merchant's description."""
        return [("For", payment["extra"]["description"])]

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock."""
        statuses.act(records, payment, verb, details)

    def back(self, payment: JsonObject) -> str:
        """Return the merchant's page for how it went."""
        done, cancel = payment["urls"].get("done", ""), payment["urls"].get("cancel", "")
        return str((cancel or done) if payment["status"] == "decline" else done)

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Hash a callback: of a payment, or of a payout."""
        del moment
        told = {name: str(text) for name, text in content.items()}
        kind, password = told.pop("kind"), merchant["credentials"]["merchant_pass"]
        if forged:
            password = "wrong"  # noqa: S105 - that is the point
        if kind == "checkout":
            names = ("id", "order_number", "order_amount", "order_currency", "order_description")
            made = signing.checkout(*(told[name] for name in names), password)
        elif told["action"] == "CREDIT2VIRTUAL":
            told.pop("card")
            made = signing.virtual(password, told["trans_id"], told["order_id"], told["status"])
        else:
            made = signing.card(password, told.pop("card"), trans_id=told["trans_id"])
        return Sealed(urlencode({**told, "hash": made}).encode(), FORM)

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Ask for HTTP 200 and the text OK."""
        del merchant
        return answered.status == 200 and answered.body.strip() == b"OK"


def _hash(merchant: JsonObject, sent: JsonObject, *values: str) -> None:
    expected = signing.checkout(*values, merchant["credentials"]["merchant_pass"])
    if not signing.fits(expected, str(sent.get("hash", ""))):
        raise Wrong("hash: Hash is not valid.")


def _session(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    order = sent.get("order")
    if sent.get("operation") != "purchase" or not isinstance(order, dict):
        raise Wrong("operation: only purchase is simulated, with an order.")
    for name in ("number", "amount", "currency", "description"):
        if not isinstance(order.get(name), str) or not order[name]:
            raise Wrong(f"order.{name}: This value should not be blank.")
    if not sent.get("success_url"):
        raise Wrong("success_url: This value should not be blank.")
    _hash(merchant, sent, order["number"], order["amount"], order["currency"], order["description"])
    amount = amounts.read(order["amount"])
    if order["amount"] != statuses.written(amount, order["currency"]):
        raise Wrong("order.amount: the format does not fit the currency.")
    customer = sent.get("customer") or {}
    payment = records.add_payment(
        merchant,
        str(uuid.uuid4()),
        direction="deposit",
        reference=order["number"],
        amount=amount,
        currency=order["currency"],
        status="prepare",
        urls={
            "done": str(sent["success_url"]),
            "cancel": str(sent.get("cancel_url") or ""),
        },
        extra={
            "order_amount": order["amount"],
            "description": order["description"],
            "methods": sent.get("methods") or [],
            "customer_name": str(customer.get("name") or ""),
            "customer_email": str(customer.get("email") or ""),
            "reason": "",
            "refunded": "0",
        },
    )
    records.after(payment, "expire", EXPIRY_SECONDS)
    return {"redirect_url": f"{records.store.public_url}/hosted/{payment['id']}"}


def _status(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    by_id = "payment_id" in sent
    name = str(sent.get("payment_id") if by_id else sent.get("order_id"))
    _hash(merchant, sent, name)
    equal: dict[str, str | int] = {"id" if by_id else "reference": name}
    found = records.payments(merchant=merchant["id"], equal=equal)
    if not found:
        raise Wrong("payment_id: The payment is not found.")
    # Of several attempts of one order the one that went furthest is told.
    payment = next((one for one in reversed(found) if one["status"] != "prepare"), found[-1])
    extra = payment["extra"]
    reply: JsonObject = {
        "payment_id": payment["id"],
        "date": statuses.moment(payment["history"][-1]["at"]),
        "status": payment["status"].lower(),
        "order": {
            "number": payment["reference"],
            "amount": extra["order_amount"],
            "currency": payment["currency"],
            "description": extra["description"],
        },
        "customer": {"name": extra["customer_name"], "email": extra["customer_email"]},
    }
    if extra.get("reason"):
        reply["reason"] = extra["reason"]
    return reply


def _refund(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    payment = records.payment(str(sent.get("payment_id")))
    if payment is None or payment["merchant"] != merchant["id"]:
        raise Wrong("payment_id: The payment is not found.")
    text = str(sent.get("amount") or "")
    _hash(merchant, sent, payment["id"], text)
    left = Decimal(payment["amount"]) - Decimal(payment["extra"]["refunded"])
    amount = amounts.read(text) if text else left
    statuses.refund(records, payment, amount)
    return {"payment_id": payment["id"], "result": "accepted"}
