"""The page of the list of leads, its saved views and its export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import countries
from crm import access, lead_list
from crm.lead_list import SOURCE_WORDS, STAGE_WORDS, TABLE, LeadRow, Wanted
from crm.models import STAGES
from identity import lists
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.inject import Seen, Session
from kernel.web.pages import page, see_other
from kernel.web.table import State, Table

_READ = "crm.lead.read"
_EXPORT = "crm.lead.export"
_CELLS: dict[str, Callable[[LeadRow], export.Cell]] = {
    "name": lambda lead: f"{lead.first_name} {lead.last_name}".strip(),
    "score": lambda lead: lead.score,
    "stage": lambda lead: STAGE_WORDS[lead.stage],
    "source": lambda lead: SOURCE_WORDS[lead.source],
    "country": lambda lead: lead.country,
    "owner": lambda lead: lead.owner,
    "created": lambda lead: lead.created_at,
    "updated": lambda lead: lead.updated_at,
    "campaign": lambda lead: lead.campaign,
    "referral": lambda lead: lead.referral_code,
    "language": lambda lead: lead.language,
    "email": lambda lead: lead.email,
    "phone": lambda lead: lead.phone,
}


@get("/crm/leads", permission=_READ)
async def show_leads(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """List the leads within the viewer's scope, 50 a page."""
    state = _table(viewer).read(request.query_params)
    if "col" in request.query_params:
        # The form of columns sends each by itself; an address names them once.
        chosen = ",".join(request.query_params.getall("col"))
        return see_other(_table(viewer).read({**state.query, "cols": chosen}).address())
    return await _page(request, session, viewer, state)


def _contact(viewer: Viewer) -> bool:
    """Say whether contacts are unmasked in every row that the viewer's list may hold."""
    permission = "crm.contact.read"
    wide = viewer.scope(permission) != "own" or viewer.scope(_READ) == "own"
    return viewer.may(permission) and wide


def _table(viewer: Viewer) -> Table:
    return TABLE if _contact(viewer) else _MASKED


_MASKED = TABLE.without(*lead_list.CONTACT)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    form: dict[str, Any] | None = None,
    opened: str = "",
) -> Response[str]:
    wanted = Wanted(
        state=state,
        reader=viewer.id,
        owned_by=access.owned_by(viewer, _READ),
        by_contact=_contact(viewer),
        whole=bool(state.extras),
    )
    found = await lead_list.find(session, wanted)
    may_export = viewer.may(_EXPORT)
    return await page(
        request,
        "crm/leads.html",
        title="Leads",
        active="/crm/leads",
        status=422 if form else 200,
        state=state,
        rows=found.window.rows,
        total=found.total,
        paging=found.window.paging(state, found.total),
        tabs=_tabs(state, found.counts),
        picks=_picks(found, everybody=wanted.owned_by is None),
        views=found.views,
        form=form,
        open=state.opened(opened or request.query_params.get("panel", "")),
        export={"count": found.total, "most": export.ROWS_MAX} if may_export else None,
        extra=_extra(state),
        by_contact=wanted.by_contact,
        source_words=SOURCE_WORDS,
        may_create=viewer.may("crm.lead.create"),
    )


def _extra(state: State) -> Callable[[LeadRow], list[str]] | None:
    """Return what writes the cells of columns that the list does not have at first."""
    cells = [_CELLS[column.name] for column in state.extras]
    return (lambda lead: [str(cell(lead) or "–") for cell in cells]) if cells else None


def _picks(found: lead_list.Found, *, everybody: bool) -> list[dict[str, Any]]:
    named = [(code, countries.name(code)) for code in found.countries]
    picks = [
        {"name": "country", "label": "Country", "options": named},
        {"name": "source", "label": "Source", "options": list(SOURCE_WORDS.items())},
    ]
    if everybody:
        options = [(lead_list.NOBODY, "Nobody"), *found.owners]
        picks.append({"name": "owner", "label": "Owner", "options": options})
    return picks


def _tabs(state: State, counts: dict[str, int]) -> list[dict[str, Any]]:
    wanted = state.choices.get("stage", "")
    everything = {
        "label": "All",
        "href": state.address(stage=None),
        "active": not wanted,
        "count": sum(counts.values()),
    }
    return [
        everything,
        *(
            {
                "label": STAGE_WORDS[stage],
                "href": state.address(stage=stage),
                "active": wanted == stage,
                "count": counts.get(stage, 0),
            }
            for stage in STAGES
        ),
    ]


@post("/crm/leads/views", permission=_READ, status_code=200)
async def save_view(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Keep the list as it is under a name."""
    return await lists.save_view(request, session, viewer, _table(viewer), draw=_page)


@post("/crm/leads/views/{view_id:uuid}/delete", permission=_READ, status_code=200)
async def delete_view(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, view_id: FromPath[UUID]
) -> Response[Any]:
    """Forget one of the viewer's own views."""
    return await lists.delete_view(request, session, viewer, _table(viewer), view_id)


@post("/crm/leads/export", permission=_EXPORT, status_code=200)
async def export_leads(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Give the whole list as it is filtered, sorted and cut to columns, with a reason."""

    async def read(state: State, most: int) -> list[LeadRow]:
        wanted = Wanted(
            state=state,
            reader=viewer.id,
            owned_by=access.owned_by(viewer, _READ) or access.owned_by(viewer, _EXPORT),
            by_contact=_contact(viewer),
            whole=True,
        )
        return await lead_list.rows(session, wanted, limit=most)

    return await lists.export_rows(
        request,
        session,
        viewer,
        _table(viewer),
        draw=_page,
        permission=_EXPORT,
        read=read,
        write=_written,
    )


def _written(
    state: State, found: Sequence[LeadRow]
) -> tuple[list[str], list[tuple[export.Cell, ...]]]:
    columns = [TABLE.column(name) for name in state.shown]
    heads = ["Reference", *(column.label for column in columns)]
    cells = [(lead.reference, *(_CELLS[column.name](lead) for column in columns)) for lead in found]
    return heads, cells


ROUTES: list[HTTPRouteHandler] = [show_leads, save_view, delete_view, export_leads]
