"""A web process for crash tests: asks a provider for a deposit's payment, and ends."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from entrypoints.connections import Gateways
from kernel import settings as kernel_settings
from kernel.crypto import Vault
from kernel.database import Database
from tests.fixtures.database import ALPHA
from treasury import deposits
from treasury.connections import Reach
from treasury.deposits import Place


async def pay(deposit_id: UUID, allowed: str) -> None:
    """Do what the web process does with the deposit."""
    settings = kernel_settings.load(dict(os.environ))
    database = Database.from_settings(settings, pool_size=2)
    reach = Reach(Gateways(allow=frozenset({allowed})), Vault(settings.secret_key), settings)
    place = Place("http://127.0.0.1:1/deposit/x", "http://127.0.0.1:1/deposit")
    try:
        await deposits.create_payment(
            database, ALPHA, deposit_id=deposit_id, reach=reach, place=place
        )
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(pay(UUID(sys.argv[1]), sys.argv[2]))
