"""CoinsPaid's requests under /api/v2. Source: docs.coinspaid.com API reference and its samples.

Both directions carry `X-Processing-Key` and `X-Processing-Signature`, lower-hex HMAC-SHA512 of the
raw body with the account's secret. An address belongs to a foreign_id for good; each transfer to
it is a deposit of its own, not_confirmed and then confirmed. Callbacks go to the `callback_url` of
the account. A withdrawal's foreign_id is taken once.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from decimal import Decimal

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Answered, Choice, Refused, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Request, Response

TAKE, WITHDRAW = "/api/v2/addresses/take", "/api/v2/withdrawal/crypto"
CURRENCIES = {"BTC": 8, "ETH": 8, "LTC": 8, "USDTT": 6, "USDTE": 6}
CONFIRM_SECONDS = 0.1
FEE_RATE = Decimal("0.008")
SIGNATURE = "X-Processing-Signature"


class Wrong(Exception):
    """A request that is refused; names the field and says why."""

    def __init__(self, field: str, message: str, status: int = 400) -> None:
        """Keep the parts of the reply."""
        super().__init__(message)
        self.field = field
        self.status = status


def signature(secret: str, body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()


class CoinsPaid:
    """The protocol."""

    name = "coinspaid"
    tries_max = 12
    reply_seconds = 10.0

    def owns(self, path: str) -> bool:
        """Return whether a path is one of the API's."""
        return path in (TAKE, WITHDRAW)

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the API key and its secret."""
        return {"api_key": secrets.token_hex(10), "api_secret": secrets.token_hex(20), **given}

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one signed request."""
        try:
            merchant = records.merchant_by(
                "coinspaid", api_key=request.headers.get("x-processing-key", "")
            )
            if merchant is None:
                raise Wrong("key", "Bad key header", 403)
            expected = signature(merchant["credentials"]["api_secret"], request.body)
            given = request.headers.get(SIGNATURE.lower(), "")
            if not hmac.compare_digest(expected.encode(), given.lower().encode()):
                raise Wrong("signature", "Bad signature header", 403)
            sent = json.loads(request.body)
            if sent.get("currency") not in CURRENCIES:
                raise Wrong("currency", "The selected currency is invalid.")
            if not sent.get("foreign_id"):
                raise Wrong("foreign_id", "The foreign id field is required.")
            do = _take if request.path == TAKE else _withdraw
            reply = {"data": do(records, merchant, sent)}
        except ValueError:
            return Response(400, b'{"errors": {"body": "Send a JSON object."}}')
        except Wrong as error:
            return Response(
                error.status, json.dumps({"errors": {error.field: str(error)}}).encode()
            )
        return Response(201, json.dumps(reply).encode())

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what the payer can do: send any amount, any number of times."""
        if payment["direction"] != "deposit" or payment["extra"]["parent"]:
            return []
        hint = f"In {payment['currency']}."
        return [Choice("send", "Send coins to the address", hint, amount=True)]

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return the address."""
        return [("To", payment["extra"]["address"])]

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock."""
        if verb == "send" and payment["direction"] == "deposit":
            _receive(records, payment, amounts.read(details.get("amount", "")))
        elif verb in ("confirm", "cancel"):
            _decide(records, payment, "confirmed" if verb == "confirm" else "cancelled")
        else:
            raise Refused(f"This payment cannot do {verb} in status {payment['status']}.")

    def back(self, payment: JsonObject) -> str:
        """Stay on the page."""
        del payment
        return ""

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Sign a callback."""
        del moment
        body, known = json.dumps(content).encode(), merchant["credentials"]
        made = signature("wrong" if forged else known["api_secret"], body)
        headers = {"X-Processing-Key": known["api_key"], SIGNATURE: made}
        return Sealed(body, "application/json", headers)

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Ask for HTTP 200."""
        del merchant
        return answered.status == 200


def _take(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    equal: dict[str, str | int] = {
        "reference": str(sent["foreign_id"]), "currency": sent["currency"], "status": "address",
    }  # fmt: skip
    known = records.payments(merchant=merchant["id"], equal=equal)
    payment = known[0] if known else _add(records, merchant, sent, Decimal(0), "address")
    return {
        "id": int(payment["id"]),
        "currency": payment["currency"],
        "convert_to": sent.get("convert_to"),
        "address": payment["extra"]["address"],
        "tag": None,
        "foreign_id": payment["reference"],
    }


def _add(
    records: Records,
    merchant: JsonObject,
    sent: JsonObject,
    amount: Decimal,
    status: str,
    *,
    parent: str = "",
) -> JsonObject:
    address = sent.get("address") or f"{sent['currency'][0].lower()}1{secrets.token_hex(17)}"
    return records.add_payment(
        merchant,
        str(records.next_number("coinspaid:id", 2_686_563)),
        direction="payout" if status == "processing" else "deposit",
        reference=str(sent["foreign_id"]),
        amount=amount,
        currency=sent["currency"],
        status=status,
        urls={"callback": str(merchant["options"].get("callback_url", ""))},
        extra={"address": address, "parent": parent, "page_amount": "", "txid": ""},
    )


def _withdraw(records: Records, merchant: JsonObject, sent: JsonObject) -> JsonObject:
    if not sent.get("address"):
        raise Wrong("address", "The address field is required.")
    try:
        amount = amounts.read(str(sent.get("amount", "")))
    except ValueError:
        raise Wrong("amount", "The amount must be a number above 0.") from None
    if -int(amount.normalize().as_tuple().exponent) > CURRENCIES[sent["currency"]]:
        raise Wrong("amount", "The amount has too many decimals.")
    equal: dict[str, str | int] = {"reference": str(sent["foreign_id"]), "direction": "payout"}
    if records.payments(merchant=merchant["id"], equal=equal):
        raise Wrong("foreign_id", "The foreign id has already been taken.")
    payment = _add(records, merchant, sent, amount, "processing")
    if merchant["options"].get("payouts", "automatic") == "automatic":
        records.after(payment, "confirm", CONFIRM_SECONDS)
    text = f"{amount:.{CURRENCIES[payment['currency']]}f}"
    return {
        "id": int(payment["id"]),
        "foreign_id": payment["reference"],
        "type": "withdrawal",
        "status": "processing",
        "amount": text,
        "sender_amount": text,
        "sender_currency": payment["currency"],
        "receiver_amount": text,
        "receiver_currency": payment["currency"],
    }


def _receive(records: Records, parent: JsonObject, coins: Decimal) -> None:
    if -int(coins.normalize().as_tuple().exponent) > CURRENCIES[parent["currency"]]:
        raise Refused(f"{parent['currency']} has not so many decimals.")
    sent: JsonObject = {
        "foreign_id": parent["reference"],
        "currency": parent["currency"],
        "address": parent["extra"]["address"],
    }
    merchant = records.merchant(parent["merchant"])
    payment = _add(records, merchant, sent, coins, "not_confirmed", parent=parent["id"])
    _tell(records, payment)
    records.after(payment, "confirm", CONFIRM_SECONDS)


def _decide(records: Records, payment: JsonObject, status: str) -> None:
    if payment["status"] not in ("not_confirmed", "processing"):
        raise Refused(f"This payment is {payment['status']} already.")
    if status == "confirmed":
        payment["paid"] = payment["amount"]
        payment["extra"]["txid"] = secrets.token_hex(32)
        records.move(payment, payment["direction"], Decimal(payment["amount"]))
    records.save(payment, status)
    _tell(records, payment)


def _tell(records: Records, payment: JsonObject) -> None:
    places = CURRENCIES[payment["currency"]]
    amount, currency = Decimal(payment["amount"]), payment["currency"]
    fee = (amount * FEE_RATE).quantize(Decimal(1).scaleb(-places))
    text, is_deposit = f"{amount:.{places}f}", payment["direction"] == "deposit"
    where = {"id": 1, "currency": currency, "address": payment["extra"]["address"], "tag": None}
    got = {"currency": currency, "amount": text}
    content: JsonObject = {
        "id": int(payment["id"]),
        "type": payment["direction"] if is_deposit else "withdrawal",
        "crypto_address": {**where, "foreign_id": payment["reference"]} if is_deposit else where,
        "currency_sent": got,
        "currency_received": {**got, "amount_minus_fee": f"{amount - fee:.{places}f}"}
        if is_deposit
        else got,
        "transactions": [
            {
                "id": int(payment["id"]) + 1,
                "currency": currency,
                "transaction_type": "blockchain",
                "type": payment["direction"] if is_deposit else "withdrawal",
                "address": payment["extra"]["address"],
                "tag": None,
                "amount": text,
                "txid": payment["extra"]["txid"],
                "confirmations": "3" if payment["status"] == "confirmed" else "0",
            }
        ],
        "fees": [{"type": "deposit", "currency": currency, "amount": f"{fee:.{places}f}"}],
        "error": "",
        "status": payment["status"],
    }
    if not is_deposit:
        content["foreign_id"] = payment["reference"]
    records.notify(payment, payment["urls"]["callback"], content)
