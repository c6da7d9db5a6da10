"""Fixtures that every test may ask for: settings, a migrated database and two brokerages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from argon2 import PasswordHasher

from entrypoints import wiring
from entrypoints.application import Web
from identity import passwords
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.settings import Settings
from tenants.ports import Ports
from tests.fixtures import database as fixture
from tests.fixtures import kept
from tests.fixtures.web import Browser, another_web
from themes.kept_pages import KeptPages


@pytest.fixture(autouse=True)
def _kept_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever page a test gets from those that are kept is rendered too, and must be the same."""
    monkeypatch.setattr(KeptPages, "page", kept.compared)


@pytest.fixture(scope="session", autouse=True)
def _passwords_cost_little() -> Iterator[None]:
    """Hash as the product does, at the least cost: nearly every test makes people who sign in.

    What it costs in the product has a test of its own, and the processes that tests start know
    nothing of this.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", cheap)
        patch.setattr(passwords, "_NOBODY", cheap.hash("nobody has this password"))
        yield


@pytest.fixture
def settings() -> Settings:
    """Settings of a process on this worker's database."""
    return fixture.settings_for(fixture.worker_database())


@pytest.fixture(scope="session")
async def standing() -> AsyncIterator[fixture.Standing]:
    """This worker's connections to its database, which go from one test to the next."""
    made = fixture.Standing(fixture.settings_for(fixture.worker_database()))
    yield made
    await made.close()


@pytest.fixture
async def database(settings: Settings, standing: fixture.Standing) -> AsyncIterator[Database]:
    """The product's own access to the database; all tables are emptied afterwards."""
    yield standing.lend(Database.from_settings(settings, pool_size=10))
    await standing.clean()


@pytest.fixture
async def superuser(standing: fixture.Standing, database: Database) -> asyncpg.Connection:
    """A connection that may do everything: for looking, and for planting corruption."""
    del database
    return await standing.superuser()


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
async def ports(
    settings: Settings, database: Database, standing: fixture.Standing
) -> AsyncIterator[Ports]:
    """The ports of a process, on this worker's database."""
    del database
    made = wiring.ports(settings, pool_size=10)
    standing.lend(made.database)
    yield made
    await wiring.close(made)


@pytest.fixture
async def web(ports: Ports) -> AsyncIterator[Web]:
    """The whole web application, in this process; its routes are built once for each worker."""
    made = another_web(ports)
    yield made
    await made.rendering.close()


@pytest.fixture
async def browser(web: Web) -> AsyncIterator[Browser]:
    """A visitor with an empty cookie jar."""
    made = Browser(web)
    yield made
    await made.close()
