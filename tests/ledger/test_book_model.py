"""Any sequence of operations leaves the book as a few lines of arithmetic say."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, strategies
from hypothesis import settings as run_size
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver
from kernel.money import Money
from kernel.settings import Settings
from ledger import bookings, chart, entries, holds, periods, queries
from ledger.conversions import convert
from ledger.errors import InsufficientFunds, KeyReused
from ledger.holds import Reservation
from ledger.lines import Draft, Line, Rate
from ledger.verification import Verification, verify
from tenants.schemas import runner
from tests.fixtures import database as fixture
from tests.ledger.immutable import TABLES, attempts, statements
from tests.ledger.model import Account, Held, Model, Posted

AMOUNTS = strategies.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
CLIENTS = strategies.sampled_from(["a", "b"])
MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in (10, 11, 12)]
DATES = strategies.sampled_from(
    [None, None, None, *(datetime(2025, month, 15, 12, tzinfo=UTC) for month in (9, 10, 11))]
)
PICK = strategies.integers(0, 1_000)
SHAPES = strategies.sampled_from(
    ["deposit", "withdrawal", "transfer", "top_up", "result", "commission", "payout", "convert"]
)
RATE = Rate("EUR", "USD", Decimal("1.0832"), Decimal("1.0886432"), "test", MONTHS[0])
KINDS = {one.code: one.owner_kind for one in chart.ACCOUNTS}
# Sums of a currency that are not zero, and wallets below it or with more held than there is.
_BROKEN = """
SELECT (SELECT count(*) FROM (
    SELECT currency FROM posting GROUP BY currency HAVING sum(amount) <> 0) off),
  (SELECT count(*) FROM balance WHERE code = 'liability.client_wallet' AND amount + held > 0)
