"""Praxis' requests: a session of the cashier, its state, a refund, a decision on a payout.

Source: doc.praxiscashier.com/integration_docs/latest and docs.praxis.tech/reference. Errors come
as JSON with a positive `status`; a missing signature is HTTP 400. A timestamp is good for a
minute. Two sessions may carry the same order_id: the pages promise no idempotency.
"""

import json
import secrets
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.payments.simulator.desk.protocols import Answered, Choice, Refused, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.praxis import attempts, minor, objects, signing
from connectors.payments.simulator.store import JsonObject, new_id
from connectors.payments.simulator.wire import Request, Response

GOOD_SECONDS = 60
SESSION_SECONDS = 15 * 60.0
INTENTS = {"payment": "deposit", "withdrawal": "payout"}
REQUIRED = ("currency", "cid", "locale", "notification_url", "return_url", "order_id", "version")

# docs.praxis.tech: the tags that a locale may be.
LOCALES = frozenset(
    {
        "ar-SA", "cs-CZ", "zh-CN", "zh-TW", "nl-NL", "en-GB", "tl-PH", "fi-FI", "fr-FR",
        "de-DE", "el-GR", "he-IL", "hi-IN", "hu-HU", "it-IT", "id-ID", "ja-JP", "ko-KR",
        "lt-LT", "ms-MY", "pl-PL", "pt-PT", "ru-RU", "sk-SK", "es-ES", "sv-SE", "th-TH",
        "tr-TR", "vi-VN", "hy-AM", "bg-BG", "kh-KH", "da-DK", "et-EE", "ka-GE", "lv-LV",
        "nb-NO", "rs-RS", "sl-SI", "ta-IN", "uk-UA", "sq-AL",
    }
)  # fmt: skip


class Wrong(Exception):
    """A request the API refuses; becomes a positive status with a description."""


