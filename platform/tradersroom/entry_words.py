"""What the book's kinds of entries are called where clients read them."""

from __future__ import annotations

from kernel.language import gettext, marked

_WORDS = {
    "deposit": marked("Deposit"),
    "deposit_credit": marked("Moved to a trading account"),
    "transfer": marked("Transfer"),
    "conversion": marked("Conversion"),
    "withdrawal": marked("Withdrawal"),
    "withdrawal_return": marked("Withdrawal, back to you"),
    "suspense_release": marked("Deposit"),
    "reversal": marked("Reversal"),
    "debt_repaid": marked("Debt repaid"),
    "fee": marked("Fee"),
    "chargeback": marked("Payment taken back"),
    "goodwill": marked("Credit from us"),
    "correction_in": marked("Correction"),
    "correction_out": marked("Correction"),
}


def kind(name: str) -> str:
    """Return what a kind of entry is called, in the reader's language."""
    return gettext(_WORDS.get(name, marked("Booking")))
