"""Skrill's Automated Payments Interface: transfers, refunds and queries, answered as XML or text.

Source: Automated Payments and Merchant Query Interfaces Guide 2.8. Each operation has two steps:
`prepare` gives a session id, `transfer` or `refund` executes it once. A frn_trn_id has to be
unique: a second execution with the same one is refused as ALREADY_EXECUTED.
"""

import secrets
from decimal import Decimal
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.skrill import signing, statuses
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Response

TEXTS = {"1": "scheduled", "2": "processed", "0": "pending", "-1": "cancelled", "-2": "failed"}


class Wrong(Exception):
    """An error message of the interface."""


def xml(body: str) -> Response:
    """Return an XML reply."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<response>{body}</response>'
    return Response(200, text.encode(), "text/xml; charset=utf-8")


def _merchant(records: Records, sent: dict[str, str]) -> JsonObject:
    if not sent.get("email") or not sent.get("password"):
        raise Wrong("LOGIN_INVALID")
    merchant = records.merchant_by("skrill", pay_to_email=sent["email"])
    if merchant is None or not signing.password_fits(
        merchant["credentials"]["api_password"], sent["password"]
    ):
        raise Wrong("CANNOT_LOGIN")
    return merchant


def answer(records: Records, path: str, sent: dict[str, str]) -> Response:
    """Answer pay.pl or refund.pl."""
    try:
        merchant = _merchant(records, sent)
        action = sent.get("action", "")
        if path.endswith("pay.pl") and action in ("prepare", "transfer"):
            do = _prepare_transfer if action == "prepare" else _transfer
        elif path.endswith("refund.pl") and action in ("prepare", "refund"):
            do = _prepare_refund if action == "prepare" else _refund
        else:
            raise Wrong("INVALID_OR_MISSING_ACTION")
        return xml(do(records, merchant, sent))
    except Wrong as error:
        return xml(f"<error><error_msg>{escape(str(error))}</error_msg></error>")


def _amount(text: str, currency: str) -> Decimal:
    try:
        amount = amounts.read(text)
        amounts.to_minor(amount, currency)
    except ValueError:
        raise Wrong("INVALID_AMOUNT") from None
    return amount


def _executed(records: Records, merchant: JsonObject, direction: str, reference: str) -> bool:
    equal: dict[str, str | int] = {"reference": reference, "direction": direction}
    return bool(reference) and any(
        one["status"] != statuses.CREATED
        for one in records.payments(merchant=merchant["id"], equal=equal)
    )


def _prepare_transfer(records: Records, merchant: JsonObject, sent: dict[str, str]) -> str:
    for name in ("amount", "currency", "bnf_email", "subject", "note"):
        if not sent.get(name):
            raise Wrong(f"MISSING_{name.upper()}")
    if "@" not in sent["bnf_email"]:
        raise Wrong("INVALID_BNF_EMAIL")
    currency = sent["currency"].upper()
    if len(currency) != 3 or not currency.isalpha():
        raise Wrong("INVALID_CURRENCY")
    return _session(
        records,
        merchant,
        direction="payout",
        reference=sent.get("frn_trn_id", ""),
        amount=_amount(sent["amount"], currency),
        currency=currency,
        extra={"bnf_email": sent["bnf_email"], "subject": sent["subject"], "note": sent["note"]},
    )


def _session(
    records: Records,
    merchant: JsonObject,
    *,
    direction: str,
    reference: str,
    amount: Decimal,
    currency: str,
    extra: JsonObject,
    callback: str = "",
) -> str:
    sid = secrets.token_hex(16)
    records.add_payment(
        merchant,
        sid,
        direction=direction,
        reference=reference,
        amount=amount,
        currency=currency,
        status=statuses.CREATED,
        urls={"callback": callback} if callback else {},
        extra={
            "mb_transaction_id": records.next_number("skrill:transaction", statuses.FIRST_ID),
            "pay_from_email": merchant["credentials"]["pay_to_email"],
            "merchant_fields": {},
            **extra,
        },
    )
    return f"<sid>{sid}</sid>"


def _opened(
    records: Records, merchant: JsonObject, sent: dict[str, str], direction: str
) -> JsonObject:
    payment = records.payment(sent.get("sid", ""))
    if payment is None or payment["merchant"] != merchant["id"]:
        raise Wrong("SESSION_EXPIRED")
    if payment["direction"] != direction:
        raise Wrong("SESSION_EXPIRED")
    if payment["status"] != statuses.CREATED:
        raise Wrong("ALREADY_EXECUTED")
    return payment


def _transfer(records: Records, merchant: JsonObject, sent: dict[str, str]) -> str:
    payment = _opened(records, merchant, sent, "payout")
    if _executed(records, merchant, "payout", payment["reference"]):
        raise Wrong("ALREADY_EXECUTED")
    address = payment["extra"]["bnf_email"]
    if address.startswith("refused"):
        raise Wrong("BALANCE_NOT_ENOUGH")
    # An address nobody registered gets an e-mail; the money waits until it is claimed.
    scheduled = address.startswith("scheduled")
    statuses.become(records, payment, statuses.SCHEDULED if scheduled else statuses.PROCESSED)
    return (
        f"<transaction><amount>{amounts.plain(Decimal(payment['amount']), payment['currency'])}"
        f"</amount><currency>{payment['currency']}</currency>"
        f"<id>{payment['extra']['mb_transaction_id']}</id><status>{payment['status']}</status>"
        f"<status_msg>{TEXTS[payment['status']]}</status_msg></transaction>"
    )


def _prepare_refund(records: Records, merchant: JsonObject, sent: dict[str, str]) -> str:
    original = _deposit(records, merchant, sent)
    if original is None or original["status"] != statuses.PROCESSED:
        raise Wrong("GENERIC_ERROR")
    back = sum(
        (
            Decimal(one["amount"])
            for one in records.payments(merchant=merchant["id"], equal={"direction": "refund"})
            if one["extra"]["original"] == original["id"] and one["status"] == statuses.PROCESSED
        ),
        Decimal(0),
    )
    left = Decimal(original["amount"]) - back
    amount = _amount(sent["amount"], original["currency"]) if sent.get("amount") else left
    if amount > left or left <= 0:
        raise Wrong("REFUND_AMOUNT_TOO_LARGE" if left > 0 else "ALREADY_EXECUTED")
    return _session(
        records,
        merchant,
        direction="refund",
        reference=original["reference"],
        amount=amount,
        currency=original["currency"],
        extra={"original": original["id"]},
        callback=sent.get("refund_status_url", ""),
    )


def _deposit(records: Records, merchant: JsonObject, sent: dict[str, str]) -> JsonObject | None:
    equal: dict[str, str | int] = {"direction": "deposit"}
    if sent.get("mb_transaction_id", "").isdigit():
        equal["extra.mb_transaction_id"] = int(sent["mb_transaction_id"])
    elif sent.get("transaction_id"):
        equal["reference"] = sent["transaction_id"]
    else:
        raise Wrong("MISSING_TRANSACTION_ID")
    found = records.payments(merchant=merchant["id"], equal=equal)
    paid = [one for one in found if one["status"] == statuses.PROCESSED]
    return (paid or found or [None])[-1]  # type: ignore[list-item]


def _refund(records: Records, merchant: JsonObject, sent: dict[str, str]) -> str:
    payment = _opened(records, merchant, sent, "refund")
    statuses.become(records, payment, statuses.PROCESSED)
    amount = amounts.plain(Decimal(payment["amount"]), payment["currency"])
    return (
        f"<mb_amount>{amount}</mb_amount><mb_currency>{payment['currency']}</mb_currency>"
        f"<transaction_id>{escape(payment['reference'])}</transaction_id>"
        f"<mb_transaction_id>{payment['extra']['mb_transaction_id']}</mb_transaction_id>"
        f"<status>{payment['status']}</status>"
    )


def query(records: Records, sent: dict[str, str]) -> Response:
    """Answer query.pl: `200<TAB><TAB>OK`, and the report as a query string on the next line."""
    try:
        merchant = _merchant(records, sent)
    except Wrong:
        return _line("401", "Cannot login")
    action = sent.get("action", "")
    if action not in ("status_trn", "repost"):
        return _line("402", "Unknown action")
    equal: dict[str, str | int] = {}
    if sent.get("mb_trn_id", "").isdigit():
        equal["extra.mb_transaction_id"] = int(sent["mb_trn_id"])
    elif sent.get("trn_id"):
        equal["reference"] = sent["trn_id"]
    else:
        return _line("404", "Missing parameter: trn_id")
    found = [
        one
        for one in records.payments(merchant=merchant["id"], equal=equal)
        if one["status"] != statuses.CREATED and (one["direction"] != "refund" or len(equal) > 1)
    ]
    if not found:
        name = sent.get("trn_id") or sent.get("mb_trn_id", "")
        return _line("403", f"Transaction not found: {name}")
    told = statuses.fields(records, found[-1])
    if action == "repost":
        records.notify(found[-1], found[-1]["urls"].get("callback", ""), told)
        return _line("200", "OK")
    told |= {"md5sig": signing.signatures(merchant["credentials"]["secret_word"], told)["md5sig"]}
    return _line("200", "OK", urlencode(told))


def _line(code: str, words: str, more: str = "") -> Response:
    text = f"{code}\t\t{words}\n{more}"
    return Response(200, text.encode(), "text/plain; charset=utf-8")
