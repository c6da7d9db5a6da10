"""Skrill's addresses: the gateway at `/` with its page, and the interfaces under `/app`.

Source: Quick Checkout integration guide: a form with `prepare_only=1` is answered with a session
id, and the payer goes to `/?sid=...`. No iframes. The status report is posted to `status_url` up
to ten times until it is answered with HTTP 200.
"""

import json
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Answered, Choice, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.skrill import signing, statuses, transfers
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Request, Response

FORM = "application/x-www-form-urlencoded"
TRANSACTION_ID_MAX = 100
APP = ("/app/pay.pl", "/app/refund.pl", "/app/query.pl")


class Skrill:
    """The protocol."""

    name = "skrill"
    tries_max = 10
    reply_seconds = 30.0

    def owns(self, path: str) -> bool:
        """Return whether a path is one of the addresses."""
        return path == "/" or path in APP

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the account's e-mail, id, secret word and API/MQI password."""
        number = secrets.randbelow(900_000) + 100_000
        return {
            "pay_to_email": f"merchant-{number}@example.com",
            "merchant_id": str(number),
            "secret_word": secrets.token_hex(5),
            "api_password": secrets.token_hex(8),
            **given,
        }

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one request; parameters come in the query or the body."""
        body = request.body.decode("utf-8", "replace") if request.method == "POST" else ""
        pairs = [*parse_qsl(request.query, keep_blank_values=True)]
        pairs += parse_qsl(body, keep_blank_values=True)
        sent = dict(pairs)
        if request.path == "/app/query.pl":
            return transfers.query(records, sent)
        if request.path in APP:
            return transfers.answer(records, request.path, sent)
        if "sid" in sent:
            return Response(302, headers={"Location": f"/hosted/{sent['sid']}"})
        return _checkout(records, sent)

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what the payer can do; Skrill knows no payment in parts."""
        if payment["direction"] != "deposit" or payment["status"] != statuses.CREATED:
            return []
        return [
            Choice("approve", "Pay"),
            Choice("late", "Pay, processed later", "It stays pending for a while."),
            Choice("soft", "Fail: insufficient funds"),
            Choice("hard", "Fail: card reported stolen"),
            Choice("cancel", "Cancel the payment"),
        ]

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return the merchant's details of the payment."""
        return [tuple(pair) for pair in payment["extra"].get("details", [])]

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock."""
        statuses.act(records, payment, verb, details)

    def back(self, payment: JsonObject) -> str:
        """Return the merchant's page for how it went."""
        good = payment["status"] in (statuses.PROCESSED, statuses.PENDING)
        done, cancel = payment["urls"].get("done", ""), payment["urls"].get("cancel", "")
        return str(done if good else cancel or done)

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Sign a status report; sha2sig only where the merchant asked for it."""
        del moment
        secret = "wrong" if forged else merchant["credentials"]["secret_word"]
        signed = signing.signatures(secret, content)
        if not merchant["options"].get("sha2"):
            signed.pop("sha2sig")
        return Sealed(urlencode({**content, **signed}).encode(), FORM)

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Ask for HTTP 200; nothing else ends the repeating."""
        del merchant
        return answered.status == 200


def _refused(words: str) -> Response:
    return Response(400, json.dumps({"code": "BAD_REQUEST", "message": words}).encode())


def _checkout(records: Records, sent: dict[str, str]) -> Response:
    merchant = records.merchant_by("skrill", pay_to_email=sent.get("pay_to_email", ""))
    if merchant is None:
        return _refused("pay_to_email is not a merchant's")
    currency = sent.get("currency", "").upper()
    if len(currency) != 3 or not currency.isalpha():
        return _refused("currency must be a three-letter code")
    try:
        amount = amounts.read(sent.get("amount", ""))
        amounts.to_minor(amount, currency)
    except ValueError as error:
        return _refused(f"amount: {error}")
    reference = sent.get("transaction_id", "")[:TRANSACTION_ID_MAX]
    extras = [name for name in sent.get("merchant_fields", "").split(",") if name]
    sid = secrets.token_hex(16)
    number = records.next_number("skrill:transaction", statuses.FIRST_ID)
    records.add_payment(
        merchant,
        sid,
        direction="deposit",
        reference=reference or str(number),
        amount=amount,
        currency=currency,
        status=statuses.CREATED,
        urls={
            "callback": sent.get("status_url", ""),
            "done": sent.get("return_url", ""),
            "cancel": sent.get("cancel_url", ""),
        },
        extra={
            "mb_transaction_id": number,
            "pay_from_email": sent.get("pay_from_email") or "payer@example.com",
            "merchant_fields": {name: sent[name] for name in extras if name in sent},
            "details": [
                [sent[f"detail{n}_description"], sent.get(f"detail{n}_text", "")]
                for n in range(1, 6)
                if sent.get(f"detail{n}_description")
            ],
        },
    )
    if sent.get("prepare_only") == "1":
        return Response(200, sid.encode(), "text/html; charset=utf-8")
    return Response(302, headers={"Location": f"/hosted/{sid}"})
