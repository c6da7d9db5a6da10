"""Brings schemas to their head revision, and makes the product's logins and roles.

Works through DATABASE_URL's login, which needs CREATEROLE; running processes never use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from kernel.database import APP_LOGIN, CONTROL_LOGIN, checked_schema, role_password
from kernel.log import logger
from kernel.settings import Settings

_HERE = Path(__file__).parent
_LOG = logger(__name__)

# Functions with which a statement could change the role or read by text; see the ADR on isolation.
_REVOKED = (
    "set_config(text, text, boolean)",
    "query_to_xml(text, boolean, boolean, text)",
    "query_to_xmlschema(text, boolean, boolean, text)",
    "query_to_xml_and_xmlschema(text, boolean, boolean, text)",
    "table_to_xml(regclass, boolean, boolean, text)",
    "table_to_xml_and_xmlschema(regclass, boolean, boolean, text)",
    "schema_to_xml(name, boolean, boolean, text)",
    "schema_to_xml_and_xmlschema(name, boolean, boolean, text)",
    "database_to_xml(boolean, boolean, text)",
    "database_to_xml_and_xmlschema(boolean, boolean, text)",
    "cursor_to_xml(refcursor, integer, boolean, boolean, text)",
    # Large objects stand in no schema, so no brokerage may make any.
    "lo_creat(integer)",
    "lo_create(oid)",
    "lo_from_bytea(oid, bytea)",
)


def _async_url(database_url: str) -> str:
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


async def connect(settings: Settings) -> asyncpg.Connection[Any]:
    """Open a connection as DATABASE_URL's login."""
    parts = urlsplit(settings.database_url)
    return await asyncpg.connect(urlunsplit(parts._replace(scheme="postgresql")))


async def bootstrap(settings: Settings) -> None:
    """Make the product's logins, lock the database's public doors and migrate control."""
    connection = await connect(settings)
    try:
        # Two programs may start at once; the lock lets the second find all done.
        await connection.execute("SELECT pg_advisory_lock(7306001)")
        for login in (APP_LOGIN, CONTROL_LOGIN):
            await _login(connection, login, role_password(settings.secret_key, login))
        await connection.execute(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
            f"CREATE SCHEMA IF NOT EXISTS control; GRANT USAGE ON SCHEMA control TO {CONTROL_LOGIN}"
        )
        for function in _REVOKED:
            await _revoke(connection, function)
        await _migrate(settings, "control", "control", owner=None)
        await connection.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA control"
            f" TO {CONTROL_LOGIN};"
            f"REVOKE UPDATE, DELETE ON control.audit_entry FROM {CONTROL_LOGIN}"
        )
        await connection.execute("SELECT pg_advisory_unlock(7306001)")
    finally:
        await connection.close()


async def create_schema(settings: Settings, schema: str) -> None:
    """Make a tenant's roles and its empty schema; harmless when they exist."""
    name = checked_schema(schema)
    owner = f"{name}_owner"
    connection = await connect(settings)
    try:
        for role, options in ((owner, "NOLOGIN"), (name, "LOGIN")):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} {options} NOINHERIT")
        await connection.execute(
            f"GRANT {owner} TO CURRENT_USER WITH SET TRUE;"
            f"GRANT {name} TO {APP_LOGIN} WITH INHERIT FALSE, SET TRUE;"
            f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {owner};"
            f"GRANT USAGE ON SCHEMA {name} TO {name};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name}"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name}"
            f" GRANT USAGE ON SEQUENCES TO {name};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}"
            " REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name}"
            f" GRANT EXECUTE ON FUNCTIONS TO {name}"
        )
    finally:
        await connection.close()


async def migrate_tenant(settings: Settings, schema: str) -> str:
    """Bring one tenant's schema to the head revision, as its owner; return that head."""
    await _migrate(settings, "tenant", checked_schema(schema), owner=f"{schema}_owner")
    return tenant_head()


def tenant_head() -> str:
    """Return the newest revision of tenants' schemas, as this code knows it."""
    head = ScriptDirectory.from_config(_config()).get_revision("tenant@head")
    assert head is not None
    return head.revision


async def _login(connection: asyncpg.Connection[Any], login: str, password: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", login)
    verb = "ALTER" if exists else "CREATE"
    # The password is hex of our own making, so that it can't break out of the literal.
    await connection.execute(f"{verb} ROLE {login} LOGIN NOINHERIT PASSWORD '{password}'")


async def _revoke(connection: asyncpg.Connection[Any], function: str) -> None:
    try:
        await connection.execute(f"REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError):
        _LOG.warning("a function of the server could not be revoked", reason=function)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option(
        "version_locations", f"{_HERE / 'control/versions'}\n{_HERE / 'tenant/versions'}"
    )
    return config


async def _migrate(settings: Settings, branch: str, schema: str, *, owner: str | None) -> None:
    config = _config()

    def run(connection: Connection) -> None:
        config.attributes.update(connection=connection, schema=schema)
        command.upgrade(config, f"{branch}@head")

    engine = create_async_engine(_async_url(settings.database_url), pool_size=1)
    try:
        async with engine.begin() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await connection.exec_driver_sql(f"SET LOCAL search_path = {schema}, pg_temp")
            if owner is not None:
                await connection.exec_driver_sql(f"SET LOCAL ROLE {owner}")
            await connection.run_sync(run)
    finally:
        await engine.dispose()
