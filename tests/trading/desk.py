"""One account on the simulated server, and everything that tests of operations do with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.events import OutboxEvent
from kernel.ids import uuid7
from kernel.money import Money
from tests.fixtures.mt5_simulator import Mt5Simulator
from trading import operations, queries
from trading.models import PlatformOperation

if TYPE_CHECKING:
    from tests.trading.conftest import Connections

QUIET = 1.0


async def eventually(seconds: float = 15.0, pause: float = 0.1) -> AsyncIterator[None]:
    """Loop until the caller breaks off; fail when it takes too long."""
    async with asyncio.timeout(seconds):
        while True:
            yield
            await asyncio.sleep(pause)


class Desk:
    """What a test does with one account: ask, send, look after, and read the server's books."""

    def __init__(
        self,
        *,
        database: Database,
        tenant: TenantRef,
        vault: Vault,
        connections: Connections,
        server: Mt5Simulator,
        login: int,
        account_id: UUID,
    ) -> None:
        """Remember everything an operation needs."""
        self.database = database
        self.tenant = tenant
        self.vault = vault
        self.connections = connections
        self.server = server
        self.login = login
        self.account_id = account_id

    async def ask(
        self, amount: str, kind: str = "deposit", account_id: UUID | None = None
    ) -> PlatformOperation:
        """Write the intent, as the transaction of a hold does."""
        async with self.database.tenant(self.tenant) as session:
            return await operations.request_cash(
                session,
                operations.CashRequest(
                    account_id=account_id or self.account_id,
                    kind=kind,
                    amount=Money.of(amount, "USD"),
                    hold_id=uuid7(),
                    reference="DEP-7F3K2M9Q",
                ),
            )

    async def send(self, operation_id: UUID, connections: Connections | None = None) -> None:
        """Execute one, as the job on its event does."""
        await self.send_all([operation_id], connections)

    async def send_all(
        self, operation_ids: Sequence[UUID], connections: Connections | None = None
    ) -> None:
        """Execute, as the job on the events does."""
        await operations.execute(
            self.database,
            self.tenant,
            operation_ids=operation_ids,
            connections=connections or self.connections,
            vault=self.vault,
            quiet_seconds=QUIET,
        )

    async def look_after(self) -> int:
        """Reconcile, as the schedule does."""
        return await operations.reconcile(
            self.database,
            self.tenant,
            connections=self.connections,
            vault=self.vault,
            quiet_seconds=QUIET,
        )

    async def read(self, operation_id: UUID) -> PlatformOperation:
        """Return the operation as it is."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await queries.operation(session, operation_id)
        assert found is not None
        return found

    async def settled(self, operation_id: UUID, state: str = "done") -> PlatformOperation:
        """Reconcile until the operation has that state; fail when it takes too long."""
        async for _ in eventually(30):
            await self.look_after()
            found = await self.read(operation_id)
            if found.state == state:
                return found
        raise AssertionError

    async def facts(self, operation_id: UUID) -> list[str]:
        """Return the timeline's facts."""
        async with self.database.tenant_read(self.tenant) as session:
            return [step.fact for step in await queries.operation_steps(session, operation_id)]

    async def topics(self) -> list[str]:
        """Return the topics of the tenant's events in order."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await session.scalars(select(OutboxEvent.topic).order_by(OutboxEvent.id))
            return list(found)

    def booked(self, token: str) -> list[str]:
        """Return the amounts that the server's own books hold under a token."""
        amounts: list[str] = self.server.records(comment=token)["amounts"]
        return amounts

    def fault(self, **rule: object) -> None:
        """Ask the server for a fault of its balance call."""
        self.server.operator("POST", "/_simulator/faults", {"command": "trade/balance", **rule})
