"""A new brokerage gets its groups on the server, and offers whose terms come from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

import pytest

from connectors.trading.port import TradingConnection
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from tenants import servers
from tests.fixtures.mt5_simulator import Mt5Simulator
from tests.trading.conftest import Connections
from trading import account_types, provisioning, queries
from trading.account_types import Offer
from trading.rules import spread_points


class AnyServer:
    """Hands out one connection whatever the server's id is: the row is made by the step."""

    def __init__(self, connections: Connections) -> None:
        """Remember the connection."""
        self.connection = connections.connection

    async def get(self, server_id: object) -> TradingConnection:
        """Return the connection."""
        return self.connection


Provision = Callable[[TenantRef], Awaitable[UUID]]


@pytest.fixture
def provision(
    database: Database, vault: Vault, connections: Connections, server: Mt5Simulator
) -> Provision:
    """Run the step as a provisioning run does."""

    async def run(tenant: TenantRef) -> UUID:
        return await provisioning.simulator_server(
            database,
            tenant,
            connections=AnyServer(connections),
            vault=vault,
            address=server.address,
            manager_login=str(server.manager),
            password=server.password,
            fingerprint=server.fingerprint,
        )

    return run


async def test_the_step_makes_groups_and_offers_and_may_be_repeated(
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    provision: Provision,
) -> None:
    """Twice the step leaves one server, one version of each offer, and the mark-up of the group."""
    first = await provision(tenant)
    again = await provision(tenant)
    other = await provision(other_tenant)

    assert first == again == other
    async with database.tenant_read(tenant) as session:
        offers = {offer.code: offer for offer in await queries.account_types(session)}
        raw = await queries.group(
            session, server_id=offers["RAW"].server_id, name=offers["RAW"].group_name
        )
        standard = await queries.group(
            session, server_id=offers["STD"].server_id, name=offers["STD"].group_name
        )
        symbols = await queries.symbols(session, offers["RAW"].server_id)
        names = [group.name for group in await queries.groups(session, offers["RAW"].server_id)]
    assert {code: offer.version for code, offer in offers.items()} == {"STD": 1, "RAW": 1}
    assert raw is not None
    assert raw.spread_diffs == {}
    assert Decimal(raw.commissions[0]["tiers"][0]["value"]) == provisioning.RAW_COMMISSION
    assert len(symbols) == 24
    assert all(name.startswith("real\\alpha\\") for name in names)
    assert standard is not None
    assert {name: standard.spread_diffs[name] for name in ("EURUSD", "XAUUSD", "BTCUSD")} == {
        "EURUSD": 10,
        "XAUUSD": 13,
        "BTCUSD": 1000,
    }
    assert offers["STD"].markup_note == "1.0 pip mark-up on EURUSD"
    assert offers["RAW"].markup_note == "3.50 commission per lot and side"


def test_the_closest_entry_of_a_group_gives_the_spread() -> None:
    """A symbol's own name beats its family, and the family beats the star."""
    entries: list[tuple[str, int | None]] = [
        *provisioning.STANDARD_MARKUP.items(),
        ("*", 1),
        ("FX Exotics\\USDTRY", None),
    ]

    def points(symbol: str, family: str) -> int:
        return spread_points(entries, symbol=symbol, symbol_path=f"{family}\\{symbol}")

    assert points("EURUSD", "FX Majors") == 10
    assert points("USDJPY", "FX Majors") == 10
    assert points("XAUUSD", "Metals") == 13
    assert points("BTCUSD", "Crypto") == 1000
    assert points("USDTRY", "FX Exotics") == 300
    assert points("OTHER", "Else") == 1


async def test_masks_of_two_brokerages_never_overlap(
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    provision: Provision,
) -> None:
    """Another brokerage can't be given groups that the first one already has."""
    server_id = await provision(tenant)
    for mask in ("real\\*", "real\\alpha\\VIP-*", "*"):
        with pytest.raises(servers.MaskOverlaps):
            async with database.control() as session:
                await servers.assign(
                    session,
                    server_id=server_id,
                    tenant_id=other_tenant.id,
                    group_mask=mask,
                )


async def test_changed_terms_become_a_new_version_of_an_offer(
    database: Database,
    tenant: TenantRef,
    provision: Provision,
) -> None:
    """Accounts keep the version they were opened under; new ones get the new terms."""
    await provision(tenant)
    async with database.tenant(tenant) as session:
        old = await queries.account_type(session, "STD")
        assert old is not None
        terms = Offer("STD", "Standard", old.group_name, "USD", 200, Decimal(50))
        new = await account_types.offer(session, server_id=old.server_id, terms=terms)

    assert (new.version, new.leverage_max) == (2, 200)
    async with database.tenant_read(tenant) as session:
        kept = await queries.account_type_by_id(session, old.id)
    assert kept is not None
    assert (kept.active, kept.leverage_max) == (False, 500)


async def test_an_offer_needs_a_group_of_the_mirror(database: Database, tenant: TenantRef) -> None:
    """A group that was typed wrong is refused with what to do."""
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput) as refusal:
            terms = Offer("X", "X", "real\\alpha\\NONE", "USD", 100, Decimal(1))
            await account_types.offer(session, server_id=uuid7(), terms=terms)
    assert "group_name" in refusal.value.fields
