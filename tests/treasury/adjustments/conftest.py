"""Fixtures of adjustments."""

from __future__ import annotations

import pytest

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from tests.treasury.adjustments.office import Office, open_office
from tests.treasury.desk import Desk, open_desk


@pytest.fixture
async def office(database: Database, tenant: TenantRef) -> Office:
    """Alpha's back office, with a client and two people of finance."""
    return await open_office(database, tenant)


@pytest.fixture
async def desk(database: Database, tenant: TenantRef, vault: Vault) -> Desk:
    """Alpha's cash desk."""
    return await open_desk(database, tenant, vault)
