"""The list of leads: its page, views, files, and changes to many leads at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from clients import countries
from crm import bulk_actions, lead_list
from crm.lead_list import SOURCE_WORDS, STAGE_WORDS, TABLE, LeadRow, Wanted
from crm.models import STAGES
from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web.table import State, Table

_READ = "crm.lead.read"
_CELLS: dict[str, Callable[[LeadRow], Cells]] = {
    "name": lambda lead: (lead.reference, f"{lead.first_name} {lead.last_name}".strip()),
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


def _contact(viewer: Viewer) -> bool:
    """Say whether contacts are unmasked in every row that the viewer's list may hold."""
    permission = "crm.contact.read"
    wide = viewer.scope(permission) != "own" or viewer.scope(_READ) == "own"
    return viewer.may(permission) and wide


def _table(viewer: Viewer) -> Table:
    return TABLE if _contact(viewer) else _MASKED


_MASKED = TABLE.without(*lead_list.CONTACT)


def _wanted(viewer: Viewer, state: State, *, permission: str = _READ, whole: bool) -> Wanted:
    """Return what to list: within the scope of reading and of the permission it is read for."""
    return Wanted(
        state=state,
        reader=viewer.id,
        owned_by=viewer.owner(_READ) or viewer.owner(permission),
        by_contact=_contact(viewer),
        whole=whole,
    )


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[LeadRow]:
    wanted = _wanted(viewer, state, whole=bool(state.extras))
    found = await lead_list.find(session, wanted)
    return Found(
        found.window,
        found.total,
        {
            "tabs": _tabs(state, found.counts),
            "picks": _picks(found, everybody=wanted.owned_by is None),
            "by_contact": wanted.by_contact,
            "source_words": SOURCE_WORDS,
            "may_create": viewer.may("crm.lead.create"),
        },
        found.views,
    )


async def _rows(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[LeadRow]:
    wanted = _wanted(viewer, state, permission=permission, whole=True)
    return await lead_list.rows(session, wanted, limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return await lead_list.count(session, _wanted(viewer, state, whole=False))


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


LISTING = Listing(
    table=TABLE,
    title="Leads",
    template="crm/leads.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={"name": ("Reference", "Lead")},
    export="crm.lead.export",
    rows=_rows,
    count=_count,
    actions=(bulk_actions.ASSIGN_LEADS, bulk_actions.SET_STAGE, bulk_actions.SET_CAMPAIGN),
    reach=_table,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
