"""What is written in the book stays: no role changes it, and the tenant's own may not even try."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, driver
from ledger import entries, holds, periods
from ledger.lines import Rate
from tests.ledger import immutable
from tests.ledger.book import WALLET, deposit_lines, pay_in


async def keep_books(database: Database, tenant: TenantRef, superuser: asyncpg.Connection) -> None:
    """Give every table of the book a row."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")
        await holds.reserve(
            session,
            key="h",
            code=WALLET,
            currency="EUR",
            owner=("client", "c1"),
            amount=Decimal(1),
            reference="",
        )
        await entries.post(
            session,
            key="rated",
            kind="x",
            lines=deposit_lines("1.00"),
            rate=Rate("EUR", "USD", Decimal(1), Decimal(1), "test", now()),
        )
        await periods.close(session, before=now().replace(year=2020))
    await superuser.execute(
        f"INSERT INTO {tenant.schema}.balance_repair"
        " (account_id, amount, held, version, reason, actor) VALUES (uuidv7(), 0, 0, 0, '', 'x')"
    )


@pytest.mark.parametrize("statement", immutable.statements())
async def test_the_tenants_role_changes_no_row_of_the_book(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, statement: str
) -> None:
    """UPDATE, DELETE and TRUNCATE are refused on every table."""
    await keep_books(database, tenant, superuser)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(tenant) as session:
            await (await driver(session)).execute(statement)


@pytest.mark.parametrize("table", [name for name in immutable.TABLES if name != "account_code"])
@pytest.mark.parametrize("verb", immutable.VERBS)
async def test_not_even_a_superuser_changes_what_is_appended(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, table: str, verb: str
) -> None:
    """Triggers refuse it to whoever does not switch them off; balances and holds move on."""
    if table in ("balance", "hold") and verb.startswith("UPDATE"):
        return
    await keep_books(database, tenant, superuser)
    statement = verb.format(table=f"{tenant.schema}.{table}", change=immutable.TABLES[table])

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
        await superuser.execute(statement)


async def test_every_table_of_the_book_is_tried(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """A table that the models bring tomorrow belongs into the list."""
    from kernel.database import Base
    from ledger import models

    ours = {
        mapper.local_table.name  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
        if mapper.class_.__module__ == models.__name__ and not mapper.local_table.info.get("view")  # type: ignore[attr-defined]
    }
    readable = await superuser.fetch(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace"
        " AND c.relname = ANY ($2::text[]) AND has_table_privilege($1::text, c.oid, 'SELECT')",
        tenant.schema,
        sorted(ours),
    )
    assert ours == set(immutable.TABLES) == {row["relname"] for row in readable}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {0}.entry_line SET amount = 1",
        "DELETE FROM {0}.entry_line",
        "TRUNCATE {0}.entry_line",
        "INSERT INTO {0}.entry_line SELECT uuidv7(), 1, uuidv7(), 1, 1, 1, 'EUR'",
    ],
)
async def test_the_view_of_all_lines_takes_nothing(
    superuser: asyncpg.Connection, tenant: TenantRef, statement: str
) -> None:
    """It shows the lines of pairs and of all others, and changes neither, for nobody."""
    with pytest.raises(asyncpg.PostgresError, match=r"cannot|is not a table"):
        await superuser.execute(statement.format(tenant.schema))


PAIR = {
    "account_1": "uuidv7()",
    "account_2": "uuidv7()",
    "version_1": "1",
    "version_2": "1",
    "amount_1": "5",
    "amount_2": "-5",
    "after_1": "5",
    "after_2": "-5",
    "currency": "'EUR'",
}


