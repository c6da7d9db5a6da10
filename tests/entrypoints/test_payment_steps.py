"""The demo's payment providers are connected once and found again where they have moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from entrypoints import payment_steps
from entrypoints.connections import Gateways
from entrypoints.payment_steps import COUNTERPARTS
from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.provisioning import Context
from tests.fixtures.psp_simulator import TOKEN, PspSimulator
from treasury import connections
from treasury.offers import queries, ways
from treasury.offers.ways import Payer


@pytest.fixture
def context(ports: Ports, tenant: TenantRef) -> Context:
    """A demo whose simulator is not started yet."""
    return Context(tenant, ports, {"demo": True})


async def test_the_demo_has_every_counterpart_once(context: Context) -> None:
    """Run twice; each has its ways to pay; a simulator that moved is followed."""
    simulator = PspSimulator()
    try:
        here = _at(context, simulator.url)
        first = await payment_steps.connect(here)
        second = await payment_steps.connect(here)
    finally:
        simulator.stop()
    await payment_steps.follow(_at(context, "http://127.0.0.1:9"))

    assert (first, second) == (f"{len(COUNTERPARTS)} connected", "0 connected")
    async with context.ports.database.tenant_read(context.tenant) as session:
        known = {one.name: one for one in await queries.connections(session)}
        found = await ways.ways(session, payer=Payer("DE"))
        opened = [
            connections.credentials_of(session, known[one.name], vault=context.ports.vault)
            for one in COUNTERPARTS
            if one.protocol
        ]
    assert set(known) >= {one.name for one in COUNTERPARTS}
    assert {way.title for way in found} >= {one.title for one in COUNTERPARTS}
    assert {one["api_base"] for one in opened} == {"http://127.0.0.1:9"}


async def test_without_a_demo_nothing_is_connected(context: Context) -> None:
    """A brokerage of its own connects its own providers."""
    assert await payment_steps.connect(replace(context, options={})) == "no demo"


def _at(context: Context, url: str) -> Context:
    simulators = replace(context.ports.settings.simulators, psp_url=url, operator_token=TOKEN)
    settings = replace(context.ports.settings, simulators=simulators)
    gateways = Gateways(allow=frozenset({url.removeprefix("http://")}))
    return replace(context, ports=replace(context.ports, settings=settings, gateways=gateways))
