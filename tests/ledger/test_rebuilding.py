"""Balances are only a copy of lines and holds: they are made anew, and what was mended is kept."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from kernel.actor import Actor, TenantRef
from kernel.database import Database
from kernel.ids import uuid7
from ledger import balances, holds, queries
from ledger.errors import BookDamaged
from ledger.verification import verify
from tests.ledger.book import WALLET, pay_in, wallet


async def keep_books(database: Database, tenant: TenantRef) -> None:
    """Leave two wallets, one of them with a hold."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")
        await pay_in(session, "50.00", client="c2")
        await holds.reserve(
            session,
            key="h",
            code=WALLET,
            currency="EUR",
            owner=("client", "c1"),
            amount=Decimal("30.00"),
            reference="",
        )


async def damage(superuser: asyncpg.Connection, tenant: TenantRef, *statements: str) -> None:
    """Change what nobody may, with triggers switched off."""
    async with superuser.transaction():
        await superuser.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL search_path = {tenant.schema}"
        )
        for statement in statements:
            await superuser.execute(statement)


async def test_a_whole_book_needs_no_repair(database: Database, tenant: TenantRef) -> None:
    """Nothing is changed and nothing is noted."""
    await keep_books(database, tenant)
    async with database.tenant(tenant) as session:
        assert await balances.rebuild(session, reason="Drill") == []
        assert await queries.repairs(session) == []
        assert (await verify(session)).ok


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("UPDATE balance SET amount = amount - 5 WHERE guarded", 2),
        ("UPDATE balance SET amount = amount + 5 WHERE NOT guarded", 1),
        ("UPDATE balance SET held = 0", 1),
        ("UPDATE balance SET version = 0", 3),
        ("UPDATE balance SET guarded = NOT guarded, forcible = true", 3),
        ("UPDATE balance SET owner_id = owner_id || 'x'", 3),
        ("UPDATE balance SET currency = 'USD', code = 'asset.suspense'", 3),
        ("DELETE FROM balance", 3),
        ("DELETE FROM balance WHERE held > 0", 1),
    ],
)
async def test_a_damaged_balance_is_made_anew_from_lines_and_holds(
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    statement: str,
    count: int,
) -> None:
    """Verification is red before and green after; the repair says what was there."""
    await keep_books(database, tenant)
    await damage(superuser, tenant, statement)
    async with database.tenant_read(tenant) as session:
        assert not (await verify(session)).ok

    async with database.tenant(tenant) as session:
        repairs = await balances.rebuild(session, reason="Drill")
    async with database.tenant(tenant) as session:
        assert len(repairs) == count
        assert await balances.rebuild(session, reason="Again") == []
        found = await wallet(session)
        assert [found.amount, found.held, found.available] == [100, 30, 70]
        assert (await verify(session)).ok
        # And the book goes on: the next line has the next version.
        await pay_in(session, "1.00", key="next")
        assert (await verify(session)).ok


async def test_what_was_mended_is_kept_with_who_and_why(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """In a journal that nobody changes, and in the audit trail."""
    await keep_books(database, tenant)
    await damage(superuser, tenant, "UPDATE balance SET amount = amount - 5 WHERE held > 0")
    finance = Actor("staff", uuid7(), "Finance")
    async with database.tenant(tenant, actor=finance) as session:
        [repair] = await balances.rebuild(session, reason="Restored from a backup")
        [kept] = await queries.repairs(session)

    assert (repair.code, repair.currency, repair.owner_id) == (WALLET, "EUR", "c1")
    assert (repair.old_amount, repair.amount) == (Decimal(-105), Decimal(-100))
    assert [kept.old_amount, kept.amount, kept.held] == [-105, -100, 30]
    assert (kept.reason, kept.actor) == ("Restored from a backup", f"staff:{finance.id}")
    audited = await superuser.fetchval(
        f"SELECT count(*) FROM {tenant.schema}.audit_entry"
        " WHERE action = 'ledger.balance_rebuilt' AND reason = 'Restored from a backup'"
    )
    assert audited == 1


async def test_lines_that_leave_a_wallet_below_zero_are_not_covered_up(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """No balance can be right then: the lines are for a backup to mend."""
    await keep_books(database, tenant)
    await damage(
        superuser,
        tenant,
        "UPDATE posting SET amount = -amount, balance_after = -balance_after",
    )

    with pytest.raises(BookDamaged):
        async with database.tenant(tenant) as session:
            await balances.rebuild(session, reason="Drill")
    async with database.tenant(tenant) as session:
        assert await queries.repairs(session) == []
        assert (await wallet(session)).amount == 100
