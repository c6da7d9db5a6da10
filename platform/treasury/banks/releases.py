"""Money leaves suspense by four eyes: one person says where to, another one agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests
from approvals.events import ApprovalGranted, ApprovalRejected
from approvals.models import Approval
from identity import audit
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import reference
from kernel.money import Money
from ledger import bookings, chart, entries
from ledger import queries as ledger_queries
from ledger.lines import Line, credit, debit
from treasury import queries as treasury_queries
from treasury import settlements
from treasury.banks import lines, queries
from treasury.banks.models import BankLine

KIND: Final = "treasury.suspense_release"
PERMISSION: Final = "treasury.bank.approve"
# Where a line that is no client's deposit may be booked to.
ACCOUNTS: Final = {
    chart.FEES: "Fees (income)",
    chart.PSP_FEE: "Payment providers' fees (expense)",
    chart.CHARGEBACK: "Chargebacks (expense)",
    chart.RECONCILIATION: "Differences written off (expense)",
    chart.TAX: "Taxes",
    chart.OPENING: "Capital and opening balances",
    chart.PSP_CLEARING: "A provider's clearing account",
    chart.BANK: "Clients' bank: it was booked there already, such as a payout by hand",
}
_REASON_MIN = 5


class NotInSuspense(Conflict):
    """The line is not in suspense any more."""

    code = "bank_line_not_in_suspense"
    message = "This line is not in suspense any more. Reload the page."


@dataclass(frozen=True, slots=True)
class Target:
    """Where money is to go: a deposit, back to its sender, or an account of the book.

    `account` is one of ACCOUNTS; `connection_id` says whose clearing account.
    """

    to: str
    deposit: str = ""
    account: str = ""
    connection_id: UUID | None = None


async def ask(session: TenantSession, *, line_id: UUID, target: Target, reason: str) -> Approval:
    """Ask somebody else to let a line out of suspense; an earlier question is replaced.

    Raises NotFound, NotInSuspense, and InvalidInput naming each field that is wrong.
    """
    line = await queries.locked_line(session, line_id)
    if line is None:
        raise NotFound
    if line.state != "suspense":
        raise NotInSuspense
    content = await _content(session, line, target, reason)
    amount = Money(line.amount, line.currency)
    words = {
        "deposit": f"deposit {content.get('deposit')}",
        "return": "back to the sender",
        "account": ACCOUNTS.get(target.account, ""),
    }[target.to]
    return await requests.open(
        session,
        kind=KIND,
        subject=("bank_line", line.id),
        content=content,
        summary=f"Release {line.reference}, {amount}: {words}",
        permission=PERMISSION,
    )


async def _content(
    session: TenantSession, line: BankLine, target: Target, reason: str
) -> dict[str, Any]:
    errors = {}
    content: dict[str, Any] = {"to": target.to, **Money(line.amount, line.currency).as_json()}
    if target.to == "deposit":
        found = await treasury_queries.deposit_by_reference(session, reference=target.deposit)
        if found is None:
            errors["deposit"] = "There is no deposit of this reference."
        elif line.amount < 0 or found.currency != line.currency:
            errors["deposit"] = f"This deposit is not paid by {line.amount:+.2f} {line.currency}."
        elif found.state not in queries.WAITING:
            errors["deposit"] = f"This deposit is {found.state}: it waits for no money."
        else:
            content |= {"deposit": found.reference, "deposit_id": str(found.id)}
    elif target.to == "return":
        if line.amount < 0:
            errors["to"] = "Money that left can't be sent back."
    elif target.to == "account":
        content["account"] = target.account
        if target.account not in ACCOUNTS:
            errors["account"] = "Choose an account."
        if target.account == chart.PSP_CLEARING:
            known = {found for found, _ in await queries.connections(session)}
            content["connection_id"] = str(target.connection_id)
            if target.connection_id not in known:
                errors["connection"] = "Choose the provider."
    else:
        errors["to"] = "Choose where the money goes."
    if len(reason.strip()) < _REASON_MIN:
        errors["reason"] = "Say why, for whoever agrees and for the trail."
    if errors:
        raise InvalidInput(errors)
    return content | {"reason": reason.strip()[:200]}


async def on_granted(session: TenantSession, event: ApprovalGranted) -> None:
    """Do what somebody else has agreed to, once; what can't be done any more stays in suspense."""
    if event.approval_kind != KIND:
        return
    approval = await approval_queries.approval(session, event.approval_id)
    line = await queries.locked_line(session, event.subject_id)
    if approval is None or line is None or line.state != "suspense":
        return
    content: Mapping[str, Any] = approval.content
    subject = ("bank_line", line.id)
    await requests.require_granted(session, kind=KIND, subject=subject, content=content)
    before = line.state
    if content["to"] == "return":
        line.state = "returning"
        line.return_reference = reference("RET")
        said = f"To be sent back; write {line.return_reference} into the transfer."
    elif content["to"] == "deposit":
        said = await _to_deposit(session, line, UUID(content["deposit_id"]))
    else:
        said = await _to_account(session, line, content)
    line.reason = said[:200]
    await session.flush()
    lines.step(session, line, before, said)
    audit.record(
        session,
        "treasury.suspense_released",
        subject=subject,
        before={"state": before},
        after={"state": line.state, "to": content["to"]},
        reason=content["reason"],
    )


async def on_rejected(session: TenantSession, event: ApprovalRejected) -> None:
    """Keep in the line's trail that somebody else has refused."""
    if event.approval_kind != KIND:
        return
    line = await queries.locked_line(session, event.subject_id)
    if line is not None:
        lines.step(session, line, line.state, f"Release refused: {event.reason}")


async def _to_deposit(session: TenantSession, line: BankLine, deposit_id: UUID) -> str:
    deposit = await treasury_queries.locked_deposit(session, deposit_id)
    if deposit is None or deposit.state not in queries.WAITING:
        return "The deposit waits for no money any more: nothing was released."
    amount = Money(line.amount, line.currency)
    connection_id = deposit.connection_id
    said = f"Released to deposit {deposit.reference}."
    await _post(session, line, bookings.move(_SUSPENSE, bookings.clearing(connection_id), amount))
    paid = settlements.settlement_of(deposit, amount, None, line.reference, said)
    await settlements.settle(session, [paid])
    line.deposit_id, line.connection_id, line.state = deposit_id, connection_id, "released"
    return said


async def _to_account(session: TenantSession, line: BankLine, content: Mapping[str, Any]) -> str:
    code = content["account"]
    owner = chart.HOUSE
    if code == chart.PSP_CLEARING:
        line.connection_id = UUID(content["connection_id"])
        owner = ("psp", content["connection_id"])
    elif code == chart.BANK:
        owner = chart.MAIN_BANK
    amount = Money(line.amount, line.currency)
    await _post(session, line, [debit(*_SUSPENSE, amount), credit(code, owner, amount)])
    line.state = "released"
    return f"Released to {ACCOUNTS[code]}."


_SUSPENSE = (chart.SUSPENSE, chart.HOUSE)


async def _post(session: TenantSession, line: BankLine, booked: list[Line]) -> None:
    line.release_entry_id = await entries.post(
        session,
        key=f"bank-release:{line.id}",
        kind="suspense_release",
        lines=booked,
        reference=line.reference,
        occurred_at=lines.effective(line, await ledger_queries.closed_before(session)),
    )
