"""The only way to the database: sessions bound to control, to one tenant, or to reading.

A tenant's session begins with one text message, BEGIN with role and search_path, both
LOCAL: a plain SET would leak through the pool to the next tenant (measured). Without a
bound tenant the application's login owns nothing and every statement is refused. Engines
run in driver-level autocommit, so that this module alone writes BEGIN, COMMIT and ROLLBACK.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import asyncpg
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from kernel import journal
from kernel.actor import SYSTEM, Actor, TenantRef
from kernel.connections import Connections
from kernel.errors import ProductError
from kernel.failpoints import reach
from kernel.settings import Settings

APP_LOGIN = "marque_app"
CONTROL_LOGIN = "marque_control"
_SCHEMA = re.compile(r"^t_[a-z0-9_]{1,40}$")
# A backend keeps about 1.1 MB for every tenant it touched and never gives it back.
_TENANTS_PER_CONNECTION = 64

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Tables that stand in every tenant's schema."""

    metadata = MetaData(naming_convention=_NAMES)


class ControlBase(DeclarativeBase):
    """Tables of the vendor, shared by no tenant: the control schema."""

    metadata = MetaData(naming_convention=_NAMES, schema="control")


class CommitRefused(Exception):
    """The transaction was rolled back when it should have been committed."""


class OutOfPatience(Exception):
    """A statement took longer than whoever asked was ready to wait."""


class TenantSession(AsyncSession):
    """One transaction of one tenant, reading and writing."""


class ReadSession(AsyncSession):
    """One read-only transaction of one tenant."""


class ControlSession(AsyncSession):
    """One transaction on the control schema."""


Bound = TypeVar("Bound", TenantSession, ReadSession, ControlSession)


class Doorbell(Protocol):
    """Tells the relay whose outbox has news; a channel is a tenant's id, or `control`."""

    async def mark(self, channel: str) -> None:
        """Say before a commit that news may follow, so that a crash after it is seen."""

    def ring(self, channel: str) -> None:
        """Say after a commit that there is news, without waiting for anybody."""

    async def close(self) -> None:
        """Wait until all that was rung is said."""


def role_password(secret_key: bytes, login: str) -> str:
    """Return the password of one of the product's own logins, derived from the secret key."""
    return hmac.new(secret_key, f"login:{login}".encode(), hashlib.sha256).hexdigest()


def login_url(settings: Settings, login: str) -> str:
    """Return the SQLAlchemy address of one of the product's own logins."""
    parts = urlsplit(settings.database_url)
    password = role_password(settings.secret_key, login)
    host = f"{parts.hostname}:{parts.port or 5432}"
    return f"postgresql+asyncpg://{quote(login)}:{password}@{host}{parts.path}"


def checked_schema(schema: str) -> str:
    """Return the schema's name when it has the one allowed form; raise ValueError otherwise."""
    if not _SCHEMA.match(schema):
        msg = "not a tenant's schema"
        raise ValueError(msg)
    return schema


class Keeper(Protocol):
    """Hands over in this process what it has recorded itself, without a way through the relay."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics of which it is so."""

    def keep(self, tenant: TenantRef, events: Sequence[tuple[UUID, str]]) -> None:
        """Take over committed events, each its id and topic, which are born under a lease."""


