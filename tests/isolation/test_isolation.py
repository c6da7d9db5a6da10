"""Two brokerages with equal ids: neither sees or changes a row of the other, on any route."""

from __future__ import annotations

import sys

import asyncpg
import pytest

import kernel.database
from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.web.access import PUBLIC
from tests.isolation import canaries
from tests.isolation.canaries import FOREIGN, SHARED
from tests.isolation.stranger import Stranger, Tally
from tests.isolation.walk import routes

pytestmark = pytest.mark.timeout(300)


async def _planted(
    web: Web, superuser: asyncpg.Connection, mine: TenantRef, theirs: TenantRef
) -> Stranger:
    for tenant in (theirs, mine):
        seeded = await canaries.plant(superuser, tenant.schema, SHARED)
        assert seeded.tables > 40
        assert seeded.canaries > 100
    await canaries.plant(superuser, theirs.schema, FOREIGN)
    stranger = Stranger(web, superuser, mine, theirs)
    await stranger.prepare()
    return stranger


def _summary(tally: Tally, total: int, changed: set[str]) -> str:
    return (
        f"isolation: routes={len(tally.covered)}/{total} requests={tally.requests}"
        f" foreign_2xx={len(tally.foreign_2xx)} canary_hits={len(tally.canary_hits)}"
        f" foreign_db_delta={len(changed)}"
    )


async def test_no_route_shows_or_changes_what_is_another_brokerages(
    web: Web,
    superuser: asyncpg.Connection,
    tenant: TenantRef,
    other_tenant: TenantRef,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every route of every surface, with the other's ids in path, query and body."""
    stranger = await _planted(web, superuser, other_tenant, tenant)
    every = routes(web)
    before = await canaries.digest(superuser, tenant.schema)
    for route in every:
        await stranger.on_my_hosts(route)
        if route.permission != PUBLIC and route.surface != "console":
            await stranger.on_their_hosts(route)
    after = await canaries.digest(superuser, tenant.schema)
    changed = {table for table in before if before[table] != after[table]}
    # What a visitor may do on their own host is theirs to allow; it must show nothing of value.
    for route in every:
        if route.permission == PUBLIC:
            await stranger.on_their_hosts(route)
    await stranger.close()

    tally = stranger.tally
    with capsys.disabled():
        sys.stdout.write(f"\n{_summary(tally, len(every), changed)}\n")
    assert tally.covered == set(every)
    assert tally.canary_hits == []
    assert tally.foreign_2xx == []
    assert tally.let_in == []
    assert changed == set()
    # The walker's own pages do show canaries: the walk looks where the data is.
    assert tally.own_canaries >= 5


async def test_the_walk_finds_canaries_when_every_session_is_bound_to_one_brokerage(
    web: Web,
    superuser: asyncpg.Connection,
    tenant: TenantRef,
    other_tenant: TenantRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the binding replaced by a constant the same walk is red, so that its green counts."""
    stranger = await _planted(web, superuser, other_tenant, tenant)
    before = await canaries.digest(superuser, tenant.schema)
    bound = kernel.database._begin

    def constant(_tenant: TenantRef, *, read_only: bool = False) -> str:
        return bound(tenant, read_only=read_only)

    monkeypatch.setattr(kernel.database, "_begin", constant)
    for route in routes(web):
        await stranger.on_my_hosts(route, with_key=False)
    monkeypatch.undo()
    after = await canaries.digest(superuser, tenant.schema)
    await stranger.close()

    assert stranger.tally.canary_hits != []
    assert before != after
