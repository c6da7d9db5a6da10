"""A client with a wallet, accounts and rates; the trading servers' words are said by the test."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clients import queries as client_queries
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.ids import token, uuid7
from kernel.money import Money
from ledger import bookings, entries
from ledger import queries as ledger_queries
from ledger.bookings import Account
from ledger.verification import verify
from tests.factories.trading import open_account
from tests.treasury.desk import add_client
from trading import queries as trading_queries
from trading.events import CashDone, CashFailed
from trading.models import PlatformOperation, TradingAccount
from treasury.rates import markups, references
from treasury.rates.models import EVERY
from treasury.transfers import queries, quotes, recipients, subscribers, transfers
from treasury.transfers.models import FxQuote, Transfer
from treasury.transfers.transfers import Wish


@dataclass
class Room:
    """Everything a test about transfers needs, for one brokerage."""

    database: Database
    tenant: TenantRef
    client_id: UUID

    async def fund(self, account: Account, amount: str, currency: str) -> None:
        """Put money somewhere, as if it had been paid in."""
        money = Money.of(amount, currency)
        lines = bookings.move(bookings.clearing("test"), account, money)
        async with self.database.tenant(self.tenant) as session:
            await entries.post(session, key=f"fund:{token(6)}", kind="deposit", lines=lines)

    async def account(
        self, login: int, currency: str = "USD", client_id: UUID | None = None
    ) -> UUID:
        """Open a trading account of the client."""
        account_id = await open_account(
            self.database,
            self.tenant,
            server_id=uuid7(),
            login=login,
            group_name=f"real\\alpha\\STD-{currency}",
            client_id=client_id or self.client_id,
        )
        async with self.database.tenant(self.tenant) as session:
            found = await session.get(TradingAccount, account_id)
            assert found is not None
            found.currency = currency
        return account_id

    async def other(self, first_name: str = "Noor", last_name: str = "Haddad") -> UUID:
        """Add another client, who may send and receive."""
        async with self.database.tenant(self.tenant) as session:
            other_id = await add_client(session, first_name, last_name)
            client = await client_queries.client(session, other_id)
            assert client is not None
            client.status = "verified"
        return other_id

    async def say_rate(
        self, mid: str, *, sell: str = "EUR", buy: str = "USD", percent: str = "0.5"
    ) -> None:
        """Let a person say a rate, and set everybody's mark-up."""
        async with self.database.tenant(self.tenant) as session:
            await references.say(session, sell=sell, buy=buy, mid=Decimal(mid))
            await markups.put(session, sell=EVERY, buy=EVERY, percent=Decimal(percent))

    async def quote(self, amount: str, sell: str = "EUR", buy: str = "USD") -> FxQuote:
        """Promise the client what an amount becomes."""
        async with self.database.tenant(self.tenant) as session:
            return await quotes.make(
                session, client_id=self.client_id, amount=Money.of(amount, sell), currency=buy
            )

    async def let_send(self, day_max: str = "1000") -> None:
        """Let clients send each other money."""
        async with self.database.tenant(self.tenant) as session:
            await recipients.set_policy(session, between_clients=True, day_max=Decimal(day_max))

    def wish(
        self,
        amount: str,
        currency: str = "USD",
        becomes: str = "",
        *,
        source: UUID | None = None,
        target: UUID | None = None,
        to_client: UUID | None = None,
        quote: FxQuote | None = None,
        key: str = "",
    ) -> Wish:
        """Return what the client asks for."""
        return Wish(
            client_id=self.client_id,
            key=key or token(8),
            amount=Money.of(amount, currency),
            target_currency=becomes or currency,
            source_account_id=source,
            target_account_id=target,
            target_client_id=to_client,
            quote_id=quote.id if quote is not None else None,
        )

    async def start(self, wish: Wish) -> Transfer:
        """Ask for a transfer, in a transaction of its own."""
        async with self.database.tenant(self.tenant) as session:
            return await transfers.start(session, wish)

    async def operation(self, transfer: Transfer, kind: str) -> PlatformOperation:
        """Return what a server is asked for a transfer."""
        async with self.database.tenant_read(self.tenant) as session:
            [found] = [
                one
                for one in await trading_queries.operations(session)
                if (one.reference, one.kind) == (transfer.reference, kind)
            ]
        return found

    async def word(self, transfer: Transfer, kind: str, ticket: int) -> CashDone:
        """Return what the server says when it has booked what it was asked."""
        asked = await self.operation(transfer, kind)
        assert asked.amount is not None
        return CashDone(
            operation_id=asked.id,
            account_id=asked.account_id,
            ticket=ticket,
            kind=kind,
            amount=asked.amount,
            currency=asked.currency,
            hold_id=asked.hold_id,
            reference=asked.reference,
        )

    async def books(self, transfer: Transfer, kind: str, ticket: int = 4711) -> None:
        """Let the server book what it was asked."""
        event = await self.word(transfer, kind, ticket)
        async with self.database.tenant(self.tenant) as session:
            await subscribers.on_cash_done(session, [event])

    async def refuses(self, transfer: Transfer, kind: str) -> None:
        """Let the server refuse what it was asked."""
        asked = await self.operation(transfer, kind)
        assert asked.amount is not None
        event = CashFailed(
            operation_id=asked.id,
            account_id=asked.account_id,
            kind=kind,
            amount=asked.amount,
            currency=asked.currency,
            hold_id=asked.hold_id,
            reference=asked.reference,
            reason="No money.",
        )
        async with self.database.tenant(self.tenant) as session:
            await subscribers.on_cash_failed(session, event)

    async def seen(self, transfer: Transfer) -> Transfer:
        """Return a transfer as it is now."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await queries.transfer(session, transfer.id)
        assert found is not None
        return found

    async def states(self, transfer: Transfer) -> list[str]:
        """Return the states a transfer has been in, in order."""
        async with self.database.tenant_read(self.tenant) as session:
            return [one.to_state for one in await queries.trail(session, transfer_id=transfer.id)]

    async def has(self, account: Account, currency: str) -> tuple[Decimal, Decimal]:
        """Return an account's amount and what is available of it."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await ledger_queries.balance(
                session, code=account[0], currency=currency, owner=account[1]
            )
        return found.amount, found.available

    @property
    def wallet(self) -> Account:
        """The client's wallet."""
        return bookings.wallet(self.client_id)

    async def lines(self, key: str) -> list[tuple[str, str, Decimal]]:
        """Return the lines that a key has posted: code, currency, signed amount."""
        async with self.database.tenant_read(self.tenant) as session:
            entry = await ledger_queries.entry_of_key(session, key=key)
            assert entry is not None
            found = await ledger_queries.lines_of(session, entry_id=entry.id)
        return [(code, currency, amount) for code, _, currency, amount in found]

    async def adds_up(self) -> None:
        """Verify the book."""
        async with self.database.tenant_read(self.tenant) as session:
            result = await verify(session)
        assert result.ok, result.lines


async def open_room(database: Database, tenant: TenantRef) -> Room:
    """Open a room with a client who may send and receive."""
    room = Room(database, tenant, uuid7())
    room.client_id = await room.other("Mara", "Lindqvist")
    return room
