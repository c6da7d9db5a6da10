"""Transfers from the client's wish to the money's place, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest

from clients import restrictions
from clients.restrictions import ClientRestricted
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from ledger import bookings
from ledger import queries as ledger_queries
from ledger.errors import InsufficientFunds, KeyReused
from tests.treasury.transfers.desk import Room
from trading.models import TradingAccount
from treasury.rates.rules import RateMissing
from treasury.transfers.models import Transfer
from treasury.transfers.quotes import QuoteExpired, QuoteUsed
from treasury.transfers.recipients import SendingIsOff


async def test_a_transfer_to_mt5_with_conversion_posts_rows_five_to_seven_of_e12(
    room: Room,
) -> None:
    """600.00 EUR of 1,000.00 become 649.92 USD on the account; the mark-up of 3.27 is income."""
    account = await room.account(900101)
    await room.fund(room.wallet, "1000.00", "EUR")
    await room.say_rate("1.0886432")
    quote = await room.quote("600.00")

    made = await room.start(room.wish("600.00", "EUR", "USD", target=account, quote=quote))
    held = await room.has(room.wallet, "EUR")
    await room.books(made, "deposit")

    assert held == (Decimal(1000), Decimal(400))
    assert await room.lines(f"transfer:{made.id}") == [
        ("liability.client_wallet", "EUR", Decimal("600.00")),
        ("liability.fx_conversion", "EUR", Decimal("-600.00")),
        ("liability.fx_conversion", "USD", Decimal("649.92")),
        ("liability.trading_account", "USD", Decimal("-649.92")),
        ("liability.fx_conversion", "USD", Decimal("3.27")),
        ("income.fx_markup", "USD", Decimal("-3.27")),
    ]
    assert await room.has(room.wallet, "EUR") == (Decimal(400), Decimal(400))
    assert (await room.has(bookings.trading_account(account), "USD"))[0] == Decimal("649.92")
    assert await room.states(made) == ["moving", "done"]
    await room.adds_up()


async def test_a_conversion_gives_what_item_fourteen_says_and_keeps_its_rate(room: Room) -> None:
    """1,000 EUR at 1.0850 less 0.5 percent: 1,079.58 USD, and 5.42 USD of revenue."""
    await room.fund(room.wallet, "1000.00", "EUR")
    await room.say_rate("1.0850")
    quote = await room.quote("1000.00")

    made = await room.start(room.wish("1000.00", "EUR", "USD", quote=quote))

    assert (made.state, made.kind, made.target_amount) == (
        "done",
        "conversion",
        Decimal("1079.58"),
    )
    assert (await room.has(room.wallet, "USD"))[0] == Decimal("1079.58")
    lines = await room.lines(f"transfer:{made.id}")
    assert lines[-1] == ("income.fx_markup", "USD", Decimal("-5.42"))
    async with room.database.tenant_read(room.tenant) as session:
        entry = await ledger_queries.entry_of_key(session, key=f"transfer:{made.id}")
        assert entry is not None
        rate = await ledger_queries.rate_of(session, entry_id=entry.id)
    assert rate is not None
    assert (rate.rate, rate.mid, rate.source) == (
        Decimal("1.079575"),
        Decimal("1.085"),
        "manual",
    )
    assert rate.at == quote.quoted_at
    await room.adds_up()


async def test_money_comes_back_from_an_account_after_the_server_has_debited_it(
    room: Room,
) -> None:
    """Until then it is set aside on the account; the other currency arrives in the wallet."""
    account = await room.account(900102)
    await room.fund(bookings.trading_account(account), "500.00", "USD")
    await room.say_rate("0.92", sell="USD", buy="EUR", percent="0")
    quote = await room.quote("200.00", "USD", "EUR")

    made = await room.start(room.wish("200.00", "USD", "EUR", source=account, quote=quote))
    waiting = await room.has(bookings.trading_account(account), "USD")
    for _ in range(2):
        await room.books(made, "withdrawal")

    assert waiting == (Decimal(500), Decimal(300))
    assert (await room.has(bookings.trading_account(account), "USD"))[0] == Decimal(300)
    assert (await room.has(room.wallet, "EUR"))[0] == Decimal("184.00")
    assert (await room.seen(made)).state == "done"
    await room.adds_up()


async def test_between_accounts_the_debit_comes_first_and_the_credit_from_the_wallet(
    room: Room,
) -> None:
    """The second server is asked only when the first has booked; said twice it counts once."""
    source, target = await room.account(900103), await room.account(900104, "EUR")
    await room.fund(bookings.trading_account(source), "500.00", "USD")
    await room.say_rate("0.92", sell="USD", buy="EUR")
    quote = await room.quote("300.00", "USD", "EUR")

    made = await room.start(
        room.wish("300.00", "USD", "EUR", source=source, target=target, quote=quote)
    )
    with pytest.raises(ValueError, match="unpack"):
        await room.operation(made, "deposit")
    for _ in range(2):
        await room.books(made, "withdrawal", 1)
    between = (await room.has(room.wallet, "USD"), (await room.seen(made)).state)
    for _ in range(2):
        await room.books(made, "deposit", 2)

    assert between == ((Decimal(300), Decimal(0)), "crediting")
    assert await room.states(made) == ["moving", "crediting", "done"]
    assert (await room.has(bookings.trading_account(target), "EUR"))[0] == Decimal("274.62")
    assert (await room.has(room.wallet, "USD"))[0] == Decimal(0)
    await room.adds_up()


async def test_a_debit_the_server_refuses_moves_nothing(room: Room) -> None:
    """What was set aside is free again."""
    account = await room.account(900105)
    await room.fund(bookings.trading_account(account), "500.00", "USD")
    made = await room.start(room.wish("200.00", source=account))

    await room.refuses(made, "withdrawal")
    await room.books(made, "withdrawal")

    assert (await room.seen(made)).state == "failed"
    assert await room.has(bookings.trading_account(account), "USD") == (Decimal(500), Decimal(500))
    await room.adds_up()


async def test_a_credit_the_second_server_refuses_leaves_the_money_in_the_wallet(
    room: Room,
) -> None:
    """In the currency it came in, because nothing was converted yet."""
    source, target = await room.account(900106), await room.account(900107)
    await room.fund(bookings.trading_account(source), "500.00", "USD")
    made = await room.start(room.wish("300.00", source=source, target=target))
    await room.books(made, "withdrawal", 1)

    await room.refuses(made, "deposit")
    await room.books(made, "deposit", 2)

    found = await room.seen(made)
    assert (found.state, found.reason) == (
        "returned",
        "In the wallet: the trading server refused. No money.",
    )
    assert await room.has(room.wallet, "USD") == (Decimal(300), Decimal(300))
    await room.adds_up()


async def test_an_account_closed_between_the_legs_leaves_the_money_in_the_wallet(
    room: Room,
) -> None:
    """Nobody is asked for a credit that can't be booked."""
    source, target = await room.account(900108), await room.account(900109)
    await room.fund(bookings.trading_account(source), "500.00", "USD")
    made = await room.start(room.wish("300.00", source=source, target=target))
    async with room.database.tenant(room.tenant) as session:
        account = await session.get(TradingAccount, target)
        assert account is not None
        account.state = "closed"

    await room.books(made, "withdrawal")

    assert (await room.seen(made)).state == "returned"
    assert await room.has(room.wallet, "USD") == (Decimal(300), Decimal(300))


