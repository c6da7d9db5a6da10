"""What every list is: declared once by its room, and answered by one piece of code.

A room names the columns (`kernel.web.table`), how a page of rows is found, and what a cell holds
in a file. `Listing.routes` makes the rest: the page, its saved and pinned views, its file, and
changes to many rows at once (`bulk_screens`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import audit
from identity.listings import bulk_screens, views
from identity.listings.actions import Action
from kernel.database import ControlSession, TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.viewer import Viewer
from kernel.web import export as files
from kernel.web.access import SELF
from kernel.web.cursors import Window
from kernel.web.inject import AnySession, Seen
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import State, Table

Row = TypeVar("Row")
Made_co = TypeVar("Made_co", covariant=True)
AnyRequest = Request[Any, Any, Any]
DataSession = TenantSession | ControlSession
Cells = files.Cell | tuple[files.Cell, ...]


@dataclass(frozen=True)
class Found(Generic[Made_co]):
    """One page of a list and its whole length; `context` is what else its template shows.

    Of the context, `tabs` stand behind the pinned views, and `picks` are choices in the bar.
    `most` is where counting stopped, for lists that are too long to be counted; 0 for none.
    """

    window: Window[Made_co]
    total: int
    context: Mapping[str, Any] = field(default_factory=dict)
    views: Sequence[views.Offered] | None = None
    most: int = 0


class Find(Protocol[Made_co]):
    """Finds a page of a list within what its viewer may see."""

    async def __call__(
        self,
        request: AnyRequest,
        session: Any,  # noqa: ANN401 - the surface's own kind of session
        viewer: Viewer,
        state: State,
    ) -> Found[Made_co]:
        """Return the page and what surrounds it."""
        ...


class Rows(Protocol[Made_co]):
    """Reads the start of a whole list, within what its viewer may see and do with it."""

    async def __call__(
        self,
        request: AnyRequest,
        session: Any,  # noqa: ANN401 - the surface's own kind of session
        viewer: Viewer,
        state: State,
        *,
        limit: int,
        permission: str,
    ) -> Sequence[Made_co]:
        """Return at most so many rows in the list's order, within the permission's scope too."""
        ...


def rows_of(read: Callable[..., Awaitable[Sequence[Made_co]]]) -> Rows[Made_co]:
    """Return the reader of a list that is the same for everybody who may see it."""

    async def rows(
        request: AnyRequest,
        session: Any,  # noqa: ANN401 - the surface's own kind of session
        viewer: Viewer,
        state: State,
        *,
        limit: int,
        permission: str,
    ) -> Sequence[Made_co]:
        return await read(session, state, limit=limit)

    return rows


def length_of(
    count: Callable[[Any, State], Awaitable[int]],
) -> Callable[[Any, Viewer, State], Awaitable[int]]:
    """Return the length of such a list."""

    async def length(session: Any, viewer: Viewer, state: State) -> int:  # noqa: ANN401
        return await count(session, state)

    return length


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """A list of one surface.

    `cells` are what a file holds for a column, and what the page shows of a column that the list
    does not have at first; a column of several cells names them in `heads`. `export` is the
    permission of the file, which is given for a reason; SELF gives people their own data without
    one. `reach` is the table as a viewer may have it. `count` is the length of another state of
    the list, for the tabs of pinned views: without it there are no views.
    """

    table: Table
    title: str
    template: str
    permission: str
    find: Find[Row]
    cells: Mapping[str, Callable[[Row], Cells]]
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    export: str = ""
    rows: Rows[Row] | None = None
    count: Callable[[Any, Viewer, State], Awaitable[int]] | None = None
    actions: tuple[Action, ...] = ()
    reach: Callable[[Viewer], Table] | None = None
    active: str = ""
    rows_max: int = files.ROWS_MAX

    def table_of(self, viewer: Viewer) -> Table:
        """Return the list's columns as a viewer may have them."""
        return self.reach(viewer) if self.reach else self.table

    def offered(self, viewer: Viewer) -> list[Action]:
        """Return the changes to many rows that a viewer may make."""
        return [one for one in self.actions if viewer.may(one.permission)]

    async def draw(
        self,
        request: AnyRequest,
        session: DataSession,
        viewer: Viewer,
        state: State,
        *,
        form: dict[str, Any] | None = None,
        opened: str = "",
        message: str = "",
    ) -> Response[Any]:
        """Return the page in a state, with a form that was refused and its panel open."""
        found = await self.find(request, session, viewer, state)
        offered: Sequence[views.Offered] = found.views or ()
        if found.views is None and self.count is not None:
            tenant = cast("TenantSession", session)
            offered = await views.offered(tenant, list_name=self.table.name, viewer_id=viewer.id)
        first = next((view.query for view in offered if view.first), "")
        if first and request.method == "GET" and not request.query_params:
            return see_other(self.table_of(viewer).read_text(first).address())
        if first:
            state = replace(state, opens=True)
        context = dict(found.context)
        pinned = await _pinned(self, session, viewer, state, offered)
        context["tabs"] = [*pinned, *(_whole(tab, state) for tab in context.get("tabs", ()))]
        may_export = self.export == SELF or (self.export and viewer.may(self.export))
        return await page(
            request,
            self.template,
            title=gettext(self.title),
            active=self.active or self.table.path,
            status=422 if form or message else 200,
            state=state,
            rows=found.window.rows,
            total=min(found.total, found.most) if found.most else found.total,
            paging=found.window.paging(state, found.total, most=found.most),
            views=offered if self.count is not None else None,
            form=form,
            open=state.opened(opened or request.query_params.get("panel", "")),
            export=_export_words(self, found.total) if may_export else None,
            extra=_extra(self, state),
            bulk=self.offered(viewer),
            bulk_error=message,
            **context,
        )

    def routes(self) -> list[HTTPRouteHandler]:
        """Return the handlers of the list: page, views, file, and changes to many rows."""
        made = [_shown(self)]
        if self.count is not None:
            made += _kept(self)
        if self.export:
            made.append(_exported(self))
        if self.actions:
            made += bulk_screens.routes(self)
        return made