@pytest.mark.parametrize(
    ("wrong", "trigger"),
    [
        ({}, ""),
        ({"amount_2": "-4"}, "entry_balances"),
        ({"amount_1": "0", "amount_2": "0"}, "entry_balances"),
        ({"amount_1": "'NaN'", "amount_2": "'NaN'"}, "entry_balances"),
        ({"account_2": "NULL"}, "entry_balances"),
        ({"after_1": "NULL"}, "entry_balances"),
        ({"version_2": "NULL"}, "entry_balances"),
        ({"currency": "NULL"}, "entry_balances"),
        ({"reverses_id": "uuidv7()"}, "entry_balances"),
        (dict.fromkeys(PAIR, "NULL"), "entry_balances"),
    ],
)
async def test_a_pair_that_does_not_add_up_is_refused_at_commit_by_one_trigger(
    superuser: asyncpg.Connection, tenant: TenantRef, wrong: dict[str, str], trigger: str
) -> None:
    """Whoever writes it, and seen red without the trigger; what is whole is taken."""
    values = PAIR | wrong
    insert = (
        f"INSERT INTO entry (key, kind, reference, occurred_at, actor, {', '.join(values)})"
        f" VALUES ('x', 'k', '', now(), 'x', {', '.join(values.values())})"
    )

    async def written(*before: str) -> int:
        transaction = superuser.transaction()
        await transaction.start()
        try:
            for statement in (f"SET LOCAL search_path = {tenant.schema}", *before, insert):
                await superuser.execute(statement)
            await superuser.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit does it
            return int(await superuser.fetchval("SELECT count(*) FROM entry"))
        finally:
            await transaction.rollback()

    if not trigger:
        assert await written() == 1
        return
    with pytest.raises(asyncpg.PostgresError) as refused:
        await written()
    assert refused.value.sqlstate == "MQ003"
    assert await written(f"DROP TRIGGER {trigger} ON entry") == 1


async def test_lines_come_together_with_their_entry(
    superuser: asyncpg.Connection, tenant: TenantRef, database: Database
) -> None:
    """Not later, not without one, and not one alone: PostgreSQL refuses it even to the owner."""
    async with database.tenant(tenant) as session:
        entry_id = await pay_in(session, "10.00")
    made = (
        "WITH e AS (INSERT INTO entry (key, kind, reference, occurred_at, actor)"
        " VALUES ('x', 'k', '', now(), 'x') RETURNING id) "
    )
    line = "INSERT INTO posting SELECT {0}, l.line, uuidv7(), 1, l.amount, 0, 'EUR' FROM {1}"

    def values(*rows: tuple[int, int]) -> str:
        return f"(VALUES {', '.join(map(str, rows))}) AS l(line, amount)"

    cases = {
        "late lines": line.format(f"'{entry_id}'::uuid", values((3, 5), (4, -5))),
        "lines without an entry": line.format("uuidv7()", values((1, 5), (2, -5))),
        "one line": made + line.format("e.id", "e, " + values((1, 5))),
        "a gap": made + line.format("e.id", "e, " + values((1, 5), (3, -5))),
        "nothing": made + line.format("e.id", "e, " + values((1, 0), (2, 0))),
        "an entry without lines": made + "SELECT 1",
        "a reversal of nothing": (
            made.replace("actor)", "actor, reverses_id)").replace("'x')", "'x', uuidv7())")
            + line.format("e.id", "e, " + values((1, 5), (2, -5)))
        ),
        "lines beside a pair": (
            "WITH e AS (INSERT INTO entry (key, kind, reference, occurred_at, actor,"
            f" {', '.join(PAIR)}) VALUES ('x', 'k', '', now(), 'x', {', '.join(PAIR.values())})"
            " RETURNING id) " + line.format("e.id", "e, " + values((1, 5), (2, -5)))
        ),
    }
    for name, statement in cases.items():
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with superuser.transaction():
                await superuser.execute(
                    f"SET LOCAL ROLE {tenant.schema}_owner;SET LOCAL search_path = {tenant.schema}"
                )
                await superuser.execute(statement)
        code = "MQ006" if name == "a reversal of nothing" else "MQ003"
        assert refused.value.sqlstate == code, (name, str(refused.value))


async def test_without_its_trigger_the_book_would_take_what_does_not_add_up(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """What is refused at commit is refused by this one trigger, and seen red without it."""
    unbalanced = (
        "WITH e AS (INSERT INTO entry (key, kind, reference, occurred_at, actor)"
        " VALUES ('x', 'k', '', now(), 'x') RETURNING id)"
        " INSERT INTO posting SELECT e.id, l.line, uuidv7(), 1, l.amount, 0, 'EUR'"
        " FROM e, (VALUES (1, 5), (2, -4)) AS l(line, amount)"
    )
    checked = "SET CONSTRAINTS ALL IMMEDIATE"  # as a commit does it

    async def written(*before: str) -> int:
        transaction = superuser.transaction()
        await transaction.start()
        try:
            for statement in (f"SET LOCAL search_path = {tenant.schema}", *before, unbalanced):
                await superuser.execute(statement)
            await superuser.execute(checked)
            return int(await superuser.fetchval("SELECT sum(amount) FROM posting"))
        finally:
            await transaction.rollback()

    with pytest.raises(asyncpg.PostgresError) as refused:
        await written()
    assert refused.value.sqlstate == "MQ003"
    assert await written("DROP TRIGGER entry_balances ON entry") == 1
