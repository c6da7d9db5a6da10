"""What happens to NOWPayments payments and payouts: transfers, confirmations, repeats.

Source: the API page and the help centre on statuses, partially paid and repeated deposits. A
payment goes waiting, confirming, confirmed, sending and ends finished, or partially_paid when
less than `pay_amount` came. What comes to the address of a payment that has ended is a payment of
its own, `finished`, whose `parent_payment_id` names the first.
"""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from connectors.payments.simulator.crypto.rates import COINS, in_usd
from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject

FIRST_ID = 5_745_459_419
ENDED = ("finished", "partially_paid", "failed", "refunded")
STAGES = ("confirming", "confirmed", "sending")
PAYOUT_STAGES = ("CREATING", "PROCESSING", "SENDING", "FINISHED")
STAGE_SECONDS = 0.05
LATE_SECONDS = 5.0
FEE_RATE = Decimal("0.005")


def moment(at: float | None = None) -> str:
    """Return a time as the API writes it."""
    when = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(records: Records, payment: JsonObject) -> float:
    options = records.merchant(payment["merchant"])["options"]
    return float(options.get("confirm_seconds", STAGE_SECONDS))


def outcome(payment: JsonObject) -> tuple[Decimal, Decimal]:
    """Return (what the merchant gets, the fee) in the coin."""
    paid, coin = Decimal(payment["paid"]), payment["extra"]["pay_currency"]
    quantum = Decimal(1).scaleb(-COINS[coin].decimals)
    fee = (paid * FEE_RATE).quantize(quantum, ROUND_DOWN)
    return paid - fee, fee


def notice(payment: JsonObject) -> JsonObject:
    """Return an IPN's content; amounts are text here and become numbers when it is sealed."""
    extra = payment["extra"]
    paid = Decimal(payment["paid"])
    price = in_usd(extra["pay_currency"]) or Decimal(0)
    fiat = paid * price / (in_usd(payment["currency"].lower()) or Decimal(1))
    got, fee = outcome(payment)
    return {
        "payment_id": int(payment["id"]),
        "parent_payment_id": extra["parent"],
        "invoice_id": extra["invoice_id"],
        "payment_status": payment["status"],
        "pay_address": extra["pay_address"],
        "payin_extra_id": None,
        "price_amount": {"number": payment["amount"]},
        "price_currency": payment["currency"].lower(),
        "pay_amount": {"number": extra["pay_amount"]},
        "actually_paid": {"number": payment["paid"]},
        "actually_paid_at_fiat": {"number": f"{fiat.quantize(Decimal('0.01')):f}"},
        "pay_currency": extra["pay_currency"],
        "order_id": payment["reference"] or None,
        "order_description": extra["order_description"],
        "purchase_id": extra["purchase_id"],
        "outcome_amount": {"number": f"{got:f}"},
        "outcome_currency": extra["pay_currency"],
        "payment_extra_ids": None,
        "fee": {
            "currency": extra["pay_currency"],
            "depositFee": {"number": f"{fee:f}"},
            "withdrawalFee": {"number": "0"},
            "serviceFee": {"number": "0"},
        },
        "updated_at": int(time.time() * 1000),
    }


def numbers(value: Any) -> Any:
    """Return stored content with its numbers as Decimal."""
    if isinstance(value, dict):
        if set(value) == {"number"}:
            return Decimal(value["number"])
        return {name: numbers(child) for name, child in value.items()}
    return [numbers(one) for one in value] if isinstance(value, list) else value


def become(records: Records, payment: JsonObject, status: str) -> None:
    """Bring a payment to a status and send its IPN."""
    records.save(payment, status)
    records.notify(payment, payment["urls"].get("callback", ""), notice(payment))


def send(records: Records, payment: JsonObject, coins: Decimal) -> None:
    """The payer's coins come to the address."""
    extra = payment["extra"]
    if -int(coins.normalize().as_tuple().exponent) > COINS[extra["pay_currency"]].decimals:
        raise Refused(f"{extra['pay_currency']} has not so many decimals.")
    if payment["status"] in ENDED:
        payment = _repeated(records, payment)
    payment["paid"] = f"{Decimal(payment['paid']) + coins:f}"
    if payment["status"] in STAGES:
        # It comes while the first transfer is being confirmed: both count.
        records.save(payment)
        return
    payment["extra"]["payin_hash"] = secrets.token_hex(32)
    become(records, payment, STAGES[0])
    records.after(payment, "step", _seconds(records, payment))


