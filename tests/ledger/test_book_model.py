"""Any sequence of operations leaves the book as a few lines of arithmetic say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, strategies
from hypothesis import settings as run_size
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.settings import Settings
from ledger import entries, holds
from ledger.errors import InsufficientFunds
from ledger.holds import Reservation
from ledger.lines import Draft, Line
from ledger.verification import verify
from tests.fixtures import database as fixture
from tests.ledger.book import WALLET, deposit_lines, line, pay_in, wallet

AMOUNTS = strategies.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
CLIENTS = strategies.sampled_from(["a", "b", "c"])


class Book(RuleBasedStateMachine):
    """Deposits, transfers, holds and reversals against a model of dictionaries."""

    database: Database
    tenant: TenantRef
    loop: asyncio.AbstractEventLoop
    run_number = 0

    def __init__(self) -> None:
        """Start a run whose clients nobody else has."""
        super().__init__()
        Book.run_number += 1
        self.prefix = f"run{Book.run_number}"
        self.step = 0
        self.amounts: dict[str, Decimal] = {}
        self.pending: dict[UUID, tuple[str, Decimal]] = {}
        self.deposits: list[tuple[UUID, str, Decimal]] = []

    def run(self, work: Awaitable[Any]) -> Any:
        """Wait for a coroutine on the test's own loop."""
        return self.loop.run_until_complete(work)

    def key(self) -> str:
        """Return a key that was never used."""
        self.step += 1
        return f"{self.prefix}:{self.step}"

    def client(self, name: str) -> str:
        """Return the owner id of a client of this run."""
        return f"{self.prefix}-{name}"

    def available(self, name: str) -> Decimal:
        """Return what the model says is available."""
        held = sum((amount for owner, amount in self.pending.values() if owner == name), Decimal(0))
        return self.amounts.get(name, Decimal(0)) - held

    @contextmanager
    def refused_unless(self, allowed: bool) -> Iterator[None]:  # noqa: FBT001 - reads as a sentence
        """Expect success or InsufficientFunds, as the model says."""
        if allowed:
            yield
            return
        with pytest.raises(InsufficientFunds):
            yield

    @rule(name=CLIENTS, amount=AMOUNTS)
    def deposit(self, name: str, amount: Decimal) -> None:
        """Pay a client's wallet in."""
        entry_id = self.run(self._deposit(name, amount))
        self.amounts[name] = self.amounts.get(name, Decimal(0)) + amount
        self.deposits.append((entry_id, name, amount))

    async def _deposit(self, name: str, amount: Decimal) -> UUID:
        async with self.database.tenant(self.tenant) as session:
            return await pay_in(session, str(amount), client=self.client(name), key=self.key())

    @rule(giver=CLIENTS, taker=CLIENTS, amount=AMOUNTS)
    def transfer(self, giver: str, taker: str, amount: Decimal) -> None:
        """Move money between two wallets, or to the same one."""
        allowed = giver == taker or self.available(giver) >= amount
        with self.refused_unless(allowed):
            self.run(self._transfer(giver, taker, amount))
        if allowed:
            self.amounts[giver] = self.amounts.get(giver, Decimal(0)) - amount
            self.amounts[taker] = self.amounts.get(taker, Decimal(0)) + amount

    async def _transfer(self, giver: str, taker: str, amount: Decimal) -> None:
        async with self.database.tenant(self.tenant) as session:
            await entries.post(
                session,
                key=self.key(),
                kind="transfer",
                lines=[
                    line(WALLET, str(amount), ("client", self.client(giver))),
                    line(WALLET, str(-amount), ("client", self.client(taker))),
                ],
            )

    @rule(name=CLIENTS, amount=AMOUNTS)
    def reserve(self, name: str, amount: Decimal) -> None:
        """Set money aside."""
        allowed = self.available(name) >= amount
        with self.refused_unless(allowed):
            self.pending[self.run(self._reserve(name, amount))] = (name, amount)

    async def _reserve(self, name: str, amount: Decimal) -> UUID:
        async with self.database.tenant(self.tenant) as session:
            return await holds.reserve(
                session,
                key=self.key(),
                code=WALLET,
                currency="EUR",
                owner=("client", self.client(name)),
                amount=amount,
                reference="",
            )

    @rule(wishes=strategies.lists(strategies.tuples(CLIENTS, AMOUNTS), max_size=6))
    def reserve_many(self, wishes: list[tuple[str, Decimal]]) -> None:
        """Set money aside in one call: in order, whoever can."""
        for (name, amount), hold_id in zip(wishes, self.run(self._batch(wishes)), strict=True):
            assert (hold_id is not None) == (self.available(name) >= amount)
            if hold_id is not None:
                self.pending[hold_id] = (name, amount)

    async def _batch(self, wishes: list[tuple[str, Decimal]]) -> list[UUID | None]:
        async with self.database.tenant(self.tenant) as session:
            return await holds.reserve_batch(
                session,
                reservations=[
                    Reservation(
                        self.key(), WALLET, "EUR", ("client", self.client(name)), amount, ""
                    )
                    for name, amount in wishes
                ],
            )

    @rule(count=strategies.integers(1, 4))
    def use_many(self, count: int) -> None:
        """Use the oldest holds in one batch, together with a deposit that has none."""
        used = list(self.pending.items())[:count]
        self.run(self._use(used))
        for hold_id, (name, amount) in used:
            del self.pending[hold_id]
            self.amounts[name] -= amount

    async def _use(self, used: list[tuple[UUID, tuple[str, Decimal]]]) -> None:
        drafts = [
            Draft(self.key(), "withdrawal", self._out(name, amount), hold_id=hold_id)
            for hold_id, (name, amount) in used
        ]
        drafts.append(Draft(self.key(), "deposit", deposit_lines("1.00", self.client("other"))))
        async with self.database.tenant(self.tenant) as session:
            await entries.post_batch(session, drafts=drafts)

    def _out(self, name: str, amount: Decimal) -> list[Line]:
        return [
            line(WALLET, str(amount), ("client", self.client(name))),
            line("asset.bank", str(-amount), ("bank", "main")),
        ]

    @rule(use=strategies.booleans())
    def close_a_hold(self, use: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """Use the oldest hold, or release it."""
        if not self.pending:
            return
        hold_id, (name, amount) = next(iter(self.pending.items()))
        self.run(self._close(hold_id, name, amount, use=use))
        del self.pending[hold_id]
        if use:
            self.amounts[name] -= amount

    async def _close(self, hold_id: UUID, name: str, amount: Decimal, *, use: bool) -> None:
        async with self.database.tenant(self.tenant) as session:
            if not use:
                await holds.void(session, hold_id=hold_id, reason="released")
                return
            await holds.post(
                session,
                hold_id=hold_id,
                key=self.key(),
                kind="withdrawal",
                lines=self._out(name, amount),
            )

    @rule()
    def reverse_a_deposit(self) -> None:
        """Take the oldest deposit back, if the client still has it."""
        if not self.deposits:
            return
        entry_id, name, amount = self.deposits.pop(0)
        allowed = self.available(name) >= amount
        with self.refused_unless(allowed):
            self.run(self._reverse(entry_id))
        if allowed:
            self.amounts[name] -= amount

    async def _reverse(self, entry_id: UUID) -> None:
        async with self.database.tenant(self.tenant) as session:
            await entries.reverse(session, entry_id=entry_id, key=self.key(), reason="chargeback")

    def teardown(self) -> None:
        """Compare every wallet with the model, and verify the book."""
        self.run(self._compare())

    async def _compare(self) -> None:
        async with self.database.tenant(self.tenant) as session:
            for name in ("a", "b", "c"):
                found = await wallet(session, self.client(name))
                assert found.amount == self.amounts.get(name, Decimal(0))
                assert found.available == self.available(name)
            verification = await verify(session)
            assert verification.ok, verification.lines


def test_any_sequence_of_operations_leaves_the_book_as_the_model_says(
    settings: Settings, tenant: TenantRef
) -> None:
    """A small run of a state machine; the long one belongs to `make prove`."""
    loop = asyncio.new_event_loop()
    Book.loop, Book.tenant = loop, tenant
    Book.database = Database.from_settings(settings, pool_size=2)
    try:
        run_state_machine_as_test(Book, settings=_small())
    finally:
        loop.run_until_complete(Book.database.close())
        loop.run_until_complete(fixture.clean(settings))
        loop.close()


def _small() -> run_size:
    """Return the size of the run: 15 sequences of up to 20 steps."""
    return run_size(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
