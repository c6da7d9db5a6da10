"""Adjustments: up to the limit alone, above it by four eyes, and each booked once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from approvals.requests import SamePerson
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from ledger import bookings
from ledger.errors import KeyReused
from tests.treasury.adjustments.office import Office
from treasury.adjustments import adjustments


@pytest.mark.parametrize(
    ("kind", "ours", "left"),
    [
        ("goodwill", ("expense.bonus", Decimal("40.00")), "540.00"),
        ("correction_in", ("asset.suspense", Decimal("40.00")), "540.00"),
        ("correction_out", ("asset.suspense", Decimal("-40.00")), "460.00"),
        ("fee", ("income.fees", Decimal("-40.00")), "460.00"),
    ],
)
async def test_one_person_adjusts_a_wallet_alone_up_to_the_limit(
    office: Office, kind: str, ours: tuple[str, Decimal], left: str
) -> None:
    """It is booked at once; the same request again is the same adjustment."""
    await office.room.fund(office.room.wallet, "500.00", "USD")
    wish = office.wish(kind, "40.00", key="once")

    made = await asyncio.gather(*(office.ask(wish) for _ in range(3)))
    with pytest.raises(KeyReused):
        await office.ask(office.wish(kind, "41.00", key="once"))

    assert {(one.id, one.state, one.four_eyes) for one in made} == {(made[0].id, "done", False)}
    posted = {
        code: amount for code, _, amount in await office.room.lines(f"adjustment:{made[0].id}")
    }
    assert posted[ours[0]] == ours[1]
    assert (await office.room.has(office.room.wallet, "USD"))[0] == Decimal(left)
    await office.room.adds_up()


async def test_above_the_limit_somebody_else_agrees_to_exactly_this(office: Office) -> None:
    """Until then nothing is booked, and whoever asked can't agree to it."""
    made = await office.ask(office.wish("goodwill", "100.01"))
    waiting = await office.room.has(office.room.wallet, "USD")

    with pytest.raises(SamePerson):
        await office.decide(made, by=0)
    await office.decide(made)

    assert (made.state, made.four_eyes) == ("waiting", True)
    assert waiting == (Decimal(0), Decimal(0))
    assert (await office.seen(made)).state == "done"
    assert (await office.room.has(office.room.wallet, "USD"))[0] == Decimal("100.01")
    await office.room.adds_up()


async def test_what_somebody_refuses_is_never_booked(office: Office) -> None:
    """The reason stands with it."""
    made = await office.ask(office.wish("goodwill", "5000.00"))

    await office.decide(made, approve=False)

    found = await office.seen(made)
    assert (found.state, found.outcome) == ("rejected", "Refused. Seen.")
    assert (await office.room.has(office.room.wallet, "USD"))[0] == Decimal(0)


async def test_the_limit_is_in_base_money_and_unknown_rates_need_another(
    office: Office,
) -> None:
    """90 EUR are 99.00 USD at 1.10; yen that nobody can convert are never little."""
    await office.room.say_rate("1.10")

    small = await office.ask(office.wish("goodwill", "90.00", currency="EUR"))
    large = await office.ask(office.wish("goodwill", "91.00", currency="EUR"))
    unknown = await office.ask(office.wish("goodwill", "1", currency="JPY"))

    assert [small.state, large.state, unknown.state] == ["done", "waiting", "waiting"]


async def test_a_fee_that_the_wallet_does_not_hold_fails_and_says_so(office: Office) -> None:
    """Nothing goes below zero."""
    await office.room.fund(office.room.wallet, "10.00", "USD")

    made = await office.ask(office.wish("fee", "10.01"))

    assert made.state == "failed"
    assert "not enough" in made.outcome
    assert await office.room.has(office.room.wallet, "USD") == (Decimal(10), Decimal(10))


async def test_a_trading_account_is_adjusted_on_its_server_first(office: Office) -> None:
    """A fee is set aside until the server has taken it; a refused one is free again."""
    account = await office.room.account(900301)
    await office.room.fund(bookings.trading_account(account), "100.00", "USD")

    fee = await office.ask(office.wish("fee", "30.00", account=account))
    held = await office.room.has(bookings.trading_account(account), "USD")
    await office.books(fee.reference, "withdrawal")
    refused = await office.ask(office.wish("fee", "20.00", account=account))
    await office.refuses(refused.reference, "withdrawal")
    gift = await office.ask(office.wish("goodwill", "5.00", account=account))
    await office.books(gift.reference, "deposit", ticket=7002)

    assert held == (Decimal(100), Decimal(70))
    assert [(await office.seen(one)).state for one in (fee, refused, gift)] == [
        "done",
        "failed",
        "done",
    ]
    assert await office.room.has(bookings.trading_account(account), "USD") == (
        Decimal(75),
        Decimal(75),
    )
    await office.room.adds_up()


async def test_wrong_wishes_are_named_beside_their_field(office: Office) -> None:
    """And an account of somebody else is not there."""
    foreign = await office.room.account(900302, client_id=uuid7())
    own = await office.room.account(900303, "EUR")

    for wish, field in (
        (office.wish("goodwill", "0"), "amount"),
        (office.wish("goodwill", "1.001"), "amount"),
        (office.wish("goodwill", "1", reason=" "), "reason"),
        (office.wish("bonus", "1"), "account"),
        (office.wish("write_off", "1"), "kind"),
        (office.wish("goodwill", "1", account=own), "currency"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await office.ask(wish)
        assert set(refused.value.fields) == {field}
    with pytest.raises(NotFound):
        await office.ask(office.wish("goodwill", "1", account=foreign))
    async with office.by(office.staff[0]) as session:
        with pytest.raises(InvalidInput):
            await adjustments.set_policy(session, alone_max=Decimal(-1))
        await adjustments.set_policy(session, alone_max=Decimal(0))
    assert (await office.ask(office.wish("goodwill", "0.01"))).state == "waiting"
