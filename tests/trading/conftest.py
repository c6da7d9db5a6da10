"""A real MT5 simulator process for each worker, with alpha's and beta's groups on it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.mt5_session import Limits
from connectors.trading.port import NewGroup, OpenAccount, Refused, TradingConnection
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.ids import comment_token, uuid7
from tests.factories.trading import open_account
from tests.fixtures.mt5_simulator import Mt5Simulator
from tests.trading.desk import Desk

GROUP = "real\\alpha\\TEST-USD"
OTHER_GROUP = "real\\beta\\TEST-USD"


@pytest.fixture(scope="session")
def simulator() -> Iterator[Mt5Simulator]:
    """One simulator process for all tests of a worker."""
    with Mt5Simulator() as running:
        yield running


@pytest.fixture
def server(simulator: Mt5Simulator) -> Iterator[Mt5Simulator]:
    """Hand out the simulator without faults, and take away those a test asked for."""
    simulator.operator("DELETE", "/_simulator/faults")
    yield simulator
    simulator.operator("DELETE", "/_simulator/faults")


@dataclass
class Connections:
    """The connections of one process: one to each server, made by wiring in the product."""

    server_id: UUID
    connection: Mt5Rest

    async def get(self, server_id: UUID) -> TradingConnection:
        """Return the only server's connection."""
        assert server_id == self.server_id
        return self.connection


SERVER_ID = uuid7()


def connect(simulator: Mt5Simulator) -> Connections:
    """Return a process's own connection to the simulator."""
    made = Mt5Rest(
        f"{simulator.host}:{simulator.port}",
        login=simulator.manager,
        password=simulator.password,
        fingerprint=simulator.fingerprint,
        limits=Limits(request_seconds=3.0),
    )
    return Connections(SERVER_ID, made)


@pytest.fixture
async def connections(server: Mt5Simulator) -> AsyncIterator[Connections]:
    """A connection whose server has both tenants' groups."""
    made = connect(server)
    for name in (GROUP, OTHER_GROUP):
        # The second test of a worker finds the groups of the first.
        with contextlib.suppress(Refused):
            await made.connection.add_group(NewGroup(name, "USD", 2, spread_diffs={"*": 10}))
    yield made
    await made.connection.close()


async def new_login(connection: Mt5Rest, group: str = GROUP) -> int:
    """Open an account on the server, as if a dealer had."""
    return await connection.open_account(
        OpenAccount(
            group=group,
            name="Ada Example",
            email="ada@example.test",
            leverage=100,
            main_password="Main#pass123",
            investor_password="Inv#pass1234",
            token=comment_token(),
        )
    )


@pytest.fixture
async def desk(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    connections: Connections,
    server: Mt5Simulator,
) -> Desk:
    """An open account on the simulator, and hands to work on it."""
    login = await new_login(connections.connection)
    account_id = await open_account(
        database, tenant, server_id=SERVER_ID, login=login, group_name=GROUP
    )
    return Desk(
        database=database,
        tenant=tenant,
        vault=vault,
        connections=connections,
        server=server,
        login=login,
        account_id=account_id,
    )