class Praxis:
    """The protocol."""

    name = "praxis"
    tries_max = 12
    reply_seconds = 30.0

    def owns(self, path: str) -> bool:
        """Return whether a path is one of the API's."""
        return path in signing.REQUESTS

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return merchant id, application key and secret."""
        return {
            "merchant_id": f"API-{secrets.token_hex(6)}",
            "application_key": f"app-{secrets.token_hex(6)}",
            "merchant_secret": secrets.token_hex(16),
            **given,
        }

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one request."""
        try:
            sent = json.loads(request.body)
        except ValueError:
            sent = None
        if request.method != "POST" or not isinstance(sent, dict):
            return Response(400, b'{"status": 1, "description": "Send a JSON object by POST."}')
        given = request.headers.get(signing.HEADER.lower(), "")
        if not given:
            return Response(400, b'{"status": 1, "description": "Missing signature"}')
        merchant = records.merchant_by("praxis", merchant_id=str(sent.get("merchant_id")))
        if merchant is None:
            return Response(200, b'{"status": 1, "description": "Unknown merchant_id"}')
        secret = merchant["credentials"]["merchant_secret"]
        try:
            _check(merchant, request.path, sent, given)
            reply, signed = self._route(records, merchant, request.path, sent)
        except (Wrong, Refused, ValueError) as error:
            reply, signed = {"status": 1, "description": str(error)}, signing.MERCHANT_REPLY
        reply |= {"version": "1.3", "timestamp": int(time.time())}
        headers = {signing.HEADER: signing.sign(secret, reply, signed)}
        return Response(200, objects.dumps(reply).encode(), headers=headers)

    def _route(
        self, records: Records, merchant: JsonObject, path: str, sent: JsonObject
    ) -> tuple[JsonObject, tuple[str, ...]]:
        if path == "/cashier/cashier":
            return _open(records, merchant, sent)
        if path == "/agent/find-order":
            return _find(records, merchant, sent)
        if path == "/direct/refund":
            return _refund(records, merchant, sent)
        return _manage(records, merchant, sent)

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what the customer can do in the session."""
        if payment["extra"]["session_status"] not in attempts.OPEN:
            return []
        if payment["direction"] == "payout":
            return [] if payment["extra"]["attempts"] else [Choice("request", "Ask for the payout")]
        return [
            Choice("approve", "Pay, approved"),
            Choice("part", "Pay another amount, approved", "The amount changes.", amount=True),
            Choice("late", "Pay, approved later", "It stays pending for a while."),
            Choice("soft", "Decline: insufficient funds", "The session stays open."),
            Choice("hard", "Decline: card reported stolen", "The session ends."),
        ]

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return the method that the merchant chose."""
        method = payment["extra"]["payment_method"]
        return [("Method", method)] if method else []

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock."""
        if verb == "expire":
            attempts.expire(records, payment)
        elif payment["direction"] == "payout":
            if verb == "request":
                attempts.request_payout(records, payment)
            else:
                attempts.decide_payout(records, payment, verb)
        elif verb in ("chargeback", "reversal"):
            attempts.reverse(records, payment, verb, details)
        else:
            attempts.pay(records, payment, verb, details)

    def back(self, payment: JsonObject) -> str:
        """Return the merchant's page, except where the customer may try again."""
        last = attempts.current(payment)
        rejected = last is not None and last["status"] == "rejected"
        if rejected and payment["extra"]["session_status"] in attempts.OPEN:
            return ""
        return str(payment["urls"]["done"])

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Sign a notification; the timestamp under the signature is the sending's."""
        whole = objects.revived({**content, "timestamp": moment})
        secret = "wrong" if forged else merchant["credentials"]["merchant_secret"]
        header = signing.sign(secret, whole, signing.NOTIFICATION)
        return Sealed(objects.dumps(whole).encode(), "application/json", {signing.HEADER: header})

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Ask for JSON whose status is not -1, signed with the same secret."""
        try:
            reply = json.loads(answered.body)
        except ValueError:
            return False
        if answered.status != 200 or not isinstance(reply, dict) or reply.get("status") == -1:
            return False
        return isinstance(reply.get("status"), int) and signing.fits(
            merchant["credentials"]["merchant_secret"],
            reply,
            signing.MERCHANT_REPLY,
            answered.headers.get(signing.HEADER.lower(), ""),
        )


def _check(merchant: JsonObject, path: str, sent: JsonObject, given: str) -> None:
    known = merchant["credentials"]
    if sent.get("application_key") != known["application_key"]:
        raise Wrong("Unknown application_key")
    if not signing.fits(known["merchant_secret"], sent, signing.REQUESTS[path], given):
        raise Wrong("Wrong signature")
    moment = sent.get("timestamp")
    if not isinstance(moment, int) or abs(time.time() - moment) > GOOD_SECONDS:
        raise Wrong("The timestamp is older than a minute or no whole number of seconds")


def _minor(sent: JsonObject) -> Decimal:
    amount = sent.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise Wrong("amount must be a whole number of minor units above 0")
    return minor.read(amount, str(sent.get("currency")))


def _open(
    records: Records, merchant: JsonObject, sent: JsonObject
) -> tuple[JsonObject, tuple[str, ...]]:
    missing = [name for name in REQUIRED if not sent.get(name)]
    if missing:
        raise Wrong(f"Missing parameters: {', '.join(missing)}")
    if sent.get("intent") not in INTENTS:
        raise Wrong("intent must be payment or withdrawal here")
    if sent["locale"] not in LOCALES:
        raise Wrong("locale must be a tag such as en-GB")
    person: dict[str, Any] = sent.get("customer_data") or {}
    token = new_id("s", 32)[2:]
    payment = records.add_payment(
        merchant,
        token,
        direction=INTENTS[sent["intent"]],
        reference=str(sent["order_id"]),
        amount=_minor(sent),
        currency=str(sent["currency"]).upper(),
        status="open",
        urls={"callback": sent["notification_url"], "done": sent["return_url"]},
        extra={
            "auth_token": token,
            "tid": None,
            "intent": sent["intent"],
            "session_status": "open",
            "cid": str(sent["cid"]),
            "payment_method": sent.get("payment_method"),
            "gateway": sent.get("gateway"),
            "variables": [sent.get(f"variable{number}") for number in (1, 2, 3)],
            "customer_token": sent.get("customer_token") or secrets.token_hex(16),
            "country": person.get("country"),
            "first_name": person.get("first_name"),
            "last_name": person.get("last_name"),
            "attempts": [],
        },
    )
    records.after(payment, "expire", SESSION_SECONDS)
    reply: JsonObject = {
        "status": 0,
        "description": "Success",
        "redirect_url": f"{records.store.public_url}/hosted/{payment['id']}",
        "customer": objects.customer(payment),
        "session": objects.session(payment),
    }
    return reply, ("status", "timestamp", "redirect_url", "customer.customer_token")


def _find(
    records: Records, merchant: JsonObject, sent: JsonObject
) -> tuple[JsonObject, tuple[str, ...]]:
    found = records.payments(
        merchant=merchant["id"], equal={"reference": str(sent.get("order_id"))}
    )
    if not found:
        raise Wrong("Order not found")
    # Of several sessions with one order_id the one with a transaction tells more.
    payment = next((one for one in reversed(found) if one["extra"]["attempts"]), found[-1])
    made = attempts.current(payment)
    told = None if made is None else objects.transaction(payment, made)
    reply: JsonObject = objects.revived(
        {
            "status": 0,
            "description": "Success",
            "customer": objects.customer(payment),
            "session": objects.session(payment),
            "transaction": told,
        }
    )
    signed = signing.TRANSACTION_REPLY if made is not None else signing.MERCHANT_REPLY
    return reply, signed


def _refund(
    records: Records, merchant: JsonObject, sent: JsonObject
) -> tuple[JsonObject, tuple[str, ...]]:
    if sent.get("transaction_type") != "refund":
        raise Wrong("transaction_type must be refund")
    found = records.payments(
        merchant=merchant["id"], equal={"extra.tid": int(sent.get("reference_id") or 0)}
    )
    original = found[0] if found else None
    made = None if original is None else attempts.current(original)
    if original is None or made is None or made["status"] != "approved":
        raise Wrong("reference_id names no approved deposit")
    if original["direction"] != "deposit":
        raise Wrong("reference_id names no approved deposit")
    amount = _minor(sent)
    back = sum(
        (
            Decimal(one["amount"])
            for one in records.payments(merchant=merchant["id"], equal={"direction": "refund"})
            if one["extra"]["reference_id"] == made["tid"] and one["status"] == "approved"
        ),
        Decimal(0),
    )
    if str(sent.get("currency")) != original["currency"]:
        raise Wrong("The currency must be the processing currency of the original deposit")
    if amount + back > Decimal(made["amount"]):
        raise Wrong("The refund is more than what is left of the deposit")
    payment = records.add_payment(
        merchant,
        new_id("s", 32)[2:],
        direction="refund",
        reference=str(sent.get("order_id")),
        amount=amount,
        currency=original["currency"],
        status="pending",
        urls={**original["urls"], **_callback(sent)},
        extra={**original["extra"], "attempts": [], "reference_id": made["tid"]},
    )
    refund = attempts.attempt(records, payment, "refund", "pending", amount)
    attempts.settle(records, payment, refund, "approved", ("SC-002", "Transaction approved"))
    reply: JsonObject = objects.revived(
        {
            "status": 0,
            "description": "Success",
            "customer": objects.customer(payment),
            "session": objects.session(payment),
            "transaction": objects.transaction(payment, refund),
        }
    )
    return reply, signing.TRANSACTION_REPLY


def _callback(sent: JsonObject) -> dict[str, str]:
    url = sent.get("notification_url")
    return {"callback": str(url)} if url else {}


def _manage(
    records: Records, merchant: JsonObject, sent: JsonObject
) -> tuple[JsonObject, tuple[str, ...]]:
    verbs = {"complete-withdrawal-request": "approve", "cancel-withdrawal-request": "reject"}
    verb = verbs.get(str(sent.get("intent")))
    found = records.payments(
        merchant=merchant["id"], equal={"extra.tid": int(sent.get("withdrawal_request_id") or 0)}
    )
    if verb is None or not found or found[0]["direction"] != "payout":
        raise Wrong("intent or withdrawal_request_id is not known")
    payment = found[0]
    attempts.decide_payout(records, payment, verb)
    made = attempts.current(payment)
    reply: JsonObject = {"status": 0, "description": "Success", "transaction": None}
    if made is not None:
        reply["transaction"] = objects.transaction(payment, made)
    return objects.revived(reply), signing.TRANSACTION_REPLY