class Database:
    """Both pools of a process and the sessions that come from them."""

    def __init__(self, app: AsyncEngine, control: AsyncEngine) -> None:
        """Take the engines of the application's and of control's login."""
        self._app = Connections(app)
        self._control = Connections(control)
        self._doorbell: Doorbell | None = None
        self._keeper: Keeper | None = None

    @classmethod
    def from_settings(cls, settings: Settings, *, pool_size: int = 10) -> Database:
        """Make both pools; nothing connects yet."""
        return cls(
            _engine(login_url(settings, APP_LOGIN), pool_size),
            _engine(login_url(settings, CONTROL_LOGIN), max(2, pool_size // 3)),
        )

    def ring(self, doorbell: Doorbell) -> None:
        """Name who is told that a tenant's outbox has news."""
        self._doorbell = doorbell

    def keep(self, keeper: Keeper) -> None:
        """Name who hands over what this process records of certain topics."""
        self._keeper = keeper

    async def close(self) -> None:
        """Say what is still to be said of commits, and close every connection."""
        if self._doorbell is not None:
            await self._doorbell.close()
        await self._app.close()
        await self._control.close()

    @asynccontextmanager
    async def tenant(
        self, tenant: TenantRef, *, actor: Actor = SYSTEM, request_id: str = ""
    ) -> AsyncIterator[TenantSession]:
        """Open a tenant's transaction; commit at the end, roll back on any error."""
        async with _transaction(self._app, _begin(tenant), TenantSession, tenant) as session:
            session.info.update(tenant=tenant, actor=actor, request_id=request_id)
            if self._keeper is not None:
                session.info["keeps"] = self._keeper.topics
            yield session
            await self._commit(session, str(tenant.id))
            if self._keeper is not None and (kept := session.info.get("kept")):
                self._keeper.keep(tenant, kept)

    @asynccontextmanager
    async def tenant_read(self, tenant: TenantRef) -> AsyncIterator[ReadSession]:
        """Open a tenant's read-only transaction."""
        begin = _begin(tenant, read_only=True)
        async with _transaction(self._app, begin, ReadSession, tenant) as session:
            session.info.update(tenant=tenant, actor=SYSTEM, request_id="")
            yield session

    @asynccontextmanager
    async def control(
        self, *, actor: Actor = SYSTEM, request_id: str = ""
    ) -> AsyncIterator[ControlSession]:
        """Open a transaction on the control schema; commit at the end."""
        begin = "BEGIN; SET LOCAL search_path = control, pg_temp"
        async with _transaction(self._control, begin, ControlSession, None) as session:
            session.info.update(actor=actor, request_id=request_id)
            yield session
            await self._commit(session, "control")

    async def _commit(self, session: TenantSession | ControlSession, channel: str) -> None:
        """Flush and commit; tell the relay before (so a crash is seen) and after (at once)."""
        await write(session)
        told, kept = session.info.get("events"), session.info.get("kept")
        bell = self._doorbell
        if bell is not None and (told or kept):
            await bell.mark(channel)
        reach("database.before_commit")
        # After a statement that failed and was forgotten, PostgreSQL answers COMMIT with ROLLBACK.
        if await (await driver(session)).execute("COMMIT") != "COMMIT":
            raise CommitRefused("a statement of the transaction had failed")
        session.info["committed"] = True
        reach("database.after_commit")
        if bell is not None and told:
            bell.ring(channel)


async def write(session: TenantSession | ControlSession) -> None:
    """Send what the transaction has changed so far: objects, then the lines of its journals."""
    if session.new or session.dirty or session.deleted:
        await session.flush()
    for statement, lines in journal.taken(session):
        tag = f"/*{session.info['tenant'].schema}*/" if isinstance(session, TenantSession) else ""
        await (await driver(session)).execute(f"{tag}{statement}", lines)


async def driver(session: AsyncSession) -> asyncpg.Connection[Any]:
    """Return the driver's connection inside the session's own transaction, for hot paths."""
    raw: asyncpg.Connection[Any] | None = session.info.get("driver")
    return raw if raw is not None else await _raw(await session.connection())


@contextmanager
def translated(states: Mapping[str, type[ProductError]]) -> Iterator[None]:
    """Turn what PostgreSQL refuses into product errors, by its SQLSTATE or the constraint's name.

    Functions and triggers of ours raise SQLSTATEs of their own (MQ...).
    """
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        marks = (getattr(cause, name, None) for name in ("sqlstate", "constraint_name"))
        kind = next((states[str(mark)] for mark in marks if str(mark) in states), None)
        if kind is None:
            raise
        raise kind(reason=str(cause)) from error


@asynccontextmanager
async def attempt(session: TenantSession) -> AsyncIterator[None]:
    """Undo what is done inside when it is refused, and leave the transaction as it was before.

    A transaction of its own would take a second connection while the first one is held, and many
    who do so at once wait for each other until all of them fail.
    """
    await write(session)  # what is changed already must not be undone with the rest
    raw = await driver(session)
    events = session.info.get("events", 0)
    known = set(session.identity_map.keys())
    await raw.execute("SAVEPOINT attempt")
    try:
        yield
        await write(session)
    except Exception:
        await raw.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
        journal.taken(session)
        session.info["events"] = events
        here = session.identity_map
        fresh = [here[key] for key in list(here.keys()) if key not in known]
        for one in {*session.new, *session.dirty, *fresh}:
            session.expunge(one)
        raise
    else:
        await raw.execute("RELEASE SAVEPOINT attempt")


@asynccontextmanager
async def patience(session: TenantSession, milliseconds: int) -> AsyncIterator[None]:
    """Let each statement inside take so long at most; what they change is undone at the end.

    Raises OutOfPatience when one takes longer. The transaction goes on as it was before.
    """
    await session.flush()  # what is changed already must not be undone with the rest
    raw = await driver(session)
    undo = "ROLLBACK TO SAVEPOINT patience; RELEASE SAVEPOINT patience"
    await raw.execute(f"SAVEPOINT patience; SET LOCAL statement_timeout = {max(1, milliseconds)}")
    try:
        yield
    except Exception as error:
        await raw.execute(undo)
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(getattr(cause, "__cause__", cause), asyncpg.QueryCanceledError) or isinstance(
            cause, asyncpg.QueryCanceledError
        ):
            raise OutOfPatience from None
        raise
    else:
        await raw.execute(undo)


def tagged(session: AsyncSession, sql: str) -> str:
    """Prefix a hot statement with its tenant, so that PostgreSQL keeps one plan for each."""
    tenant: TenantRef = session.info["tenant"]
    return f"/*{tenant.schema}*/{sql}"


async def check(database: Database) -> None:
    """Raise when either login can't reach the database."""
    for connections in (database._app, database._control):  # noqa: SLF001 - same module
        connection = await connections.take()
        try:
            await _opened(connection, "SELECT 1")
        except BaseException:
            await asyncio.shield(connection.invalidate())
            raise
        finally:
            await connections.give(connection)


def _engine(address: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        address,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=15,
        pool_pre_ping=False,
        pool_reset_on_return=None,
        connect_args={
            "statement_cache_size": 400,
            "server_settings": {"application_name": "marque", "jit": "off"},
        },
    )


def _begin(tenant: TenantRef, *, read_only: bool = False) -> str:
    schema = checked_schema(tenant.schema)
    mode = "BEGIN READ ONLY" if read_only else "BEGIN"
    return f"{mode}; SET LOCAL ROLE {schema}; SET LOCAL search_path = {schema}, pg_temp"


async def _raw(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    return raw


@asynccontextmanager
async def _transaction(
    connections: Connections, begin: str, kind: type[Bound], tenant: TenantRef | None
) -> AsyncIterator[Bound]:
    """Run one transaction on one pooled connection, and give the connection back clean."""
    connection = await connections.take()
    try:
        raw = await _opened(connection, begin)
        session = kind(bind=connection, expire_on_commit=False, autoflush=True)
        # Asking SQLAlchemy for it at each statement costs a switch of greenlets.
        session.info["driver"] = raw
        try:
            yield session
        finally:
            session.info["driver"] = None
            # A session that the driver alone has used holds nothing.
            if session.in_transaction() or session.new:
                await session.close()
        if not session.info.get("committed"):
            await raw.execute("ROLLBACK")
    except Exception:
        await _rolled_back(connection)
        raise
    except BaseException:
        # Cancelled in the middle of a statement: the connection's state is unknown.
        await asyncio.shield(connection.invalidate())
        raise
    finally:
        # Not shielded where nothing is sent, which is nearly always: that would cost a task.
        if _is_worn(connection, tenant):
            await asyncio.shield(connection.invalidate())
        await connections.give(connection)


async def _opened(connection: AsyncConnection, begin: str) -> asyncpg.Connection[Any]:
    """Send BEGIN; a connection that died in the pool is replaced once."""
    raw = await _raw(connection)
    try:
        await raw.execute(begin)
    except (asyncpg.InterfaceError, asyncpg.ConnectionDoesNotExistError, ConnectionError, OSError):
        await connection.invalidate()
        raw = await _raw(connection)
        await raw.execute(begin)
    return raw


async def _rolled_back(connection: AsyncConnection) -> None:
    try:
        raw = await _raw(connection)
        if raw.is_in_transaction():
            await raw.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 - whatever failed, the connection must not be reused
        await connection.invalidate()


def _is_worn(connection: AsyncConnection, tenant: TenantRef | None) -> bool:
    """Say whether a connection has touched so many tenants that it is not to be kept."""
    if tenant is None or connection.invalidated or connection.closed:
        return False
    assert connection.sync_connection is not None
    touched: set[str] = connection.sync_connection.info.setdefault("tenants", set())
    touched.add(tenant.schema)
    return len(touched) > _TENANTS_PER_CONNECTION
