"""People who are told things, and what they are told."""

from __future__ import annotations

from uuid import UUID

from clients import profiles
from identity import users
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from kernel.money import Money
from messaging import notifications
from tests.factories import people
from tests.fixtures.web import Browser, host


async def trader(database: Database, tenant: TenantRef, name: str = "mara") -> UserAccount:
    """Make a client of a brokerage who can sign in, with their profile."""
    email = f"{name}@mail.example"
    async with database.tenant(tenant) as session:
        user = await users.create(
            session, kind="client", email=email, name=name.title(), password=people.PASSWORD
        )
        user.state, user.email_verified_at = "active", now()
        await session.flush()
        await profiles.create(session, user_id=user.id, **people.details(email=email))
    return user


async def enter(browser: Browser, user: UserAccount, tenant: TenantRef, place: str = "my") -> str:
    """Sign somebody in on a host of their brokerage and return the host."""
    where = host(place, tenant.slug)
    answer = await browser.log_in(where, user.email, people.PASSWORD)
    assert answer.status_code in (200, 303), answer.text  # staff are shown recovery codes
    return where


async def tell(
    database: Database,
    tenant: TenantRef,
    user_id: UUID,
    *,
    title: str = "Deposit credited",
    kind: str = "deposit",
    href: str = "/history",
) -> UUID:
    """Tell somebody that money has arrived, and return the notification's id."""
    async with database.tenant(tenant) as session:
        row = await notifications.notify(
            session,
            user_id=user_id,
            kind=kind,
            title=title,
            body="%(amount)s is in your wallet.",
            href=href,
            facts={"amount": Money.of("1250.5", "USD")},
        )
        return row.id
