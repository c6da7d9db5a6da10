"""Test cards, test bank accounts and what happens to a payment made with each.

The numbers and names are the provider's published test values
(docs.stripe.com/testing and docs.stripe.com/payments/sepa-debit).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Outcome = Literal["succeeds", "declines", "disputed", "settles_later", "fails_later"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a payment is made with; only the last four digits of a number are kept."""

    outcome: Outcome
    last4: str
    kind: str = "card"
    brand: str = "visa"
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    exp_month: int = 12
    exp_year: int = 2034


DECLINED = "Your card was declined."
NO_FUNDS = "Your card has insufficient funds."
BY_NUMBER: dict[str, Instrument] = {
    "4242424242424242": Instrument("succeeds", "4242"),
    "4000056655665556": Instrument("succeeds", "5556"),
    "5555555555554444": Instrument("succeeds", "4444", brand="mastercard"),
    "378282246310005": Instrument("succeeds", "0005", brand="amex"),
    "4000000000000259": Instrument("disputed", "0259"),
    "4000000000000002": Instrument(
        "declines", "0002", code="card_declined", decline_code="generic_decline", message=DECLINED
    ),
    "4000000000009995": Instrument(
        "declines",
        "9995",
        code="card_declined",
        decline_code="insufficient_funds",
        message=NO_FUNDS,
    ),
    "4000000000000069": Instrument(
        "declines", "0069", code="expired_card", message="Your card has expired."
    ),
    "4000000000000127": Instrument(
        "declines", "0127", code="incorrect_cvc", message="Your card's security code is incorrect."
    ),
    "4000000000000119": Instrument(
        "declines",
        "0119",
        code="processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
    ),
}
BY_IBAN: dict[str, Instrument] = {
    "AT611904300234573201": Instrument("settles_later", "3201", kind="sepa_debit"),
    "DE89370400440532013000": Instrument("settles_later", "3000", kind="sepa_debit"),
    "AT861904300235473202": Instrument(
        "fails_later",
        "3202",
        kind="sepa_debit",
        code="payment_method_provider_decline",
        message="The bank refused the debit.",
    ),
}
BY_NAME: dict[str, Instrument] = {
    "pm_card_visa": BY_NUMBER["4242424242424242"],
    "pm_card_visa_debit": BY_NUMBER["4000056655665556"],
    "pm_card_mastercard": BY_NUMBER["5555555555554444"],
    "pm_card_amex": BY_NUMBER["378282246310005"],
    "pm_card_createDispute": BY_NUMBER["4000000000000259"],
    "pm_card_chargeDeclined": BY_NUMBER["4000000000000002"],
    "pm_card_visa_chargeDeclined": BY_NUMBER["4000000000000002"],
    "pm_card_chargeDeclinedInsufficientFunds": BY_NUMBER["4000000000009995"],
    "pm_card_visa_chargeDeclinedInsufficientFunds": BY_NUMBER["4000000000009995"],
    "pm_card_chargeDeclinedExpiredCard": BY_NUMBER["4000000000000069"],
    "pm_card_chargeDeclinedIncorrectCvc": BY_NUMBER["4000000000000127"],
    "pm_card_chargeDeclinedProcessingError": BY_NUMBER["4000000000000119"],
    "pm_sepaDebit": BY_IBAN["AT611904300234573201"],
    "pm_sepaDebit_fail": BY_IBAN["AT861904300235473202"],
}


def luhn(number: str) -> bool:
    """Return whether the digits pass the Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def read_card(
    number: str, expiry: str, cvc: str, *, now: datetime | None = None
) -> tuple[Instrument | None, dict[str, str]]:
    """Return the card typed on the page, or what is wrong with each field."""
    wrong: dict[str, str] = {}
    digits = re.sub(r"[\s-]", "", number)
    card = BY_NUMBER.get(digits)
    if not digits:
        wrong["number"] = "Enter the card number."
    elif not re.fullmatch(r"[0-9]{12,19}", digits) or not luhn(digits):
        wrong["number"] = "This card number is not valid. Check each digit."
    elif card is None:
        wrong["number"] = "Only test cards work here, such as 4242 4242 4242 4242."
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/ -]?\s*(?:20)?([0-9]{2})\s*", expiry)
    month, year = (int(match[1]), 2000 + int(match[2])) if match else (0, 0)
    today = now or datetime.now(UTC)
    if not match:
        wrong["expiry"] = "Enter the expiry date as MM / YY, such as 12 / 34."
    elif (year, month) < (today.year, today.month):
        wrong["expiry"] = "This card has expired. Check the date or use another card."
    if not re.fullmatch(r"\s*[0-9]{3,4}\s*", cvc):
        wrong["cvc"] = "Enter the 3 or 4 digits of the security code."
    if wrong or card is None:
        return None, wrong
    return (
        Instrument(
            card.outcome,
            card.last4,
            brand=card.brand,
            code=card.code,
            decline_code=card.decline_code,
            message=card.message,
            exp_month=month,
            exp_year=year,
        ),
        {},
    )


def read_iban(iban: str) -> tuple[Instrument | None, dict[str, str]]:
    """Return the bank account typed on the page, or what is wrong with it."""
    account = BY_IBAN.get(re.sub(r"\s", "", iban).upper())
    if account is None:
        return None, {"iban": "Only test accounts work here, such as AT61 1904 3002 3457 3201."}
    return account, {}
