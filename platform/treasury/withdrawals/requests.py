"""Asking for money: checked and split before, proved by a code, set aside at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from approvals import requests as approvals
from clients import queries as client_queries
from clients.models import Client
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import reference, uuid7
from kernel.language import gettext, marked
from kernel.money import Money
from ledger import chart, holds
from themes.formats import money_text
from treasury.withdrawals import facts, policies, queries, rules, transitions
from treasury.withdrawals.codes import Proof
from treasury.withdrawals.events import WithdrawalRequested
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal, WithdrawalPart
from treasury.withdrawals.rules import Facts, Part, Problem

KIND = "withdrawal"


class WithdrawalBlocked(Conflict):
    """Something stands in the way; `problems` says what, and how to fix each."""

    code = "withdrawal_blocked"
    message = marked("This can't be paid out like this. See what stands in the way.")

    def __init__(self, problems: list[Problem]) -> None:
        """Keep what stands in the way."""
        super().__init__()
        self.problems = problems


class ProofMissing(Conflict):
    """The code was for something else, or for another person."""

    code = "withdrawal_proof_missing"
    message = marked("The amount or the payee has changed. Ask for a new code.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of a wish: its parts, what stands in the way, what a code is bound to."""

    wish: Wish
    facts: Facts
    parts: list[Part]
    problems: list[Problem]
    flags: list[str]
    binding: str

    @property
    def fee(self) -> Money:
        """What the client pays for it."""
        total = sum((part.fee for part in self.parts), Money.of(0, "USD").amount)
        return Money(total, self.wish.amount.currency)

    @property
    def arrives(self) -> Money:
        """What reaches the client."""
        return self.wish.amount - self.fee


async def check(session: TenantSession | ReadSession, *, client: Client, wish: Wish) -> Plan:
    """Say what would become of a wish, without doing anything.

    Raises InvalidInput for an amount that can't be paid, NotFound for what is not the client's.
    """
    amount = wish.amount
    if amount.amount <= 0 or amount != amount.rounded():
        raise InvalidInput(
            {"amount": gettext("Enter an amount that %s can be paid in.") % amount.currency}
        )
    found, other = await facts.gather(session, client, wish)
    parts = rules.split(amount.amount, found.sources, found.payee, fee=found.fee)
    known = {found.payee.id: found.payee.fingerprint} if found.payee else {}
    return Plan(
        wish,
        found,
        parts,
        rules.problems(found),
        rules.flags(found, parts, other_currencies=other),
        rules.binding(amount, rules.payees(parts, known)),
    )


async def request(
    session: TenantSession, *, client: Client, wish: Wish, proof: Proof
) -> Withdrawal:
    """Write a withdrawal down and set its money aside; who has to agree is asked at once.

    The proof must be for exactly this amount, currency and payees, and makes one withdrawal: the
    same one comes back when it is shown again. Raises WithdrawalBlocked, ProofMissing,
    InsufficientFunds, and what `check` raises.
    """
    # Requests of one client come one after the other, so that what is counted stays true.
    await queries.lock_client(session, client.id)
    known = await queries.of_code(session, proof.id)
    if known is not None:
        return known
    plan = await check(session, client=client, wish=wish)
    if plan.problems:
        raise WithdrawalBlocked(plan.problems)
    if proof.binding != plan.binding or proof.user_id != client.user_id:
        raise ProofMissing
    made = await _written(session, client, plan, proof)
    await _ask(session, client, made)
    # Everything is sent, so that a kill here is a kill right before the commit.
    await session.flush()
    reach("treasury.withdrawal_before_request_commit")
    return made


async def cancel(session: TenantSession, *, client_id: UUID, withdrawal_id: UUID) -> Withdrawal:
    """Let a client take a withdrawal back while nobody has agreed to it yet.

    Raises NotFound for somebody else's and WithdrawalUnderWay once it is approved.
    """
    withdrawal = await queries.locked(session, withdrawal_id)
    if withdrawal is None or withdrawal.client_id != client_id:
        raise NotFound
    if withdrawal.state not in ("requested", "held"):
        raise WithdrawalUnderWay
    reason = "Taken back by the client."
    await approvals.void(session, kind=KIND, subject=(KIND, withdrawal.id), reason=reason)
    await release(session, withdrawal, reason=reason)
    await transitions.move(session, withdrawal, "cancelled", code="client", reason=reason)
    return withdrawal


