"""What happens to Skrill payments: paid, failed, charged back, transferred, refunded."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject

CREATED = "created"
SCHEDULED, PROCESSED, PENDING = "1", "2", "0"
CANCELLED, FAILED, CHARGEBACK, RETURNED = "-1", "-2", "-3", "-4"
INSUFFICIENT_FUNDS, STOLEN_CARD = "05", "03"
LATE_SECONDS = 5.0
FIRST_ID = 1_990_625_423


def shown(amount: Decimal) -> str:
    """Return an amount as Skrill posts it: `25.46`, `25.4` or `25`."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def converted(merchant: JsonObject, payment: JsonObject) -> tuple[Decimal, str]:
    """Return amount and currency in the merchant's account, by its options' rate."""
    options = merchant["options"]
    currency = str(options.get("account_currency") or payment["currency"])
    amount = Decimal(payment["amount"])
    if currency != payment["currency"]:
        exact = amount * Decimal(str(options["rate"]))
        quantum = Decimal(1).scaleb(-amounts.decimals(currency))
        amount = exact.quantize(quantum, ROUND_HALF_UP)
    return amount, currency


def fields(records: Records, payment: JsonObject) -> dict[str, str]:
    """Return the fields of a status report, unsigned."""
    merchant = records.merchant(payment["merchant"])
    known = merchant["credentials"]
    mb_amount, mb_currency = converted(merchant, payment)
    told = {
        "pay_to_email": known["pay_to_email"],
        "pay_from_email": payment["extra"]["pay_from_email"],
        "merchant_id": known["merchant_id"],
        "transaction_id": payment["reference"],
        "mb_transaction_id": str(payment["extra"]["mb_transaction_id"]),
        "mb_amount": shown(mb_amount),
        "mb_currency": mb_currency,
        "status": payment["status"],
        "amount": shown(Decimal(payment["amount"])),
        "currency": payment["currency"],
        "payment_type": "WLT",
        **payment["extra"]["merchant_fields"],
    }
    if payment["status"] == FAILED:
        told["failed_reason_code"] = payment["extra"]["failed_reason_code"]
    return told


def become(records: Records, payment: JsonObject, status: str) -> None:
    """Bring a payment to a status, move what this means and report it."""
    amount = Decimal(payment["amount"])
    if status == PROCESSED:
        payment["paid"] = payment["amount"]
        records.move(payment, payment["direction"], amount)
    elif status == CHARGEBACK:
        records.move(payment, "chargeback", amount)
    elif status == RETURNED:
        records.move(payment, "reversal", amount)
    records.save(payment, status)
    records.notify(payment, payment["urls"].get("callback", ""), fields(records, payment))


def pay(records: Records, payment: JsonObject, verb: str) -> None:
    """Do what the payer chose on the page."""
    if payment["status"] not in (CREATED, PENDING):
        raise Refused("This payment is finished. Start it again at the merchant.")
    if verb == "approve":
        become(records, payment, PROCESSED)
    elif verb == "late":
        become(records, payment, PENDING)
        records.after(
            payment, "approve", float(records.store.setting("settle_seconds", LATE_SECONDS))
        )
    elif verb in ("soft", "hard"):
        payment["extra"]["failed_reason_code"] = (
            INSUFFICIENT_FUNDS if verb == "soft" else STOLEN_CARD
        )
        become(records, payment, FAILED)
    elif verb == "cancel":
        become(records, payment, CANCELLED)
    else:
        raise Refused(f"A payment has no verb {verb}.")


def act(records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]) -> None:
    """Do a verb of the payer, the operator or the clock."""
    del details
    if payment["direction"] == "deposit" and verb != "chargeback":
        pay(records, payment, verb)
        return
    before = {
        "chargeback": ("deposit", PROCESSED, CHARGEBACK),
        "complete": ("payout", SCHEDULED, PROCESSED),
        "cancel": ("payout", SCHEDULED, CANCELLED),
        "return": ("payout", PROCESSED, RETURNED),
    }.get(verb)
    if before is None or payment["direction"] != before[0] or payment["status"] != before[1]:
        raise Refused(f"This payment cannot do {verb} in status {payment['status']}.")
    become(records, payment, before[2])
