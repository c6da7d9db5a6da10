"""Two people of finance, a client with accounts, and the words of trading servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests
from approvals.events import ApprovalGranted, ApprovalRejected
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.database import Database, TenantSession
from kernel.ids import token
from kernel.money import Money
from kernel.viewer import Viewer
from tests.factories import people
from tests.treasury.transfers.desk import Room, open_room
from trading import queries as trading_queries
from trading.events import CashDone, CashFailed
from trading.models import TradingAccount
from treasury.adjustments import adjustments, queries, subscribers
from treasury.adjustments.adjustments import PERMISSION, Wish
from treasury.adjustments.models import Adjustment


@dataclass
class Office:
    """Everything a test about adjustments needs, for one brokerage."""

    database: Database
    tenant: TenantRef
    room: Room
    staff: list[UserAccount] = field(default_factory=list)

    @asynccontextmanager
    async def by(self, user: UserAccount) -> AsyncIterator[TenantSession]:
        """Open a transaction in which somebody acts."""
        actor = Actor("staff", user.id, user.name)
        async with self.database.tenant(self.tenant, actor=actor) as session:
            yield session

    def wish(
        self,
        kind: str,
        amount: str,
        *,
        currency: str = "USD",
        account: UUID | None = None,
        key: str = "",
        burns: bool = True,
        reason: str = "By the book",
    ) -> Wish:
        """Return what somebody asks for."""
        return Wish(
            key=key or token(8),
            client_id=self.room.client_id,
            kind=kind,
            amount=Money.of(amount, currency),
            reason=reason,
            account_id=account,
            burns=burns,
        )

    async def ask(self, wish: Wish) -> Adjustment:
        """Let the first of finance ask."""
        async with self.by(self.staff[0]) as session:
            return await adjustments.request(session, wish)

    async def decide(self, one: Adjustment, *, approve: bool = True, by: int = 1) -> None:
        """Let another of finance decide, and tell what became of it as the relay does."""
        user = self.staff[by]
        viewer = Viewer("staff", user.id, user.name, user.email, grants={PERMISSION: "all"})
        subject = ("adjustment", one.id)
        async with self.by(user) as session:
            [asked, *_] = await approval_queries.of_subject(session, "adjustment", subject)
            await requests.decide(
                session, approval_id=asked.id, viewer=viewer, approve=approve, reason="Seen."
            )
        about = (asked.id, "adjustment", *subject)
        for _ in range(2):
            async with self.database.tenant(self.tenant) as session:
                if approve:
                    await adjustments.on_granted(session, ApprovalGranted(*about))
                else:
                    await adjustments.on_rejected(session, ApprovalRejected(*about, "Seen."))

    async def books(self, reference: str, kind: str, *, ticket: int = 7001) -> None:
        """Let the server book what it was asked, and say so twice."""
        async with self.database.tenant_read(self.tenant) as session:
            [asked] = [
                one
                for one in await trading_queries.operations(session)
                if (one.reference, one.kind) == (reference, kind)
            ]
        assert asked.amount is not None
        event = CashDone(
            operation_id=asked.id,
            account_id=asked.account_id,
            ticket=ticket,
            kind=kind,
            amount=asked.amount,
            currency=asked.currency,
            hold_id=asked.hold_id,
            reference=reference,
        )
        async with self.database.tenant(self.tenant) as session:
            found = await trading_queries.locked_operation(session, asked.id)
            assert found is not None
            found.external_ticket = ticket
            found.state = "done"
        for _ in range(2):
            async with self.database.tenant(self.tenant) as session:
                await subscribers.on_cash_done(session, [event])

    async def refuses(self, reference: str, kind: str) -> None:
        """Let the server refuse what it was asked."""
        async with self.database.tenant(self.tenant) as session:
            [asked] = [
                one
                for one in await trading_queries.operations(session)
                if (one.reference, one.kind) == (reference, kind)
            ]
            asked.state = "failed"
            assert asked.amount is not None
            event = CashFailed(
                operation_id=asked.id,
                account_id=asked.account_id,
                kind=kind,
                amount=asked.amount,
                currency=asked.currency,
                hold_id=asked.hold_id,
                reference=reference,
                reason="Disabled.",
            )
        async with self.database.tenant(self.tenant) as session:
            await subscribers.on_cash_failed(session, event)

    async def seen(self, one: Adjustment) -> Adjustment:
        """Return an adjustment as it is now."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await queries.adjustment(session, one.id)
        assert found is not None
        return found

    async def shows(self, account_id: UUID, balance: str) -> None:
        """Let the mirror show an account's balance as the server has it."""
        async with self.database.tenant(self.tenant) as session:
            account = await session.get(TradingAccount, account_id)
            assert account is not None
            account.balance = Decimal(balance)


async def open_office(database: Database, tenant: TenantRef) -> Office:
    """Open an office with two people of finance."""
    office = Office(database, tenant, await open_room(database, tenant))
    async with database.tenant(tenant) as session:
        office.staff = [await people.staff(session, "finance_head") for _ in range(2)]
    return office
