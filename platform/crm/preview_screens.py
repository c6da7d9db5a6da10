"""The pages of a client and of a lead as a role sees them: read only, and recorded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from crm import access, client_screens, lead_screens
from identity import audit, previews
from identity.previews import StandIn
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import page

_READ = "identity.role.read"
_PATH = "/settings/roles/{role:str}/view"


@get(_PATH + "/client/{client_id:uuid}", permission=_READ)
async def view_client(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    role: FromPath[str],
    client_id: FromPath[UUID],
) -> Response[Any]:
    """Show a client's page as a role sees it; only of a client that the looker may see."""
    permission = "clients.client.read"
    client = await access.client(session, viewer, client_id, permission=permission)
    shown = await _stand_in(request, session, viewer, role)
    opens = access.reaches(shown.viewer, permission, client.owner_id)
    _note(session, shown, ("client", client_id), opens=opens)
    _wear(request, shown, f"client:{client_id}")
    if not opens:
        return await _closed(request, shown, "clients")
    return await client_screens.client_page(request, session, shown.viewer, client)


@get(_PATH + "/lead/{lead_id:uuid}", permission=_READ)
async def view_lead(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    role: FromPath[str],
    lead_id: FromPath[UUID],
) -> Response[Any]:
    """Show a lead's page as a role sees it; only of a lead that the looker may see."""
    permission = "crm.lead.read"
    lead = await access.lead(session, viewer, lead_id, permission=permission)
    shown = await _stand_in(request, session, viewer, role)
    opens = access.reaches(shown.viewer, permission, lead.owner_id)
    _note(session, shown, ("lead", lead_id), opens=opens)
    _wear(request, shown, f"lead:{lead_id}")
    if not opens:
        return await _closed(request, shown, "leads")
    return await lead_screens.lead_page(request, session, shown.viewer, lead)


async def _stand_in(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, role: str
) -> StandIn:
    typed = request.query_params.get("person", "")
    try:
        person_id = UUID(typed) if typed else None
    except ValueError:
        raise NotFound from None
    return await previews.stand_in(session, viewer, role=role, person_id=person_id)


def _note(
    session: TenantSession, shown: StandIn, subject: tuple[str, UUID], *, opens: bool
) -> None:
    after = {"role": shown.role, "person": str(shown.viewer.id) if shown.person else None}
    audit.record(session, "identity.role.view", subject=subject, after={**after, "opens": opens})


def _wear(request: Request[Any, Any, Any], shown: StandIn, about: str) -> None:
    """Let the layout draw the stand-in's menu under a banner, without anything that could act."""
    request.scope["user"] = shown.viewer
    back = f"/settings/roles/view?role={shown.role}&about={about}"
    request.scope["state"]["preview"] = (shown.words, back)


async def _closed(request: Request[Any, Any, Any], shown: StandIn, what: str) -> Response[Any]:
    return await page(
        request,
        "crm/preview_closed.html",
        title="This role can't open the page",
        active=f"/crm/{what}",
        shown=shown,
        what=what,
    )


ROUTES: list[HTTPRouteHandler] = [view_client, view_lead]
