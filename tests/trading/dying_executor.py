"""A process that sends operations and dies at a failpoint: the environment says which.

Started by tests as `python -m tests.trading.dying_executor`, with a JSON object on standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from uuid import UUID

from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.mt5_session import Limits
from connectors.trading.port import TradingConnection
from kernel.crypto import Vault
from kernel.database import Database
from tests.fixtures.database import ALPHA, settings_for
from trading import operations


class _One:
    def __init__(self, told: dict[str, Any]) -> None:
        self.connection = Mt5Rest(
            told["address"],
            login=told["manager"],
            password=told["password"],
            fingerprint=told["fingerprint"],
            limits=Limits(request_seconds=3.0),
        )

    async def get(self, server_id: UUID) -> TradingConnection:
        return self.connection


async def main() -> None:
    """Execute the operation; reached only as far as the failpoint allows."""
    told = json.loads(sys.stdin.read())
    settings = settings_for(told["database"])
    database = Database.from_settings(settings, pool_size=2)
    await operations.execute(
        database,
        ALPHA,
        operation_ids=[UUID(one) for one in told["operations"]],
        connections=_One(told),
        vault=Vault(settings.secret_key),
        quiet_seconds=told["quiet_seconds"],
    )
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