def _repeated(records: Records, parent: JsonObject) -> JsonObject:
    return records.add_payment(
        records.merchant(parent["merchant"]),
        str(records.next_number("crypto:payment", FIRST_ID)),
        direction="deposit",
        reference=parent["reference"],
        amount=Decimal(parent["amount"]),
        currency=parent["currency"],
        status="waiting",
        urls=parent["urls"],
        extra={**parent["extra"], "parent": int(parent["id"]), "payin_hash": None},
    )


def step(records: Records, payment: JsonObject) -> None:
    """One more confirmation came: go to the next status, at last to the end."""
    stage = payment["status"]
    if stage not in STAGES:
        return
    if stage != STAGES[-1]:
        become(records, payment, STAGES[STAGES.index(stage) + 1])
        records.after(payment, "step", _seconds(records, payment))
        return
    paid = Decimal(payment["paid"])
    short = paid < Decimal(payment["extra"]["pay_amount"]) and payment["extra"]["parent"] is None
    records.move(payment, "deposit", paid, currency=payment["extra"]["pay_currency"])
    become(records, payment, "partially_paid" if short else "finished")


def act(records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]) -> None:
    """Do a verb of the payer, the operator or the clock."""
    if payment["direction"] == "payout":
        payout(records, payment, verb)
    elif verb in ("send", "part", "coins"):
        whole = payment["extra"]["pay_amount"]
        send(records, payment, amounts.read(details.get("amount", whole)))
    elif verb == "later":
        seconds = float(records.store.setting("settle_seconds", LATE_SECONDS))
        records.after(payment, "coins", seconds)
    elif verb == "step":
        step(records, payment)
    elif verb == "expire":
        if payment["status"] == "waiting":
            become(records, payment, "expired")
    elif verb == "fail" and payment["status"] not in ENDED:
        become(records, payment, "failed")
    elif verb == "refund" and payment["status"] in ("finished", "partially_paid"):
        coins = Decimal(payment["paid"])
        records.move(payment, "refund", coins, currency=payment["extra"]["pay_currency"])
        become(records, payment, "refunded")
    else:
        raise Refused(f"This payment cannot do {verb} in status {payment['status']}.")


def payout_notice(payment: JsonObject) -> JsonObject:
    """Return a withdrawal as the API and its IPN show it."""
    extra = payment["extra"]
    return {
        "id": payment["id"],
        "batch_withdrawal_id": extra["batch"],
        "status": payment["status"],
        "error": extra["error"],
        "currency": payment["currency"],
        "amount": payment["amount"],
        "address": extra["address"],
        "fee": None,
        "extra_id": extra["extra_id"],
        "hash": extra["hash"],
        "ipn_callback_url": payment["urls"].get("callback") or None,
        "created_at": moment(payment["created"]),
        "requested_at": extra["requested_at"],
        "updated_at": moment(),
        "payout_description": extra["payout_description"],
        "unique_external_id": extra["unique_external_id"],
    }


def payout(records: Records, payment: JsonObject, verb: str) -> None:
    """Advance a payout by a stage, fail or reject it."""
    if verb in ("fail", "reject") and payment["status"] not in ("FINISHED", "FAILED", "REJECTED"):
        payment["extra"]["error"] = "Not sent"
        _payout_becomes(records, payment, "FAILED" if verb == "fail" else "REJECTED")
        return
    if verb != "step" or payment["status"] not in ("WAITING", *PAYOUT_STAGES[:-1]):
        raise Refused(f"This payout cannot do {verb} in status {payment['status']}.")
    index = -1 if payment["status"] == "WAITING" else PAYOUT_STAGES.index(payment["status"])
    status = PAYOUT_STAGES[index + 1]
    if status == "PROCESSING":
        payment["extra"]["requested_at"] = moment()
    if status == "FINISHED":
        payment["extra"]["hash"] = secrets.token_hex(32)
        payment["paid"] = payment["amount"]
        records.move(payment, "payout", Decimal(payment["amount"]))
    _payout_becomes(records, payment, status)
    if status != "FINISHED":
        records.after(payment, "step", _seconds(records, payment))


def _payout_becomes(records: Records, payment: JsonObject, status: str) -> None:
    records.save(payment, status)
    records.notify(payment, payment["urls"].get("callback", ""), payout_notice(payment))
