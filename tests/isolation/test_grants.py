"""What PostgreSQL itself allows each of the product's roles: its own, and nothing across."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database, driver
from tenants.schemas.runner import _REVOKED

# One row for each privilege that reaches out of a role's own schema.
_CROSS = """
WITH roles(name, home) AS (VALUES
    ('t_alpha', 't_alpha'), ('t_alpha_owner', 't_alpha'), ('t_beta', 't_beta'),
    ('t_beta_owner', 't_beta'), ('marque_app', ''), ('marque_control', 'control'), ('public', '')),
places AS (SELECT oid, nspname FROM pg_namespace
           WHERE nspname IN ('t_alpha', 't_beta', 'control', 'public')),
across AS (SELECT r.name, p.oid, p.nspname FROM roles r JOIN places p ON p.nspname <> r.home)
SELECT a.name || ' may ' || v || ' schema ' || a.nspname AS finding
FROM across a, unnest(ARRAY['USAGE', 'CREATE']) v
WHERE has_schema_privilege(a.name, a.oid, v)
UNION ALL
SELECT a.name || ' may ' || v || ' ' || a.nspname || '.' || c.relname
FROM across a JOIN pg_class c ON c.relnamespace = a.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f'),
     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) v
WHERE has_table_privilege(a.name, c.oid, v)
UNION ALL
SELECT a.name || ' may ' || v || ' columns of ' || a.nspname || '.' || c.relname
FROM across a JOIN pg_class c ON c.relnamespace = a.oid AND c.relkind IN ('r', 'p'),
     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) v
WHERE has_any_column_privilege(a.name, c.oid, v)
UNION ALL
SELECT a.name || ' may ' || v || ' sequence ' || a.nspname || '.' || c.relname
FROM across a JOIN pg_class c ON c.relnamespace = a.oid AND c.relkind = 'S',
     unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) v
WHERE has_sequence_privilege(a.name, c.oid, v)
UNION ALL
SELECT a.name || ' may execute ' || a.nspname || '.' || f.proname
FROM across a JOIN pg_proc f ON f.pronamespace = a.oid
WHERE has_function_privilege(a.name, f.oid, 'EXECUTE')
UNION ALL
SELECT r.name || ' may create in the database' FROM roles r
WHERE has_database_privilege(r.name, current_database(), 'CREATE')
UNION ALL
SELECT m.rolname || ' is a member of ' || g.rolname
FROM pg_auth_members x JOIN pg_roles m ON m.oid = x.member JOIN pg_roles g ON g.oid = x.roleid
JOIN roles r ON r.name = m.rolname
WHERE NOT (m.rolname = 'marque_app' AND g.rolname IN ('t_alpha', 't_beta')
           AND x.set_option AND NOT x.inherit_option AND NOT x.admin_option)
UNION ALL
SELECT p.rolname || ' has a power of the whole server' FROM pg_roles p JOIN roles r
    ON r.name = p.rolname
WHERE p.rolsuper OR p.rolcreaterole OR p.rolcreatedb OR p.rolbypassrls OR p.rolreplication
UNION ALL
SELECT r.name || ' may not be without a password' FROM roles r JOIN pg_authid p
    ON p.rolname = r.name WHERE r.name LIKE 't\\_%' AND p.rolpassword IS NOT NULL
"""
# What a tenant's role must not be able to call, besides what the migrations revoke.
_DANGEROUS = (
    "pg_read_file(text)",
    "pg_read_binary_file(text)",
    "pg_ls_dir(text)",
    "lo_import(text)",
    "lo_export(oid, text)",
)
_PLANTED = (
    "GRANT SELECT ON t_alpha.client TO t_beta",
    "GRANT UPDATE (status) ON t_alpha.client TO t_beta",
    "GRANT USAGE ON SCHEMA t_alpha TO PUBLIC",
    "GRANT INSERT ON t_beta.deposit TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION t_alpha.deal_partition(date) TO marque_control",
    "GRANT SELECT ON control.tenant TO marque_app",
    "GRANT t_beta TO t_alpha",
    "GRANT t_alpha TO marque_app WITH INHERIT TRUE",
    "ALTER ROLE t_alpha CREATEROLE",
    "GRANT CREATE ON SCHEMA public TO PUBLIC",
)


@pytest.fixture
async def planting(superuser: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's transaction that never commits."""
    transaction = superuser.transaction()
    await transaction.start()
    yield superuser
    await transaction.rollback()


async def test_no_role_has_a_privilege_outside_its_own_schema(
    superuser: asyncpg.Connection,
) -> None:
    """Tables, columns, sequences, functions, schemas, memberships and powers."""
    assert [row["finding"] for row in await superuser.fetch(_CROSS)] == []


@pytest.mark.parametrize("change", _PLANTED)
async def test_a_planted_privilege_is_found(planting: asyncpg.Connection, change: str) -> None:
    """Each kind of mistake turns the audit red."""
    await planting.execute(change)

    assert await planting.fetch(_CROSS) != []


async def test_a_tenants_role_may_use_its_own_tables(superuser: asyncpg.Connection) -> None:
    """The audit's green is not that of roles which may do nothing at all."""
    assert await superuser.fetchval(
        "SELECT has_table_privilege('t_alpha', 't_alpha.lead', $1)", "INSERT"
    )
    assert not await superuser.fetchval(
        "SELECT has_table_privilege('t_alpha', 't_alpha.posting', $1)", "UPDATE"
    )


@pytest.mark.parametrize("role", ["t_alpha", "t_beta", "marque_app", "marque_control"])
async def test_functions_that_break_out_are_revoked(
    superuser: asyncpg.Connection, role: str
) -> None:
    """Neither the ones that change the role or read by text, nor those that touch files."""
    allowed = [
        function
        for function in (*_REVOKED, *_DANGEROUS)
        if await superuser.fetchval(
            "SELECT has_function_privilege($1, $2, 'EXECUTE')", role, f"pg_catalog.{function}"
        )
    ]

    assert allowed == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('role', 't_beta', true)",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT schema_to_xml('t_beta', true, true, '')",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY client TO PROGRAM 'cat'",
        "CREATE TABLE loot (id int)",
        "CREATE SCHEMA loot",
        "ALTER TABLE client DISABLE TRIGGER ALL",
        "TRUNCATE audit_entry",
        "UPDATE audit_entry SET action = ''",
        "SELECT * FROM t_beta.client",
        "SELECT * FROM control.tenant",
        "CREATE EXTENSION dblink",
    ],
)
async def test_a_tenants_session_is_refused_by_the_server(
    database: Database, tenant: TenantRef, statement: str
) -> None:
    """The statement reaches PostgreSQL, and PostgreSQL says no."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(tenant) as session:
            await (await driver(session)).execute(statement)


async def test_a_tenants_session_sees_nobodys_statements(
    database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """What another brokerage's session is running is hidden in the server's own views."""
    async with database.tenant(other_tenant) as theirs:
        await (await driver(theirs)).execute("/* CANARY_B */ SELECT 1")
        async with database.tenant(tenant) as session:
            seen = await (await driver(session)).fetch("SELECT query::text q FROM pg_stat_activity")

    assert [row["q"] for row in seen if "CANARY_B" in (row["q"] or "")] == []
