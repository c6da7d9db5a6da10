"""A list's state read for deposits: what it narrows them to, and the page beside a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from kernel.database import ReadSession, TenantSession
from kernel.slices import PAGE
from kernel.web.cursors import Key, Window, read_cursor, window
from kernel.web.table import Range, State
from treasury import queries
from treasury.queries import DepositFilter, DepositRow


def narrowed(state: State, **also: Any) -> DepositFilter:
    """Return what a list of deposits is narrowed to by its typed filters, and `also` otherwise."""
    amounts = state.ranges.get("amount", Range(None, None))
    created = state.ranges.get("created", Range(None, None))
    settled = state.ranges.get("settled", Range(None, None))
    return DepositFilter(
        search=state.search,
        since=_midnight(created.low),
        until=_midnight(created.high, 1),
        settled_since=_midnight(settled.low),
        settled_until=_midnight(settled.high, 1),
        smallest=amounts.low if isinstance(amounts.low, Decimal) else None,
        largest=amounts.high if isinstance(amounts.high, Decimal) else None,
        connection=state.texts.get("provider", ""),
        provider_reference=state.texts.get("payment", ""),
        **also,
    )


def _midnight(day: object, days: int = 0) -> datetime | None:
    """Return the start of a day, or of one some days later, in UTC."""
    if not isinstance(day, date):
        return None
    return datetime.combine(day + timedelta(days=days), time(), UTC)


async def page(
    session: TenantSession | ReadSession, state: State, *, wanted: DepositFilter
) -> Window[DepositRow]:
    """Return a page of a list of deposits."""
    kind = state.table.column(state.sorted_by).kind
    at = read_cursor(state.after or state.before, "text" if kind == "choice" else kind)
    backwards = at is not None and not state.after
    rows = await queries.deposit_slice(
        session,
        narrowed=wanted,
        order=state.sorted_by,
        descending=state.descending is not backwards,
        after=(at.value, at.id) if at else None,
        limit=PAGE + 1,
    )
    key = _KEYS[state.sorted_by]
    return window(
        rows,
        size=PAGE,
        key=lambda row: (key(row), row.id),
        backwards=backwards,
        position=at.position if at else 0,
    )


_KEYS: dict[str, Callable[[DepositRow], Key]] = {
    "created": lambda row: row.created_at,
    "reference": lambda row: row.reference,
    "client": lambda row: row.client_name,
    "state": lambda row: row.state,
    "provider": lambda row: row.connection,
    "amount": lambda row: (row.settled or row.amount).amount,
}
