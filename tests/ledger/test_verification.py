"""Verification is green on a whole book and red on every kind of damage."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from entrypoints import environment
from entrypoints.cli import main
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from kernel.money import Money
from kernel.settings import Settings
from ledger import bookings, debts, entries, holds, periods
from ledger.lines import Rate
from ledger.verification import verify
from tests.fixtures import database as fixture
from tests.ledger.book import TRADING, WALLET, deposit_lines, line, pay_in

EMPTY_ENTRY = (
    "INSERT INTO entry (key, kind, reference, occurred_at, actor) VALUES ('x', 'k', '', now(), 'x')"
)
CLOSED = (
    "INSERT INTO period_lock VALUES (2, 'close', now() - interval '1 day', '', 'x',"
    " now() - interval '1 hour');"
    " UPDATE entry SET occurred_at = now() - interval '2 days' WHERE key = 'd2'"
)
# What stands in the way of some damage: the constraint's table and its words.
CONSTRAINTS = {
    "uq_entry_key": ("entry", "UNIQUE (key)"),
    "uq_hold_key": ("hold", "UNIQUE (key)"),
    "ck_balance_never_negative": (
        "balance",
        "CHECK (held >= 0 AND amount + held <= ceiling)",
    ),
}
# And its unique indexes of what most entries have not.
PARTIAL = ("external_reference", "reverses_id")


async def keep_books(database: Database, tenant: TenantRef) -> None:
    """Leave something of everything behind."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00", key="d1")
        mistaken = await pay_in(session, "50.00", key="d2")
        await entries.post(
            session,
            key="rated",
            kind="x",
            lines=deposit_lines("1.00"),
            external_reference="pi_1",
            rate=Rate("EUR", "USD", Decimal(1), Decimal(1), "test", now()),
        )
        for key in ("h1", "h2"):
            hold_id = await holds.reserve(
                session,
                key=key,
                code=WALLET,
                currency="EUR",
                owner=("client", "c1"),
                amount=Decimal("30.00"),
                reference="W",
            )
        await holds.post(
            session,
            hold_id=hold_id,
            key="t",
            kind="transfer",
            lines=[
                line(WALLET, "30.00", ("client", "c1")),
                line(TRADING, "-30.00", ("account", "a")),
            ],
        )
        reversal = await entries.reverse(session, entry_id=mistaken, key="r", reason="x")
        await entries.reverse(session, entry_id=reversal, key="rr", reason="x")
        lost = bookings.trading_result("a", Money.of("-45.00", "EUR"))
        await entries.post(session, key="lost", kind="result", lines=lost, forced=True)
        await debts.claim(
            session,
            key="cb",
            kind="chargeback",
            client_id="c2",
            amount=Money.of("5.00", "EUR"),
            credit=bookings.clearing("p1"),
        )
        await periods.close(session, before=now().replace(year=2020))


async def test_a_whole_book_is_green(database: Database, tenant: TenantRef) -> None:
    """Every promise is told with its verdict, and all of it in one line."""
    await keep_books(database, tenant)

    async with database.tenant_read(tenant) as session:
        found = await verify(session)

    assert found.ok
    assert found.lines[0] == "8 entries, 16 lines, 6 accounts, 2 holds"
    assert all(text.startswith("ok") for text in found.lines[1:]), found.lines
    assert found.summary == (
        "8 entries, 16 lines, 6 accounts, 2 holds; sums EUR 0; 12 promises kept"
    )


async def test_an_empty_book_is_whole(database: Database, tenant: TenantRef) -> None:
    """There is nothing to add up."""
    async with database.tenant_read(tenant) as session:
        found = await verify(session)

    assert found.ok
    assert found.summary.endswith("sums none; 12 promises kept")


