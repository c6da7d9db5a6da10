"""Entries are posted once, balance, and are never changed."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver
from ledger import entries, queries
from ledger.errors import (
    AlreadyReversed,
    ExternalReferenceUsed,
    InsufficientFunds,
    KeyReused,
    UnpostableEntry,
)
from ledger.lines import Draft
from ledger.provisioning import chart_of_accounts
from ledger.verification import verify
from tests.ledger.book import CLEARING, TRADING, WALLET, deposit_lines, line, pay_in, wallet


async def test_a_deposit_raises_the_wallet_and_the_clearing_account(
    tenant_session: TenantSession,
) -> None:
    """Both balances are shown in their natural sign: positive."""
    await pay_in(tenant_session, "250.00")

    clearing = await queries.balance(
        tenant_session, code=CLEARING, currency="EUR", owner=("psp", "p1")
    )
    assert (await wallet(tenant_session)).available == Decimal("250.00")
    assert clearing.amount == Decimal("250.00")


async def test_the_same_key_with_the_same_content_posts_once(
    tenant_session: TenantSession,
) -> None:
    """A repeated request gets the first entry's id; trailing zeros are no other content."""
    first = await pay_in(tenant_session, "10.00", key="k")
    again = await entries.post(tenant_session, key="k", kind="deposit", lines=deposit_lines("10.0"))

    assert again == first
    assert (await wallet(tenant_session)).amount == Decimal(10)


async def test_the_same_key_with_other_content_is_refused(
    database: Database, tenant: TenantRef
) -> None:
    """A key stands for one content for ever."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00", key="k")

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await pay_in(session, "10.01", key="k")


async def test_the_same_key_at_once_from_many_posts_once(
    database: Database, tenant: TenantRef
) -> None:
    """Concurrent repeats wait for the first and return its id."""

    async def once() -> object:
        async with database.tenant(tenant) as session:
            return await pay_in(session, "10.00", key="k")

    ids = await asyncio.gather(*(once() for _ in range(20)))

    async with database.tenant(tenant) as session:
        assert len(set(ids)) == 1
        assert (await wallet(session)).amount == Decimal(10)


async def test_a_payment_of_outside_stands_in_the_book_once(
    database: Database, tenant: TenantRef
) -> None:
    """Another key can't book the same provider's payment again."""
    async with database.tenant(tenant) as session:
        await entries.post(
            session, key="a", kind="d", lines=deposit_lines("1"), external_reference="pi_1"
        )

    with pytest.raises(ExternalReferenceUsed):
        async with database.tenant(tenant) as session:
            await entries.post(
                session, key="b", kind="d", lines=deposit_lines("1"), external_reference="pi_1"
            )


@pytest.mark.parametrize(
    ("first", "second"), [("5.00", "-4.00"), ("0", "0"), ("0.005", "-0.005"), ("NaN", "1")]
)
async def test_lines_that_do_not_balance_or_are_not_rounded_are_refused(
    tenant_session: TenantSession, first: str, second: str
) -> None:
    """The check comes before the database, so that the transaction lives on."""
    lines = [line(CLEARING, first, ("psp", "p1")), line(WALLET, second, ("client", "c1"))]
    with pytest.raises(UnpostableEntry):
        await entries.post(tenant_session, key="k", kind="deposit", lines=lines)


async def test_postgresql_refuses_an_unbalanced_entry_even_from_the_owner(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """The deferred trigger adds up each entry and currency at commit, whoever inserted."""
    insert = (
        "WITH e AS (INSERT INTO entry (key, kind, reference, occurred_at, actor)"
        " VALUES ($1, 'k', '', now(), 'x') RETURNING id)"
        " INSERT INTO posting SELECT e.id, l.line, uuidv7(), 1, l.amount, 0, l.currency FROM e,"
        " (VALUES (1, 5, 'EUR'), (2, $2::int, $3)) AS l(line, amount, currency)"
    )

    async def as_owner(key: str, second: int, currency: str) -> None:
        async with superuser.transaction():
            await superuser.execute(
                f"SET LOCAL ROLE {tenant.schema}_owner; SET LOCAL search_path = {tenant.schema}"
            )
            await superuser.execute(insert, key, second, currency)

    await as_owner("balanced", -5, "EUR")
    with pytest.raises(asyncpg.PostgresError, match="add up to zero"):
        await as_owner("short", -4, "EUR")
    with pytest.raises(asyncpg.PostgresError, match="add up to zero"):
        await as_owner("two currencies", -5, "USD")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount = 1",
        "DELETE FROM posting",
        "TRUNCATE posting",
        "INSERT INTO posting SELECT uuidv7(), 1, uuidv7(), 1, 1, 1, 'EUR'",
        "UPDATE entry SET reference = 'x'",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "INSERT INTO entry (key) VALUES ('x')",
        "UPDATE balance SET amount = -1000000",
        "DELETE FROM balance",
        "INSERT INTO balance (account_id, guarded) VALUES (uuidv7(), false)",
        "UPDATE hold SET state = 'voided'",
        "DELETE FROM hold",
        "UPDATE account_code SET guarded = false",
        "INSERT INTO ledger_account (code) VALUES ('asset.bank')",
        "ALTER TABLE posting DISABLE TRIGGER ALL",
        "SELECT use_holds(NULL, NULL, NULL, NULL, NULL)",
        "SELECT store_rates(NULL, NULL)",
        "CREATE FUNCTION post(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
async def test_the_tenants_role_can_write_the_book_only_through_its_functions(
    database: Database, tenant: TenantRef, statement: str
) -> None:
    """Whatever the application's role is tricked into, the tables stay out of reach."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(tenant) as session:
            await (await driver(session)).execute(statement)


