"""What happens to a Praxis session: attempts to pay, payouts, refunds, chargebacks."""

from collections.abc import Mapping
from decimal import Decimal

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.praxis import minor, objects
from connectors.payments.simulator.store import JsonObject

LATE_SECONDS = 5.0
PAYOUT_SECONDS = 0.2
SOFT = ("SC-102", "Insufficient funds")
HARD = ("SC-105", "Card reported stolen")
OPEN = ("open", "pending")


def attempt(
    records: Records, payment: JsonObject, kind: str, status: str, amount: Decimal
) -> JsonObject:
    """Begin a transaction of a session; the session has at most one that is not rejected."""
    number = records.next_number("praxis:tid", objects.FIRST_TID)
    made: JsonObject = {
        "tid": number,
        "type": kind,
        "status": status,
        "amount": f"{amount:f}",
        "rate": None,
        "processed_currency": None,
        "processed_amount": None,
        "fee": "0",
        "method": payment["extra"]["payment_method"] or "Credit Card",
        "reference_id": payment["extra"].get("reference_id"),
        "withdrawal_request_id": number if kind == "payout" else None,
        "code": "SC-001",
        "details": "",
    }
    payment["extra"]["attempts"].append(made)
    payment["extra"]["tid"] = number
    return made


def current(payment: JsonObject) -> JsonObject | None:
    """Return the transaction that find-order tells: the last that is not rejected, or the last."""
    attempts: list[JsonObject] = payment["extra"]["attempts"]
    good = [one for one in attempts if one["status"] != "rejected"]
    return (good or attempts or [None])[-1]  # type: ignore[list-item]


def process(payment: JsonObject, made: JsonObject) -> None:
    """Fill in what the processor took: the same amount at the rate 1.000000."""
    made["rate"] = "1.000000"
    made["processed_currency"] = payment["currency"]
    made["processed_amount"] = minor.write(Decimal(made["amount"]), payment["currency"])


def tell(records: Records, payment: JsonObject, made: JsonObject | None) -> None:
    """Queue a notification with the objects as they are now."""
    merchant = records.merchant(payment["merchant"])
    known = merchant["credentials"]
    content: JsonObject = {
        "merchant_id": known["merchant_id"],
        "application_key": known["application_key"],
        "conversion_rate": None if made is None else made["rate"],
        "customer": objects.customer(payment),
        "session": objects.session(payment),
        "transaction": None if made is None else objects.transaction(payment, made),
        "version": "1.3",
    }
    records.notify(payment, payment["urls"]["callback"], content)


def settle(
    records: Records, payment: JsonObject, made: JsonObject, status: str, told: tuple[str, str]
) -> None:
    """Bring a transaction to a status, move the money that this means, and tell."""
    made["status"], (made["code"], made["details"]) = status, told
    if status == "approved":
        process(payment, made)
        records.move(payment, payment["direction"], Decimal(made["amount"]))
        payment["paid"] = made["amount"]
        payment["extra"]["session_status"] = "successful"
    records.save(payment, status)
    tell(records, payment, made)


def pay(records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]) -> None:
    """Do what the payer chose on the page of a deposit."""
    if payment["extra"]["session_status"] not in OPEN:
        raise Refused("This session is closed. Start the payment again at the merchant.")
    amount = amounts.read(details.get("amount", payment["amount"]))
    made = current(payment)
    if made is None or made["status"] != "pending":
        made = attempt(records, payment, "sale", "pending", amount)
    elif "amount" in details:
        made["amount"] = f"{amount:f}"
    minor.write(amount, payment["currency"])
    if verb in ("approve", "part"):
        settle(records, payment, made, "approved", ("SC-002", "Transaction approved"))
    elif verb == "late":
        records.save(payment, "pending")
        tell(records, payment, made)
        records.after(
            payment, "approve", float(records.store.setting("settle_seconds", LATE_SECONDS))
        )
    elif verb == "soft":
        settle(records, payment, made, "rejected", SOFT)
    elif verb == "hard":
        payment["extra"]["session_status"] = "closed"
        settle(records, payment, made, "rejected", HARD)
    else:
        raise Refused(f"A deposit has no verb {verb}.")


def reverse(records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]) -> None:
    """Take an approved deposit back: a chargeback of the payer's bank, or a reversal."""
    made = current(payment)
    if made is None or made["status"] != "approved":
        raise Refused("Only an approved transaction can be taken back.")
    amount = amounts.read(details.get("amount", made["amount"]))
    made["amount"] = f"{amount:f}"
    made["processed_amount"] = minor.write(amount, payment["currency"])
    made["status"] = "chargeback" if verb == "chargeback" else "reversed"
    records.move(payment, verb, amount)
    records.save(payment, made["status"])
    tell(records, payment, made)


def expire(records: Records, payment: JsonObject) -> None:
    """End a session nobody paid: the notification carries no transaction."""
    if payment["extra"]["session_status"] not in OPEN:
        return
    payment["extra"]["session_status"] = "expired"
    records.save(payment, "expired")
    tell(records, payment, None)


def request_payout(records: Records, payment: JsonObject) -> None:
    """The customer asks for the payout; the merchant's setting says who approves it."""
    if payment["extra"]["attempts"]:
        raise Refused("This payout was asked for already.")
    made = attempt(records, payment, "payout", "requested", Decimal(payment["amount"]))
    payment["extra"]["session_status"] = "pending"
    records.save(payment, "requested")
    tell(records, payment, made)
    options = records.merchant(payment["merchant"])["options"]
    if options.get("payouts", "automatic") == "automatic":
        records.after(payment, "approve", float(options.get("payout_seconds", PAYOUT_SECONDS)))


def decide_payout(records: Records, payment: JsonObject, verb: str) -> None:
    """Approve, reject, fail or reverse a requested payout."""
    made = current(payment)
    wanted = {"approve": "approved", "reject": "rejected", "error": "error", "reverse": "reversed"}
    if verb not in wanted:
        raise Refused(f"A payout has no verb {verb}.")
    before = "approved" if verb == "reverse" else "requested"
    if made is None or made["status"] != before:
        raise Refused(f"Only a payout that is {before} can be changed so.")
    told = ("SC-002", "Transaction approved") if verb == "approve" else ("SC-107", "Not paid out")
    if verb == "reverse":
        records.move(payment, "reversal", Decimal(made["amount"]))
    if verb != "approve":
        payment["extra"]["session_status"] = "closed"
    settle(records, payment, made, wanted[verb], told)
