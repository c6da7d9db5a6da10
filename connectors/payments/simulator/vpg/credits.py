"""The platform's form interface at /post: payouts and their status.

Source: S2S APM page (CREDIT2VIRTUAL), S2S card page (CREDIT2CARD, formulas 5 and 6). Nothing there
promises that an order_id is taken once only: a second request pays a second time. The account's
option `payouts` is `settled` (the answer says it), `declined`, `undefined` (decided a moment
later, told by callback) or `manual` (the operator decides).
"""

import json
import uuid
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.vpg import signing, statuses
from connectors.payments.simulator.wire import Request, Response

UNDEFINED_SECONDS = 0.3
LAST4 = 4


def form(request: Request) -> dict[str, str]:
    """Return the fields of an url-encoded or multipart form."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        text = request.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True))
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    found: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            found[name] = str(part.get_content()).strip()
    return found


def _error(words: str, *, code: int = 100000, status: int = 200) -> Response:
    body = {"result": "ERROR", "error_code": code, "error_message": words}
    return Response(status, json.dumps(body).encode())


def answer(records: Records, request: Request) -> Response:
    """Answer one form."""
    sent = form(request)
    merchant = records.merchant_by("vpg", merchant_key=sent.get("client_key", ""))
    if merchant is None:
        return _error("client_key is not known", code=204003)
    action = sent.get("action", "")
    if action in ("CREDIT2VIRTUAL", "CREDIT2CARD"):
        return _credit(records, merchant, sent, action)
    if action in ("GET_TRANS_STATUS", "GET_TRANS_STATUS_BY_ORDER"):
        return _status(records, merchant, sent, action)
    return _error("action is not known")


def _credit(records: Records, merchant: JsonObject, sent: dict[str, str], action: str) -> Response:
    for name in ("order_id", "order_amount", "order_currency", "order_description", "hash"):
        if not sent.get(name):
            return _error(f"{name}: This value should not be blank.")
    password = merchant["credentials"]["merchant_pass"]
    number = sent.get("card_number", "")
    if action == "CREDIT2VIRTUAL":
        if not sent.get("brand"):
            return _error("brand: This value should not be blank.")
        values = (sent["order_id"], sent["order_amount"], sent["order_currency"])
        expected = signing.virtual(password, *values)
    else:
        expected = signing.card(password, number)
    if not signing.fits(expected, sent["hash"]):
        return _error("hash: Hash is not valid.")
    currency = sent["order_currency"]
    try:
        amount = amounts.read(sent["order_amount"])
    except ValueError as error:
        return _error(f"order_amount: {error}")
    if sent["order_amount"] != statuses.written(amount, currency):
        return _error("order_amount: the format does not fit the currency.")
    payment = records.add_payment(
        merchant,
        str(uuid.uuid4()),
        direction="payout",
        reference=sent["order_id"],
        amount=amount,
        currency=currency,
        status="PREPARE",
        urls={},
        extra={
            "action": action,
            "order_amount": sent["order_amount"],
            "brand": sent.get("brand", ""),
            "card": number[:6] + number[-LAST4:],
            "parameters": {
                name: text for name, text in sent.items() if name.startswith("parameters")
            },
            "customer_name": "",
            "customer_email": sent.get("payee_email", ""),
            "description": sent["order_description"],
        },
    )
    how = merchant["options"].get("payouts", "settled")
    if how == "undefined":
        records.after(payment, "approve", UNDEFINED_SECONDS)
    elif how != "manual":
        statuses.decide(records, payment, "decline" if how == "declined" else "approve")
    return Response(200, json.dumps(statuses.credit_reply(payment)).encode())


def _status(records: Records, merchant: JsonObject, sent: dict[str, str], action: str) -> Response:
    by_order = action.endswith("BY_ORDER")
    name = sent.get("order_id" if by_order else "trans_id", "")
    equal: dict[str, str | int] = {"reference" if by_order else "id": name}
    found = records.payments(merchant=merchant["id"], equal=equal)
    if not found:
        return _error("Transaction not found", code=204005)
    payment = found[-1]
    password = merchant["credentials"]["merchant_pass"]
    expected = (
        signing.card(password, payment["extra"]["card"], trans_id=payment["id"])
        if payment["extra"].get("card")
        else signing.virtual(password, name)
    )
    if not signing.fits(expected, sent.get("hash", "")):
        return _error("hash: Hash is not valid.")
    body = {
        "action": action,
        "result": "SUCCESS",
        "status": payment["status"].upper(),
        "order_id": payment["reference"],
        "trans_id": payment["id"],
    }
    return Response(200, json.dumps(body).encode())
