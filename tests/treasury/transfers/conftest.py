"""Fixtures of transfers."""

from __future__ import annotations

import pytest

from kernel.actor import TenantRef
from kernel.database import Database
from tests.treasury.transfers.desk import Room, open_room


@pytest.fixture
async def room(database: Database, tenant: TenantRef) -> Room:
    """Alpha's client with a wallet."""
    return await open_room(database, tenant)
