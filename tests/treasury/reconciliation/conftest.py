"""Fixtures of reconciliation."""

from __future__ import annotations

import pytest

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from tests.treasury.banks.house import House, open_house


@pytest.fixture
async def house(database: Database, tenant: TenantRef, vault: Vault) -> House:
    """Alpha with its banks."""
    return await open_house(database, tenant, vault)
