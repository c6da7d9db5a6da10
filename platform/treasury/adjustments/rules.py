"""Pure rules of adjustments: which way the money goes and what is posted for it."""

from __future__ import annotations

from decimal import Decimal

from kernel.money import Money
from ledger import bookings, chart
from ledger.bookings import Account
from ledger.lines import Line, credit, debit
from treasury.adjustments.models import Adjustment

_GIVING = frozenset({"goodwill", "correction_in", "bonus"})
# Where the money comes from or goes to on our side.
_OURS = {
    "goodwill": chart.BONUS_COST,
    "correction_in": chart.SUSPENSE,
    "correction_out": chart.SUSPENSE,
    "fee": chart.FEES,
    "bonus": chart.BONUS_COST,
    "bonus_off": chart.BONUS_COST,
}


def gives(kind: str) -> bool:
    """Whether the client gets something, so that nothing has to be set aside."""
    return kind in _GIVING


def asked_of_server(kind: str) -> str:
    """Return the kind of operation that a trading server is asked for first."""
    if kind == "bonus":
        return "credit"
    if kind == "bonus_off":
        return "credit_out"
    return "deposit" if gives(kind) else "withdrawal"


def theirs(one: Adjustment) -> Account:
    """Return the account of the book that an adjustment gives to or takes from."""
    if one.kind in ("bonus", "bonus_off"):
        return chart.BONUS, ("account", str(one.account_id))
    if one.account_id is not None:
        return bookings.trading_account(one.account_id)
    return bookings.wallet(one.client_id)


def lines(one: Adjustment) -> list[Line]:
    """Return what an adjustment posts; a write-off as example E14 has it."""
    amount = Money(one.amount, one.currency)
    if one.kind == "write_off":
        assert one.account_id is not None
        used = Money(one.bonus_used, one.currency)
        return bookings.write_off(one.account_id, deficit=amount, bonus=used)
    ours = (_OURS[one.kind], chart.HOUSE)
    if gives(one.kind):
        return [debit(*ours, amount), credit(*theirs(one), amount)]
    return [debit(*theirs(one), amount), credit(*ours, amount)]


def needs_another(amount_base: Decimal | None, alone_max: Decimal) -> bool:
    """Whether somebody else has to agree; None is an amount that nobody can convert."""
    return amount_base is None or amount_base > alone_max
