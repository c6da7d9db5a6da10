"""What becomes of a statement's lines: settled deposits, providers' settlements, or suspense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID

from kernel.clock import now
from kernel.database import TenantSession
from kernel.journal import Journal
from kernel.money import Money
from ledger import bookings, chart, entries
from ledger import queries as ledger_queries
from ledger.lines import Draft, Line, Owner, credit, debit
from treasury import queries as treasury_queries
from treasury import settlements
from treasury.banks import queries, rules
from treasury.banks.accounts import ledger_code
from treasury.banks.models import BankAccount, BankLine
from treasury.banks.rules import Candidate, Judgement
from treasury.models import Deposit
from treasury.settlements import Settlement

_STEPS = Journal(
    "bank_line_step",
    {
        "line_id": "uuid",
        "from_state": "text",
        "to_state": "text",
        "reason": "text",
        "actor": "text",
    },
)
_AT_ONCE = 1_000
_NOON = time(12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    """What lines are compared with, read once for an import."""

    accounts: Mapping[UUID, BankAccount]
    senders: list[tuple[str, UUID]]
    closed_before: datetime | None
    candidates: dict[str, dict[UUID, Candidate]]
    shown: set[tuple[UUID, Decimal]]


async def receive(
    session: TenantSession, fresh: Sequence[BankLine], accounts: Mapping[UUID, BankAccount]
) -> Counter[str]:
    """Book new lines by what they turn out to be; return how many became what."""
    known = _Known(
        accounts,
        [(one.words, one.connection_id) for one, _ in await queries.senders(session)],
        await ledger_queries.closed_before(session),
        {},
        set(),
    )
    drafts: list[Draft] = []
    booked: list[BankLine] = []
    settled: list[Settlement] = []
    for line in fresh:
        await _judge(session, line, known)
        deposit = await _deposit(session, line, known)
        if deposit is not None:
            amount = Money(line.amount, line.currency)
            settled.append(
                settlements.settlement_of(deposit, amount, None, line.reference, line.reason)
            )
        lines = await _lines(session, line, known)
        if lines:
            drafts.append(_draft(line, lines, known.closed_before))
            booked.append(line)
    await settlements.settle(session, settled)
    for start in range(0, len(drafts), _AT_ONCE):
        part = booked[start : start + _AT_ONCE]
        ids = await entries.post_batch(session, drafts=drafts[start : start + _AT_ONCE])
        for line, entry_id in zip(part, ids, strict=True):
            line.entry_id = entry_id
    session.add_all(fresh)
    await session.flush()
    for line in fresh:
        step(session, line, None, line.reason)
    return Counter(line.state for line in fresh)


def owner_of(account: BankAccount) -> Owner:
    """Return the owner of a bank account's account in the book."""
    return ("bank", account.ledger_owner)


def step(session: TenantSession, line: BankLine, before: str | None, reason: str) -> None:
    """Write one line into a line's trail."""
    _STEPS.add(
        session,
        line_id=line.id,
        from_state=before,
        to_state=line.state,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )


def effective(line: BankLine, closed_before: datetime | None) -> datetime | None:
    """Return the moment a line's entry counts from; now when its day is closed or not over."""
    moment = datetime.combine(line.booked_on, _NOON)
    if moment > now() or (closed_before is not None and moment < closed_before):
        return None
    return moment


def _texts(line: BankLine) -> str:
    return f"{line.end_to_end} {line.purpose} {line.bank_reference}"


async def _judge(session: TenantSession, line: BankLine, known: _Known) -> None:
    """Say what a line is for; its state is one that is reached without a person."""
    account = known.accounts[line.bank_account_id]
    connection_id = rules.sender_of(line.party_name, _texts(line), known.senders)
    if connection_id is not None:
        line.connection_id = connection_id
        _become(line, "settlement", 100, "A provider's settlement, by its name.")
        return
    if await _booked_before(session, line, account, known):
        return
    if line.amount < 0:
        _become(line, "suspense", 0, "Money that left: say what for.")
        return
    if line.currency not in known.candidates:
        found = await queries.candidates(session, currency=line.currency)
        known.candidates[line.currency] = {one.deposit_id: one for one in found}
    waiting = known.candidates[line.currency]
    judged = rules.judge(
        Money(line.amount, line.currency), _texts(line), line.party_name, waiting.values()
    )
    _apply(line, judged)


