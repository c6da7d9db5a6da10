"""Demo trades: two months of them, made by the simulated server and read as any others."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from urllib.parse import urlsplit
from uuid import UUID
from zlib import crc32

import httpx

from entrypoints.demo_leads import Volume
from entrypoints.demo_money import verified
from identity import audit
from introducers import commissions, postings
from kernel.clock import now
from revenue import lines
from tenants.provisioning import Context
from tenants.schemas import statistics
from trading import deals, puller, results, states
from trading import queries as trading_queries
from trading.deals import Share

_WHOLE_DEALS = 180_000
_DEALS_MAX = 40_000
# Inside what a first reading looks back to.
_DAYS = 58
_TRADED = b'"Entry":"1"'


class SimulatorMistaken(Exception):
    """The simulator is not the one that was started, or it refused a call."""


async def trades(context: Context) -> str:
    """Have the simulator trade for the last two months, and read what it wrote."""
    if not context.options.get("demo") or not context.ports.settings.simulators.mt5_url:
        return "no demo"
    ports = context.ports
    async with ports.database.tenant(context.tenant) as session:
        held = [
            account
            for client in await verified(session, context)
            for account in await trading_queries.accounts_of(session, client.id)
            if account.state == "open"
        ]
        audit.record(session, "demo.trades", subject=("tenant", context.tenant.id))
    if not held:
        return "no accounts"
    server_id = held[0].server_id
    connection = await ports.trading.get(server_id)
    [share] = [
        share
        for share in await puller.shares_of(ports.database, server_id)
        if share.tenant.id == context.tenant.id
    ]
    if not await _has_traded(context, server_id, share):
        wanted = min(_DEALS_MAX, max(200, round(_WHOLE_DEALS * Volume.of(context).scale)))
        await _operate(
            context,
            "generate",
            {
                "logins": sorted(account.login or 0 for account in held),
                "days": _DAYS,
                "deals": wanted,
                "seed": crc32(context.tenant.slug.encode()),
            },
        )
    pulled = await deals.pull(ports.database, server_id, tenants=[share], connection=connection)
    await states.refresh(ports.database, server_id, share=share, connection=connection)
    await statistics.gather(ports.settings, context.tenant.schema)
    async with ports.database.tenant(context.tenant) as session:
        booked = await lines.book(session, server_id=server_id)
        await results.book(session, server_id=server_id)
    paid = await _pay_partners(context, {account.client_id for account in held})
    return (
        f"{pulled[context.tenant.id].written} deals in the mirror, revenue of {booked},"
        f" {paid} commission lines"
    )


async def _pay_partners(context: Context, client_ids: set[UUID]) -> int:
    """Bring commissions up to date and post the days that are over."""
    database = context.ports.database
    await statistics.gather(context.ports.settings, context.tenant.schema)
    paid = 0
    async with database.tenant(context.tenant) as session:
        for client_id in sorted(client_ids):
            paid += await commissions.accrue_client(session, client_id=client_id)
    await statistics.gather(context.ports.settings, context.tenant.schema)
    await postings.close_days(database, context.tenant, before=now().date())
    return paid


async def _has_traded(context: Context, server_id: UUID, share: Share) -> bool:
    """Say whether a run that died had the simulator trade already: twice would be wrong."""
    connection = await context.ports.trading.get(server_id)
    clock = await connection.server_time()
    return _TRADED in await connection.deals_raw(
        share.mask, clock.utc - deals.HISTORY, clock.utc + deals.AHEAD
    )


async def _operate(context: Context, call: str, body: dict[str, object]) -> None:
    simulators = context.ports.settings.simulators
    address = urlsplit(simulators.mt5_url)
    host, port = address.hostname or "127.0.0.1", address.port or 443
    pem = await asyncio.to_thread(ssl.get_server_certificate, (host, port), timeout=10)
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if found != simulators.mt5_fingerprint.removeprefix("sha256:").lower():
        raise SimulatorMistaken("another certificate than the simulator's")
    trusted = ssl.create_default_context(cadata=pem)
    trusted.check_hostname = False
    async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=120) as http:
        answer = await http.post(
            f"{simulators.mt5_url}/_simulator/{call}",
            json=body,
            headers={"X-Operator-Token": simulators.operator_token},
        )
    if answer.status_code != 200:
        raise SimulatorMistaken(f"{call}: {answer.status_code} at {now():%H:%M:%S}")