async def test_two_at_once_can_not_spend_the_same_money(room: Room) -> None:
    """Ten requests of 100.00 on 450.00: four are made, whichever they are."""
    account = await room.account(900110)
    await room.fund(room.wallet, "450.00", "USD")

    answers = await asyncio.gather(
        *(room.start(room.wish("100.00", target=account)) for _ in range(10)),
        return_exceptions=True,
    )

    made = [one for one in answers if isinstance(one, Transfer)]
    refused = [one for one in answers if isinstance(one, InsufficientFunds)]
    assert (len(made), len(refused)) == (4, 6)
    assert await room.has(room.wallet, "USD") == (Decimal(450), Decimal(50))


async def test_the_same_request_twice_is_one_transfer_even_at_once(room: Room) -> None:
    """A key with another content is refused."""
    await room.fund(room.wallet, "1000.00", "EUR")
    await room.say_rate("1.0850")
    quote = await room.quote("100.00")
    wish = room.wish("100.00", "EUR", "USD", quote=quote, key="once")

    made = await asyncio.gather(*(room.start(wish) for _ in range(4)))
    with pytest.raises(KeyReused):
        await room.start(room.wish("200.00", "EUR", "USD", quote=quote, key="once"))

    assert len({one.id for one in made}) == 1
    assert (await room.has(room.wallet, "EUR"))[0] == Decimal(900)


