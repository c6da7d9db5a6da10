"""Fixtures that every test may ask for: settings, a migrated database and two brokerages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from litestar import Litestar

from entrypoints import wiring
from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.settings import Settings
from tenants.ports import Ports
from tests.fixtures import database as fixture
from tests.fixtures import kept
from tests.fixtures.web import Browser
from themes.kept_pages import KeptPages

_STANDING: dict[bytes, dict[str, Litestar]] = {}


@pytest.fixture(autouse=True)
def _kept_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever page a test gets from those that are kept is rendered too, and must be the same."""
    monkeypatch.setattr(KeptPages, "page", kept.compared)


@pytest.fixture
def settings() -> Settings:
    """Settings of a process on this worker's database."""
    return fixture.settings_for(fixture.worker_database())


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The product's own access to the database; all tables are emptied afterwards."""
    made = Database.from_settings(settings, pool_size=10)
    yield made
    await made.close()
    await fixture.clean(settings.database_url)


@pytest.fixture
async def superuser(settings: Settings, database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do everything: for looking, and for planting corruption."""
    del database
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


@pytest.fixture
def vault(settings: Settings) -> Vault:
    """The vault under the tests' master key."""
    return Vault(settings.secret_key)


@pytest.fixture
def tenant() -> TenantRef:
    """The brokerage most tests act for."""
    return fixture.ALPHA


@pytest.fixture
def other_tenant() -> TenantRef:
    """A second brokerage, which must never see the first one's rows."""
    return fixture.BETA


@pytest.fixture
async def tenant_session(database: Database, tenant: TenantRef) -> AsyncIterator[TenantSession]:
    """One open transaction of alpha, committed at the end of the test."""
    async with database.tenant(tenant) as session:
        yield session


@pytest.fixture
async def ports(settings: Settings, database: Database) -> AsyncIterator[Ports]:
    """The ports of a process, on this worker's database."""
    del database
    made = wiring.ports(settings, pool_size=10)
    yield made
    await wiring.close(made)


@pytest.fixture
async def web(ports: Ports) -> AsyncIterator[Web]:
    """The whole web application, in this process; its routes are built once for each worker."""
    made = Web(ports, apps=_STANDING.get(ports.settings.secret_key))
    _STANDING[ports.settings.secret_key] = made.apps
    yield made
    await made.rendering.close()


@pytest.fixture
async def browser(web: Web) -> AsyncIterator[Browser]:
    """A visitor with an empty cookie jar."""
    made = Browser(web)
    yield made
    await made.close()
