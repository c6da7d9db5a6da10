"""The book's trading accounts against the balance operations that the mirror has read."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from kernel.clock import now
from kernel.ids import comment_token, reference, uuid7
from kernel.money import Money
from ledger import bookings, entries
from tests.factories.trading import answer, clock, open_account, wire_deal
from tests.treasury.banks.house import House
from trading import deals, results
from trading.models import PlatformOperation
from treasury.reconciliation import breaks, queries, runs
from treasury.reconciliation.queries import BreakFilter
from treasury.reconciliation.runs import Done

_tickets = itertools.count(7001)
_logins = itertools.count(910_001)


class Server:
    """A trading server with one account of the house's client."""

    def __init__(self, house: House, server_id: UUID, account_id: UUID, login: int) -> None:
        """Keep what belongs together."""
        self.house = house
        self.server_id = server_id
        self.account_id = account_id
        self.login = login

    async def operation(self, amount: str = "100.00", payment: str = "") -> PlatformOperation:
        """Ask for a movement that the server has booked under its token."""
        async with self.house.by() as session:
            operation = PlatformOperation(
                kind="deposit" if not amount.startswith("-") else "withdrawal",
                server_id=self.server_id,
                account_id=self.account_id,
                login=self.login,
                amount=abs(Decimal(amount)),
                currency="USD",
                token=comment_token(),
                state="done",
                external_ticket=next(_tickets),
                reference=payment or reference("TRF"),
            )
            session.add(operation)
            await session.flush()
            return operation

    async def deal(self, comment: str, amount: str = "100.00", *, action: int = 2) -> None:
        """Let the mirror have read a deal of twelve hours ago."""
        at = (now() - timedelta(hours=12)).replace(microsecond=0)
        one = wire_deal(
            next(_tickets),
            at=at,
            Login=str(self.login),
            Action=str(action),
            Profit=amount,
            Comment=comment[:31],
            Symbol="",
            Commission="0.00",
        )
        await deals.store(
            self.house.database,
            self.house.tenant,
            server_id=self.server_id,
            answer=answer(one),
            clock=clock(at),
            scanned_raw=clock(at).raw,
        )

    async def book(self, payment: str, amount: str = "100.00", *, kind: str = "transfer") -> None:
        """Book a movement from the client's wallet of twelve hours ago."""
        money = Money.of(amount, "USD")
        async with self.house.by() as session:
            await entries.post(
                session,
                key=f"{kind}:{uuid7()}",
                kind=kind,
                lines=bookings.move(
                    bookings.clearing(uuid7()), bookings.trading_account(self.account_id), money
                ),
                reference=payment,
                occurred_at=now() - timedelta(hours=12),
                forced=True,
            )

    async def run(self) -> Done:
        """Reconcile today."""
        async with self.house.by() as session:
            return await runs.reconcile(session, day=now().date())

    async def said(self) -> list[tuple[str, str, str, Decimal]]:
        """Reconcile and return kind, side, payment and difference of each break."""
        return [
            (one.kind, one.side, one.id, one.difference.amount) for one in (await self.run()).breaks
        ]


@pytest.fixture
async def server(house: House) -> Server:
    """A server with an account of the house's client."""
    server_id, login = uuid7(), next(_logins)
    account_id = await open_account(
        house.database,
        house.tenant,
        server_id=server_id,
        login=login,
        group_name="real\\alpha\\STD-USD",
        client_id=house.client_id,
    )
    return Server(house, server_id, account_id, login)


async def test_a_transfer_that_both_know_matches_and_the_account_is_equal(server: Server) -> None:
    """By the token in the comment, and not by what else stands there."""
    operation = await server.operation()
    await server.deal(f"{operation.token} {operation.reference}")
    await server.book(operation.reference)

    done = await server.run()
    assert (done.run.matched, done.breaks) == (1, ())
    assert (done.run.accounts, done.run.accounts_differing) == (1, 0)


