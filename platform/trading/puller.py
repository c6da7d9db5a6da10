"""The loop that reads deals from every trading server: one process a server, by lease.

One asyncio process polls many servers at once; a server has one serial connection, so its
tenants are read one after the other. A tenant with news is read again at once, a quiet one
less and less often, and whatever fails waits longer each time without holding up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from connectors.trading.port import TradingConnection, TradingConnections
from kernel.clock import now
from kernel.database import Database
from kernel.ids import token
from kernel.log import logger
from tenants import queries as tenant_queries
from tenants import servers
from trading import deals, metrics, rules, states
from trading.deals import Share

_LOG = logger(__name__)
LEASE_SECONDS = 15.0
_SERVERS_SECONDS = 2.0
_IDLE_TIMES_MAX = 5
_STATES_SECONDS = 10.0
# How often, in seconds, how much of the past is read again for deals edited or booked late.
_RESCANS = (
    (3.0, timedelta(minutes=30)),
    (30.0, timedelta(hours=25)),
    (3600.0, timedelta(days=31)),
)
# Reading the past may take a twentieth of the time, however large it is.
_RESCAN_SHARE = 20


@dataclass(slots=True)
class _Beat:
    """When a tenant's next reading is due, on the process's own clock, in seconds."""

    next_at: float = 0.0
    quiet: int = 0
    failures: int = 0
    states_at: float = 0.0
    rescans: dict[float, float] = field(default_factory=dict)


async def run(
    database: Database,
    connections: TradingConnections,
    stop: asyncio.Event,
    *,
    poll_seconds: float = 1.0,
) -> None:
    """Read deals until told to stop; then give the leases back."""
    holder = token(12)
    working: dict[UUID, asyncio.Task[None]] = {}
    try:
        while not stop.is_set():
            try:
                await _take_servers(database, connections, holder, working, poll_seconds)
            except Exception:  # noqa: BLE001 - the next round tries again
                _LOG.exception("servers could not be read")
            await _pause(stop, _SERVERS_SECONDS)
    finally:
        for task in working.values():
            task.cancel()
        await asyncio.gather(*working.values(), return_exceptions=True)
        await _give_back(database, holder)


async def _give_back(database: Database, holder: str) -> None:
    """Release our leases at once, so that another process need not wait until they run out."""
    try:
        async with database.control() as session:
            await servers.release(session, holder=holder)
    except Exception as error:  # noqa: BLE001 - the leases run out by themselves
        _LOG.warning("leases could not be given back", error=type(error).__name__)


async def _take_servers(
    database: Database,
    connections: TradingConnections,
    holder: str,
    working: dict[UUID, asyncio.Task[None]],
    poll_seconds: float,
) -> None:
    """Renew our leases, take free ones, and let go of what is no longer ours."""
    async with database.control() as session:
        known = await tenant_queries.servers(session)
        ours = {
            server.id: server.name
            for server in known
            if server.state == "active"
            and await servers.claim(
                session, server_id=server.id, holder=holder, seconds=LEASE_SECONDS
            )
        }
    for server_id in [*working]:
        if server_id not in ours or working[server_id].done():
            task = working.pop(server_id)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    for server_id, name in ours.items():
        if server_id not in working:
            working[server_id] = asyncio.create_task(
                _serve(database, connections, server_id, name, poll_seconds)
            )


async def _serve(
    database: Database,
    connections: TradingConnections,
    server_id: UUID,
    name: str,
    poll_seconds: float,
) -> None:
    """Read one server's tenants again and again, until cancelled."""
    beats: dict[UUID, _Beat] = {}
    shares: list[Share] = []
    failures = 0
    while True:
        try:
            shares = await shares_of(database, server_id)
            due = [
                share
                for share in shares
                if beats.setdefault(share.tenant.id, _Beat()).next_at <= time.monotonic()
            ]
            if due:
                await _pass(
                    database,
                    connections,
                    server_id=server_id,
                    name=name,
                    due=due,
                    beats=beats,
                    poll_seconds=poll_seconds,
                )
            failures = 0
            await asyncio.sleep(_until_next(shares, beats, poll_seconds))
        except Exception as error:  # noqa: BLE001 - the loop outlives whatever a server does
            failures += 1
            metrics.FAILURES.labels(name).inc()
            pause = rules.backoff(failures)
            _LOG.warning("pull failed", server=name, error=type(error).__name__, seconds=pause)
            for share in shares:
                await _show(database, server_id, share, error)
            await asyncio.sleep(pause)


