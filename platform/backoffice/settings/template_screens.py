"""Where a brokerage writes its own mails, SMS, blocks of documents and sections of the site.

A renderer of this web process looks at what is typed; whoever asks too much is told so beside
the editor. Whatever goes wrong, what was typed comes back.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.settings import template_list, template_words
from backoffice.settings.template_list import PATH, TABLE
from identity import queries as identity_queries
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.errors import Conflict, NotFound, ProductError
from kernel.language import LANGUAGES, direction
from kernel.throttle import spend
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, page, see_other
from messaging import queries, sections, starters, templates, trials
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer, RendererBusy, TemplateInvalid
from messaging.models import TenantTemplate
from messaging.templates import TemplateChanged
from tenants import brands
from tenants.inject import Outside
from tenants.ports import Ports
from themes.page import Brand

_READ, _CHANGE, _PUBLISH = (f"messaging.template.{what}" for what in ("read", "change", "publish"))
_PREVIEWS_A_MINUTE = 120
_TESTS_AN_HOUR = 20
_ONE = PATH + "/{event:str}/{language:str}/{kind:str}"
_SAID = {
    "save": "Draft saved. Nobody gets it before it is published.",
    "publish": "Published. It is used from now on.",
    "withdraw": "Taken back. The versions stay, and the built-in text is used again.",
    "revert": "The earlier version is live again.",
}


@get(PATH, permission=_READ)
async def template_list_page(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """List every text that can be written, with its state."""
    state = TABLE.read(request.query_params)
    every = template_list.rows(await queries.template_states(session))
    found = template_list.ordered(template_list.narrowed(every, state), state)
    return await page(
        request,
        "backoffice/templates.html",
        title="Templates",
        active=PATH,
        state=state,
        rows=found,
        paging={"first": 1 if found else None, "last": len(found), "total": len(found)},
        tabs=template_list.tabs(template_list.narrowed(every, state, places=False), state),
        picks=[
            {"name": "language", "label": "Language", "options": list(LANGUAGES.items())},
            {"name": "state", "label": "State", "options": list(template_list.STATES.items())},
        ],
        open=state.opened(request.query_params.get("panel", "")),
        languages=LANGUAGES,
    )


@get(_ONE, permission=_READ)
async def editor(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Show a template with its variables, how it reads, and its versions."""
    return await _editor(_desk(request, session, viewer, ports), form_state())


