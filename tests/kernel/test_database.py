"""What a session may see, and what it leaves behind in the pool."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest
from sqlalchemy import func, select, text

from identity import audit
from identity.events import SecurityChanged
from identity.models import AuditEntry, UserAccount
from kernel.actor import TenantRef
from kernel.database import (
    APP_LOGIN,
    CommitRefused,
    Database,
    attempt,
    driver,
    login_url,
    role_password,
)
from kernel.errors import Conflict
from kernel.events import OutboxEvent, record
from kernel.settings import Settings
from tests.factories import people


async def test_a_tenants_session_runs_as_its_role_on_its_schema(
    database: Database, tenant: TenantRef
) -> None:
    """Role and path are the tenant's own, and nothing else."""
    async with database.tenant(tenant) as session:
        row = await (await driver(session)).fetchrow(
            "SELECT current_user u, current_schemas(true)::text[] s"
        )

    assert row is not None
    assert row["u"] == "t_alpha"
    assert [s for s in row["s"] if not s.startswith("pg_")] == ["t_alpha"]


async def test_a_tenants_session_cannot_read_another_schema(
    database: Database, tenant: TenantRef
) -> None:
    """The boundary is PostgreSQL's, not the query's."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(tenant) as session:
            await (await driver(session)).execute("SELECT * FROM t_beta.audit_entry")


async def test_a_forgotten_failure_is_not_taken_for_a_commit(
    database: Database, tenant: TenantRef
) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK then; nobody may be told that it is done."""
    with pytest.raises(CommitRefused):
        async with database.tenant(tenant) as session:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await (await driver(session)).execute("SELECT * FROM t_beta.audit_entry")


async def test_the_application_login_owns_nothing_by_itself(settings: Settings) -> None:
    """Without a bound tenant every table is refused."""
    address = login_url(settings, APP_LOGIN).replace("+asyncpg", "")
    connection = await asyncpg.connect(address)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT * FROM t_alpha.audit_entry")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT * FROM control.tenant")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("SELECT set_config('role', 't_alpha', false)")
    finally:
        await connection.close()


async def test_a_tcp_login_as_a_tenants_role_is_refused(settings: Settings) -> None:
    """Tenant roles have no password, and scram demands one."""
    address = login_url(settings, APP_LOGIN).replace("+asyncpg", "")
    password = role_password(settings.secret_key, APP_LOGIN)
    for guess in (password, "", "t_alpha"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(address, user="t_alpha", password=guess)


async def test_an_error_rolls_everything_back(database: Database, tenant: TenantRef) -> None:
    """What was written before the error is gone."""
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant) as session:
            await session.execute(text("INSERT INTO staff_role VALUES (uuidv7(), 'owner')"))
            raise RuntimeError
    async with database.tenant_read(tenant) as session:
        assert (await session.scalar(text("SELECT count(*) FROM staff_role"))) == 0


async def test_a_reading_session_cannot_write(database: Database, tenant: TenantRef) -> None:
    """PostgreSQL refuses, whatever the code says."""
    async with database.tenant_read(tenant) as session:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await (await driver(session)).execute("INSERT INTO staff_role VALUES (uuidv7(), 'x')")


async def test_two_thousand_requests_leave_no_role_or_path_behind(
    database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Five in a hundred are cancelled in the middle; the pool stays clean and exact."""
    dice = random.Random(7)
    wrong: list[str] = []
    gate = asyncio.Semaphore(40)

    async def request(number: int) -> None:
        mine = tenant if number % 2 else other_tenant
        async with gate, database.tenant(mine) as session:
            raw = await driver(session)
            seen = await raw.fetchval("SELECT current_user || '/' || current_schema()")
            if seen != f"{mine.schema}/{mine.schema}":
                wrong.append(seen)
            await raw.execute("SELECT pg_sleep(0.002)")

    async def maybe_cancelled(number: int) -> None:
        job = asyncio.create_task(request(number))
        if dice.random() < 0.05:
            await asyncio.sleep(dice.random() * 0.05)
            job.cancel()
        await asyncio.gather(job, return_exceptions=True)

    await asyncio.gather(*(maybe_cancelled(number) for number in range(2000)))

    residue = await _residue(database)
    assert wrong == []
    assert residue == {("marque_app", None)}


async def _residue(database: Database) -> set[tuple[str, str | None]]:
    """Look at every pooled connection outside any transaction of ours."""
    pool = database._app
    connections = [await pool.take() for _ in range(10)]
    seen = set()
    for connection in connections:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        row = await raw.fetchrow("SELECT current_user u, current_schema() s")
        seen.add((row["u"], row["s"]))
        await pool.give(connection)
    return seen


async def test_a_refused_attempt_leaves_what_was_before_it_and_nothing_else(
    database: Database, tenant: TenantRef
) -> None:
    """Its rows, its lines in the trail and its events are undone; the transaction goes on."""
    async with database.tenant(tenant) as session:
        first = await people.staff(session, "owner")
        audit.record(session, "before", subject=("test", "1"))
        with pytest.raises(Conflict):
            async with attempt(session):
                other = await people.staff(session, "dealing")
                audit.record(session, "refused", subject=("test", "1"))
                record(session, SecurityChanged(other.id, "refused"))
                raise Conflict
        async with attempt(session):
            audit.record(session, "agreed", subject=("test", "1"))
    async with database.tenant_read(tenant) as session:
        ours = select(AuditEntry.action).where(AuditEntry.subject_kind == "test")
        assert list(await session.scalars(ours.order_by(AuditEntry.id))) == ["before", "agreed"]
        assert list(await session.scalars(select(UserAccount.id))) == [first.id]
        told = select(func.count()).where(OutboxEvent.topic == SecurityChanged.topic)
        assert await session.scalar(told) == 0
