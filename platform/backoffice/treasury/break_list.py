"""The list of breaks: filters, age, owner, chart and file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from litestar import Request

from identity.listings.listing import Found, Listing
from kernel.clock import now
from kernel.database import TenantSession
from kernel.slices import PAGE
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.cursors import Key, read_cursor, window
from kernel.web.table import Column, Range, State, Table
from treasury.reconciliation import queries
from treasury.reconciliation.matching import KINDS
from treasury.reconciliation.models import ReconciliationBreak
from treasury.reconciliation.queries import BreakFilter, BreakGroup
from treasury.reconciliation.records import SIDES

AnyRequest = Request[Any, Any, Any]
PATH = "/backoffice/reconciliation"
READ = "treasury.reconciliation.read"
KIND_WORDS = {
    "missing-left": "Missing in the book",
    "missing-right": "Missing outside",
    "amount": "Amount differs",
    "duplicate": "Duplicate",
    "chargeback": "Chargeback",
    "unallocated": "Unallocated",
    "in-transit": "In transit",
}
SIDE_WORDS = {"ledger": "Book", "platform": "Trading server", "psp": "Provider or bank"}
STATE_WORDS = {
    "open": ("Open", "warning"),
    "closed": ("Closed", "positive"),
    "written_off": ("Written off", "neutral"),
}
_TABS = {
    "open": "Open",
    "transit": "In transit",
    "closed": "Closed",
    "written_off": "Written off",
}
_AGES = (("1", "Under a day"), ("3", "1 to 3 days"), ("7", "3 to 7 days"), ("8", "Over 7 days"))
_REAL = tuple(kind for kind in KINDS if kind != "in-transit")
_SERIES = (
    ("Missing", ("missing-left", "missing-right"), "chart-1"),
    ("Amount", ("amount",), "chart-2"),
    ("Duplicate or chargeback", ("duplicate", "chargeback"), "chart-3"),
    ("Unallocated", ("unallocated",), "chart-4"),
)
TABLE = Table(
    name="breaks",
    path=PATH,
    columns=(
        Column("reference", "Break", sortable=True, pinned=True),
        Column(
            "kind",
            "Kind",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(KIND_WORDS.items()),
        ),
        Column("payment", "Payment", sortable=True, wide=True),
        Column(
            "side",
            "Shows at",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((side, SIDE_WORDS[side]) for side in SIDES),
        ),
        Column("owner", "Owner", sortable=True, wide=True),
        Column("difference", "Difference", "money", sortable=True, filtered=True, end=True),
        Column("since", "Age", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column(
            "state",
            "State",
            "choice",
            filtered=True,
            shown=False,
            choices=(
                *((key, word[0]) for key, word in STATE_WORDS.items()),
                ("transit", "Transit"),
            ),
        ),
        Column("age", "Age group", "choice", filtered=True, shown=False, choices=_AGES),
        Column(
            "owned",
            "Owned by",
            "choice",
            filtered=True,
            shown=False,
            choices=(("me", "Me"), ("nobody", "Nobody")),
        ),
        Column("correction", "Correction", shown=False),
        Column("detail", "What is wrong", shown=False),
        Column("book", "The book says", "money", shown=False),
        Column("server", "The server says", "money", shown=False),
        Column("provider", "The provider says", "money", shown=False),
    ),
    sort="since",
)


def entry_of(row: ReconciliationBreak) -> str:
    """Return the entry that would mend a break, as accountants write it."""
    legs = []
    for leg in row.correction_lines:
        amount = Decimal(leg["amount"])
        side = "Dr" if amount > 0 else "Cr"
        legs.append(f"{side} {leg['code']} {abs(amount):,.2f} {leg['currency']}")
    return ", ".join(legs)


def _amounts(value: Decimal | None) -> tuple[export.Cell, ...]:
    return (None if value is None else value.normalize(),)


_CELLS: dict[str, Callable[[ReconciliationBreak], tuple[export.Cell, ...]]] = {
    "reference": lambda row: (row.reference,),
    "kind": lambda row: (row.kind,),
    "payment": lambda row: (row.payment or row.place,),
    "side": lambda row: (row.side,),
    "owner": lambda row: (row.owner_label,),
    "difference": lambda row: (*_amounts(row.difference), row.currency),
    "since": lambda row: (row.occurred_at,),
    "currency": lambda row: (row.currency,),
    "state": lambda row: (row.state,),
    "age": lambda row: (max((now() - row.occurred_at).days, 0),),
    "owned": lambda row: (row.owner_label,),
    "correction": lambda row: (f"{row.correction}: {entry_of(row)}".rstrip(": "),),
    "detail": lambda row: (row.detail,),
    "book": lambda row: _amounts(row.amount_ledger),
    "server": lambda row: _amounts(row.amount_platform),
    "provider": lambda row: _amounts(row.amount_psp),
}
_HEADS = {
    "difference": ("Difference", "Currency"),
    "since": ("Since (UTC)",),
    "age": ("Age in days",),
}
_KEYS: dict[str, Callable[[ReconciliationBreak], Key]] = {
    "since": lambda row: row.occurred_at,
    "reference": lambda row: row.reference,
    "payment": lambda row: row.payment,
    "kind": lambda row: row.kind,
    "side": lambda row: row.side,
    "owner": lambda row: row.owner_label,
    "difference": lambda row: row.difference,
}


def _narrowed(state: State, viewer: Viewer, *, places: bool = True) -> BreakFilter:
    """Return the filter; without `places` it leaves state and kind open, for the counts."""
    since = state.ranges.get("since", Range(None, None))
    amounts = state.ranges.get("difference", Range(None, None))
    wanted = state.choices.get("state", "open")
    kind = state.choices.get("kind", "")
    kinds: tuple[str, ...] = (kind,) if kind else (("in-transit",) if wanted == "transit" else ())
    if wanted == "open" and not kind:
        kinds = _REAL
    owned = state.choices.get("owned", "")
    older, newer = _ages(state.choices.get("age", ""))
    return BreakFilter(
        search=state.search,
        states=(("open",) if wanted in ("open", "transit") else (wanted,)) if places else (),
        kinds=kinds if places else (),
        side=state.choices.get("side", ""),
        currency=state.choices.get("currency", ""),
        owner_id=viewer.id if owned == "me" else None,
        unowned=owned == "nobody",
        since=since.low if isinstance(since.low, date) else None,
        until=since.high if isinstance(since.high, date) else None,
        smallest=amounts.low if isinstance(amounts.low, Decimal) else None,
        largest=amounts.high if isinstance(amounts.high, Decimal) else None,
        older_than=older,
        newer_than=newer,
    )


def _ages(group: str) -> tuple[datetime | None, datetime | None]:
    """Return the moments between which breaks of an age group began."""
    bounds = {"1": (None, 1), "3": (1, 3), "7": (3, 7), "8": (7, None)}.get(group)
    if bounds is None:
        return None, None
    moment = datetime.now(UTC)
    young, old = bounds
    older = None if young is None else moment - timedelta(days=young)
    return older, None if old is None else moment - timedelta(days=old)


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[ReconciliationBreak]:
    groups = await queries.break_groups(session, narrowed=_narrowed(state, viewer, places=False))
    context = {
        "tabs": _tabs(state, groups),
        "picks": _picks(groups),
        "totals": _totals(groups),
        "chart": await _chart(session),
        "legend": [{"label": label, "colour": colour} for label, _, colour in _SERIES],
        "runs": await queries.runs(session, limit=8),
        "kinds": KIND_WORDS,
        "sides": SIDE_WORDS,
        "may_run": viewer.may("treasury.reconciliation.request"),
        "today": now().date(),
    }
    return Found(await _page(session, viewer, state), _total(state, groups), context)


async def _page(session: TenantSession, viewer: Viewer, state: State) -> Any:  # noqa: ANN401
    kind = state.table.column(state.sorted_by).kind
    at = read_cursor(state.after or state.before, "text" if kind == "choice" else kind)
    backwards = at is not None and not state.after
    rows = await queries.break_slice(
        session,
        narrowed=_narrowed(state, viewer),
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


def _in_tab(state: State, group: BreakGroup) -> bool:
    wanted = state.choices.get("state", "open")
    transit = group.kind == "in-transit"
    if wanted in ("open", "transit"):
        return group.state == "open" and transit == (wanted == "transit")
    return group.state == wanted


def _total(state: State, groups: Sequence[BreakGroup]) -> int:
    kind = state.choices.get("kind", "")
    return sum(one.count for one in groups if _in_tab(state, one) and kind in ("", one.kind))


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    groups = await queries.break_groups(session, narrowed=_narrowed(state, viewer, places=False))
    return _total(state, groups)


async def _rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[ReconciliationBreak]:
    return await queries.break_slice(
        session,
        narrowed=_narrowed(state, viewer),
        order=state.sorted_by,
        descending=state.descending,
        limit=limit,
    )


def _tabs(state: State, groups: Sequence[BreakGroup]) -> list[dict[str, Any]]:
    current = state.choices.get("state", "open")
    counts = dict.fromkeys(_TABS, 0)
    for group in groups:
        transit = group.state == "open" and group.kind == "in-transit"
        counts["transit" if transit else group.state] += group.count
    return [
        {
            "label": _TABS[one],
            "href": state.address(state=None if one == "open" else one, kind=None),
            "count": count,
            "active": one == current,
            "hot": one == "open" and count > 0,
        }
        for one, count in counts.items()
    ]


def _picks(groups: Sequence[BreakGroup]) -> list[dict[str, Any]]:
    currencies = sorted({group.currency for group in groups})
    return [
        {"name": "kind", "label": "Kind", "options": [(k, KIND_WORDS[k]) for k in _REAL]},
        {"name": "side", "label": "Shows at", "options": list(SIDE_WORDS.items())},
        {"name": "age", "label": "Age", "options": list(_AGES)},
        {"name": "owned", "label": "Owner", "options": [("me", "Me"), ("nobody", "Nobody")]},
        {"name": "currency", "label": "Currency", "options": [(c, c) for c in currencies]},
    ]


def _totals(groups: Sequence[BreakGroup]) -> list[dict[str, Any]]:
    """Add up by currency what is open, by size."""
    totals: dict[str, tuple[int, Decimal]] = {}
    for group in groups:
        if group.state == "open" and group.kind != "in-transit":
            count, size = totals.get(group.currency, (0, Decimal(0)))
            totals[group.currency] = (count + group.count, size + group.difference)
    return [
        {
            "label": f"Open in {currency}",
            "value": f"{size:,.2f}",
            "unit": currency,
            "basis": f"{count} {'break' if count == 1 else 'breaks'}, by size",
        }
        for currency, (count, size) in sorted(totals.items())
    ][:4]


async def _chart(session: TenantSession) -> dict[str, Any]:
    """Return how many open breaks there are of each age and kind."""
    by_age = []
    for age, _ in _AGES:
        older, newer = _ages(age)
        narrowed = BreakFilter(states=("open",), kinds=_REAL, older_than=older, newer_than=newer)
        by_age.append(await queries.break_groups(session, narrowed=narrowed))
    return {
        "x": [label for _, label in _AGES],
        "series": [
            {
                "name": label,
                "type": "bar",
                "data": [sum(one.count for one in age if one.kind in kinds) for age in by_age],
                "c": colour,
            }
            for label, kinds, colour in _SERIES
        ],
    }


LISTING = Listing(
    table=TABLE,
    title="Reconciliation",
    template="backoffice/reconciliation.html",
    permission=READ,
    find=_find,
    cells=_CELLS,
    heads=_HEADS,
    export="treasury.reconciliation.export",
    rows=_rows,
    count=_count,
)