def _whole(tab: dict[str, Any], state: State) -> dict[str, Any]:
    """Return a tab whose link, where it is the bare address, shows the whole list for sure."""
    bare = state.opens and tab["href"] == state.path
    return {**tab, "href": state.everything} if bare else tab


def _export_words(listing: Listing[Any], total: int) -> dict[str, Any]:
    return {"count": total, "most": listing.rows_max, "reason": listing.export != SELF}


async def _pinned(
    listing: Listing[Any],
    session: DataSession,
    viewer: Viewer,
    state: State,
    offered: Sequence[views.Offered],
) -> list[dict[str, Any]]:
    """Return a tab for each view that the viewer has pinned, with the length of its list."""
    tabs: list[dict[str, Any]] = []
    table = listing.table_of(viewer)
    pinned = [one for one in offered if one.position is not None]
    for one in sorted(pinned, key=lambda view: (view.position or 0, view.name.lower())):
        kept = table.read_text(one.query)
        assert listing.count is not None
        tabs.append(
            {
                "label": one.name,
                "icon": "pin",
                "href": kept.address() if one.query else kept.everything,
                "active": kept.written == state.written,
                "count": await listing.count(session, viewer, kept),
            }
        )
    return tabs


def _extra(listing: Listing[Row], state: State) -> Callable[[Row], list[str]] | None:
    """Return what writes the cells of columns that the list does not have at first."""
    cells = [listing.cells[column.name] for column in state.extras]
    return (lambda row: [_text(cell(row)) for cell in cells]) if cells else None


def _text(cells: Cells) -> str:
    several = cells if isinstance(cells, tuple) else (cells,)
    shown = [
        cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if isinstance(cell, datetime) else str(cell)
        for cell in several
        if cell not in (None, "")
    ]
    return " ".join(shown) or "–"


