"""The same rows in two brokerages, every free text a canary of its owner.

Rows are made from the catalogue, so that a table of tomorrow is filled without a change here.
Every UUID of a set is one and the same value in both schemas: all references meet, and only
the role and the path of a session can tell the brokerages apart.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

CANARY = {"t_alpha": "CANARY_A", "t_beta": "CANARY_B"}
# Rows that both brokerages have under these ids, and rows that only alpha has.
SHARED = UUID("0190aaaa-0000-7000-8000-00000000aaaa")
FOREIGN = UUID("0190bbbb-0000-7000-8000-00000000bbbb")
NUMBERS = {SHARED: 700_001, FOREIGN: 700_002}
DAY = date(2021, 3, 10)
_MOMENT = datetime(2021, 3, 10, 12, 0, tzinfo=UTC)

# Made by migrations or filled elsewhere: who may do what, and people with their sessions.
_LEFT_OUT = {"schema_version", "account_code", "role_permission", "staff_role", "session"}
# Values that the code itself reads, so that a page is shown at all.
_READ_BY_CODE = {
    "country": "DE",
    "language": "en",
    "currency_digits": 2,
    "currency_to": "EUR",
    "age_hours": 24,
    "fee": Decimal(0),
    "quote_seconds": 60,
    "provider": "stripe",
    "media_type": "image/png",
    "surface": "trader",
    "scopes": ["crm.lead.create"],
    "timezone": "UTC",
}
_PREFERRED = (
    *("in_review", "settled", "open", "active", "received", "client", "deposit", "done"),
    *("paid", "markup", "per_lot", "own", "form", "contacted", "email", "pending", "accrued"),
)

_COLUMNS = """
SELECT c.relname AS table, a.attname AS column, t.typname AS type, a.attnotnull AS required,
       CASE WHEN t.typname = 'varchar' AND a.atttypmod > 4 THEN a.atttypmod - 4
            WHEN t.typname = 'bpchar' THEN a.atttypmod - 4 END AS length,
       a.atthasdef AS has_default
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attgenerated = '' AND a.attidentity = ''
ORDER BY c.relname, a.attnum
"""
_CHECKS = """
SELECT c.relname AS table, pg_get_constraintdef(k.oid) AS text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND k.contype = 'c'
"""
_LIST = re.compile(r"\(*(\w+)\)*(?:::text)? = ANY \(\(?ARRAY\[(.*?)\]")
_ONE = re.compile(r"^CHECK \(+(\w+)\)*(?:::text)? = '([^']*)'(?:::[a-z ]+)?\)+$")
_ITEM = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Seeded:
    """What was planted: tables and text columns with a canary, in one schema."""

    tables: int
    canaries: int


async def plant(superuser: asyncpg.Connection[Any], schema: str, row_id: UUID) -> Seeded:
    """Put one row into every table of a schema; raises what PostgreSQL says of a table it can't."""
    allowed = await _allowed(superuser, schema)
    tables: dict[str, list[asyncpg.Record]] = {}
    for row in await superuser.fetch(_COLUMNS, schema):
        tables.setdefault(row["table"], []).append(row)
    made = canaries = 0
    await superuser.execute(
        f"SET search_path = \"{schema}\"; SELECT deal_partition(DATE '{DAY}'); RESET search_path"
    )
    await superuser.execute("SET session_replication_role = replica")
    try:
        for table, columns in tables.items():
            # A second row of a table without ids would be the first one again.
            alone = row_id != SHARED and not any(c["type"] == "uuid" for c in columns)
            if table in _LEFT_OUT or alone:
                continue
            values = {
                column["column"]: _value(schema, table, column, row_id, allowed)
                for column in columns
            }
            await _insert(superuser, schema, table, columns, values)
            made += 1
            canaries += sum(CANARY[schema] in str(value) for value in values.values())
    finally:
        await superuser.execute("SET session_replication_role = DEFAULT")
    return Seeded(made, canaries)


async def digest(superuser: asyncpg.Connection[Any], schema: str) -> dict[str, str]:
    """Return a hash of every table's rows."""
    names = await superuser.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
        schema,
    )
    found = {}
    for (table,) in names:
        text = await superuser.fetchval(
            f'SELECT string_agg(r::text, E\'\\n\' ORDER BY r::text) FROM "{schema}"."{table}" r'
        )
        found[table] = hashlib.sha256((text or "").encode()).hexdigest()
    return found


