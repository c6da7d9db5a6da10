"""What people do about a break: take it over, remark on it, write it off with somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests
from approvals.events import ApprovalGranted, ApprovalRejected
from approvals.models import Approval
from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.money import Money
from kernel.viewer import Viewer
from ledger import bookings, chart, entries
from ledger.bookings import Account
from ledger.lines import Line, credit, debit
from treasury.reconciliation import books, queries, runs
from treasury.reconciliation.models import ReconciliationBreak

KIND: Final = "treasury.write_off"
PERMISSION: Final = "treasury.reconciliation.approve"
_REASON_MIN: Final = 5


class BreakClosed(Conflict):
    """The break is closed or written off already."""

    code = "break_closed"
    message = "This break is closed already. Reload the page."


async def take_over(session: TenantSession, *, break_id: UUID, viewer: Viewer) -> None:
    """Make the viewer a break's owner. Raises NotFound and BreakClosed."""
    row = await _open(session, break_id)
    before = row.owner_label
    row.owner_id, row.owner_label = viewer.id, viewer.name[:120]
    runs.step(session, row.id, "taken over", f"Before: {before}" if before else "")
    _audit(session, row, "taken", after={"owner_id": str(viewer.id)})


async def remark(session: TenantSession, *, break_id: UUID, text: str) -> None:
    """Add what somebody found out. Raises NotFound, BreakClosed and InvalidInput."""
    row = await _open(session, break_id)
    if not text.strip():
        raise InvalidInput({"text": "Write what you found out."})
    runs.step(session, row.id, "remark", text.strip())
    _audit(session, row, "remarked")


async def ask_write_off(session: TenantSession, *, break_id: UUID, reason: str) -> Approval:
    """Ask somebody else to give a difference up; an earlier question is replaced.

    What is booked is part of the question. Raises NotFound, BreakClosed, and InvalidInput without
    a reason or for what is only on its way.
    """
    row = await _open(session, break_id)
    if row.kind == "in-transit":
        raise InvalidInput({"reason": "This is on its way. Wait until it is missing."})
    if len(reason.strip()) < _REASON_MIN:
        raise InvalidInput({"reason": "Say why, for whoever agrees and for the trail."})
    amount = Money(row.difference, row.currency)
    return await requests.open(
        session,
        kind=KIND,
        subject=("reconciliation_break", row.id),
        content=await _content(session, row) | {"reason": reason.strip()[:200]},
        summary=f"Write off {row.reference}, {row.kind} of {amount}",
        permission=PERMISSION,
    )


async def _content(session: TenantSession, row: ReconciliationBreak) -> dict[str, Any]:
    """Return what is written off, and the account that it is taken from."""
    account = await _account(session, row)
    content = {
        "break": row.reference,
        "kind": row.kind,
        **Money(row.difference, row.currency).as_json(),
        "books": str(_booked(row)) if account is not None else "0",
        "entry": _entry_kind(row),
    }
    if account is not None:
        content |= {"code": account[0], "owner": f"{account[1][0]}:{account[1][1]}"}
    return content


def _entry_kind(row: ReconciliationBreak) -> str:
    """Return the kind of the entry, by which the next run knows what it is for."""
    if row.key.startswith("fee:"):
        return "psp_fee"
    return "chargeback_write_off" if row.kind == "chargeback" else books.MENDING


def _booked(row: ReconciliationBreak) -> Decimal:
    """Return what the account on the book's side gets more, debit positive for a clearing one."""
    if row.kind == "missing-right":
        return -row.difference
    if row.kind == "duplicate":
        return Decimal(0) if row.side == "ledger" else row.difference
    if row.key.startswith("fee:"):
        return -row.difference
    if row.kind == "chargeback":
        return -row.difference if row.side == "psp" else row.difference
    return row.difference


async def _account(session: TenantSession, row: ReconciliationBreak) -> Account | None:
    """Return the account whose difference is given up; None where the book can't name one."""
    if row.kind in ("unallocated", "duplicate"):
        return None
    if row.payment.startswith("account "):
        return bookings.trading_account(row.place)
    if row.side == "platform" or (row.amount_psp is None and row.side != "psp"):
        return None
    connection_id = await queries.connection_of(session, row.payment)
    return None if connection_id is None else bookings.clearing(connection_id)


async def on_granted(session: TenantSession, event: ApprovalGranted) -> None:
    """Write off what somebody else has agreed to, once; one that is gone meanwhile stays so."""
    if event.approval_kind != KIND:
        return
    approval = await approval_queries.approval(session, event.approval_id)
    row = await queries.locked_break(session, event.subject_id)
    if approval is None or row is None or row.state != "open":
        return
    content: Mapping[str, Any] = approval.content
    subject = ("reconciliation_break", row.id)
    await requests.require_granted(session, kind=KIND, subject=subject, content=content)
    if (str(row.difference.normalize()), row.kind) != (
        str(Decimal(content["amount"]).normalize()),
        content["kind"],
    ):
        runs.step(session, row.id, "not written off", "It has changed since; ask anew.")
        return
    lines = _lines(content)
    if lines:
        row.entry_id = await entries.post(
            session,
            key=f"write-off:{row.id}",
            kind=content["entry"],
            lines=lines,
            reference=row.payment if not row.payment.startswith("account ") else row.reference,
            forced=True,
        )
    row.state, row.closed_at = "written_off", now()
    row.closed_reason = content["reason"][:200]
    runs.step(session, row.id, "written off", row.closed_reason)
    _audit(session, row, "written_off", after={"state": "written_off"}, reason=row.closed_reason)


def _lines(content: Mapping[str, Any]) -> list[Line]:
    amount = Money(Decimal(content["books"]), content["currency"])
    if not amount.amount:
        return []
    kind, _, owner = content["owner"].partition(":")
    if content["code"] == chart.TRADING_ACCOUNT:
        # What the client has more on the server is owed more, and the other way round.
        amount = -amount
    against = chart.PSP_FEE if content["entry"] == "psp_fee" else chart.RECONCILIATION
    return [
        debit(content["code"], (kind, owner), amount),
        credit(against, chart.HOUSE, amount),
    ]


async def on_rejected(session: TenantSession, event: ApprovalRejected) -> None:
    """Keep in the break's trail that somebody else has refused."""
    if event.approval_kind == KIND:
        runs.step(session, event.subject_id, "write-off refused", event.reason)


async def _open(session: TenantSession, break_id: UUID) -> ReconciliationBreak:
    row = await queries.locked_break(session, break_id)
    if row is None:
        raise NotFound
    if row.state != "open":
        raise BreakClosed
    return row


def _audit(
    session: TenantSession,
    row: ReconciliationBreak,
    what: str,
    *,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        f"treasury.break_{what}",
        subject=("reconciliation_break", row.id),
        after=after,
        reason=reason,
    )
