"""Who is told what: clients of theirs, partners of theirs, staff of what they may decide."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from backoffice import notices as staff_notices
from clients import profiles
from compliance.events import KycApproved, KycRejected, KycSubmitted
from crm import leads
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.ids import uuid7
from tests.entrypoints.reader import trader
from tests.factories import people
from tests.treasury.desk import open_desk
from tradersroom import notices
from trading.events import AccountOpened
from treasury.events import DepositCredited, DepositFailed, DepositHeld, DepositSettled


async def _told(superuser: asyncpg.Connection, user_id: UUID) -> list[tuple[str, str, str]]:
    rows = await superuser.fetch(
        "SELECT kind, title, href FROM t_alpha.notification WHERE user_id = $1 ORDER BY id", user_id
    )
    return [(row["kind"], row["title"], row["href"]) for row in rows]


@pytest.fixture
async def mara(database: Database, tenant: TenantRef) -> tuple[UserAccount, UUID]:
    """A client of alpha: as whom they sign in, and their profile."""
    user = await trader(database, tenant)
    async with database.tenant(tenant) as session:
        from clients import queries

        client = await queries.client_of_user(session, user.id)
        assert client is not None
        return user, client.id


async def test_clients_are_told_of_their_deposit(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    mara: tuple[UserAccount, UUID],
    superuser: asyncpg.Connection,
) -> None:
    """Received only where the credit is still to come; then credited, or failed."""
    user, client_id = mara
    desk = await open_desk(database, tenant, vault)
    desk.client_id = client_id
    deposit = await desk.start("40.00")
    amount, no_account = deposit.amount, None
    made_up = uuid7()
    async with database.tenant(tenant) as session:
        money = (amount, "USD")
        await notices.tell_settled(
            session, DepositSettled(deposit.id, client_id, no_account, *money)
        )
        await notices.tell_settled(session, DepositSettled(deposit.id, client_id, made_up, *money))
        await notices.tell_credited(session, DepositCredited(deposit.id, client_id, None, *money))
        await notices.tell_failed(session, DepositFailed(deposit.id, client_id, "failed", "x"))

    page = f"/deposit/{deposit.reference}"
    assert await _told(superuser, user.id) == [
        ("deposit", "Payment received", page),
        ("deposit", "Deposit credited", page),
        ("deposit", "Deposit not completed", page),
    ]


async def test_clients_are_told_of_decisions_and_accounts(
    database: Database,
    tenant: TenantRef,
    mara: tuple[UserAccount, UUID],
    superuser: asyncpg.Connection,
) -> None:
    """A client who can't sign in is told nothing, and nothing fails."""
    user, client_id = mara
    async with database.tenant(tenant) as session:
        silent = await profiles.create(session, **people.details())
        for one in (client_id, silent.id):
            account = uuid7()
            await notices.tell_approved(session, KycApproved(one, uuid7(), 1, "STD"))
            await notices.tell_rejected(session, KycRejected(one, uuid7(), "blurred"))
            opened = AccountOpened(account, one, 5001, uuid7(), "STD", "USD")
            await notices.tell_opened(session, opened)

    assert [title for _, title, _ in await _told(superuser, user.id)] == [
        "You are verified",
        "Documents are needed again",
        "Trading account opened",
    ]
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.notification") == 3


async def test_a_waiting_case_is_told_to_whoever_may_decide_it(
    database: Database,
    tenant: TenantRef,
    mara: tuple[UserAccount, UUID],
    superuser: asyncpg.Connection,
) -> None:
    """Not to those who may only read it, and not to the client's own salesman."""
    _, client_id = mara
    case_id = uuid7()
    async with database.tenant(tenant) as session:
        head = await people.staff(session, "compliance_head")
        owner = await people.staff(session, "compliance_head")
        reader = await people.staff(session, "auditor")
        gone = await people.staff(session, "compliance_head")
        gone.state = "disabled"
        await profiles.set_owner(session, client_id=client_id, owner_id=owner.id)
        await staff_notices.tell_kyc(session, KycSubmitted(client_id, case_id))

    assert [kind for kind, _, _ in await _told(superuser, head.id)] == ["kyc"]
    for other in (owner, reader, gone):
        assert await _told(superuser, other.id) == []


async def test_a_held_deposit_is_told_to_finance(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    superuser: asyncpg.Connection,
) -> None:
    """With the page on which it is decided; sales are told nothing."""
    desk = await open_desk(database, tenant, vault)
    deposit = await desk.start("40.00")
    async with database.tenant(tenant) as session:
        finance = await people.staff(session, "finance_head")
        sales = await people.staff(session, "sales_agent")
        await staff_notices.tell_held(
            session, DepositHeld(deposit.id, desk.client_id, "The amount differs.")
        )

    page = f"/backoffice/deposits/{deposit.id}"
    assert await _told(superuser, finance.id) == [("deposit", "A deposit needs a person", page)]
    assert await _told(superuser, sales.id) == []


async def test_a_lead_is_told_to_its_owner_but_not_to_whoever_took_it(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Given by another it is news, taken by oneself it is not."""
    async with database.tenant(tenant) as session:
        one = await people.staff(session, "sales_agent")
        other = await people.staff(session, "sales_agent")
        lead = await leads.capture(session, source="form", **people.details())
    await superuser.execute("DELETE FROM t_alpha.notification")
    async with database.tenant(tenant, actor=Actor("staff", other.id, other.name)) as session:
        target = one if lead.owner_id != one.id else other
        await leads.assign(session, lead_id=lead.id, owner_id=target.id)
        back = other if target is one else one
        await leads.assign(session, lead_id=lead.id, owner_id=back.id)

    assert [kind for kind, _, _ in await _told(superuser, one.id)] == ["lead"]
    assert await _told(superuser, other.id) == []