"""
_CLEAN_EVERY, _VERIFY_EVERY = 100, 25
T = TypeVar("T")


def shape(prefix: str, kind: str, client: str, other: str, amount: Decimal) -> list[Line]:
    """Return the lines of one kind of business between the few owners of a run."""
    money = Money(amount, "EUR")
    wallet = bookings.wallet(f"{prefix}-{client}")
    partner = (chart.PARTNER_WALLET, ("partner", f"{prefix}-p"))
    bank = (chart.BANK, chart.MAIN_BANK)
    if kind == "deposit":
        return bookings.deposit("p1", f"{prefix}-{client}", money)
    if kind == "withdrawal":
        return bookings.move(wallet, bank, money)
    if kind == "transfer":
        return bookings.move(wallet, bookings.wallet(f"{prefix}-{other}"), money)
    if kind == "top_up":
        return bookings.move(wallet, bookings.trading_account(f"{prefix}-t"), money)
    if kind == "result":
        return bookings.trading_result(f"{prefix}-t", -money if client == "a" else money)
    if kind == "commission":
        return bookings.commission(f"{prefix}-p", money)
    if kind == "payout":
        return bookings.move(partner, bank, money)
    return bookings.conversion(wallet, wallet, convert(money, RATE))


class Book(RuleBasedStateMachine):
    """Entries, batches, holds, reversals, repeats and periods against a model of dictionaries."""

    database: Database
    tenant: TenantRef
    settings: Settings
    loop: asyncio.AbstractEventLoop
    run_number = 0
    steps = 0
    found: Counter[str] = Counter()
    kind: type[Model] = Model

    def __init__(self) -> None:
        """Start a run whose owners nobody else has."""
        super().__init__()
        Book.run_number += 1
        self.prefix = f"run{Book.run_number}"
        self.model = self.kind()
        self.number = 0

    @initialize()
    def begin(self) -> None:
        """Open all periods; empty the tables now and then, so that verifying stays quick."""
        if Book.run_number % _CLEAN_EVERY == 0:
            self.run(fixture.clean(self.settings))
        self.run(self._open_all())

    async def _open_all(self) -> None:
        async with self.database.tenant(self.tenant) as session:
            if await queries.closed_before(session) is not None:
                await periods.reopen(session, before=None, reason="A new run")

    def run(self, work: Awaitable[T]) -> T:
        """Wait for a coroutine on the test's own loop."""
        Book.steps += 1
        return self.loop.run_until_complete(work)

    def key(self) -> str:
        """Return a key that was never used."""
        self.number += 1
        return f"{self.prefix}:{self.number}"

    def wallet(self, client: str) -> Account:
        """Return a client's wallet in euros, as the model names it."""
        return chart.CLIENT_WALLET, "EUR", f"{self.prefix}-{client}"

    @contextmanager
    def expected(self, error: type[Exception] | None) -> Iterator[None]:
        """Expect success, or the error that the model names."""
        try:
            yield
        except Exception as raised:
            if error is None or not isinstance(raised, error):
                raise
        else:
            assert error is None, f"{error.__name__} was expected"

    async def _post(self, draft: Draft, *, batch: bool) -> UUID:
        async with self.database.tenant(self.tenant) as session:
            if batch:
                return (await entries.post_batch(session, drafts=[draft]))[0]
            return await entries.post(
                session,
                key=draft.key,
                kind=draft.kind,
                lines=draft.lines,
                reference=draft.reference,
                occurred_at=draft.occurred_at,
                hold_id=draft.hold_id,
                forced=draft.forced,
                rate=draft.rate,
            )

    def draft(self, kind: str, names: tuple[str, str], amount: Decimal, **fields: Any) -> Draft:
        """Return an entry that was never posted."""
        lines = shape(self.prefix, kind, *names, amount)
        rate = RATE if kind == "convert" else None
        return Draft(self.key(), kind, lines, rate=rate, **fields)

    def post_one(self, draft: Draft, *, batch: bool = False) -> None:
        """Post one entry, and expect what the model says."""
        error = self.model.refusal([draft])
        with self.expected(error):
            self.model.post(self.run(self._post(draft, batch=batch)), draft)

    @rule(
        kind=SHAPES,
        names=strategies.tuples(CLIENTS, CLIENTS),
        amount=AMOUNTS,
        moment=DATES,
        flags=strategies.tuples(strategies.booleans(), strategies.booleans()),
    )
    def post(
        self,
        kind: str,
        names: tuple[str, str],
        amount: Decimal,
        moment: datetime | None,
        flags: tuple[bool, bool],
    ) -> None:
        """Post any kind of entry, with a date of its own, by force, alone or as a batch."""
        forced, batch = flags
        self.post_one(
            self.draft(kind, names, amount, occurred_at=moment, forced=forced), batch=batch
        )

    @rule(
        wishes=strategies.lists(
            strategies.tuples(SHAPES, CLIENTS, AMOUNTS, strategies.booleans()), max_size=5
        )
    )
    def post_many(self, wishes: list[tuple[str, str, Decimal, bool]]) -> None:
        """Post several entries in one call: all of them, or none."""
        drafts = [
            self.draft(kind, (client, "a"), amount, forced=forced)
            for kind, client, amount, forced in wishes
        ]
        with self.expected(self.model.refusal(drafts)):
            ids = self.run(self._post_batch(drafts))
            for draft, entry_id in zip(drafts, ids, strict=True):
                self.model.post(entry_id, draft)

    async def _post_batch(self, drafts: Sequence[Draft]) -> list[UUID]:
        async with self.database.tenant(self.tenant) as session:
            return await entries.post_batch(session, drafts=drafts)

    @precondition(lambda self: any(one.draft.kind != "reversal" for one in self.model.posted))
    @rule(pick=PICK, batch=strategies.booleans(), changed=strategies.booleans())
    def repeat(self, pick: int, batch: bool, changed: bool) -> None:  # noqa: FBT001 - drawn
        """Send a request again: it is answered, and nothing moves; changed, it is refused."""
        known = [one for one in self.model.posted if one.draft.kind != "reversal"]
        one = known[pick % len(known)]
        draft = replace(one.draft, reference="changed") if changed else one.draft
        with self.expected(KeyReused if changed else None):
            assert self.run(self._post(draft, batch=batch)) == one.entry_id

    @precondition(lambda self: self.model.posted)
    @rule(pick=PICK, moment=DATES, forced=strategies.booleans())
    def reverse(self, pick: int, moment: datetime | None, forced: bool) -> None:  # noqa: FBT001
        """Undo an entry, or a reversal; only once."""
        one = self.model.posted[pick % len(self.model.posted)]
        turned = [replace(line, amount=-line.amount) for line in one.draft.lines]
        draft = Draft(self.key(), "reversal", turned, occurred_at=moment, forced=forced)
        with self.expected(self.model.refusal([draft], undoes=one)):
            self.model.post(self.run(self._reverse(one, draft)), draft)
            one.reversed = True

    async def _reverse(self, one: Posted, draft: Draft) -> UUID:
        async with self.database.tenant(self.tenant) as session:
            return await entries.reverse(
                session,
                entry_id=one.entry_id,
                key=draft.key,
                reason="model",
                occurred_at=draft.occurred_at,
                forced=draft.forced,
            )

    @rule(wishes=strategies.lists(strategies.tuples(CLIENTS, AMOUNTS), min_size=1, max_size=5))
    def reserve(self, wishes: list[tuple[str, Decimal]]) -> None:
        """Set money aside in one call: in order, whoever can."""
        for (client, amount), hold_id in zip(wishes, self.run(self._hold(wishes)), strict=True):
            which = self.wallet(client)
            assert (hold_id is not None) == (self.model.available(which) >= amount)
            if hold_id is not None:
                self.model.holds[hold_id] = Held(which, amount)

    async def _hold(self, wishes: list[tuple[str, Decimal]]) -> list[UUID | None]:
        async with self.database.tenant(self.tenant) as session:
            return await holds.reserve_batch(
                session,
                reservations=[
                    Reservation(
                        self.key(),
                        chart.CLIENT_WALLET,
                        "EUR",
                        ("client", f"{self.prefix}-{client}"),
                        amount,
                        "",
                    )
                    for client, amount in wishes
                ],
            )

    @precondition(lambda self: self.model.holds)
    @rule(pick=PICK, how=strategies.sampled_from(["use", "use a part", "batch", "void"]))
    def close_a_hold(self, pick: int, how: str) -> None:
        """Use a hold, or a part of it, or release it."""
        hold_id = list(self.model.holds)[pick % len(self.model.holds)]
        hold = self.model.holds[hold_id]
        if how == "void":
            self.run(self._void(hold_id))
            del self.model.holds[hold_id]
            return
        amount = max(hold.amount / 2, Decimal("0.01")) if how == "use a part" else hold.amount
        names = (hold.account[2].rpartition("-")[2], "a")
        draft = self.draft("withdrawal", names, amount.quantize(Decimal("0.01")), hold_id=hold_id)
        self.post_one(draft, batch=how == "batch")

    async def _void(self, hold_id: UUID) -> None:
        async with self.database.tenant(self.tenant) as session:
            await holds.void(session, hold_id=hold_id, reason="released")

    @rule(pick=PICK, close=strategies.booleans())
    def move_the_lock(self, pick: int, close: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """Close a later month, or reopen an earlier one."""
        was = self.model.closed_before
        later = [month for month in MONTHS if was is None or month > was]
        earlier: list[datetime | None] = [None, *(month for month in MONTHS if was and month < was)]
        if close and later:
            self.model.closed_before = later[pick % len(later)]
            self.run(self._lock(self.model.closed_before))
        elif not close and was is not None:
            self.model.closed_before = earlier[pick % len(earlier)]
            self.run(self._unlock(self.model.closed_before))

    async def _lock(self, before: datetime) -> None:
        async with self.database.tenant(self.tenant) as session:
            await periods.close(session, before=before)

    async def _unlock(self, before: datetime | None) -> None:
        async with self.database.tenant(self.tenant) as session:
            await periods.reopen(session, before=before, reason="model")

    def teardown(self) -> None:
        """Compare every account with the model, and verify the book."""
        self.run(self._compare())

    async def _compare(self) -> None:
        async with self.database.tenant(self.tenant) as session:
            for (code, currency, owner), signed in self.model.amounts.items():
                if not owner.startswith(self.prefix):
                    continue
                found = await queries.balance(
                    session, code=code, currency=currency, owner=(KINDS[code], owner)
                )
                which = (code, currency, owner)
                wanted = (chart.natural_sign(code) * signed, self.model.held(which))
                Book.found["model_diff"] += (found.amount, found.held) != wanted
                assert (found.amount, found.held) == wanted, which
            off, negative = await (await driver(session)).fetchrow(_BROKEN)
            Book.found.update({"off": off, "negative": negative})
            assert (off, negative) == (0, 0)
            if Book.run_number % _VERIFY_EVERY == 0:
                await expect_whole(session)


async def expect_whole(session: TenantSession) -> Verification:
    """Verify the book; raise AssertionError with what is broken."""
    found = await verify(session)
    assert found.ok, found.summary
    return found


def play(settings: Settings, tenant: TenantRef, book: type[Book], size: run_size) -> Verification:
    """Run a state machine on a loop of its own, and return the verification at its end."""
    loop = asyncio.new_event_loop()
    Book.loop, Book.tenant, Book.settings = loop, tenant, settings
    Book.database = Database.from_settings(settings, pool_size=2)

    async def ended() -> Verification:
        async with Book.database.tenant(tenant) as session:
            return await expect_whole(session)

    try:
        run_state_machine_as_test(book, settings=size)
        return loop.run_until_complete(ended())
    finally:
        loop.run_until_complete(Book.database.close())
        loop.run_until_complete(fixture.clean(settings))
        loop.close()


def size_of(examples: int, *, steps: int = 25, derandomize: bool = True) -> run_size:
    """Return the size of a run: so many sequences of up to so many steps."""
    return run_size(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def test_any_sequence_of_operations_leaves_the_book_as_the_model_says(
    settings: Settings, tenant: TenantRef
) -> None:
    """A small run of the state machine; the long one belongs to `make prove`."""
    assert play(settings, tenant, Book, size_of(20)).ok


class Carefree(Model):
    """A model that forgets what is set aside."""

    def held(self, which: Account) -> Decimal:
        """Nothing is ever held."""
        return Decimal(0)


class Trusting(Model):
    """A model that lets wallets go below zero and opens every period."""

    def refusal(self, drafts: Sequence[Draft], *, undoes: Posted | None = None) -> type | None:
        """Nothing is ever refused."""
        return None


class Forgetful(Book):
    """The book against a model without holds, to see the comparison fail."""

    kind = Carefree


class Lenient(Book):
    """The book against a model that refuses nothing."""

    kind = Trusting


@pytest.mark.parametrize("book", [Forgetful, Lenient])
def test_a_model_that_differs_is_found_out(
    settings: Settings, tenant: TenantRef, book: type[Book]
) -> None:
    """What can't go red proves nothing."""
    with pytest.raises(Exception, match=r".") as found:
        # That it finds something is enough: what it finds need not be made small.
        play(settings, tenant, book, run_size(size_of(30), phases=[Phase.generate]))
    assert not isinstance(found.value, asyncpg.InterfaceError)


# What is taken out of the database, and what puts it back.
GUARDS = {
    "the guard of wallets": (
        "UPDATE {0}.account_code SET guarded = false WHERE code = 'liability.client_wallet'",
        "UPDATE {0}.account_code SET guarded = true WHERE code = 'liability.client_wallet'",
    ),
    "closed periods": (
        """ALTER FUNCTION {0}.refuse_closed RENAME TO kept;
        CREATE FUNCTION {0}.refuse_closed(p_moment timestamptz) RETURNS void LANGUAGE sql
        AS $$SELECT NULL::void$$;
        GRANT EXECUTE ON FUNCTION {0}.refuse_closed TO PUBLIC""",
        "DROP FUNCTION {0}.refuse_closed; ALTER FUNCTION {0}.kept RENAME TO refuse_closed",
    ),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_a_book_without_one_of_its_guards_is_found_out(
    settings: Settings, tenant: TenantRef, guard: str
) -> None:
    """The state machine goes red as soon as PostgreSQL no longer refuses what it must."""
    out, back = GUARDS[guard]
    try:
        asyncio.run(_tampered(settings, out.format(tenant.schema)))
        size = run_size(size_of(60), phases=[Phase.generate], report_multiple_bugs=False)
        with pytest.raises((AssertionError, InsufficientFunds)):
            play(settings, tenant, Book, size)
    finally:
        asyncio.run(_tampered(settings, back.format(tenant.schema)))


async def _tampered(settings: Settings, statement: str) -> None:
    connection = await runner.connect(settings)
    try:
        await connection.execute(
            f"SET session_replication_role = replica; SET ROLE NONE; {statement}"
        )
    finally:
        await connection.close()


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_two_thousand_sequences_leave_the_book_as_the_model_says(
    settings: Settings, tenant: TenantRef, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bar B04: random sequences, another seed each time; and nobody changes what is written."""
    before, steps = Book.run_number, Book.steps
    Book.found.clear()
    found = play(settings, tenant, Book, size_of(2_000, steps=20, derandomize=False))
    mutated = asyncio.run(attempts(settings, tenant))
    with capsys.disabled():
        print(  # noqa: T201 - the bar's one line
            f"\nledger: examples={Book.run_number - before} sum!=0: {Book.found['off']}"
            f" negative={Book.found['negative']} mutated={mutated}"
            f" model_diff={Book.found['model_diff']}"
            f"\n{Book.steps - steps} calls, {len(statements())} attempts to change"
            f" {len(TABLES)} tables; at the end {found.summary}"
        )
    assert Book.run_number - before >= 2_000
    assert mutated == 0