async def _booked_before(
    session: TenantSession, line: BankLine, account: BankAccount, known: _Known
) -> bool:
    """Know what the book has already: a top-up, or a payout that a connection has sent."""
    for prefix in ("TOP", "WDR"):
        named = rules.named(prefix, _texts(line))
        if not named:
            continue
        for entry_id, kind, code, owner in await queries.entries_of_reference(
            session, reference=named, amount=line.amount
        ):
            if (entry_id, line.amount) in known.shown:
                continue
            if (code, owner) == (ledger_code(account), account.ledger_owner):
                known.shown.add((entry_id, line.amount))
                line.entry_id = entry_id
                _become(line, "known", 100, f"Booked before as {named}.")
                return True
            if (kind, code) == ("withdrawal_paid", chart.PSP_CLEARING):
                known.shown.add((entry_id, line.amount))
                line.connection_id = UUID(owner)
                _become(line, "settlement", 100, f"The transfer of {named}.")
                return True
    return False


def _apply(line: BankLine, judged: Judgement) -> None:
    line.deposit_id = judged.deposit_id
    line.third_party = judged.third_party
    state = "matched" if judged.action == "settle" else "suspense"
    _become(line, state, judged.score, judged.reason)


def _become(line: BankLine, state: str, score: int, reason: str) -> None:
    line.state, line.score, line.reason = state, score, reason[:200]


async def _deposit(session: TenantSession, line: BankLine, known: _Known) -> Deposit | None:
    """Lock the deposit that a line settles; the line waits if it does not wait any more."""
    if line.state != "matched" or line.deposit_id is None:
        return None
    known.candidates[line.currency].pop(line.deposit_id, None)
    deposit = await treasury_queries.locked_deposit(session, line.deposit_id)
    if deposit is None or deposit.state not in queries.WAITING:
        _become(line, "suspense", line.score, "The deposit was settled in the meantime.")
        return None
    line.connection_id = deposit.connection_id
    return deposit


async def _lines(session: TenantSession, line: BankLine, known: _Known) -> list[Line]:
    """Return the lines that book a statement's line; none for what is booked already."""
    account = known.accounts[line.bank_account_id]
    amount = Money(line.amount, line.currency)
    bank = debit(ledger_code(account), owner_of(account), amount)
    if line.state == "known":
        return []
    if line.state in ("settlement", "matched") and line.connection_id is not None:
        return [bank, credit(*bookings.clearing(line.connection_id), amount)]
    returned = rules.named("RET", _texts(line)) if line.amount < 0 else ""
    if returned and await _sent_back(session, line, returned):
        _become(line, "known", 100, f"Sent back as {returned}.")
    return [bank, credit(chart.SUSPENSE, chart.HOUSE, amount)]


async def _sent_back(session: TenantSession, line: BankLine, returned: str) -> bool:
    """Close the line whose money has left again; its entry takes it out of suspense."""
    first = await queries.returning_line(session, reference=returned)
    if first is None or (first.amount, first.currency) != (-line.amount, line.currency):
        return False
    first.state = "released"
    step(session, first, "returning", f"Sent back as {returned}.")
    return True


def _draft(line: BankLine, lines: list[Line], closed_before: datetime | None) -> Draft:
    return Draft(
        key=f"bank-line:{line.id}",
        kind="psp_settlement" if line.state == "settlement" else "bank_line",
        lines=lines,
        reference=line.reference,
        external_reference=f"bank:{line.reference}",
        occurred_at=effective(line, closed_before),
    )