class WithdrawalUnderWay(Conflict):
    """The withdrawal is approved, paid or closed."""

    code = "withdrawal_under_way"
    message = marked("This withdrawal is already under way or closed. Reload the page.")


async def release(session: TenantSession, withdrawal: Withdrawal, *, reason: str) -> None:
    """Give back what was set aside for a withdrawal of which nothing was booked."""
    for part in await queries.parts(session, withdrawal.id):
        if part.hold_id is not None and part.entry_id is None:
            await holds.void(session, hold_id=part.hold_id, reason=reason)


async def ask_approval(
    session: TenantSession, withdrawal: Withdrawal, *, staffed: bool = False
) -> bool:
    """Ask whoever has to agree, for exactly what the withdrawal is now; False when nobody has to.

    The client, their account manager and every login of the client's address are barred.
    `staffed` asks people in any case.
    """
    ladder = await policies.ladder(session)
    chain = rules.chain(withdrawal.base_amount, withdrawal.flags, ladder)
    if staffed and not chain:
        chain = [rules.APPROVE]
    if not chain:
        return False
    client = await client_queries.client(session, withdrawal.client_id)
    assert client is not None
    barred = {one for one in (client.user_id, client.owner_id) if one is not None}
    barred |= set(await queries.logins_of_address(session, client.email))
    await approvals.open(
        session,
        kind=KIND,
        subject=(KIND, withdrawal.id),
        content=await queries.content(session, withdrawal.id),
        summary=f"{withdrawal.reference}: pay {money_text(withdrawal.money)} to {client.reference}",
        permission=chain,
        barred=barred,
    )
    return True


async def _written(session: TenantSession, client: Client, plan: Plan, proof: Proof) -> Withdrawal:
    amount = plan.wish.amount
    worth, told = await facts.base_amount(session, amount)
    withdrawal = Withdrawal(
        id=uuid7(),
        reference=reference("WDR"),
        client_id=client.id,
        trading_account_id=plan.wish.account_id,
        amount=amount.amount,
        currency=amount.currency,
        base_amount=worth,
        state="requested",
        reason_code="requested",
        reason="",
        flags=[*plan.flags, *(() if told else ("no_rate",))],
        code_id=proof.id,
        promised_at=now() + rules.PROMISED,
        created_at=now(),
    )
    session.add(withdrawal)
    # Its parts refer to the row.
    await session.flush()
    for number, part in enumerate(plan.parts, start=1):
        session.add(await _part(session, withdrawal, number, part))
    # The content that somebody approves is read from the rows.
    await session.flush()
    transitions.begun(session, withdrawal)
    record(
        session,
        WithdrawalRequested(withdrawal.id, client.id, amount.amount, amount.currency),
    )
    return withdrawal


async def _part(
    session: TenantSession, withdrawal: Withdrawal, number: int, part: Part
) -> WithdrawalPart:
    made = WithdrawalPart(
        id=uuid7(),
        withdrawal_id=withdrawal.id,
        number=number,
        way=part.way,
        label=part.label[:120],
        amount=part.amount,
        fee=part.fee,
        currency=withdrawal.currency,
        connection_id=part.connection_id,
        deposit_id=part.deposit_id,
        destination_id=part.destination_id,
        state="waiting",
        reason="",
        attempt=0,
        misses=0,
    )
    if withdrawal.trading_account_id is None:
        # A guarded update: however many ask at once, no more is set aside than there is. Of a
        # trading account the server gives or refuses; the book learns of its results later.
        made.hold_id = await holds.reserve(
            session,
            key=f"withdrawal-hold:{made.id}",
            code=chart.CLIENT_WALLET,
            currency=withdrawal.currency,
            owner=("client", withdrawal.client_id),
            amount=part.amount,
            reference=withdrawal.reference,
        )
    return made


async def _ask(session: TenantSession, client: Client, withdrawal: Withdrawal) -> None:
    if await ask_approval(session, withdrawal):
        return
    await transitions.move(
        session,
        withdrawal,
        "approved",
        code="automatic",
        reason="Below the limit, to a known payee, nothing odd.",
    )
