"""What the book refuses, and the reading of PostgreSQL's own error codes into it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from kernel import database
from kernel.errors import Conflict, NotFound, ProductError


class InsufficientFunds(ProductError):
    """What is available (balance less holds) does not cover the amount."""

    code = "insufficient_funds"
    status = 409
    message = "There is not enough available. Enter a smaller amount."


class KeyReused(Conflict):
    """The idempotency key has already been used for something else."""

    code = "idempotency_key_reused"
    message = "This request was already made with other content. Start it again."


class UnpostableEntry(ProductError):
    """The lines do not balance, name an unknown account or hold a wrong amount: a bug."""

    code = "unpostable_entry"
    status = 500
    message = "The entry can't be posted. Nothing was booked."


class HoldClosed(Conflict):
    """The hold has been posted, voided or has expired."""

    code = "hold_closed"
    message = "The amount set aside has already been used or released."


class AlreadyReversed(Conflict):
    """The entry has a reversal."""

    code = "already_reversed"
    message = "This entry has already been reversed."


class EntryMissing(NotFound):
    """There is no entry of this id in the brokerage's book."""

    code = "entry_missing"


class PeriodClosed(Conflict):
    """The entry is dated inside a closed period."""

    code = "period_closed"
    message = "This day's books are closed. Post with a later date, or reopen the period."


class PeriodUnchanged(ProductError):
    """The book can't be closed or reopened at this moment: it is already, or it is too early."""

    code = "period_unchanged"
    status = 409
    message = "The books can't be closed or reopened there. Choose another day."


class BookBusy(Conflict):
    """Somebody is posting; the book could not be had alone within five seconds."""

    code = "book_busy"
    message = "Entries are being posted. Try again in a moment."


class BookDamaged(ProductError):
    """The lines themselves are wrong, so that balances can't be made of them."""

    code = "book_damaged"
    status = 500
    message = "The book's lines are damaged. Restore them from a backup."


class ExternalReferenceUsed(Conflict):
    """A payment or ticket of an outside system is already booked by another entry."""

    code = "external_reference_used"
    message = "This payment is already booked."


_REFUSALS: dict[str, type[ProductError]] = {
    "MQ001": InsufficientFunds,
    "MQ002": KeyReused,
    "MQ003": UnpostableEntry,
    "MQ004": HoldClosed,
    "MQ005": AlreadyReversed,
    "MQ006": EntryMissing,
    "MQ007": PeriodClosed,
    "MQ008": BookDamaged,
    "MQ009": PeriodUnchanged,
    "55P03": BookBusy,
    "uq_entry_external_reference": ExternalReferenceUsed,
    "uq_entry_reverses_id": AlreadyReversed,
    "ck_balance_never_negative": InsufficientFunds,
    "fk_ledger_account_code": UnpostableEntry,
    "ck_ledger_account_currency": UnpostableEntry,
}


def translated() -> AbstractContextManager[None]:
    """Turn the book's SQLSTATEs and constraint names into product errors."""
    return database.translated(_REFUSALS)
