"""The pages of leads: the list, one lead, and what sales do with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import countries
from clients import queries as clients_queries
from crm import access, leads, queries, rules, stories
from crm.lead_list import SOURCE_WORDS, STAGE_WORDS
from crm.models import STAGES, Lead
from identity import queries as identity_queries
from introducers import queries as introducers_queries
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants.ports import Ports

_READ = "crm.lead.read"
_CHANGE = "crm.lead.change"


@get("/crm", permission=_READ)
async def home() -> Response[None]:
    """Lead to the first page of the CRM."""
    return see_other("/crm/leads")


@get("/crm/leads/{lead_id:uuid}", permission=_READ)
async def show_lead(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, lead_id: FromPath[UUID]
) -> Response[str]:
    """Show one lead with its timeline and what can be done next."""
    lead = await access.lead(session, viewer, lead_id, permission=_READ)
    return await lead_page(request, session, viewer, lead)


async def lead_page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    lead: Lead,
    *,
    form: dict[str, Any] | None = None,
) -> Response[str]:
    """Return the page of a lead as one viewer sees it."""
    owner = await identity_queries.user(session, lead.owner_id) if lead.owner_id else None
    entries = await clients_queries.timeline(session, ("lead", lead.id))
    may_assign = viewer.may("crm.owner.change") and lead.client_id is None
    people = await queries.sales_people(session) if may_assign else []
    brought = await introducers_queries.lead_attribution(session, lead.id)
    partner = await introducers_queries.partner(session, brought.partner_id) if brought else None
    parts = rules.worth(
        source=lead.source,
        campaign=lead.campaign,
        referral_code=lead.referral_code,
        phone=lead.phone,
    )
    return await page(
        request,
        "crm/lead.html",
        title=lead.name,
        active="/crm/leads",
        status=200 if form is None else 422,
        lead=lead,
        owner_name=owner.name if owner else None,
        country_name=countries.name(lead.country),
        source_word=SOURCE_WORDS[lead.source],
        partner_name=partner.name if partner else None,
        contact_visible=access.reaches(viewer, "crm.contact.read", lead.owner_id),
        score_parts=parts,
        days=stories.days(entries),
        form=form or form_state(),
        may_change=access.reaches(viewer, _CHANGE, lead.owner_id),
        may_assign=may_assign,
        may_task=viewer.may("identity.task.change"),
        may_see_client=lead.client_id is not None
        and access.reaches(viewer, "clients.client.read", lead.owner_id),
        people=[(str(one.id), one.name) for one in people],
        stage_options=[
            (stage, STAGE_WORDS[stage])
            for stage in STAGES
            if stage not in ("converted", lead.stage)
        ],
    )


@post("/crm/leads/{lead_id:uuid}/notes", permission=_CHANGE, status_code=200)
async def add_note(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, lead_id: FromPath[UUID]
) -> Response[Any]:
    """Write a note, a call or an e-mail down."""
    lead = await access.lead(session, viewer, lead_id, permission=_CHANGE)
    values = form_values(await request.form())
    try:
        await leads.add_note(
            session, lead_id=lead.id, text=values.get("text", ""), kind=values.get("kind", "")
        )
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await lead_page(request, session, viewer, lead, form=form)
    return flash(request, see_other(f"/crm/leads/{lead.id}"), "Written to the timeline.")


@post("/crm/leads/{lead_id:uuid}/stage", permission=_CHANGE, status_code=200)
async def change_stage(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, lead_id: FromPath[UUID]
) -> Response[Any]:
    """Move the lead to another stage."""
    lead = await access.lead(session, viewer, lead_id, permission=_CHANGE)
    values = form_values(await request.form())
    try:
        await leads.set_stage(
            session,
            lead_id=lead.id,
            stage=values.get("stage", ""),
            reason=values.get("reason", "")[:200],
        )
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await lead_page(request, session, viewer, lead, form=form)
    word = STAGE_WORDS[lead.stage].lower()
    return flash(request, see_other(f"/crm/leads/{lead.id}"), f"{lead.name} is {word} now.")


@post("/crm/leads/{lead_id:uuid}/assign", permission="crm.owner.change", status_code=200)
async def assign(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, lead_id: FromPath[UUID]
) -> Response[Any]:
    """Give the lead to somebody else."""
    lead = await access.lead(session, viewer, lead_id, permission="crm.owner.change")
    values = form_values(await request.form())
    try:
        try:
            owner_id = UUID(values.get("owner_id", ""))
        except ValueError:
            raise InvalidInput({"owner_id": "Choose somebody of the sales desk."}) from None
        await leads.assign(session, lead_id=lead.id, owner_id=owner_id)
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await lead_page(request, session, viewer, lead, form=form)
    return flash(request, see_other(f"/crm/leads/{lead.id}"), lead.assigned_reason)


@post("/crm/leads/{lead_id:uuid}/convert", permission=_CHANGE, status_code=200)
async def convert(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    tenant: Tenant,
    lead_id: FromPath[UUID],
) -> Response[Any]:
    """Make the lead a client; they get a mail with a link to set a password."""
    lead = await access.lead(session, viewer, lead_id, permission=_CHANGE)
    ports: Ports = request.app.state.ports
    host = f"my.{tenant.slug}.{ports.settings.domain}"
    client = await leads.convert(
        session, lead_id=lead.id, vault=ports.vault, origin=ports.settings.origin(host)
    )
    target = (
        f"/crm/clients/{client.id}"
        if access.reaches(viewer, "clients.client.read", client.owner_id)
        else f"/crm/leads/{lead.id}"
    )
    return flash(request, see_other(target), f"{lead.name} is client {client.reference} now.")


@get("/crm/leads/new", permission="crm.lead.create")
async def new_lead(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the form for a lead who called or wrote."""
    return await _new_page(request, form_state({"language": "en"}))


@post("/crm/leads/new", permission="crm.lead.create", status_code=200)
async def add_lead(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """Capture a lead by hand; it is routed as any other."""
    values = form_values(await request.form())
    try:
        lead = await leads.capture(
            session,
            source="import",
            first_name=values.get("first_name", ""),
            last_name=values.get("last_name", ""),
            email=values.get("email", ""),
            phone=values.get("phone", ""),
            country=values.get("country", ""),
            language=values.get("language", ""),
            campaign=values.get("campaign"),
        )
    except InvalidInput as error:
        return await _new_page(request, form_state(values, error.fields, error.text), status=422)
    return flash(request, see_other(f"/crm/leads/{lead.id}"), lead.assigned_reason)


async def _new_page(
    request: Request[Any, Any, Any], form: dict[str, Any], *, status: int = 200
) -> Response[str]:
    return await page(
        request,
        "crm/new_lead.html",
        title="New lead",
        active="/crm/leads",
        status=status,
        form=form,
        countries=countries.options("en"),
        languages=LANGUAGES,
    )


LANGUAGES = [("en", "English"), ("de", "German"), ("es", "Spanish"), ("ar", "Arabic")]
ROUTES: list[HTTPRouteHandler] = [
    *(home, new_lead, add_lead, show_lead),
    *(add_note, change_stage, assign, convert),
]