@pytest.mark.parametrize("table", ["entry", "posting", "ledger_account", "balance", "hold"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_owner_removes_a_row(
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    table: str,
    verb: str,
) -> None:
    """Triggers refuse it for every role that does not switch them off."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")
        await entries_hold(session)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
        await superuser.execute(verb.format(f"{tenant.schema}.{table}"))


async def entries_hold(session: TenantSession) -> None:
    """Give the table of holds a row."""
    sql = "SELECT reserve('h', $1, 'EUR', 'client', 'c1', 1, '', NULL)"
    await (await driver(session)).execute(sql.replace("$1", f"'{WALLET}'"))


async def test_a_temporary_table_can_not_stand_in_front_of_the_book(
    database: Database, tenant: TenantRef
) -> None:
    """The functions look into the tenant's schema first, whatever the session's path says."""
    async with database.tenant(tenant) as session:
        connection = await driver(session)
        await connection.execute("CREATE TEMP TABLE balance (account_id uuid, amount numeric)")
        await connection.execute("SET LOCAL search_path = pg_temp")
        await connection.execute(
            f"SELECT {tenant.schema}.post('k', 'd', '', NULL, NULL, 'x',"
            f" ARRAY['{CLEARING}', '{WALLET}'], ARRAY['EUR', 'EUR'], ARRAY['psp', 'client'],"
            " ARRAY['p1', 'c1'], ARRAY[10, -10])"
        )

    async with database.tenant(tenant) as session:
        assert (await wallet(session)).amount == Decimal(10)


async def test_whatever_runs_with_the_owners_rights_is_sealed(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """Its search_path is pinned, and it is not open to every role."""
    names = await superuser.fetch(
        "SELECT p.proname, p.proconfig IS NULL OR p.proacl IS NULL OR EXISTS ("
        " SELECT FROM aclexplode(p.proacl) AS granted WHERE granted.grantee = 0) AS open"
        " FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = $1::text::regnamespace",
        tenant.schema,
    )
    assert {"post", "post_batch", "reserve", "reserve_batch"} <= {row["proname"] for row in names}
    assert [row["proname"] for row in names if row["open"]] == []


async def test_the_tenants_role_calls_only_what_keeps_the_book_whole(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """Functions that write without checking are for the others to call, with the owner's rights."""
    rows = await superuser.fetch(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = $1::text::regnamespace"
        " AND has_function_privilege($1::text, p.oid, 'EXECUTE') AND p.prosecdef",
        tenant.schema,
    )
    sealed = await superuser.fetch(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = $1::text::regnamespace"
        " AND p.proname = ANY (ARRAY['apply_lines', 'use_holds', 'store_rates', 'first_entry',"
        " 'accounts_for', 'open_balance', 'refuse_closed', 'check_entry_balances',"
        " 'check_lines_are_new'])"
        " AND NOT has_function_privilege($1::text, p.oid, 'EXECUTE')",
        tenant.schema,
    )

    assert {row["proname"] for row in rows} >= {
        "post",
        "post_pair",
        "post_pairs",
        "post_batch",
        "claim",
    }
    assert len(sealed) == 10


async def test_a_wallet_never_goes_below_zero(database: Database, tenant: TenantRef) -> None:
    """The guarded update refuses the whole entry."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")

    with pytest.raises(InsufficientFunds):
        async with database.tenant(tenant) as session:
            await entries.post(
                session,
                key="out",
                kind="transfer",
                lines=[
                    line(WALLET, "10.01", ("client", "c1")),
                    line(TRADING, "-10.01", ("account", "a1")),
                ],
            )
    async with database.tenant(tenant) as session:
        assert (await wallet(session)).amount == Decimal(10)


async def test_a_reversal_turns_every_sign_and_happens_once(
    database: Database, tenant: TenantRef
) -> None:
    """Repeating it returns the first reversal; a second one is refused."""
    async with database.tenant(tenant) as session:
        entry_id = await pay_in(session, "10.00")
        first = await entries.reverse(session, entry_id=entry_id, key="r", reason="wrong client")
        again = await entries.reverse(session, entry_id=entry_id, key="r", reason="wrong client")
        assert first == again
        assert (await wallet(session)).amount == 0

    with pytest.raises(AlreadyReversed):
        async with database.tenant(tenant) as session:
            await entries.reverse(session, entry_id=entry_id, key="r2", reason="wrong client")


async def test_a_batch_posts_like_single_entries(database: Database, tenant: TenantRef) -> None:
    """Keys already posted, in the batch or before it, are not posted again."""
    drafts = [
        Draft(f"d{number % 40}", "deposit", deposit_lines("2.50", f"c{number % 40 % 3}"))
        for number in range(50)
    ]
    async with database.tenant(tenant) as session:
        single = await entries.post(session, key="d0", kind="deposit", lines=drafts[0].lines)
        ids = await entries.post_batch(session, drafts=drafts)
        again = await entries.post_batch(session, drafts=drafts)

        assert ids == again
        assert ids[0] == ids[40] == single
        assert len(set(ids)) == 40
        totals = [(await wallet(session, f"c{number}")).amount for number in range(3)]
        assert sum(totals) == Decimal("100.00")
        assert (await verify(session)).ok

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await entries.post_batch(
                session, drafts=[Draft("d1", "deposit", deposit_lines("2.51", "c1"))]
            )


async def test_opposite_transfers_at_once_do_not_wait_in_a_circle(
    database: Database, tenant: TenantRef
) -> None:
    """Balances are locked in one order, so that no pair of writers deadlocks."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00", client="a")
        await pay_in(session, "100.00", client="b")

    async def move(number: int) -> None:
        source, target = ("a", "b") if number % 2 else ("b", "a")
        async with database.tenant(tenant) as session:
            await entries.post(
                session,
                key=f"move:{number}",
                kind="transfer",
                lines=[
                    line(WALLET, "1.00", ("client", source)),
                    line(WALLET, "-1.00", ("client", target)),
                ],
            )

    await asyncio.gather(*(move(number) for number in range(60)))

    async with database.tenant(tenant) as session:
        assert (await wallet(session, "a")).amount == Decimal(100)
        assert (await verify(session)).ok


async def test_the_worked_deposit_and_transfer_ends_in_the_published_balances(
    tenant_session: TenantSession,
) -> None:
    """Worked example E12: card deposit with fee, settlement, top-up and transfer to MT5."""
    house, bank = ("house", "house"), ("bank", "main")
    psp, client, account = ("psp", "p1"), ("client", "c1"), ("account", "mt5")
    steps = [
        [line(CLEARING, "1000.00", psp), line(WALLET, "-1000.00", client)],
        [line("expense.psp_fee", "24.25", house), line(CLEARING, "-24.25", psp)],
        [line("asset.bank", "975.75", bank), line(CLEARING, "-975.75", psp)],
        [line("asset.bank", "24.25", bank), line("asset.bank_own", "-24.25", bank)],
        [
            line(WALLET, "600.00", client),
            line("liability.fx_conversion", "-600.00", house),
            line("liability.fx_conversion", "649.92", house, "USD"),
            line(TRADING, "-649.92", account, "USD"),
        ],
        [
            line("liability.fx_conversion", "3.27", house, "USD"),
            line("income.fx_markup", "-3.27", house, "USD"),
        ],
    ]
    for number, lines in enumerate(steps):
        await entries.post(tenant_session, key=f"e12:{number}", kind="example", lines=lines)

    async def amount(code: str, owner: tuple[str, str], currency: str = "EUR") -> Decimal:
        found = await queries.balance(tenant_session, code=code, currency=currency, owner=owner)
        return found.amount

    assert await amount(CLEARING, psp) == 0
    assert await amount("asset.bank", bank) == Decimal("1000.00")
    assert await amount(WALLET, client) == Decimal("400.00")
    assert await amount(TRADING, account, "USD") == Decimal("649.92")
    assert await amount("income.fx_markup", house, "USD") == Decimal("3.27")
    assert (await verify(tenant_session)).ok


async def test_a_statement_runs_from_the_newest_line_back(tenant_session: TenantSession) -> None:
    """Every line carries the balance after it, and pages continue at the last version."""
    for number in range(1, 6):
        await pay_in(tenant_session, f"{number}.00", key=f"k{number}")

    page = await queries.statement(
        tenant_session, code=WALLET, currency="EUR", owner=("client", "c1"), limit=3
    )
    rest = await queries.statement(
        tenant_session,
        code=WALLET,
        currency="EUR",
        owner=("client", "c1"),
        before=page[-1].version,
    )

    assert [found.balance_after for found in page] == [15, 10, 6]
    assert [found.amount for found in rest] == [2, 1]


async def test_the_chart_of_accounts_opens_once(tenant_session: TenantSession) -> None:
    """Provisioning may run the step again."""
    first = await chart_of_accounts(tenant_session)
    again = await chart_of_accounts(tenant_session)

    assert first == again
    assert (await queries.count_entries(tenant_session))[1] == first
