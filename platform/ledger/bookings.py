"""The lines of what a brokerage books every day, as pure functions: who is debited and credited.

Amounts are rounded by whoever computed them. The result goes to `ledger.entries.post` or into a
Draft.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from kernel.money import Money
from ledger import chart
from ledger.chart import HOUSE, MAIN_BANK
from ledger.conversions import Conversion
from ledger.lines import Line, Owner, credit, debit

Account = tuple[str, Owner]


def wallet(client_id: UUID | str) -> Account:
    """Return a client's wallet as an account of the book."""
    return chart.CLIENT_WALLET, ("client", client_id)


def trading_account(account_id: UUID | str) -> Account:
    """Return a trading account as an account of the book."""
    return chart.TRADING_ACCOUNT, ("account", account_id)


def clearing(connection_id: UUID | str) -> Account:
    """Return what a payment provider has yet to settle, as an account of the book."""
    return chart.PSP_CLEARING, ("psp", connection_id)


def move(source: Account, target: Account, amount: Money) -> list[Line]:
    """Return the lines that move what we owe, or have, from one account to another.

    Liabilities go down by a debit, so the source is debited and the target credited.
    """
    return [debit(*source, amount), credit(*target, amount)]


def deposit(connection_id: UUID | str, client_id: UUID | str, amount: Money) -> list[Line]:
    """Book a client's payment that a provider has confirmed."""
    return [debit(*clearing(connection_id), amount), credit(*wallet(client_id), amount)]


def provider_fee(connection_id: UUID | str, fee: Money) -> list[Line]:
    """Book what a provider keeps; the brokerage bears it."""
    return [debit(chart.PSP_FEE, HOUSE, fee), credit(*clearing(connection_id), fee)]


def settlement(connection_id: UUID | str, amount: Money, *, bank: Owner = MAIN_BANK) -> list[Line]:
    """Book what a provider has paid out to the bank account of clients' money."""
    return [debit(chart.BANK, bank, amount), credit(*clearing(connection_id), amount)]


def top_up(amount: Money, *, bank: Owner = MAIN_BANK, own: Owner = MAIN_BANK) -> list[Line]:
    """Make clients' money whole from the brokerage's own."""
    return [debit(chart.BANK, bank, amount), credit(chart.BANK_OWN, own, amount)]


def fee(client_id: UUID | str, amount: Money) -> list[Line]:
    """Charge a client."""
    return [debit(*wallet(client_id), amount), credit(chart.FEES, HOUSE, amount)]


def conversion(source: Account, target: Account, made: Conversion) -> list[Line]:
    """Convert what is owed on one account into another currency on another one.

    Both legs pass the position account of their currency, so that each currency balances; the
    mark-up, where there is one, leaves the position as income.
    """
    lines = [
        debit(*source, made.sold),
        credit(chart.FX_CONVERSION, HOUSE, made.sold),
        debit(chart.FX_CONVERSION, HOUSE, made.bought),
        credit(*target, made.bought),
    ]
    if made.markup.amount > 0:
        lines.append(debit(chart.FX_CONVERSION, HOUSE, made.markup))
        lines.append(credit(chart.FX_MARKUP, HOUSE, made.markup))
    return lines


def commission(partner_id: UUID | str, amount: Money) -> list[Line]:
    """Owe a partner commission."""
    owner = ("partner", partner_id)
    return [
        debit(chart.PARTNER_COMMISSION, HOUSE, amount),
        credit(chart.PARTNER_WALLET, owner, amount),
    ]


def trading_result(
    account_id: UUID | str,
    result: Money,
    *,
    swap: Money | None = None,
    commission: Money | None = None,
    fee: Money | None = None,
) -> list[Line]:
    """Book what a client has won (positive) or lost against the brokerage, and what it cost.

    Charges are negative, as the trading server writes them. It has happened there, so the entry
    is posted as forced: a stop-out may leave the account below zero. Empty when nothing is left
    of it.
    """
    parts = (
        (chart.B_BOOK, result),
        (chart.SWAP, swap),
        (chart.COMMISSION, commission),
        (chart.FEES, fee),
    )
    lines = [debit(code, HOUSE, part) for code, part in parts if part is not None and part.amount]
    total = sum((line.amount for line in lines), Decimal(0))
    if total:
        lines.append(credit(*trading_account(account_id), Money(total, result.currency)))
    return lines


def write_off(account_id: UUID | str, *, deficit: Money, bonus: Money) -> list[Line]:
    """Bring an account that a stop-out left below zero back to zero.

    Its bonus is used up first, as far as it is needed; the brokerage bears the rest (negative
    balance protection). Both amounts are positive or zero, in the account's currency.
    """
    used = min(bonus, deficit, key=lambda money: money.amount)
    borne = deficit - used
    lines = [
        debit(chart.BONUS, ("account", account_id), used),
        debit(chart.NEGATIVE_BALANCE, HOUSE, borne),
    ]
    return [line for line in lines if line.amount] + [credit(*trading_account(account_id), deficit)]