def _shown(listing: Listing[Any]) -> HTTPRouteHandler:
    @get(listing.table.path, permission=listing.permission)
    async def show(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
        """Show the list, a page at a time."""
        query = request.query_params
        table = listing.table_of(viewer)
        state = table.read(query) if query else table.opened
        if "col" in query:
            # The form of columns sends each by itself; an address names them once.
            chosen = ",".join(query.getall("col"))
            return see_other(table.read({**state.query, "cols": chosen}).address())
        return await listing.draw(request, session, viewer, state)

    return show


def _kept(listing: Listing[Any]) -> list[HTTPRouteHandler]:
    path = f"{listing.table.path}/views"

    @post(path, permission=listing.permission, status_code=200)
    async def save(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
        """Keep the list as it is under a name."""
        values = form_values(await request.form())
        state = listing.table_of(viewer).read_text(values.get("query", ""))
        try:
            await views.save(
                cast("TenantSession", session),
                viewer=viewer,
                state=state,
                name=values.get("name", ""),
                shared=values.get("shared") == "yes",
                pinned=values.get("pinned") == "yes",
            )
        except InvalidInput as error:
            form = form_state(values, error.fields, error.text)
            return await listing.draw(request, session, viewer, state, form=form, opened="view")
        return flash(request, see_other(state.address()), "The view is saved.")

    @post(f"{path}/{{view_id:uuid}}/{{verb:str}}", permission=listing.permission, status_code=200)
    async def change(
        request: AnyRequest,
        session: AnySession,
        viewer: Seen,
        view_id: FromPath[UUID],
        verb: FromPath[str],
    ) -> Response[Any]:
        """Rename or delete a view of one's own; pin, move or open first any that is offered."""
        values = form_values(await request.form())
        state = listing.table_of(viewer).read_text(values.get("query", ""))
        try:
            words = await views.change(
                cast("TenantSession", session),
                viewer=viewer,
                list_name=listing.table.name,
                view_id=view_id,
                verb=verb,
                name=values.get("name", ""),
            )
        except InvalidInput as error:
            told = error.fields.get("name", error.text)
            form = form_state({}, {f"name-{view_id}": told})
            return await listing.draw(request, session, viewer, state, form=form, opened="view")
        target = state.panel("view") if verb != "delete" else state.address()
        return flash(request, see_other(target), words)

    return [save, change]


def _exported(listing: Listing[Any]) -> HTTPRouteHandler:
    @post(f"{listing.table.path}/export", permission=listing.export, status_code=200)
    async def exported(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
        """Give the whole list as it is filtered, sorted and cut to columns.

        The trail has the reason and what was narrowed, not what was typed.
        """
        values = form_values(await request.form())
        own = listing.export == SELF
        state = listing.table_of(viewer).read_text(values.get("query", ""))
        assert listing.rows is not None
        try:
            kind, reason = files.wanted(values, reasoned=not own)
            most = listing.rows_max + 1
            rows = await listing.rows(
                request, session, viewer, state, limit=most, permission=listing.export
            )
            files.require_within_cap(len(rows), cap=listing.rows_max)
        except InvalidInput as error:
            form = form_state(values, error.fields, error.text)
            return await listing.draw(request, session, viewer, state, form=form, opened="export")
        heads, cells = written(listing, state, rows)
        audit.record(
            session,
            f"{listing.table.name}.export" if own else listing.export,
            subject=("list", listing.table.name),
            after={
                "rows": len(rows),
                "format": kind,
                "columns": list(state.shown),
                "filters": state.filters,
            },
            reason=reason,
        )
        return await files.file(listing.table.name, kind, heads, cells)

    return exported


def written(
    listing: Listing[Row], state: State, rows: Sequence[Row]
) -> tuple[list[str], list[list[files.Cell]]]:
    """Return heads and cells of a file of these rows, in the state's columns."""
    heads: list[str] = []
    for name in state.shown:
        usual = (state.table.column(name).label,)
        heads.extend(gettext(head) for head in listing.heads.get(name, usual))
    makers = [listing.cells[name] for name in state.shown]
    cells: list[list[files.Cell]] = []
    for row in rows:
        made: list[files.Cell] = []
        for maker in makers:
            cell = maker(row)
            made.extend(cell if isinstance(cell, tuple) else (cell,))
        cells.append(made)
    return heads, cells