async def test_results_of_trading_are_a_difference_until_they_are_booked(server: Server) -> None:
    """A loss of 35.00 makes the account differ by it, and booked it makes it equal."""
    operation = await server.operation()
    await server.deal(operation.token)
    await server.deal("", "-35.00", action=0)
    await server.book(operation.reference)

    before = await server.said()
    async with server.house.by() as session:
        await results.book(session, server_id=server.server_id)

    assert before == [("amount", "platform", f"account {server.login}", Decimal("-35.00"))]
    after = await server.run()
    assert after.breaks == ()


async def test_a_movement_that_only_one_side_has_shows_there_and_in_the_account(
    server: Server,
) -> None:
    """The difference of the whole account is exact."""
    operation = await server.operation()
    await server.book(operation.reference)

    assert await server.said() == [
        ("missing-right", "platform", operation.reference, Decimal(100)),
        ("amount", "platform", f"account {server.login}", Decimal(-100)),
    ]
    await server.deal(operation.token)
    assert await server.said() == []


async def test_a_credit_that_was_booked_twice_on_the_server_is_a_duplicate(server: Server) -> None:
    """The same token in two deals: what MON6 must never do would be seen here."""
    operation = await server.operation()
    await server.book(operation.reference)
    for _ in range(2):
        await server.deal(operation.token)

    assert await server.said() == [
        ("duplicate", "platform", operation.reference, Decimal(100)),
        ("amount", "platform", f"account {server.login}", Decimal(100)),
    ]


async def test_a_dealers_own_booking_is_unallocated(server: Server) -> None:
    """Nobody asked for it here."""
    await server.deal("manual bonus", "50.00")

    assert await server.said() == [
        ("unallocated", "platform", "", Decimal(50)),
        ("amount", "platform", f"account {server.login}", Decimal(50)),
    ]


async def test_a_credit_of_the_brokerage_is_no_movement_of_money(server: Server) -> None:
    """Action 3 is bonus, which the book keeps elsewhere."""
    await server.deal("bonus", "50.00", action=3)

    assert await server.said() == []


async def test_both_ends_of_a_transfer_between_accounts_are_compared(
    server: Server, house: House
) -> None:
    """One reference, two accounts, two movements."""
    login = next(_logins)
    other = Server(
        house,
        server.server_id,
        await open_account(
            house.database,
            house.tenant,
            server_id=server.server_id,
            login=login,
            group_name="real\\alpha\\STD-USD",
            client_id=house.client_id,
        ),
        login,
    )
    out = await server.operation("-40.00")
    back = await other.operation("40.00", out.reference)
    await server.deal(out.token, "-40.00")
    async with house.by() as session:
        await entries.post(
            session,
            key="between",
            kind="transfer",
            lines=bookings.move(
                bookings.trading_account(server.account_id),
                bookings.trading_account(other.account_id),
                Money.of("40.00", "USD"),
            ),
            reference=out.reference,
            occurred_at=now() - timedelta(hours=12),
            forced=True,
        )

    found = await server.said()
    assert [(kind, side, amount) for kind, side, _, amount in found] == [
        ("missing-right", "platform", Decimal(40)),
        ("amount", "platform", Decimal(-40)),
    ]
    assert found[0][2] == f"{out.reference}@{str(other.account_id)[-8:]}"
    await other.deal(back.token, "40.00")
    assert await server.said() == []


async def test_the_difference_of_an_account_is_written_off_into_the_book(
    server: Server, house: House
) -> None:
    """The server is right; the book follows, and the next run finds the account equal."""
    await server.deal("manual", "12.34")
    await server.run()
    async with house.by() as session:
        rows = await queries.break_slice(
            session,
            narrowed=BreakFilter(kinds=("amount",)),
            order="since",
            descending=False,
            limit=9,
        )
        asked = await breaks.ask_write_off(
            session, break_id=rows[0].id, reason="A goodwill of the dealer"
        )

    await house.agree(asked)

    owner = ("account", server.account_id)
    assert await house.balance("liability.trading_account", owner, "USD") == Decimal("-12.34")
    assert await house.balance("expense.reconciliation", ("house", "house"), "USD") == Decimal(
        "12.34"
    )
    assert [one[0] for one in await server.said()] == ["unallocated"]
