"""Hot path: periods are closed and opened again by a function that waits for open postings.

The book is closed before a moment: entries dated before it are refused, whichever way they come.
Every act is appended with who did it and why.
"""

from __future__ import annotations

from datetime import datetime

from identity import audit
from kernel.database import TenantSession, driver, tagged
from kernel.errors import InvalidInput
from ledger import queries
from ledger.entries import actor_of
from ledger.errors import translated

_SET = "SELECT set_period_lock($1, $2, $3, $4)"
_REASON_MAX = 200


async def close(session: TenantSession, *, before: datetime, reason: str = "") -> int:
    """Close the book before a moment, at least a minute ago; return the number of the act.

    Raises PeriodUnchanged when the book is closed at least so far or the moment has not passed
    for a minute, and BookBusy when entries are being posted for longer than five seconds.
    """
    return await _set(session, "close", before, reason)


async def reopen(session: TenantSession, *, before: datetime | None, reason: str) -> int:
    """Leave the book closed only before an earlier moment, or open all of it with None.

    Returns the number of the act. Raises InvalidInput without a reason, PeriodUnchanged when the
    book is open from there on already, and BookBusy as `close` does.
    """
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the period is opened again."})
    return await _set(session, "reopen", before, reason)


async def _set(session: TenantSession, act: str, before: datetime | None, reason: str) -> int:
    was = await queries.closed_before(session)
    with translated():
        number: int = await (await driver(session)).fetchval(
            tagged(session, _SET), act, before, reason.strip()[:_REASON_MAX], actor_of(session)
        )
    audit.record(
        session,
        "ledger.period_closed" if act == "close" else "ledger.period_reopened",
        subject=("period_lock", str(number)),
        before={"closed_before": was.isoformat() if was else None},
        after={"closed_before": before.isoformat() if before else None},
        reason=reason.strip()[:_REASON_MAX] or None,
    )
    return number
