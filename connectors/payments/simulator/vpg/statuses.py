"""What happens to the dialect's payments and payouts, and what their callbacks say.

A callback is told to the `notification_url` of the merchant's account, not of the request. The
payment is paid by `type=sale, status=success` only; `3ds` and `redirect` succeed before it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject

OPEN = ("prepare", "3ds", "redirect", "pending")
LATE_SECONDS = 5.0
DECLINED = "Declined by processing."
REASONS = {"soft": "Insufficient funds.", "hard": "The card is reported stolen."}
# These have no decimals, but the pages want two zeros; other currencies without them want none.
PADDED = ("UGX", "JPY", "KRW", "CLP")


def written(amount: Decimal, currency: str) -> str:
    """Return an amount in the format of the currency: `100.99`, `100`, `100.00`, `100.999`."""
    if currency in PADDED:
        return f"{amount:.2f}"
    return amounts.plain(amount, currency)


def moment(at: float) -> str:
    """Return a time as the platform writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def tell(records: Records, payment: JsonObject, kind: str, status: str, reason: str = "") -> None:
    """Queue a checkout callback."""
    extra = payment["extra"]
    content: JsonObject = {
        "kind": "checkout",
        "id": payment["id"],
        "order_number": payment["reference"],
        "order_amount": extra["order_amount"],
        "order_currency": payment["currency"],
        "order_description": extra["description"],
        "order_status": payment["status"],
        "type": kind,
        "status": status,
        "customer_name": extra["customer_name"],
        "customer_email": extra["customer_email"],
        "date": moment(payment["history"][-1]["at"]),
    }
    if reason:
        content["reason"] = reason
    records.notify(payment, notification_url(records, payment), content)


def notification_url(records: Records, payment: JsonObject) -> str:
    """Return the address in the merchant's account."""
    options = records.merchant(payment["merchant"])["options"]
    return str(options.get("notification_url", ""))


def pay(records: Records, payment: JsonObject, verb: str) -> None:
    """Do what the payer chose on the page, or what follows later."""
    if payment["status"] not in OPEN:
        raise Refused("This payment is finished. Start it again at the merchant.")
    if verb == "secure" and payment["status"] == "prepare":
        records.save(payment, "3ds")
        tell(records, payment, "3ds", "success")
    if verb in ("approve", "secure"):
        payment["paid"] = payment["amount"]
        records.move(payment, "deposit", Decimal(payment["amount"]))
        records.save(payment, "settled")
        tell(records, payment, "sale", "success")
    elif verb == "late":
        records.save(payment, "pending")
        tell(records, payment, "sale", "waiting")
        seconds = float(records.store.setting("settle_seconds", LATE_SECONDS))
        records.after(payment, "approve", seconds)
    elif verb in REASONS:
        payment["extra"]["reason"] = REASONS[verb]
        records.save(payment, "decline")
        tell(records, payment, "sale", "fail", REASONS[verb])
    elif verb == "undefined":
        tell(records, payment, "sale", "undefined")
    else:
        raise Refused(f"A payment has no verb {verb}.")


def refund(records: Records, payment: JsonObject, amount: Decimal) -> None:
    """Send back a part or all that is left; the status changes with the last part only."""
    back = Decimal(payment["extra"]["refunded"])
    if payment["status"] != "settled" or back + amount > Decimal(payment["amount"]):
        raise Refused("The amount is more than what is left of the payment.")
    records.move(payment, "refund", amount)
    payment["extra"]["refunded"] = f"{back + amount:f}"
    full = back + amount == Decimal(payment["amount"])
    records.save(payment, "refund" if full else None)
    tell(records, payment, "refund", "success")


def act(records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]) -> None:
    """Do a verb of the payer, the operator or the clock."""
    if payment["direction"] == "payout":
        decide(records, payment, verb)
    elif verb == "chargeback":
        if payment["status"] != "settled":
            raise Refused("Only a settled payment can be charged back.")
        records.move(payment, "chargeback", Decimal(payment["amount"]))
        records.save(payment, "chargeback")
        tell(records, payment, "chargeback", "success")
    elif verb == "refund":
        refund(records, payment, amounts.read(details.get("amount", payment["amount"])))
    elif verb == "expire":
        if payment["status"] == "prepare":
            records.save(payment, "decline")
    else:
        pay(records, payment, verb)


def credit_reply(payment: JsonObject) -> dict[str, str]:
    """Return what the platform says about a payout, in its answer and its callback."""
    results = {"SETTLED": "SUCCESS", "DECLINED": "DECLINED", "PREPARE": "UNDEFINED"}
    told = {
        "action": payment["extra"]["action"],
        "result": results[payment["status"]],
        "status": payment["status"],
        "order_id": payment["reference"],
        "trans_id": payment["id"],
        "trans_date": moment(payment["created"]),
    }
    if payment["status"] == "DECLINED":
        told["decline_reason"] = DECLINED
    if payment["extra"]["action"] == "CREDIT2VIRTUAL":
        told |= {"amount": payment["extra"]["order_amount"], "currency": payment["currency"]}
    return told


def decide(records: Records, payment: JsonObject, verb: str) -> None:
    """Settle or decline a payout that is prepared, and tell."""
    statuses = {"approve": "SETTLED", "decline": "DECLINED"}
    if payment["status"] != "PREPARE" or verb not in statuses:
        raise Refused(f"This payout cannot do {verb} in status {payment['status']}.")
    if verb == "approve":
        payment["paid"] = payment["amount"]
        records.move(payment, "payout", Decimal(payment["amount"]))
    records.save(payment, statuses[verb])
    content: JsonObject = {"kind": "credit", **credit_reply(payment)}
    content["card"] = payment["extra"]["card"]
    records.notify(payment, notification_url(records, payment), content)
