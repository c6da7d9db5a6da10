"""Tells PostgreSQL what a schema holds after much was written at once.

Without it the planner believes that fresh tables are empty until autovacuum comes by, and reads
them again and again for statements that join them.
"""

from __future__ import annotations

from kernel.database import checked_schema
from kernel.settings import Settings
from tenants.schemas import runner

_TABLES = """
SELECT string_agg(format('%I.%I', n.nspname::text, c.relname::text), ', ')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


async def gather(settings: Settings, schema: str) -> None:
    """Count again what the tables of a tenant's schema hold."""
    connection = await runner.connect(settings)
    try:
        tables = await connection.fetchval(_TABLES, checked_schema(schema))
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {checked_schema(schema)}_owner")
            await connection.execute(f"ANALYZE {tables}")
    finally:
        await connection.close()
