"""Fixtures of deposits."""

from __future__ import annotations

import pytest

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from tests.treasury.desk import Desk, open_desk


@pytest.fixture
async def desk(database: Database, tenant: TenantRef, vault: Vault) -> Desk:
    """Alpha's cash desk."""
    return await open_desk(database, tenant, vault)
