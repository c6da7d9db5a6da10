"""A run compares all sides, opens what is new, and closes what is gone with its cause."""

from __future__ import annotations

import time as clocks
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import reference, uuid7
from kernel.journal import Journal
from kernel.money import Money
from treasury.reconciliation import books, client_money, queries
from treasury.reconciliation.matching import Break, Windows
from treasury.reconciliation.models import ReconciliationBreak, ReconciliationRun

LOOKBACK: Final = timedelta(days=14)
_FRESH: Final = timedelta(hours=36)
_STEPS = Journal(
    "reconciliation_step",
    {"break_id": "uuid", "fact": "text", "detail": "text", "actor": "text"},
)
_CAUSES: Final[Mapping[str, str]] = {
    "missing-left": "The book has it now.",
    "missing-right": "The other side has it now.",
    "in-transit": "It has arrived.",
    "amount": "The amounts agree now.",
    "duplicate": "It stands there once now.",
    "chargeback": "Both sides have booked it.",
    "unallocated": "It was allocated.",
}


@dataclass(frozen=True, slots=True)
class Done:
    """A run that was kept, and what it found."""

    run: ReconciliationRun
    breaks: tuple[Break, ...]

    @property
    def open(self) -> int:
        """How many breaks somebody must act on."""
        return sum(one.open for one in self.breaks)


def cut_of(day: date) -> datetime:
    """Return the moment at which a day ends, in UTC; now while it has not ended."""
    return min(datetime.combine(day + timedelta(days=1), time(), UTC), now())


async def reconcile(
    session: TenantSession,
    *,
    day: date,
    kind: Literal["nightly", "demand"] = "demand",
    windows: Windows | None = None,
) -> Done:
    """Compare the books as of the end of a day and keep what is found; run again at will.

    A look back, behind what a run has compared already, is kept as a run but opens and closes no
    break: what was still on its way then may have arrived since. Raises InvalidInput for a day
    that has not begun.
    """
    started = clocks.monotonic()
    if day > now().date():
        raise InvalidInput({"day": "Choose a day that has begun."})
    await queries.lock(session)
    cut = cut_of(day)
    since = cut - LOOKBACK
    known: Sequence[ReconciliationBreak] = await queries.open_breaks(session)
    also = {one.payment for one in known if one.payment}
    result, judged = await books.compare(session, since=since, cut=cut, also=also, windows=windows)
    accounts, differing = await books.equity_breaks(session, cut=cut, windows=windows)
    left = await queries.written_off(session)
    found = [
        one for one in (*result.breaks, *differing) if (one.key, one.difference.amount) not in left
    ]
    run = ReconciliationRun(
        id=uuid7(),
        day=day,
        kind=kind,
        since=since,
        cut=cut,
        matched=result.matched,
        broken=sum(one.open for one in found),
        in_transit=sum(not one.open for one in found),
        accounts=accounts,
        accounts_differing=len(differing),
        actor=session.info["actor"].label[:120],
    )
    newest = await queries.newest_cut(session)
    back = newest is not None and cut < newest
    by_key = {} if back else {one.key: one for one in found}
    known = () if back else known
    gone = [one for one in known if one.key not in by_key and _judged(one, judged, since)]
    fresh = [one for key, one in by_key.items() if key not in {old.key for old in known}]
    run.opened, run.closed = len(fresh), len(gone)
    run.milliseconds = int((clocks.monotonic() - started) * 1000)
    session.add(run)
    await session.flush()
    await _open(session, run, fresh)
    _renew(session, run, known, by_key)
    _close(session, run, gone)
    if now() - cut < _FRESH:
        await client_money.keep(session, run)
    audit.record(
        session,
        "treasury.reconciliation_run",
        subject=("reconciliation_run", run.id),
        after={"day": str(day), "matched": run.matched, "broken": run.broken, "opened": run.opened},
    )
    await session.flush()
    return Done(run, tuple(found))


def step(session: TenantSession, break_id: object, fact: str, detail: str) -> None:
    """Write a line into a break's trail."""
    _STEPS.add(
        session,
        break_id=break_id,
        fact=fact,
        detail=detail[:300],
        actor=session.info["actor"].label[:120],
    )


def _judged(one: ReconciliationBreak, judged: set[str], since: datetime) -> bool:
    """Say whether a run has looked at what a break is about."""
    if one.payment.startswith("account ") or one.payment in judged:
        return True
    return one.kind == "unallocated" and (one.side == "psp" or one.occurred_at >= since)


async def _open(session: TenantSession, run: ReconciliationRun, fresh: Sequence[Break]) -> None:
    rows = [
        ReconciliationBreak(
            id=uuid7(),
            reference=reference("BRK"),
            key=one.key[:200],
            payment=one.id[:120],
            place=one.place[:120],
            opened_run_id=run.id,
            last_run_id=run.id,
            state="open",
            owner_label="",
            **_said(one),
        )
        for one in fresh
    ]
    session.add_all(rows)
    await session.flush()
    for row in rows:
        step(session, row.id, "opened", row.detail)


def _said(one: Break) -> dict[str, Any]:
    amounts = {side: money.amount for side, money in one.amounts.items()}
    return {
        "kind": one.kind,
        "side": one.side,
        "currency": one.difference.currency,
        "amount_ledger": amounts.get("ledger"),
        "amount_platform": amounts.get("platform"),
        "amount_psp": amounts.get("psp"),
        "difference": one.difference.amount,
        "detail": one.detail[:300],
        "correction": one.correction.text[:300],
        "correction_lines": [
            {"code": leg.code, "amount": str(leg.amount.amount), "currency": leg.amount.currency}
            for leg in one.correction.legs
        ],
        "occurred_at": one.at,
    }


def _renew(
    session: TenantSession,
    run: ReconciliationRun,
    known: Sequence[ReconciliationBreak],
    by_key: Mapping[str, Break],
) -> None:
    """Bring breaks that are still there up to date; what changed is a step."""
    for row in known:
        one = by_key.get(row.key)
        if one is None:
            continue
        if (row.kind, row.difference) != (one.kind, one.difference.amount):
            was = Money(row.difference, row.currency)
            step(
                session,
                row.id,
                "changed",
                f"{row.kind} of {was} is {one.kind} of {one.difference} now.",
            )
        row.last_run_id = run.id
        for name, value in _said(one).items():
            setattr(row, name, value)


def _close(
    session: TenantSession, run: ReconciliationRun, gone: Sequence[ReconciliationBreak]
) -> None:
    for row in gone:
        row.state, row.closed_at = "closed", now()
        row.last_run_id = run.id
        row.closed_reason = _CAUSES.get(row.kind, "It is gone.")
        step(session, row.id, "closed", row.closed_reason)
