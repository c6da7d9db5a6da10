"""What every list answers to its forms: views are kept or forgotten, files go out for a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from litestar import Request, Response

from identity import audit, views
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.pages import flash, form_state, form_values, see_other
from kernel.web.table import State, Table

Row = TypeVar("Row")
AnyRequest = Request[Any, Any, Any]


class Draw(Protocol):
    """Draws a list's page in a state, with a form that was refused and the panel it stands in."""

    async def __call__(
        self,
        request: AnyRequest,
        session: TenantSession,
        viewer: Viewer,
        state: State,
        *,
        form: dict[str, Any] | None = None,
        opened: str = "",
    ) -> Response[str]:
        """Return the page."""
        ...


async def save_view(
    request: AnyRequest, session: TenantSession, viewer: Viewer, table: Table, *, draw: Draw
) -> Response[Any]:
    """Keep the list as it is under a name; what is wrong is told on the list as it was."""
    values = form_values(await request.form())
    state = table.read_text(values.get("query", ""))
    try:
        await views.save(
            session,
            viewer=viewer,
            state=state,
            name=values.get("name", ""),
            shared=values.get("shared") == "yes",
        )
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await draw(request, session, viewer, state, form=form, opened="view")
    return flash(request, see_other(state.address()), "The view is saved.")


async def delete_view(
    request: AnyRequest, session: TenantSession, viewer: Viewer, table: Table, view_id: UUID
) -> Response[Any]:
    """Forget one of the viewer's own views; raise NotFound for any other."""
    values = form_values(await request.form())
    name = await views.delete(session, viewer=viewer, list_name=table.name, view_id=view_id)
    state = table.read_text(values.get("query", ""))
    return flash(request, see_other(state.address()), f"The view “{name}” is deleted.")


async def export_rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    table: Table,
    *,
    draw: Draw,
    permission: str,
    read: Callable[[State, int], Awaitable[Sequence[Row]]],
    write: Callable[[State, Sequence[Row]], tuple[Sequence[str], Sequence[Sequence[export.Cell]]]],
) -> Response[Any]:
    """Give the whole list as it is filtered, sorted and cut to columns, with a reason.

    `read` returns at most so many rows of a state, within the viewer's scope; `write` makes heads
    and cells of them. The trail has the reason and what was narrowed, not what was typed.
    """
    values = form_values(await request.form())
    state = table.read_text(values.get("query", ""))
    try:
        kind, reason = export.wanted(values)
        rows = await read(state, export.ROWS_MAX + 1)
        export.require_within_cap(len(rows))
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await draw(request, session, viewer, state, form=form, opened="export")
    audit.record(
        session,
        permission,
        subject=("list", table.name),
        after={
            "rows": len(rows),
            "format": kind,
            "columns": list(state.shown),
            "filters": state.filters,
        },
        reason=reason,
    )
    heads, cells = write(state, rows)
    return await export.file(table.name, kind, heads, cells)
