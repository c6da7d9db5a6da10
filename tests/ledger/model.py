"""The book as a few dictionaries: what every operation must do, said in plain arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ledger import chart
from ledger.errors import AlreadyReversed, InsufficientFunds, PeriodClosed
from ledger.lines import Draft, Line

Account = tuple[str, str, str]
_GUARDS = {one.code: (one.guarded, one.forcible) for one in chart.ACCOUNTS}


def account(line: Line) -> Account:
    """Return what tells accounts apart."""
    return line.code, line.currency, str(line.owner[1])


@dataclass
class Posted:
    """An entry that stands in the book, and whether it was reversed."""

    entry_id: UUID
    draft: Draft
    reversed: bool = False


@dataclass
class Held:
    """A pending hold."""

    account: Account
    amount: Decimal


@dataclass
class Model:
    """Amounts are signed, debit positive, like those of lines."""

    amounts: dict[Account, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    holds: dict[UUID, Held] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    closed_before: datetime | None = None

    def held(self, which: Account) -> Decimal:
        """Return what is set aside of an account."""
        mine = (hold.amount for hold in self.holds.values() if hold.account == which)
        return sum(mine, Decimal(0))

    def available(self, which: Account) -> Decimal:
        """Return what an account may give."""
        return -self.amounts[which] - self.held(which)

    def refusal(self, drafts: Sequence[Draft], *, undoes: Posted | None = None) -> type | None:
        """Return the error that posting these entries together must raise, or None."""
        if undoes is not None and undoes.reversed:
            return AlreadyReversed
        for draft in drafts:
            moment = draft.occurred_at
            if moment is not None and self.closed_before and moment < self.closed_before:
                return PeriodClosed
        taken: dict[Account, list[tuple[Decimal, bool]]] = defaultdict(list)
        for draft in drafts:
            for line in draft.lines:
                taken[account(line)].append((line.amount, draft.forced))
        used = [self.holds[draft.hold_id] for draft in drafts if draft.hold_id]
        for which, amounts in taken.items():
            freed = sum((hold.amount for hold in used if hold.account == which), Decimal(0))
            left = self.available(which) + freed - sum(amount for amount, _ in amounts)
            guarded, forcible = _GUARDS[which[0]]
            gives_only = all(amount <= 0 for amount, _ in amounts)
            by_force = forcible and all(forced or amount <= 0 for amount, forced in amounts)
            if guarded and left < 0 and not gives_only and not by_force:
                return InsufficientFunds
        return None

    def post(self, entry_id: UUID, draft: Draft) -> None:
        """Do what an entry does."""
        for line in draft.lines:
            self.amounts[account(line)] += line.amount
        if draft.hold_id is not None:
            del self.holds[draft.hold_id]
        self.posted.append(Posted(entry_id, draft))