@post(_ONE, permission=_CHANGE, status_code=200)
async def change(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Save, look at, publish, test or take back what was typed; the pressed button says which."""
    desk = _desk(request, session, viewer, ports)
    form = await request.form()
    action = str(form.get("action", "save"))
    values = {"source": _typed(form.get("source")), "seen": str(form.get("seen", ""))[:64]}
    if action == "built-in":
        values["source"] = starters.source(**desk.key)
        return await _editor(desk, form_state(values))
    if action in ("publish", "withdraw") and not viewer.may(_PUBLISH):
        raise NotFound
    try:
        if action == "preview":
            look = await _look(desk, values["source"])
            return await _editor(desk, form_state(values), look=look)
        if action == "test":
            text = await _test(desk, values["source"])
            return await _editor(desk, form_state(values), said=text)
        await _do(desk, action, values)
    except ProductError as error:
        if error.status >= 500 and error.status != 503:
            raise
        request.scope["state"]["rollback"] = True
        return await _failed(desk, values, error)
    return flash(request, see_other(desk.path), _SAID[action])


@post(_ONE + "/preview", permission=_CHANGE, status_code=200)
async def preview(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Say how what is typed reads, for the editor: a document for a frame, a text, or an error."""
    desk = _desk(request, session, viewer, ports)
    source = _typed((await request.form()).get("source"))
    headers = {"cache-control": "no-store"}
    try:
        look = await _look(desk, source)
    except ProductError as error:
        if error.status >= 500 and error.status != 503:
            raise
        said = {"error": error.text, "line": getattr(error, "line", 0)}
        return Response(said, status_code=error.status, headers=headers)
    told = {"page": look.page, "text": look.text, "note": template_words.note(look)}
    return Response(told, headers=headers)


@post(_ONE + "/versions/{version:int}", permission=_PUBLISH, status_code=200)
async def revert(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    ports: Outside,
    version: FromPath[int],
) -> Response[Any]:
    """Make an earlier version live again."""
    desk = _desk(request, session, viewer, ports)
    try:
        await templates.revert(
            session, **desk.key, version=version, renderer=desk.renderer, values=desk.values()
        )
    except (TemplateInvalid, RendererBusy, Conflict) as error:
        request.scope["state"]["rollback"] = True
        return await _failed(desk, {}, error)
    return flash(request, see_other(desk.path), _SAID["revert"])


@dataclass(frozen=True)
class _Desk:
    """One template in the hands of one member of staff: everything a step needs."""

    request: Request[Any, Any, Any]
    session: TenantSession
    viewer: Viewer
    ports: Ports
    key: dict[str, str]

    @property
    def path(self) -> str:
        """Where it is written."""
        return "/".join((PATH, *self.key.values()))

    @property
    def renderer(self) -> Renderer:
        """The renderer of this web process."""
        rendering: Renderer = self.request.app.state.rendering
        return rendering

    @property
    def tenant(self) -> TenantRef:
        """The brokerage."""
        found: TenantRef = self.session.info["tenant"]
        return found

    @property
    def brand(self) -> Brand:
        """The brand as texts of the template's language wear it."""
        worn = brands.dressed(self.tenant, self.request.scope["state"]["place"].brand or {})
        return template_words.speaking_brand(worn, self.key["language"])

    def values(self) -> dict[str, variables.Plain] | None:
        """Return what a section of the public site is rendered with; None for a message."""
        if self.key["kind"] != sections.KIND:
            return None
        return sections.values(self.brand, self.key["language"])


def _desk(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, ports: Ports
) -> _Desk:
    """Sit down at the template of an address; raise NotFound for what can't be written."""
    key = {name: str(request.path_params[name]) for name in ("event", "language", "kind")}
    if key["kind"] not in variables.event(key["event"]).kinds or key["language"] not in LANGUAGES:
        raise NotFound
    return _Desk(request, session, viewer, ports, key)


async def _do(desk: _Desk, action: str, values: dict[str, str]) -> None:
    """Save, publish or take back."""
    if action == "withdraw":
        await templates.withdraw(desk.session, **desk.key)
        return
    if action not in ("save", "publish"):
        raise NotFound
    if not values["source"].strip():
        raise TemplateInvalid("Write something first, or begin with the built-in text.")
    await templates.save_draft(
        desk.session,
        **desk.key,
        source=values["source"],
        renderer=desk.renderer,
        seen=values["seen"],
    )
    if action == "publish":
        await templates.publish(
            desk.session, **desk.key, renderer=desk.renderer, values=desk.values()
        )


async def _look(desk: _Desk, source: str) -> trials.Look:
    await _brake(desk, "template_preview", limit=_PREVIEWS_A_MINUTE, seconds=60)
    return await trials.look(
        desk.renderer,
        **desk.key,
        source=source,
        owner=str(desk.tenant.id),
        brand=desk.brand,
        stylesheets=template_words.stylesheets(),
    )


async def _test(desk: _Desk, source: str) -> str:
    """Send what is typed to whoever is signed in, and to nobody else."""
    await _brake(desk, "template_test", limit=_TESTS_AN_HOUR, seconds=3600)
    await trials.send(
        desk.session,
        **desk.key,
        source=source,
        to=desk.viewer.email,
        brand=desk.brand,
        owner=str(desk.tenant.id),
        renderer=desk.renderer,
        vault=desk.ports.vault,
    )
    return f"A test with example values is on its way to {desk.viewer.email}."


async def _brake(desk: _Desk, what: str, *, limit: int, seconds: int) -> None:
    caller = str(desk.viewer.id)
    await spend(
        desk.ports.redis, desk.tenant, what=what, caller=caller, limit=limit, seconds=seconds
    )


async def _failed(desk: _Desk, values: dict[str, str], error: ProductError) -> Response[Any]:
    """Show the editor with what went wrong beside what was typed."""
    fields = {"source": error.text, **error.fields}
    line = getattr(error, "line", 0)
    theirs = isinstance(error, TemplateChanged)
    form = form_state(values, fields)
    if isinstance(error, Conflict) and not theirs:
        # A statement of the request's own transaction failed, so that it reads nothing any more.
        async with desk.ports.database.tenant(desk.tenant) as fresh:
            desk = replace(desk, session=fresh)
            return await _editor(desk, form, status=error.status, line=line)
    return await _editor(desk, form, status=error.status, line=line, theirs=theirs)


async def _editor(
    desk: _Desk,
    form: dict[str, Any],
    *,
    status: int = 200,
    line: int = 0,
    look: trials.Look | None = None,
    said: str = "",
    theirs: bool = False,
) -> Response[Any]:
    event, language, kind = desk.key.values()
    session, viewer = desk.session, desk.viewer
    declared = variables.event(event)
    versions = await queries.template_versions(session, **desk.key)
    draft = next((one for one in versions if one.state == "draft"), None)
    live = next((one for one in versions if one.state == "live"), None)
    begun = draft or live
    source = begun.source if begun else starters.source(**desk.key)
    typed = form["values"].get("source", source)
    shown = _chosen(desk.request, versions)
    return await page(
        desk.request,
        "backoffice/template.html",
        title=declared.label,
        active=PATH,
        status=status,
        form=form,
        here=desk.path,
        key=desk.key,
        declared=declared,
        kind_label=template_list.KIND_WORDS[kind],
        languages=LANGUAGES,
        text_direction=direction(language),
        kinds=[(one, template_list.KIND_WORDS[one]) for one in declared.kinds],
        source=typed,
        seen=templates.mark(draft)
        if theirs or not form["values"]
        else form["values"].get("seen", ""),
        line=line,
        error=form["errors"].get("source", ""),
        theirs=_difference(typed, draft.source) if theirs and draft is not None else None,
        draft=draft,
        live=live,
        built_in=starters.has_built_in(kind),
        versions=versions,
        authors=await _authors(session, versions),
        shown=shown,
        difference=_difference(shown.source, source) if shown is not None else [],
        words=template_words.offered(declared, kind),
        look=look,
        look_note=template_words.note(look) if look else "",
        said=said,
        may_change=viewer.may(_CHANGE),
        may_publish=viewer.may(_PUBLISH),
    )


def _chosen(
    request: Request[Any, Any, Any], versions: Sequence[TenantTemplate]
) -> TenantTemplate | None:
    wanted = request.query_params.get("version", "")
    return next((one for one in versions if str(one.version) == wanted), None)


async def _authors(session: TenantSession, versions: Sequence[TenantTemplate]) -> dict[UUID, str]:
    ids = {one.author_id for one in versions if one.author_id is not None}
    return await identity_queries.names_of(session, sorted(ids)) if ids else {}


def _difference(old: str, new: str) -> list[tuple[str, str]]:
    """Return the lines of a comparison, each with "-" (only old), "+" (only new) or " "."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    return [(one[:1], one[1:]) for one in list(lines)[2:400] if not one.startswith("@@")]


def _typed(value: object) -> str:
    """Return a source as it was typed; a browser sends CRLF."""
    text = value if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").replace("\x00", "")


ROUTES: list[HTTPRouteHandler] = [template_list_page, editor, change, preview, revert]