DAMAGE = [
    ("UPDATE posting SET amount = amount + 1 WHERE line = 1", "sum of 16 lines"),
    ("UPDATE posting SET amount = amount + 1 WHERE line = 1", "every entry balances"),
    (EMPTY_ENTRY, "every entry balances"),
    ("UPDATE entry SET amount_1 = amount_1 + 1", "sum of 16 lines"),
    ("UPDATE entry SET amount_1 = amount_1 + 1", "every entry balances"),
    ("UPDATE entry SET account_1 = NULL", "every entry balances"),
    ("UPDATE entry SET account_2 = uuidv7()", "every entry balances"),
    ("UPDATE entry SET account_2 = uuidv7() WHERE currency = 'EUR'", "every line has its entry"),
    ("UPDATE entry SET currency = 'USD'", "every line has its entry"),
    ("UPDATE entry SET amount_1 = amount_1 * 2, amount_2 = amount_2 * 2", "balances equal"),
    ("UPDATE entry SET after_2 = 0", "running balances"),
    ("UPDATE entry SET version_1 = version_1 + 7", "running balances"),
    (
        (
            "INSERT INTO posting SELECT entry_id, line, uuidv7(), 1, amount, amount, currency"
            " FROM entry_line WHERE entry_id IN (SELECT id FROM entry WHERE account_1 IS NOT NULL)"
        ),
        "every entry balances",
    ),
    ("DELETE FROM posting WHERE line = 1", "every entry balances"),
    ("UPDATE posting SET line = line + 10", "every entry balances"),
    ("UPDATE posting SET account_id = uuidv7() WHERE line = 1", "every line has its entry"),
    ("UPDATE posting SET currency = 'USD'", "every line has its entry"),
    ("UPDATE posting SET entry_id = uuidv7() WHERE line = 2", "every line has its entry"),
    ("UPDATE posting SET amount = amount * 2", "balances equal"),
    ("UPDATE balance SET amount = amount - 5 WHERE guarded", "balances equal"),
    ("UPDATE balance SET version = version + 1", "balances equal"),
    ("DELETE FROM balance WHERE NOT guarded", "balances equal"),
    ("UPDATE posting SET balance_after = 0 WHERE line = 2", "running balances"),
    ("UPDATE posting SET account_version = account_version + 7", "running balances"),
    ("UPDATE balance SET guarded = false", "balances carry the key"),
    ("UPDATE balance SET forcible = true", "balances carry the key"),
    ("UPDATE balance SET ceiling = NULL", "balances carry the key"),
    ("UPDATE balance SET owner_id = owner_id || 'x'", "balances carry the key"),
    ("UPDATE ledger_account SET currency = 'USD'", "balances carry the key"),
    ("UPDATE balance SET amount = 1 WHERE code = 'liability.client_wallet'", "no wallet below"),
    ("UPDATE balance SET held = 1000 WHERE held > 0", "no wallet below"),
    ("UPDATE entry SET forced = false", "by force alone"),
    ("UPDATE balance SET held = held + 1", "held amounts"),
    ("UPDATE hold SET state = 'voided' WHERE state = 'pending'", "held amounts"),
    ("UPDATE hold SET amount = 1 WHERE state = 'posted'", "posted holds"),
    ("UPDATE hold SET entry_id = uuidv7() WHERE state = 'posted'", "posted holds"),
    ("UPDATE entry SET hold_id = NULL", "posted holds"),
    ("UPDATE entry SET hold_id = uuidv7() WHERE key = 'd1'", "posted holds"),
    ("UPDATE entry SET external_reference = 'pi_1'", "every external reference"),
    ("UPDATE entry SET key = 'd1'", "every external reference"),
    ("UPDATE hold SET key = 'h1'", "every external reference"),
    (
        "UPDATE entry SET reverses_id = (SELECT id FROM entry WHERE key = 'd1')",
        "every external reference",
    ),
    ("UPDATE entry SET reverses_id = NULL", "reversals are"),
    ("UPDATE entry SET kind = 'x'", "reversals are"),
    (
        "UPDATE entry SET reverses_id = (SELECT id FROM entry WHERE key = 'd1') WHERE key = 'r'",
        "reversals are",
    ),
    ("UPDATE entry SET reverses_id = uuidv7() WHERE key = 'r'", "reversals are"),
    ("UPDATE entry SET recorded_at = now() WHERE key = 'd2'", "reversals are"),
    (CLOSED, "closed period"),
]


