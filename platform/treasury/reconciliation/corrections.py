"""Which entry, or which act outside the book, would mend a break: pure proposals."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import Money
from ledger import chart
from treasury.reconciliation.records import Side


@dataclass(frozen=True, slots=True)
class Leg:
    """A line of a proposed entry: the account, and its amount, debit positive."""

    code: str
    amount: Money

    def __str__(self) -> str:
        """Show it as accountants write it."""
        side = "Dr" if self.amount.amount > 0 else "Cr"
        shown = self.amount if self.amount.amount > 0 else -self.amount
        return f"{side} {self.code} {shown}"


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do, in words, and the entry it books; none where nothing is to be booked."""

    text: str
    legs: tuple[Leg, ...] = ()

    def __str__(self) -> str:
        """Show the words and behind them the entry."""
        entry = ", ".join(str(leg) for leg in self.legs)
        return f"{self.text}: {entry}" if entry else self.text


def _entry(debited: str, credited: str, amount: Money) -> tuple[Leg, ...]:
    """Return an entry of two lines; an amount below zero turns it round."""
    if amount.amount < 0:
        debited, credited, amount = credited, debited, -amount
    return (Leg(debited, amount), Leg(credited, -amount)) if amount.amount else ()


def wait(side: str) -> Correction:
    """Nothing is to be done until the window of a side is over."""
    return Correction(f"Wait: {side} may still report it")


def missing_in_book(side: Side, amount: Money) -> Correction:
    """Book what another side has and the book lacks; money into the brokerage is positive."""
    if side == "platform":
        return Correction(
            "Book the transfer, or take the operation back on the trading server",
            _entry(chart.CLIENT_WALLET, chart.TRADING_ACCOUNT, amount),
        )
    return Correction("Book the payment", _entry(chart.PSP_CLEARING, chart.CLIENT_WALLET, amount))


def missing_elsewhere(side: Side, amount: Money) -> Correction:
    """Mend what the book has and another side lacks."""
    if side == "platform":
        verb = "Credit" if amount.amount > 0 else "Debit"
        return Correction(
            f"{verb} the account on the trading server, or reverse the transfer",
            _entry(chart.TRADING_ACCOUNT, chart.CLIENT_WALLET, amount),
        )
    return Correction(
        "Ask the provider; reverse the booking if it was never paid",
        _entry(chart.CLIENT_WALLET, chart.PSP_CLEARING, amount),
    )


def differing(side: Side, surplus: Money) -> Correction:
    """Mend an amount; `surplus` is what the side has more than the book, or less below zero."""
    if side == "platform":
        verb = "Debit" if surplus.amount > 0 else "Credit"
        return Correction(
            f"{verb} the difference on the trading server, or book it",
            _entry(chart.CLIENT_WALLET, chart.TRADING_ACCOUNT, surplus),
        )
    return Correction(
        "Book the difference", _entry(chart.PSP_CLEARING, chart.CLIENT_WALLET, surplus)
    )


def other_currency(side: str) -> Correction:
    """Say what to do where two sides name different currencies."""
    return Correction(f"Compare the payment by hand: {side} names another currency")


def fee(surplus: Money) -> Correction:
    """Book the fee that the provider kept and the book does not have."""
    return Correction(
        "Book the difference of the fee", _entry(chart.PSP_FEE, chart.PSP_CLEARING, surplus)
    )


def duplicate(side: Side, surplus: Money) -> Correction:
    """Undo what stands twice on a side."""
    if side == "ledger":
        return Correction(
            "Reverse the entry that was posted again",
            _entry(chart.CLIENT_WALLET, chart.PSP_CLEARING, surplus),
        )
    if side == "platform":
        return Correction("Take the second operation back on the trading server")
    return Correction(
        "Book what came again and return it", _entry(chart.PSP_CLEARING, chart.SUSPENSE, surplus)
    )


def taken_back(side: Side, amount: Money) -> Correction:
    """Book a chargeback, or undo one that only the book knows."""
    if side == "ledger":
        return Correction(
            "Ask the provider; book the payment again if it was not taken back",
            _entry(chart.PSP_CLEARING, chart.CLIENT_WALLET, amount),
        )
    return Correction(
        "Book the chargeback", _entry(chart.CLIENT_WALLET, chart.PSP_CLEARING, amount)
    )


def in_suspense() -> Correction:
    """Say what to do with a bank's line that is in suspense already."""
    return Correction("Find its owner and release it from suspense")


def unallocated(side: Side, amount: Money) -> Correction:
    """Park what nobody can be credited for."""
    if side == "platform":
        return Correction(
            "Ask the dealer who booked it; take it back on the trading server or book it",
            _entry(chart.PLATFORM_SETTLEMENT, chart.TRADING_ACCOUNT, amount),
        )
    return Correction(
        "Put it into suspense and find its owner",
        _entry(chart.PSP_CLEARING, chart.SUSPENSE, amount),
    )
