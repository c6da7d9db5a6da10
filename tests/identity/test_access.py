"""Mailed links, API keys, roles and the audit trail."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from identity import api_keys, audit, email_tokens, passwords, roles, sessions, users
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver
from kernel.errors import InvalidInput

PASSWORD = "quiet-harbour-lantern"


async def _person(session: TenantSession, kind: str = "client") -> UserAccount:
    return await users.create(
        session, kind=kind, email="mira@people.example", name="Mira Stone", password=PASSWORD
    )


async def test_a_mailed_link_works_once(database: Database, tenant: TenantRef) -> None:
    """The second click finds it used, and the address is verified by the first."""
    async with database.tenant(tenant) as session:
        person = await _person(session)
        secret = await email_tokens.issue(session, user_id=person.id, purpose="verify")
    async with database.tenant(tenant) as session:
        found = await email_tokens.redeem(session, secret=secret, purpose="verify")
        assert found.email_verified_at is not None
    async with database.tenant(tenant) as session:
        with pytest.raises(email_tokens.LinkExpired):
            await email_tokens.redeem(session, secret=secret, purpose="verify")


async def test_a_link_of_another_purpose_or_brokerage_is_refused(
    database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """A link to verify can't set a password, and alpha's link is nothing at beta."""
    async with database.tenant(tenant) as session:
        person = await _person(session)
        secret = await email_tokens.issue(session, user_id=person.id, purpose="verify")
    async with database.tenant(tenant) as session:
        with pytest.raises(email_tokens.LinkExpired):
            await email_tokens.redeem(session, secret=secret, purpose="reset")
    async with database.tenant(other_tenant) as session:
        with pytest.raises(email_tokens.LinkExpired):
            await email_tokens.redeem(session, secret=secret, purpose="verify")


async def test_two_who_register_one_address_at_once_make_one_account(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The table's uniqueness decides."""

    async def register() -> bool:
        try:
            async with database.tenant(tenant) as session:
                await _person(session)
        except (users.EmailTaken, DBAPIError):
            return False
        return True

    made = await asyncio.gather(*(register() for _ in range(6)))

    assert sum(made) == 1
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.user_account") == 1


async def test_an_api_key_opens_its_scopes_at_its_own_brokerage(
    database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """One changed character, or another brokerage, opens nothing."""
    async with database.tenant(tenant) as session:
        key = await api_keys.create(session, name="Website", scopes=["crm.lead.create"])
    async with database.tenant(tenant) as session:
        viewer = await api_keys.viewer(session, bearer=key)
        assert viewer is not None
        assert viewer.may("crm.lead.create")
        assert not viewer.may("crm.lead.read")
        assert await api_keys.viewer(session, bearer=key[:-1] + "?") is None
    async with database.tenant(other_tenant) as session:
        assert await api_keys.viewer(session, bearer=key) is None


async def test_a_viewer_has_the_widest_scope_of_their_roles(
    database: Database, tenant: TenantRef
) -> None:
    """Own from one role and all from another is all."""
    grants = {"crm.lead.read": {"sales_agent": "own", "owner": "all"}}
    async with database.tenant(tenant) as session:
        await roles.seed(session, grants)
        person = await _person(session, "staff")
        for role in ("sales_agent", "owner"):
            await users.grant_role(session, user=person, role=role)
        value = await sessions.start(
            session, user_id=person.id, kind="staff", surface="staff", host="team.alpha.localhost"
        )
    async with database.tenant(tenant) as session:
        viewer = await sessions.viewer(
            session, value=value, host="team.alpha.localhost", surface="staff"
        )
        elsewhere = await sessions.viewer(
            session, value=value, host="my.alpha.localhost", surface="trader"
        )

    assert viewer is not None
    assert viewer.scope("crm.lead.read") == "all"
    assert elsewhere is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry"]
)
async def test_the_audit_trail_is_appended_and_never_changed(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, statement: str
) -> None:
    """Neither the tenant's role nor the owner of the table may."""
    async with database.tenant(tenant) as session:
        audit.record(session, "test.change", subject=("thing", "1"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(tenant) as session:
            await (await driver(session)).execute(statement)
    qualified = statement.replace("audit_entry", "t_alpha.audit_entry")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await superuser.execute(qualified)


@pytest.mark.parametrize(
    ("password", "advice"),
    [
        ("short", "at least"),
        ("password-password", "easy to guess"),
        ("aaaaaaaaaaaa", "easy to guess"),
        ("mira-and-the-sea", "Leave out"),
        ("x" * 200, "at most"),
    ],
)
def test_a_weak_password_is_refused_with_advice(password: str, advice: str) -> None:
    """The message says what to do."""
    with pytest.raises(InvalidInput) as refusal:
        passwords.check(password, forbidden=("mira",))

    assert advice in refusal.value.fields["password"]


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    database: Database, tenant: TenantRef
) -> None:
    """Both compute a hash, so that time tells nobody who is a client."""
    async with database.tenant(tenant) as session:
        await _person(session)
        known = await users.let_in(
            session, kind="client", email="mira@people.example", password="no"
        )
        unknown = await users.let_in(
            session, kind="client", email="nobody@people.example", password="no"
        )
        count = await session.scalar(text("SELECT count(*) FROM user_account"))

    assert isinstance(known, users.Refusal)
    assert isinstance(unknown, users.Refusal)
    assert known.text == unknown.text
    assert count == 1


async def test_a_new_password_ends_every_session(database: Database, tenant: TenantRef) -> None:
    """Whoever stole the old one is signed out too."""
    async with database.tenant(tenant) as session:
        person = await _person(session)
        value = await sessions.start(
            session, user_id=person.id, kind="client", surface="trader", host="my.alpha.localhost"
        )
    async with database.tenant(tenant) as session:
        found = await session.get(UserAccount, person.id)
        assert found is not None
        await users.set_password(session, user=found, password="amber-lantern-harbour")
    async with database.tenant(tenant) as session:
        seen = await sessions.viewer(
            session, value=value, host="my.alpha.localhost", surface="trader"
        )

    assert seen is None