@pytest.mark.parametrize(("damage", "promise"), DAMAGE)
async def test_planted_damage_turns_its_line_red(
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    damage: str,
    promise: str,
) -> None:
    """A superuser with triggers and constraints switched off is seen."""
    await keep_books(database, tenant)
    async with superuser.transaction():
        await superuser.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL search_path = {tenant.schema}"
        )
        for name, (table, _) in CONSTRAINTS.items():
            await superuser.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for column in PARTIAL:
            await superuser.execute(f"DROP INDEX uq_entry_{column}")
        await superuser.execute(damage)

    try:
        async with database.tenant_read(tenant) as session:
            found = await verify(session)
    finally:
        await _mend(superuser, tenant)

    assert not found.ok
    assert any(text.startswith("FAIL") and promise in text for text in found.lines), found.lines
    assert "BROKEN" in found.summary


async def _mend(superuser: asyncpg.Connection, tenant: TenantRef) -> None:
    """Empty the damaged tables and put the constraints back."""
    async with superuser.transaction():
        await superuser.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL search_path = {tenant.schema}"
        )
        for table in ("posting", "hold", "balance", "entry_rate", "entry", "ledger_account"):
            await superuser.execute(f"DELETE FROM {table}")
        for name, (table, words) in CONSTRAINTS.items():
            await superuser.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {words}")
        for column in PARTIAL:
            await superuser.execute(
                f"CREATE UNIQUE INDEX uq_entry_{column} ON entry ({column})"
                f" WHERE {column} IS NOT NULL"
            )


def test_the_command_prints_a_line_for_each_brokerage_and_ends_with_its_verdict(
    settings: Settings, tenant: TenantRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when all is whole, 1 when one book is not; --tenant looks at one; rebuild mends it."""
    for name in ("DATABASE_URL", "REDIS_URL", "MARQUE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    environment.save(
        tmp_path,
        {
            "MARQUE_SECRET_KEY": fixture.SECRET,
            "MARQUE_DATA": str(tmp_path),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SMTP_URL": "smtp://127.0.0.1:1",
        },
    )

    def command(*arguments: str) -> tuple[int, list[str]]:
        done = CliRunner().invoke(main, ["ledger", *arguments, "--data", str(tmp_path)])
        return done.exit_code, done.output.splitlines()

    try:
        code, lines = command("verify")
        assert (code, [text.split()[:2] for text in lines]) == (
            0,
            [["alpha:", "ok"], ["beta:", "ok"]],
        )
        asyncio.run(_damaged(settings, tenant))
        code, lines = command("verify")
        assert (code, [text.split()[:2] for text in lines]) == (
            1,
            [["alpha:", "WRONG"], ["beta:", "ok"]],
        )
        assert "BROKEN: balances equal the sums of their lines: 1" in lines[0]
        assert command("verify", "--tenant", "beta")[0] == 0
        assert command("verify", "--tenant", "alpha")[0] == 1
        code, lines = command("rebuild", "--tenant", "alpha", "--reason", "Drill")
        assert code == 0
        assert lines == [
            f"{WALLET} c1 EUR: -105.00000000 to -100.00000000, held 0.00000000",
            "alpha: 1 balances mended",
        ]
        assert command("verify", "--tenant", "alpha")[0] == 0
        assert command("rebuild", "--tenant", "nobody", "--reason", "Drill")[0] == 1
    finally:
        asyncio.run(fixture.clean(settings))


async def _damaged(settings: Settings, tenant: TenantRef) -> None:
    database = Database.from_settings(settings, pool_size=1)
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")
    await database.close()
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(f"UPDATE {tenant.schema}.balance SET amount = -105 WHERE guarded")
    await connection.close()
