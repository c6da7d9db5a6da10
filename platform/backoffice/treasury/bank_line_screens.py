"""The lines of banks' statements: a list, and one with its match and its release."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from approvals import queries as approval_queries
from backoffice.treasury.bank_screens import HOME, LINES, READ
from identity.listings.listing import Found, Listing
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.slices import PAGE
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.cursors import Key, Window, read_cursor, window
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, Range, State, Table
from treasury import queries as treasury_queries
from treasury.banks import queries, releases
from treasury.banks.models import LINE_STATES
from treasury.banks.queries import LineFilter, LineRow
from treasury.banks.releases import Target

AnyRequest = Request[Any, Any, Any]
_MATCH = "treasury.bank_file.change"
_ONE = f"{LINES}/{{line_id:uuid}}"
STATE_WORDS = {
    "suspense": ("In suspense", "warning"),
    "matched": ("Matched", "positive"),
    "settlement": ("Settlement", "positive"),
    "known": ("Booked before", "neutral"),
    "returning": ("To be sent back", "progress"),
    "released": ("Released", "positive"),
}
TABLE = Table(
    name="bank_lines",
    path=LINES,
    columns=(
        Column("reference", "Line", sortable=True, pinned=True),
        Column("party", "Payer or payee", sortable=True),
        Column("purpose", "Purpose", wide=True),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((state, STATE_WORDS[state][0]) for state in LINE_STATES),
        ),
        Column("account", "Account", sortable=True, wide=True),
        Column("amount", "Amount", "money", sortable=True, filtered=True, end=True),
        Column("booked", "Booked", "date", filtered=True, end=True, wide=True),
        Column("imported", "Imported", "date", sortable=True, shown=False),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column(
            "payer",
            "Payer",
            "choice",
            filtered=True,
            shown=False,
            choices=(("third", "Third party"),),
        ),
        Column("score", "Score", "number", shown=False),
        Column("reason", "Reason", shown=False),
        Column("deposit", "Deposit", shown=False),
        Column("bank", "Bank's reference", shown=False),
    ),
    sort="-imported",
)
_CELLS: dict[str, Callable[[LineRow], tuple[export.Cell, ...]]] = {
    "reference": lambda row: (row.line.reference,),
    "party": lambda row: (row.line.party_name,),
    "purpose": lambda row: (row.line.purpose,),
    "state": lambda row: (row.line.state,),
    "account": lambda row: (row.account,),
    "amount": lambda row: (row.amount.rounded().amount, row.line.currency),
    "booked": lambda row: (row.line.booked_on.isoformat(),),
    "imported": lambda row: (row.line.imported_at,),
    "currency": lambda row: (row.line.currency,),
    "payer": lambda row: ("third party" if row.line.third_party else "",),
    "score": lambda row: (row.line.score,),
    "reason": lambda row: (row.line.reason,),
    "deposit": lambda row: (row.deposit,),
    "bank": lambda row: (row.line.bank_reference,),
}
_HEADS = {"amount": ("Amount", "Currency"), "imported": ("Imported (UTC)",)}
_KEYS: dict[str, Callable[[LineRow], Key]] = {
    "imported": lambda row: row.line.imported_at,
    "reference": lambda row: row.line.reference,
    "party": lambda row: row.line.party_name,
    "state": lambda row: row.line.state,
    "account": lambda row: row.account,
    "amount": lambda row: row.line.amount,
}


def _narrowed(state: State, *, places: bool = True) -> LineFilter:
    """Return the filter; without `places` it leaves state and currency open, for the counts."""
    booked = state.ranges.get("booked", Range(None, None))
    amounts = state.ranges.get("amount", Range(None, None))
    wanted = state.choices.get("state", "")
    return LineFilter(
        search=state.search,
        states=(wanted,) if wanted and places else (),
        currency=state.choices.get("currency", "") if places else "",
        since=booked.low if isinstance(booked.low, date) else None,
        until=booked.high if isinstance(booked.high, date) else None,
        smallest=amounts.low if isinstance(amounts.low, Decimal) else None,
        largest=amounts.high if isinstance(amounts.high, Decimal) else None,
        third_party=state.choices.get("payer") == "third",
    )


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[LineRow]:
    groups = await queries.line_groups(session, narrowed=_narrowed(state, places=False))
    current = state.choices.get("state", "")
    currency = state.choices.get("currency", "")
    tabs: list[dict[str, Any]] = [
        {"label": "All", "href": state.address(state=None), "active": not current}
    ]
    for one in LINE_STATES:
        count = sum(n for s, c, n, _ in groups if s == one and currency in ("", c))
        if count or current == one:
            tabs.append(
                {
                    "label": STATE_WORDS[one][0],
                    "href": state.address(state=one),
                    "count": count,
                    "active": current == one,
                    "hot": one == "suspense" and count > 0,
                }
            )
    context = {
        "tabs": tabs,
        "picks": [
            {
                "name": "currency",
                "label": "Currency",
                "options": [(c, c) for c in sorted({c for _, c, _, _ in groups})],
            },
            {"name": "payer", "label": "Payer", "options": [("third", "Third party")]},
        ],
        "words": STATE_WORDS,
    }
    return Found(await _page(session, state), _total(state, groups), context)


def _total(state: State, groups: list[tuple[str, str, int, Decimal]]) -> int:
    wanted, currency = state.choices.get("state", ""), state.choices.get("currency", "")
    return sum(n for s, c, n, _ in groups if wanted in ("", s) and currency in ("", c))


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return _total(
        state, await queries.line_groups(session, narrowed=_narrowed(state, places=False))
    )


async def _page(session: TenantSession, state: State) -> Window[LineRow]:
    kind = state.table.column(state.sorted_by).kind
    at = read_cursor(state.after or state.before, "text" if kind == "choice" else kind)
    backwards = at is not None and not state.after
    rows = await queries.line_slice(
        session,
        narrowed=_narrowed(state),
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


async def _rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[LineRow]:
    return await queries.line_slice(
        session,
        narrowed=_narrowed(state),
        order=state.sorted_by,
        descending=state.descending,
        limit=limit,
    )


@get(_ONE, permission=READ)
async def line_page(
    request: AnyRequest, session: Session, viewer: Seen, line_id: FromPath[UUID]
) -> Response[Any]:
    """Show a line: what the bank says, what it is taken for, and its way."""
    return await _line(request, session, viewer, line_id, form_state())


@post(f"{_ONE}/release", permission=_MATCH, status_code=200)
async def release(
    request: AnyRequest, session: Session, viewer: Seen, line_id: FromPath[UUID]
) -> Response[Any]:
    """Say where a line in suspense goes; somebody else has to agree."""
    values = form_values(await request.form())
    try:
        connection_id = UUID(values["connection"]) if values.get("connection") else None
    except ValueError:
        connection_id = None
    target = Target(
        values.get("to", ""),
        values.get("deposit", "").strip().upper(),
        values.get("account", ""),
        connection_id,
    )
    try:
        asked = await releases.ask(
            session, line_id=line_id, target=target, reason=values.get("reason", "")
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _line(request, session, viewer, line_id, form, status=422)
    said = f"Asked: {asked.summary}. It is done when somebody else agrees."
    return flash(request, see_other(f"{LINES}/{line_id}"), said)


async def _line(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    line_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    row = await queries.line_row(session, line_id)
    if row is None:
        raise NotFound
    asked = await approval_queries.of_subject(session, releases.KIND, ("bank_line", line_id))
    word, kind = STATE_WORDS[row.line.state]
    proposal = (
        await treasury_queries.deposit(session, row.line.deposit_id)
        if row.line.deposit_id is not None
        else None
    )
    return await page(
        request,
        "backoffice/bank_line.html",
        title=row.line.reference,
        active=HOME,
        status=status,
        form=form,
        row=row,
        line=row.line,
        state_word=word,
        state_kind=kind,
        proposal=proposal,
        trail=await queries.steps(session, line_id),
        asked=asked[0] if asked else None,
        targets=[
            ("deposit", "To a client's deposit"),
            ("return", "Back to the sender"),
            ("account", "To another account"),
        ],
        accounts=list(releases.ACCOUNTS.items()),
        connections=[(str(found), name) for found, name in await queries.connections(session)],
        may_release=viewer.may(_MATCH) and row.line.state == "suspense",
    )


LISTING = Listing(
    table=TABLE,
    title="Statement lines",
    template="backoffice/bank_lines.html",
    permission=READ,
    find=_find,
    cells=_CELLS,
    heads=_HEADS,
    export="treasury.bank.export",
    rows=_rows,
    count=_count,
    active=HOME,
)
ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), line_page, release]
