"""Provisioning steps of the money path: the book, the simulated server, the simulated provider."""

from __future__ import annotations

import httpx

from entrypoints import payment_steps
from ledger import provisioning as ledger_steps
from tenants import queries as tenant_queries
from tenants.provisioning import Context, Step
from trading import provisioning as trading_steps
from treasury import connections as treasury_connections
from treasury import provisioning as treasury_steps
from treasury import queries as treasury_queries
from treasury.rates import provisioning as rate_steps
from treasury.rates import queries as rate_queries


async def _chart(context: Context) -> str:
    async with context.ports.database.tenant(context.tenant) as session:
        count = await ledger_steps.chart_of_accounts(session)
    return f"{count} house accounts"


async def follow(context: Context) -> None:
    """Find the simulators again when their ports have moved since the last start."""
    ports, settings = context.ports, context.ports.settings
    async with ports.database.control() as control:
        server = await tenant_queries.server_by_name(control, trading_steps.SIMULATOR)
    address = settings.simulators.mt5_url.removeprefix("https://").rstrip("/")
    if server is not None and address and server.address != address:
        for step in trading_steps.STEPS:
            await step.run(context)
    async with ports.database.tenant(context.tenant) as session:
        # Made-up rates are those of today at each start, or the demo could not convert for long.
        if rate_steps.SOURCE in {row.source for row in await rate_queries.pairs(session)}:
            await rate_steps.demo_rates(session)
        known = await treasury_queries.connection_by_name(session, treasury_steps.SIMULATOR)
        if known is None or not settings.simulators.psp_url:
            return
        moved = await treasury_connections.move(
            session,
            connection_id=known.id,
            api_base=settings.simulators.psp_url,
            vault=ports.vault,
        )
    if moved:
        await _provider(context)
    await payment_steps.follow(context)


async def _rates(context: Context) -> str:
    if not context.options.get("demo"):
        return "import a file of reference rates, or name a live source"
    async with context.ports.database.tenant(context.tenant) as session:
        return f"{await rate_steps.demo_rates(session)} made-up rates"


async def _provider(context: Context) -> str:
    ports, settings = context.ports, context.ports.settings
    if not settings.simulators.psp_url:
        return "no simulator runs; connect a payment provider"
    async with ports.database.tenant_read(context.tenant) as session:
        known = await treasury_queries.connection_by_name(session, treasury_steps.SIMULATOR)
    # An account that was made but not written down stays unused at the simulator.
    secret_key = "" if known is not None else await _account(context)
    host = f"www.{context.tenant.slug}.{settings.domain}"
    connection_id = await treasury_steps.simulator_psp(
        ports.database,
        context.tenant,
        gateways=ports.gateways,
        vault=ports.vault,
        secret_key=secret_key,
        api_base=settings.simulators.psp_url,
        webhook_url=lambda token: f"{settings.origin(host)}/hooks/payments/{token}",
    )
    return f"connection {connection_id}"


async def _account(context: Context) -> str:
    """Open the brokerage's own account at the simulator and return its secret key."""
    simulators = context.ports.settings.simulators
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        answer = await http.post(
            f"{simulators.psp_url}/_simulator/accounts",
            json={"name": context.tenant.name},
            headers={"X-Operator-Token": simulators.operator_token},
        )
        answer.raise_for_status()
    key: str = answer.json()["secret_key"]
    return key


STEPS = [
    Step("chart of accounts", _chart),
    *trading_steps.STEPS,
    Step("payment provider", _provider),
    Step("exchange rates", _rates),
]
