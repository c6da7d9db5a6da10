"""The pages of a change to many rows: choose, dry run, progress, result, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings import bulk, queries
from identity.listings.actions import Action
from identity.models import BulkRun
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.inject import AnySession, Seen
from kernel.web.pages import form_state, form_values, page, see_other
from kernel.web.table import State

if TYPE_CHECKING:
    from identity.listings.listing import Listing

AnyRequest = Request[Any, Any, Any]
_SHOWN = 50


def routes(listing: Listing[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of a list's changes to many rows."""
    return [_chosen(listing), _shown(listing), _changed(listing), _skipped(listing)]


def _chosen(listing: Listing[Any]) -> HTTPRouteHandler:
    @post(f"{listing.table.path}/bulk", permission=listing.permission, status_code=200)
    async def choose(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
        """Freeze the rows that are meant, by their boxes or by the filter, and go on to values."""
        form = await request.form()
        values = form_values(form)
        action = _offered(listing, viewer, values.get("action", ""))
        state = listing.table_of(viewer).read_text(values.get("query", ""))
        tenant = cast("TenantSession", session)
        try:
            if values.get("all") == "yes":
                ids = await _matching(listing, request, tenant, state, action=action)
            else:
                ids = _ids([str(one) for one in form.getall("id", [])])
            run = await bulk.choose(
                tenant, viewer=viewer, list_name=listing.table.name, action=action, ids=ids
            )
        except InvalidInput as error:
            words = next(iter(error.fields.values()), error.text)
            return await listing.draw(request, session, viewer, state, message=words)
        if not await action.fields(tenant, {}):
            await bulk.check(tenant, viewer=viewer, run_id=run.id, action=action, values={})
        return see_other(_place(listing, run.id))

    return choose


async def _matching(
    listing: Listing[Any],
    request: AnyRequest,
    session: TenantSession,
    state: State,
    *,
    action: Action,
) -> list[UUID]:
    assert listing.rows is not None
    viewer: Viewer = request.scope["user"]
    rows = await listing.rows(
        request, session, viewer, state, limit=bulk.ROWS_MAX + 1, permission=action.permission
    )
    return [row.id for row in rows]


def _ids(typed: list[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in typed]
    except ValueError:
        raise InvalidInput({"id": "Choose the rows again."}) from None


def _offered(listing: Listing[Any], viewer: Viewer, name: str) -> Action:
    for action in listing.offered(viewer):
        if action.name == name:
            return action
    raise NotFound


def _place(listing: Listing[Any], run_id: UUID) -> str:
    return f"{listing.table.path}/bulk/{run_id}"


async def _own(
    listing: Listing[Any], session: TenantSession, viewer: Viewer, run_id: UUID
) -> tuple[BulkRun, Action]:
    """Return one of the viewer's own changes of this list; raise NotFound for any other."""
    run = await queries.bulk_run(session, run_id)
    if run is None or run.owner_id != viewer.id or run.list_name != listing.table.name:
        raise NotFound
    return run, _offered(listing, viewer, run.action)


def _shown(listing: Listing[Any]) -> HTTPRouteHandler:
    @get(f"{listing.table.path}/bulk/{{run_id:uuid}}", permission=listing.permission)
    async def show(
        request: AnyRequest, session: AnySession, viewer: Seen, run_id: FromPath[UUID]
    ) -> Response[Any]:
        """Show a change at the point where it is."""
        tenant = cast("TenantSession", session)
        run, action = await _own(listing, tenant, viewer, run_id)
        return await _page(listing, request, tenant, run, action)

    return show


def _changed(listing: Listing[Any]) -> HTTPRouteHandler:
    path = f"{listing.table.path}/bulk/{{run_id:uuid}}/{{verb:str}}"

    @post(path, permission=listing.permission, status_code=200)
    async def change(
        request: AnyRequest,
        session: AnySession,
        viewer: Seen,
        run_id: FromPath[UUID],
        verb: FromPath[str],
    ) -> Response[Any]:
        """Try a change dry, run it, or choose what it did to be set back."""
        tenant = cast("TenantSession", session)
        run, action = await _own(listing, tenant, viewer, run_id)
        values = form_values(await request.form())
        if verb == "check":
            try:
                await bulk.check(tenant, viewer=viewer, run_id=run.id, action=action, values=values)
            except InvalidInput as error:
                form = form_state(values, error.fields, error.text)
                return await _page(listing, request, tenant, run, action, form=form)
        elif verb == "start":
            await bulk.start(tenant, viewer=viewer, run_id=run.id, action=action)
        elif verb == "undo":
            run = await bulk.undo(tenant, viewer=viewer, run_id=run.id, action=action)
        else:
            raise NotFound
        return see_other(_place(listing, run.id))

    return change


def _skipped(listing: Listing[Any]) -> HTTPRouteHandler:
    path = f"{listing.table.path}/bulk/{{run_id:uuid}}/skipped.csv"

    @get(path, permission=listing.permission)
    async def skipped(session: AnySession, viewer: Seen, run_id: FromPath[UUID]) -> Response[bytes]:
        """Give the rows that were left as they are, each with its reason."""
        tenant = cast("TenantSession", session)
        run, _ = await _own(listing, tenant, viewer, run_id)
        items = await queries.bulk_items(tenant, run.id, outcome="skipped")
        cells = [(item.label or str(item.subject_id), item.reason) for item in items]
        return await export.file("skipped", "csv", ("Row", "Left as it is because"), cells)

    return skipped


async def _page(
    listing: Listing[Any],
    request: AnyRequest,
    session: TenantSession,
    run: BulkRun,
    action: Action,
    *,
    form: dict[str, Any] | None = None,
) -> Response[str]:
    counts = await queries.bulk_outcomes(session, run.id)
    values = (form or {}).get("values") or run.values
    fields = await action.fields(session, values) if run.undo_of is None else []
    will, done, skipped = (counts.get(name, 0) for name in ("will", "done", "skipped"))
    shown = "done" if run.state == "done" else "will"
    return await page(
        request,
        "lists/bulk.html",
        title=f"Undo: {action.label}" if run.undo_of else action.label,
        active=listing.active or listing.table.path,
        status=422 if form else 200,
        list_title=listing.title,
        list_href=listing.table.path,
        here=_place(listing, run.id),
        run=run,
        action=action,
        fields=fields,
        chosen=sum(counts.values()),
        will=will,
        done=done,
        skipped=skipped,
        reasons=await queries.bulk_reasons(session, run.id),
        samples=await queries.bulk_items(session, run.id, outcome=shown, limit=_SHOWN),
        words=_words(fields, run.values),
        form=form or form_state(dict(run.values)),
        may_undo=await bulk.may_undo(session, run, action),
        undo_hours=bulk.UNDO_HOURS,
    )


def _words(fields: Any, values: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return what was chosen, as it was shown to be chosen from."""
    found = []
    for one in fields:
        value = str(values.get(one.name, ""))
        if value:
            found.append((one.label, dict(one.options).get(value, value)))
    return found
