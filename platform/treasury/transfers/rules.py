"""Pure rules of transfers: what kind one is, and which lines it posts."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import Money
from ledger import bookings
from ledger.bookings import Account
from ledger.lines import Line, Rate
from treasury.transfers import quotes
from treasury.transfers.models import FxQuote, Transfer


@dataclass(frozen=True, slots=True)
class Moved:
    """The lines of a movement, and the rate where it converts."""

    lines: list[Line]
    rate: Rate | None


def kind_of(*, source_account: bool, target_account: bool, other_client: bool) -> str:
    """Return what a transfer is called by where it comes from and goes to."""
    if other_client:
        return "to_client"
    if source_account and target_account:
        return "between"
    if source_account:
        return "to_wallet"
    return "to_account" if target_account else "conversion"


def moved(transfer: Transfer, source: Account, target: Account, quote: FxQuote | None) -> Moved:
    """Return what is posted when a transfer's amount goes from one account to another.

    With a quote both legs pass the currency position, and the mark-up leaves it as income (rows 5
    to 7 of example E12).
    """
    if quote is None:
        amount = Money(transfer.amount, transfer.currency)
        return Moved(bookings.move(source, target, amount), None)
    made = quotes.conversion_of(quote)
    return Moved(bookings.conversion(source, target, made), made.rate)
