"""Attempts to change what is written in the book, as the tenant's own role."""

from __future__ import annotations

import asyncpg

from kernel.actor import TenantRef
from kernel.database import Database, driver
from kernel.settings import Settings

# Every table of the book, with a column to change.
TABLES = {
    "account_code": "guarded = false",
    "ledger_account": "owner_id = 'x'",
    "entry": "reference = 'x'",
    "entry_rate": "rate = 2",
    "posting": "amount = 1",
    "balance": "amount = -1000000",
    "hold": "state = 'voided'",
    "period_lock": "closed_before = NULL",
    "balance_repair": "amount = 0",
}
VERBS = ("UPDATE {table} SET {change}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE")


def statements() -> list[str]:
    """Return every kind of change of every table."""
    return [
        verb.format(table=table, change=change)
        for table, change in TABLES.items()
        for verb in VERBS
    ]


async def attempts(settings: Settings, tenant: TenantRef) -> int:
    """Try every change; return how many were not refused for want of the privilege."""
    database = Database.from_settings(settings, pool_size=1)
    done = 0
    try:
        for statement in statements():
            try:
                async with database.tenant(tenant) as session:
                    await (await driver(session)).execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            done += 1
    finally:
        await database.close()
    return done
