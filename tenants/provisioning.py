"""From a name to a usable brokerage: ordered steps, each a row, each safe to repeat.

A run may die anywhere; the next run of the same tenant goes on at the first step that is
not done. Rooms offer their steps; wiring hands over the ordered list.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from kernel.errors import ProductError
from kernel.failpoints import reach
from kernel.ids import uuid7
from kernel.log import logger
from tenants import queries
from tenants.models import ProvisioningRun, ProvisioningStep
from tenants.ports import Ports

_LOG = logger(__name__)


@dataclass(frozen=True)
class Context:
    """What a step may use. `options` are the run's own: demo, scale and the like."""

    tenant: TenantRef
    ports: Ports
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One step: its name, and a function that may be repeated and returns a line of detail."""

    name: str
    run: Callable[[Context], Awaitable[str]]


class StepFailed(ProductError):
    """A step raised; the run stands at it and can be resumed."""

    code = "step_failed"
    status = 500
    message = "A provisioning step failed. Mend its cause and run the same command again."


Progress = Callable[[str, str, int], None]


def silent(_name: str, _state: str, _milliseconds: int) -> None:
    """Report nothing."""


async def run(
    ports: Ports,
    *,
    tenant_id: UUID,
    steps: Sequence[Step],
    options: Mapping[str, Any],
    progress: Progress = silent,
) -> UUID:
    """Run or resume a tenant's provisioning and return the run's id; raise StepFailed."""
    run_id = await _open_run(ports.database, tenant_id, steps, options)
    async with ports.database.control() as session:
        tenant = await queries.tenant_by_id(session, tenant_id)
        assert tenant is not None
        context = Context(queries.ref(tenant), ports, options)
        done = {row.name for row in await queries.steps_of(session, run_id) if row.state == "done"}
    for step in steps:
        if step.name in done:
            progress(step.name, "kept", 0)
            continue
        await _attempt(context, run_id, step, progress)
    async with ports.database.control() as session:
        found = await session.get(ProvisioningRun, run_id)
        tenant = await queries.tenant_by_id(session, tenant_id)
        assert found is not None
        assert tenant is not None
        found.state, found.finished_at = "done", now()
        if tenant.state == "provisioning":
            tenant.state = "active"
    return run_id


async def _open_run(
    database: Database, tenant_id: UUID, steps: Sequence[Step], options: Mapping[str, Any]
) -> UUID:
    """Return the unfinished run of the tenant, or write a new one with its steps waiting."""
    async with database.control() as session:
        latest = await queries.latest_run(session, tenant_id)
        if latest is not None and latest.state != "done":
            return latest.id
        row = ProvisioningRun(
            id=uuid7(), tenant_id=tenant_id, options=dict(options), state="running"
        )
        session.add(row)
        for position, step in enumerate(steps):
            session.add(ProvisioningStep(run_id=row.id, position=position, name=step.name))
        return row.id


async def _attempt(context: Context, run_id: UUID, step: Step, progress: Progress) -> None:
    started = time.monotonic()
    reach(f"provisioning.before.{step.name}")
    try:
        detail = await step.run(context)
    except Exception as error:
        spent = _milliseconds(started)
        await _write(context, run_id, step, "failed", spent, error=type(error).__name__)
        progress(step.name, "failed", spent)
        _LOG.error("a provisioning step failed", step=step.name, error=type(error).__name__)
        raise StepFailed(step=step.name) from error
    spent = _milliseconds(started)
    await _write(context, run_id, step, "done", spent, detail=detail)
    reach(f"provisioning.after.{step.name}")
    progress(step.name, "done", spent)


async def _write(
    context: Context,
    run_id: UUID,
    step: Step,
    state: str,
    milliseconds: int,
    *,
    detail: str = "",
    error: str = "",
) -> None:
    async with context.ports.database.control() as session:
        for row in await queries.steps_of(session, run_id):
            if row.name == step.name:
                row.state = state
                row.attempts += 1
                row.milliseconds = milliseconds
                row.detail, row.error = detail[:300], error[:300]
                row.finished_at = now()


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
