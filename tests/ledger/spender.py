"""A process that sets money aside many times at once, started by tests as `python -m`.

Reads one JSON object: `database`, `client_id`, `count`, `prefix`; says `ready`, waits for a line,
and prints how many were accepted and refused and how long each took, in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal
from typing import Any

from kernel.database import Database
from ledger import bookings, holds
from ledger.errors import InsufficientFunds
from tests.fixtures.database import ALPHA, settings_for

AMOUNT = Decimal(1000)
_CONNECTIONS = 20


async def spend(told: dict[str, Any]) -> dict[str, Any]:
    """Reserve the amount as often as told, all at once."""
    database = Database.from_settings(settings_for(told["database"]), pool_size=_CONNECTIONS)
    code, owner = bookings.wallet(told["client_id"])
    took: list[float] = []

    async def one(number: int) -> bool:
        started = time.monotonic()
        try:
            async with database.tenant(ALPHA) as session:
                await holds.reserve(
                    session,
                    key=f"{told['prefix']}:{number}",
                    code=code,
                    currency="USD",
                    owner=owner,
                    amount=AMOUNT,
                    reference="WDR-TEST",
                )
        except InsufficientFunds:
            return False
        finally:
            took.append(time.monotonic() - started)
        return True

    async with database.tenant_read(ALPHA):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    answers = await asyncio.gather(*(one(number) for number in range(told["count"])))
    await database.close()
    return {"accepted": sum(answers), "refused": len(answers) - sum(answers), "took": took}


if __name__ == "__main__":
    found = asyncio.run(spend(json.loads(sys.stdin.readline())))
    sys.stdout.write(json.dumps(found) + "\n")
