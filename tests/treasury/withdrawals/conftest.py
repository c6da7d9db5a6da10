"""Fixtures of withdrawals."""

from __future__ import annotations

import pytest

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.settings import Settings
from tests.treasury.withdrawals.till import Till, open_till


@pytest.fixture
async def till(database: Database, tenant: TenantRef, vault: Vault, settings: Settings) -> Till:
    """Alpha's till."""
    return await open_till(database, tenant, vault, settings)