async def _pass(
    database: Database,
    connections: TradingConnections,
    *,
    server_id: UUID,
    name: str,
    due: Sequence[Share],
    beats: dict[UUID, _Beat],
    poll_seconds: float,
) -> None:
    """Read the tenants that are due, each alone."""
    connection = await connections.get(server_id)
    clock = await connection.server_time()
    for share in due:
        beat = beats[share.tenant.id]
        try:
            pulled = (
                await deals.pull(
                    database, server_id, tenants=[share], connection=connection, clock=clock
                )
            )[share.tenant.id]
            metrics.LAG.labels(name).set(pulled.lag_seconds)
            metrics.SYNCED.labels(name).inc(pulled.written)
            moment = time.monotonic()
            if pulled.written or moment - beat.states_at >= _STATES_SECONDS:
                await states.refresh(database, server_id, share=share, connection=connection)
                beat.states_at = moment
            changed = await _look_back(database, connection, server_id, share, beat)
            metrics.SYNCED.labels(name).inc(changed)
            if changed:
                beat.states_at = 0.0
            beat.failures = 0
            beat.quiet = 0 if pulled.written else min(beat.quiet + 1, _IDLE_TIMES_MAX * 4)
            beat.next_at = time.monotonic() + _interval(beat, poll_seconds)
        except Exception as error:  # noqa: BLE001 - one tenant must not stop its neighbours
            beat.failures += 1
            beat.next_at = time.monotonic() + rules.backoff(beat.failures)
            metrics.FAILURES.labels(name).inc()
            _LOG.warning(
                "pull failed", server=name, tenant=share.tenant.slug, error=type(error).__name__
            )
            await _show(database, server_id, share, error)


async def _look_back(
    database: Database,
    connection: TradingConnection,
    server_id: UUID,
    share: Share,
    beat: _Beat,
) -> int:
    """Read the stretches of the past that are due; return how many deals had changed."""
    changed = 0
    for every, back in _RESCANS:
        started = time.monotonic()
        if started < beat.rescans.setdefault(every, started + every):
            continue
        changed += await deals.rescan(
            database, server_id, tenants=[share], connection=connection, back=back
        )
        ended = time.monotonic()
        beat.rescans[every] = ended + max(every, _RESCAN_SHARE * (ended - started))
    return changed


async def shares_of(database: Database, server_id: UUID) -> list[Share]:
    """Return the tenants whose deals are to be read from a server, with their masks."""
    async with database.control() as session:
        rows = await tenant_queries.tenants_of_server(session, server_id)
        return [
            Share(tenant_queries.ref(tenant), row.group_mask)
            for row, tenant in rows
            if tenant.state != "archived"
        ]


def _interval(beat: _Beat, poll_seconds: float) -> float:
    """Return the pause after a reading: at once after news, up to five polls when it is quiet."""
    if beat.quiet == 0:
        return poll_seconds / 4
    return poll_seconds * max(1, min(_IDLE_TIMES_MAX, beat.quiet // 4))


def _until_next(shares: Sequence[Share], beats: dict[UUID, _Beat], poll_seconds: float) -> float:
    soonest = min((beats[share.tenant.id].next_at for share in shares), default=0.0)
    wait = soonest - time.monotonic() if shares else poll_seconds
    return min(max(wait, poll_seconds / 10), poll_seconds)


async def _show(database: Database, server_id: UUID, share: Share, error: Exception) -> None:
    """Put a failure on the tenant's health page; when that fails too, the log has to do."""
    words = f"{now():%H:%M:%S} UTC {type(error).__name__}"
    try:
        await deals.fail(database, server_id, tenant=share.tenant, error=words)
    except Exception as second:  # noqa: BLE001 - showing a failure must not become one
        _LOG.warning("a failure could not be shown", error=type(second).__name__)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
