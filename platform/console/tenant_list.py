"""The list of brokerages with state, provisioning and health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from console import health
from console.health import Health
from identity.listings.listing import Cells, Found, Listing
from kernel.database import ControlSession
from kernel.viewer import Viewer
from kernel.web.cursors import Window
from kernel.web.table import Column, State, Table
from tenants import queries
from tenants.models import TENANT_STATES, ProvisioningStep, Tenant
from tenants.ports import Ports

_WORDS = {state: state.replace("_", " ").capitalize() for state in TENANT_STATES}
TABLE = Table(
    name="tenants",
    path="/tenants",
    columns=(
        Column("name", "Brokerage", sortable=True, pinned=True),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(_WORDS.items()),
        ),
        Column("health", "Health"),
        Column("steps", "Provisioning", wide=True),
        Column("waiting", "Events waiting", end=True, wide=True),
        Column("lag", "Mirror lag", end=True),
        Column("since", "Since", "date", sortable=True, filtered=True, wide=True),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column("slug", "Short name", filtered=True, shown=False),
    ),
    sort="name",
)


@dataclass(frozen=True)
class TenantRow:
    """One line of the list: a brokerage, its health, and the steps of its newest run."""

    tenant: Tenant
    health: Health | None
    run: Sequence[ProvisioningStep]

    @property
    def id(self) -> UUID:
        """The brokerage's id."""
        return self.tenant.id

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.state == "done" for step in self.run)

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(self.run)

    @property
    def milliseconds(self) -> int:
        """How long the steps took."""
        return sum(step.milliseconds for step in self.run)


_CELLS: dict[str, Callable[[TenantRow], Cells]] = {
    "name": lambda row: row.tenant.name,
    "state": lambda row: _WORDS[row.tenant.state],
    "health": lambda row: ", ".join(row.health.problems) if row.health else None,
    "steps": lambda row: f"{row.done} of {row.steps}",
    "waiting": lambda row: row.health.waiting_events if row.health else None,
    "lag": lambda row: row.health.lag_seconds if row.health else None,
    "since": lambda row: row.tenant.created_at,
    "currency": lambda row: row.tenant.base_currency,
    "slug": lambda row: row.tenant.slug,
}


async def _described(
    request: Request[Any, Any, Any], session: ControlSession, shown: Sequence[Tenant]
) -> list[TenantRow]:
    """Ask each brokerage how it does; one that is still being made has no schema to ask."""
    ports: Ports = request.app.state.ports
    ready = [queries.ref(tenant) for tenant in shown if tenant.state != "provisioning"]
    found = await health.of_all(ports.database, ready)
    steps = await queries.latest_steps(session)
    return [TenantRow(one, found.get(one.slug), steps.get(one.id, [])) for one in shown]


async def _find(
    request: Request[Any, Any, Any], session: ControlSession, viewer: Viewer, state: State
) -> Found[TenantRow]:
    cut = await queries.tenant_page(session, state)
    rows = await _described(request, session, cut.rows)
    facets = await queries.tenant_facets(session, state)
    context = {
        "tabs": facets.tabs(state, "state", _WORDS),
        "attention": sum(bool(row.health and row.health.problems) for row in rows),
    }
    window = Window(rows, cut.first, cut.next, cut.previous)
    return Found(window, facets.total(state), context)


async def _rows(
    request: Request[Any, Any, Any],
    session: ControlSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[TenantRow]:
    found = await queries.tenant_rows(session, state, limit=limit)
    return await _described(request, session, found)


LISTING = Listing(
    table=TABLE,
    title="Brokerages",
    template="console/tenants.html",
    permission="console.tenant.read",
    find=_find,
    cells=_CELLS,
    heads={"since": ("Since (UTC)",), "lag": ("Mirror lag, seconds",)},
    export="console.tenant.export",
    rows=_rows,
    rows_max=1000,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
