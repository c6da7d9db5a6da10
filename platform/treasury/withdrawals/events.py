"""What happens to withdrawals that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class WithdrawalRequested(Event):
    """A client wants to have money; it is set aside."""

    topic: ClassVar[str] = "treasury.withdrawal_requested"
    withdrawal_id: UUID
    client_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class WithdrawalApproved(Event):
    """Everybody who had to has agreed: the money may be given up."""

    topic: ClassVar[str] = "treasury.withdrawal_approved"
    withdrawal_id: UUID
    client_id: UUID


@dataclass(frozen=True)
class WithdrawalPaying(Event):
    """The book has given the money up: its parts may be paid."""

    topic: ClassVar[str] = "treasury.withdrawal_paying"
    withdrawal_id: UUID
    client_id: UUID


@dataclass(frozen=True)
class PayoutAsked(Event):
    """A provider said something about a payout that only an answer to a question proves."""

    topic: ClassVar[str] = "treasury.payout_asked"
    part_id: UUID


@dataclass(frozen=True)
class WithdrawalPaid(Event):
    """What could be paid is paid; `returned` of it came back to the wallet."""

    topic: ClassVar[str] = "treasury.withdrawal_paid"
    withdrawal_id: UUID
    client_id: UUID
    amount: Decimal
    returned: Decimal
    currency: str


@dataclass(frozen=True)
class WithdrawalClosed(Event):
    """Nothing is paid: rejected, cancelled or failed; the money is the client's again."""

    topic: ClassVar[str] = "treasury.withdrawal_closed"
    withdrawal_id: UUID
    client_id: UUID
    state: str
    code: str
    reason: str


@dataclass(frozen=True)
class WithdrawalHeld(Event):
    """A person has to look before it goes on."""

    topic: ClassVar[str] = "treasury.withdrawal_held"
    withdrawal_id: UUID
    client_id: UUID
    reason: str
