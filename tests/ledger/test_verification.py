"""Verification is green on a whole book and red on every kind of damage."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database
from ledger import holds
from ledger.verification import verify
from tests.ledger.book import TRADING, WALLET, line, pay_in

EMPTY_ENTRY = (
    "INSERT INTO entry (key, request_hash, kind, reference, occurred_at, actor)"
    " VALUES ('x', '', 'k', '', now(), 'x')"
)


async def keep_books(database: Database, tenant: TenantRef) -> None:
    """Leave deposits, a pending and a posted hold behind."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00", key="d1")
        await pay_in(session, "50.00", key="d2")
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


async def test_a_whole_book_is_green(database: Database, tenant: TenantRef) -> None:
    """Every promise is printed with its verdict."""
    await keep_books(database, tenant)

    async with database.tenant_read(tenant) as session:
        found = await verify(session)

    assert found.ok
    assert found.lines[0] == "3 entries, 3 accounts, 2 holds"
    assert all(text.startswith("ok") for text in found.lines[1:])


@pytest.mark.parametrize(
    ("damage", "promise"),
    [
        ("UPDATE posting SET amount = amount + 1 WHERE line = 1", "every entry balances"),
        ("UPDATE posting SET amount = amount * 2", "balances equal"),
        ("DELETE FROM posting WHERE account_version = 2", "balances equal"),
        (EMPTY_ENTRY, "every entry balances"),
        ("UPDATE balance SET amount = amount - 5 WHERE guarded", "balances equal"),
        ("UPDATE posting SET balance_after = 0 WHERE line = 2", "running balances"),
        ("UPDATE posting SET account_version = account_version + 7", "running balances"),
        ("UPDATE posting SET account_id = uuidv7() WHERE line = 1", "account's currency"),
        ("UPDATE balance SET guarded = false", "below zero"),
        ("UPDATE balance SET held = held + 1", "held amounts"),
        ("UPDATE hold SET amount = 1 WHERE state = 'posted'", "posted holds"),
        ("UPDATE entry SET external_reference = 'pi_1'", "external reference"),
    ],
)
async def test_planted_damage_turns_its_line_red(
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    damage: str,
    promise: str,
) -> None:
    """A superuser with triggers switched off is seen."""
    await keep_books(database, tenant)
    async with superuser.transaction():
        await superuser.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL search_path = {tenant.schema}"
        )
        if "external_reference" in damage:
            await superuser.execute("ALTER TABLE entry DROP CONSTRAINT uq_entry_external_reference")
        await superuser.execute(damage)

    try:
        async with database.tenant_read(tenant) as session:
            found = await verify(session)
    finally:
        if "external_reference" in damage:
            await superuser.execute(_mended(tenant))

    assert not found.ok
    assert any(text.startswith("FAIL") and promise in text for text in found.lines), found.lines


def _mended(tenant: TenantRef) -> str:
    """Return the statements that put the constraint back."""
    return (
        f"SET session_replication_role = replica; DELETE FROM {tenant.schema}.entry;"
        f" ALTER TABLE {tenant.schema}.entry"
        " ADD CONSTRAINT uq_entry_external_reference UNIQUE (external_reference);"
        " SET session_replication_role = DEFAULT"
    )