async def columns_named(
    superuser: asyncpg.Connection[Any], schema: str, name: str, row_id: UUID
) -> list[str]:
    """Return what a planted row of each table has in the columns of that name."""
    tables = await superuser.fetch(_COLUMNS, schema)
    keyed = {row["table"] for row in tables if row["type"] == "uuid"}
    found = []
    for row in tables:
        if row["column"] != name or row["table"] in _LEFT_OUT or row["table"] not in keyed:
            continue
        key = next(
            r["column"] for r in tables if r["table"] == row["table"] and r["type"] == "uuid"
        )
        value = await superuser.fetchval(
            f'SELECT "{name}"::text FROM "{schema}"."{row["table"]}" WHERE "{key}" = $1 LIMIT 1',
            row_id,
        )
        if value is not None:
            found.append(value)
    return sorted(set(found))


async def _allowed(
    superuser: asyncpg.Connection[Any], schema: str
) -> dict[tuple[str, str], list[str]]:
    """Return the listed values of columns that a CHECK restricts to a list."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in await superuser.fetch(_CHECKS, schema):
        for column, item in _ONE.findall(row["text"]):
            found[row["table"], column] = [item]
        for column, items in _LIST.findall(row["text"]):
            found.setdefault((row["table"], column), _ITEM.findall(items))
    return found


def _value(
    schema: str,
    table: str,
    column: asyncpg.Record,
    row_id: UUID,
    allowed: dict[tuple[str, str], list[str]],
) -> Any:
    name, kind, length = column["column"], column["type"], column["length"]
    listed = allowed.get((table, name))
    if listed:
        return next((value for value in _PREFERRED if value in listed), listed[0])
    if name in _READ_BY_CODE:
        return _READ_BY_CODE[name]
    if kind in ("varchar", "text", "bpchar", "name"):
        return _text(schema, table, name, length, row_id)
    simple: dict[str, Any] = {
        "uuid": row_id,
        "numeric": Decimal(1),
        "bool": True,
        "int2": 1,
        "int4": 1,
        "int8": NUMBERS[row_id],
        "date": DAY,
        "timestamptz": _MOMENT + timedelta(days=3650) if name.startswith("expires") else _MOMENT,
        "bytea": f"{CANARY[schema]}{name}{row_id}".encode(),
        "jsonb": f'{{"canary": "{CANARY[schema]}"}}',
        "_text": [f"{CANARY[schema]} {name}"],
        "_varchar": [f"{CANARY[schema]} {name}"],
        "_uuid": [row_id],
    }
    return simple[kind]


def _text(schema: str, table: str, name: str, length: int | None, row_id: UUID) -> str:
    canary = CANARY[schema]
    if name.endswith("currency") or name.startswith("currency"):
        return "USD"
    mark = "x" if row_id == SHARED else "y"
    if "email" in name or name == "recipient":
        return f"{canary}.{mark}@{table.replace('_', '-')}.example"[: length or 200]
    if name == "phone":
        return f"+49 {canary} {mark}"[: length or 200]
    wanted = f"{mark}-{canary}-{table}.{name}"
    if length is not None and length < len(canary) + 2:
        return (mark + "q" * length)[:length]
    return wanted[: length or 200]


async def _insert(
    superuser: asyncpg.Connection[Any],
    schema: str,
    table: str,
    columns: list[asyncpg.Record],
    values: dict[str, Any],
) -> None:
    """Insert a row; where a CHECK refuses it, try it plainer and plainer."""
    needed = {c["column"] for c in columns if c["required"] or c["type"] == "uuid"}
    plain = {name: value for name, value in values.items() if name in needed}
    free = {name: False if value is True else value for name, value in values.items()}
    without = {c["column"] for c in columns if c["required"]}
    attempts = (
        values,
        plain,
        free,
        {name: value for name, value in free.items() if name in needed},
        {name: value for name, value in free.items() if name in without},
        {name: 0 if value == 1 else value for name, value in values.items()},
    )
    for attempt in attempts[:-1]:
        try:
            await _write(superuser, schema, table, attempt)
        except asyncpg.CheckViolationError:
            continue
        return
    await _write(superuser, schema, table, attempts[-1])


async def _write(
    superuser: asyncpg.Connection[Any], schema: str, table: str, values: dict[str, Any]
) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await superuser.execute(
        f'INSERT INTO "{schema}"."{table}" ({names}) VALUES ({places})', *values.values()
    )