async def test_a_quote_is_used_once_for_exactly_what_it_says(room: Room) -> None:
    """Another amount, another currency, another client and a second time are refused."""
    await room.fund(room.wallet, "1000.00", "EUR")
    await room.say_rate("1.0850")
    quote = await room.quote("100.00")

    for amount, becomes in (("99.99", "USD"), ("100.00", "GBP")):
        with pytest.raises(QuoteUsed):
            await room.start(room.wish(amount, "EUR", becomes, quote=quote))
    with pytest.raises(NotFound):
        await room.start(
            replace(room.wish("100.00", "EUR", "USD", quote=quote), client_id=await room.other())
        )
    await room.start(room.wish("100.00", "EUR", "USD", quote=quote))
    with pytest.raises(QuoteUsed):
        await room.start(room.wish("100.00", "EUR", "USD", quote=quote))
    with pytest.raises(QuoteExpired):
        await room.start(room.wish("100.00", "EUR", "USD"))

    assert (await room.has(room.wallet, "EUR"))[0] == Decimal(900)


async def test_an_expired_quote_moves_nothing(room: Room, superuser: asyncpg.Connection) -> None:
    """The database's clock decides, and the rate is not silently another one."""
    await room.fund(room.wallet, "1000.00", "EUR")
    await room.say_rate("1.0850")
    quote = await room.quote("100.00")
    await superuser.execute(
        f"UPDATE {room.tenant.schema}.fx_quote SET expires_at = clock_timestamp()"
    )

    with pytest.raises(QuoteExpired):
        await room.start(room.wish("100.00", "EUR", "USD", quote=quote))

    assert await room.has(room.wallet, "EUR") == (Decimal(1000), Decimal(1000))


async def test_no_quote_is_made_without_a_rate(room: Room) -> None:
    """Nobody is promised anything then."""
    with pytest.raises(RateMissing):
        await room.quote("100.00")


async def test_a_client_sends_another_one_money_from_wallet_to_wallet(room: Room) -> None:
    """At once, in the same currency, up to the day's cap in the base currency."""
    other = await room.other()
    await room.let_send("1000")
    await room.fund(room.wallet, "2000.00", "USD")

    made = await room.start(room.wish("600.00", to_client=other))
    with pytest.raises(InvalidInput) as refused:
        await room.start(room.wish("400.01", to_client=other))
    await room.start(room.wish("400.00", to_client=other))

    assert (made.state, made.kind) == ("done", "to_client")
    assert set(refused.value.fields) == {"amount"}
    assert (await room.has(bookings.wallet(other), "USD"))[0] == Decimal(1000)
    await room.adds_up()


async def test_two_sendings_at_once_can_not_pass_the_cap_together(room: Room) -> None:
    """The second looks when the first is written."""
    other = await room.other()
    await room.let_send("1000")
    await room.fund(room.wallet, "5000.00", "USD")

    answers = await asyncio.gather(
        *(room.start(room.wish("600.00", to_client=other)) for _ in range(3)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Transfer) for one in answers) == 1


async def test_sending_is_off_until_the_brokerage_turns_it_on(room: Room) -> None:
    """And never for a client who is not verified."""
    other = await room.other()
    await room.fund(room.wallet, "100.00", "USD")

    with pytest.raises(SendingIsOff):
        await room.start(room.wish("10.00", to_client=other))


async def test_restrictions_of_the_client_are_read(room: Room) -> None:
    """A pause of withdrawals keeps money in its place, one of deposits out of accounts."""
    account = await room.account(900111)
    await room.fund(room.wallet, "100.00", "USD")
    await room.fund(bookings.trading_account(account), "100.00", "USD")
    async with room.database.tenant(room.tenant) as session:
        for kind in ("withdraw", "deposit"):
            await restrictions.impose(
                session, client_id=room.client_id, kind=kind, reason="Under review"
            )

    for wish in (room.wish("1.00", target=account), room.wish("1.00", source=account)):
        with pytest.raises(ClientRestricted, match="Under review"):
            await room.start(wish)


async def test_what_is_somebody_elses_is_not_there(room: Room) -> None:
    """Neither as a source nor as a target."""
    foreign = await room.account(900112, client_id=uuid7())
    await room.fund(room.wallet, "100.00", "USD")

    for wish in (room.wish("1.00", target=foreign), room.wish("1.00", source=foreign)):
        with pytest.raises(NotFound):
            await room.start(wish)


@pytest.mark.parametrize(
    ("amount", "currency", "becomes"),
    [("0", "USD", "USD"), ("-1", "USD", "USD"), ("1.001", "USD", "USD"), ("1", "USD", "USD")],
)
async def test_a_wish_that_moves_nothing_is_refused(
    room: Room, amount: str, currency: str, becomes: str
) -> None:
    """Nothing, less than nothing, parts of a cent, and from the wallet to itself."""
    await room.fund(room.wallet, "100.00", "USD")

    with pytest.raises(InvalidInput):
        await room.start(room.wish(amount, currency, becomes))
    assert await room.has(room.wallet, "USD") == (Decimal(100), Decimal(100))
