"""The step that gives a new brokerage its groups and offers on the simulated trading server."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from connectors.trading.port import (
    CommissionTier,
    GroupCommission,
    NewGroup,
    TradingConnections,
)
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import ControlSession, Database
from tenants import queries as tenant_queries
from tenants import servers
from tenants.provisioning import Context, Step
from trading import account_types, groups
from trading.account_types import Offer

SIMULATOR = "MT5 (simulator)"
_KIND = "mt5_rest"
_ZERO = Decimal(0)

# The standard offer's mark-up in points: one pip on majors and minors, elsewhere the standard
# spread less the raw one.
STANDARD_MARKUP = {
    "FX Majors\\*": 10,
    "FX Minors\\*": 10,
    "USDTRY": 300,
    "USDZAR": 250,
    "XAUUSD": 13,
    "XAGUSD": 13,
    "US30": 13,
    "US500": 30,
    "NAS100": 9,
    "GER40": 7,
    "WTI": 2,
    "NGAS": 4,
    "AAPL": 3,
    "BTCUSD": 1000,
    "ETHUSD": 80,
}
# The raw offer's commission, in the account's currency for a lot and a side.
RAW_COMMISSION = Decimal("3.50")


def mask(slug: str) -> str:
    """Return the mask of a brokerage's groups on the simulator."""
    return f"real\\{slug}\\*"


def offers(slug: str) -> tuple[Offer, ...]:
    """Return the offers a brokerage starts with; minimum deposits are in US dollars."""
    folder = f"real\\{slug}\\"
    return (
        Offer("STD", "Standard", f"{folder}STD-USD", "USD", 500, Decimal(100)),
        Offer("RAW", "Raw spread", f"{folder}RAW-USD", "USD", 500, Decimal(500)),
    )


def new_groups(slug: str, *, company: str) -> tuple[NewGroup, ...]:
    """Return the groups behind those offers, as they are created on a server."""
    tier = CommissionTier(
        mode=0,
        type=1,
        value=RAW_COMMISSION,
        minimal=_ZERO,
        range_from=_ZERO,
        range_to=_ZERO,
        currency="",
    )
    commission = GroupCommission(
        name="Commission",
        path="*",
        mode=0,
        range_mode=0,
        charge_mode=2,
        entry_mode=0,
        tiers=(tier,),
    )
    standard, raw = (offer.group_name for offer in offers(slug))
    return (
        NewGroup(standard, "USD", 2, company=company, spread_diffs=STANDARD_MARKUP),
        NewGroup(raw, "USD", 2, company=company, commissions=(commission,)),
    )


async def simulator_server(
    database: Database,
    tenant: TenantRef,
    *,
    connections: TradingConnections,
    vault: Vault,
    address: str,
    manager_login: str,
    password: str,
    fingerprint: str,
) -> UUID:
    """Give the brokerage its groups on the simulator and its offers; return the server's id.

    `address` is `host:port`, with or without `https://`. Each repetition finds what the last
    one made; the network is called between transactions. Raises MaskOverlaps when another
    brokerage holds the groups, and what the connection raises.
    """
    async with database.control() as session:
        server_id = await _registered(
            session,
            address=address.removeprefix("https://").rstrip("/"),
            manager_login=manager_login,
            password=password,
            fingerprint=fingerprint,
            vault=vault,
        )
        await servers.assign(
            session, server_id=server_id, tenant_id=tenant.id, group_mask=mask(tenant.slug)
        )
    connection = await connections.get(server_id)
    known = {group.name.lower() for group in await connection.groups(mask(tenant.slug))}
    for group in new_groups(tenant.slug, company=tenant.name):
        if group.name.lower() not in known:
            await connection.add_group(group)
    await groups.sync(
        database, tenant, server_id=server_id, mask=mask(tenant.slug), connection=connection
    )
    async with database.tenant(tenant) as tenant_session:
        for offer in offers(tenant.slug):
            await account_types.offer(tenant_session, server_id=server_id, terms=offer)
    return server_id


async def resync(
    database: Database, tenant: TenantRef, *, connections: TradingConnections
) -> dict[str, tuple[int, int]]:
    """Bring groups and instruments of all the tenant's servers up to date; return counts by name.

    Raises what a connection raises.
    """
    async with database.control() as session:
        rows = await tenant_queries.servers_of_tenant(session, tenant.id)
    found = {}
    for share, server in rows:
        connection = await connections.get(server.id)
        found[server.name] = await groups.sync(
            database,
            tenant,
            server_id=server.id,
            mask=share.group_mask,
            connection=connection,
        )
    return found


async def _registered(
    session: ControlSession,
    *,
    address: str,
    manager_login: str,
    password: str,
    fingerprint: str,
    vault: Vault,
) -> UUID:
    """Register the server; leave its row alone when nothing changed, so that nobody reconnects."""
    known = await tenant_queries.server_by_name(session, SIMULATOR)
    if (
        known is not None
        and (known.address, known.manager_login, known.fingerprint)
        == (address, manager_login, fingerprint)
        and servers.password_of(known, vault) == password
    ):
        return known.id
    server = await servers.register(
        session,
        name=SIMULATOR,
        kind=_KIND,
        address=address,
        manager_login=manager_login,
        password=password,
        fingerprint=fingerprint,
        vault=vault,
    )
    return server.id


async def _step(context: Context) -> str:
    ports = context.ports
    simulators = ports.settings.simulators
    if not simulators.mt5_url:
        return "no simulator runs here: connect a trading server in the settings"
    await simulator_server(
        ports.database,
        context.tenant,
        connections=ports.trading,
        vault=ports.vault,
        address=simulators.mt5_url,
        manager_login=simulators.mt5_login,
        password=simulators.mt5_password,
        fingerprint=simulators.mt5_fingerprint,
    )
    return ", ".join(offer.group_name for offer in offers(context.tenant.slug))


STEPS = [Step("trading server", _step)]
