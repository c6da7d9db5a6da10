"""Money leaves suspense by four eyes, once, to where it belongs."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from approvals import requests
from approvals.events import ApprovalRejected
from approvals.requests import SamePerson
from kernel.errors import InvalidInput
from kernel.money import Money
from ledger import bookings, entries
from ledger import queries as ledger_queries
from tests.treasury.banks.house import House, viewer
from tests.treasury.banks.statements import Wire, camt
from treasury.banks import queries, releases
from treasury.banks.releases import NotInSuspense, Target

EUR = Decimal("1000.00")


async def test_a_release_to_a_deposit_credits_what_really_came(house: House) -> None:
    """The amount of the line counts, not that of the deposit."""
    deposit = await house.deposit()
    await house.take(camt(Wire("980.00", deposit.reference, "Mara Lindqvist")))
    asked = await house.ask(await house.line(), Target("deposit", deposit=deposit.reference))
    assert await house.balances() == {"bank": Decimal(980), "suspense": Decimal(-980)}

    await house.agree(asked)

    assert await house.balances() == {"bank": Decimal(980), "wallet": Decimal(-980)}
    seen = await house.seen(deposit)
    assert (seen.state, seen.settled_amount) == ("credited", Decimal(980))
    line = await house.line()
    assert (line.state, line.deposit_id) == ("released", deposit.id)


async def test_the_maker_does_not_agree_and_nothing_moves(house: House) -> None:
    """Four eyes are two people."""
    await house.take(camt(Wire("50.00", "Rent")))
    asked = await house.ask(await house.line(), Target("account", account="income.fees"))

    async with house.by() as session:
        with pytest.raises(SamePerson):
            await requests.decide(
                session, approval_id=asked.id, viewer=viewer(house.maker), approve=True
            )
    with pytest.raises(requests.ApprovalMissing):
        await house.granted(asked)
    assert (await house.line()).state == "suspense"


async def test_two_releases_at_once_move_the_money_once(house: House) -> None:
    """However often the event comes, from however many workers."""
    await house.take(camt(Wire("50.00", "Rent")))
    asked = await house.ask(await house.line(), Target("account", account="income.fees"))
    async with house.by(house.checker) as session:
        await requests.decide(
            session, approval_id=asked.id, viewer=viewer(house.checker), approve=True
        )

    await asyncio.gather(*(house.granted(asked) for _ in range(6)))

    assert await house.balances() == {"bank": Decimal(50)}
    assert await house.balance("income.fees", ("house", "house")) == Decimal(-50)
    async with house.by() as session:
        steps = await queries.steps(session, (await house.line()).id)
    assert [one.to_state for one in steps] == ["suspense", "released"]


async def test_a_newer_question_replaces_the_older_one(house: House) -> None:
    """Who agrees to the first one is told that it is closed; the line is not released by it."""
    await house.take(camt(Wire("50.00", "Rent")))
    line = await house.line()
    first = await house.ask(line, Target("account", account="income.fees"))
    second = await house.ask(line, Target("return"))

    with pytest.raises(requests.AlreadyDecided):
        await house.agree(first)
    await house.agree(second)
    assert (await house.line()).state == "returning"
    with pytest.raises(NotInSuspense):
        await house.ask(line, Target("return"))


async def test_money_is_sent_back_when_the_bank_has_sent_it(house: House) -> None:
    """Until the outgoing line names the return, the money stays in suspense."""
    await house.take(camt(Wire("50.00", "Rent", "Ann Lee")))
    await house.agree(await house.ask(await house.line(), Target("return")))
    line = await house.line()
    assert line.return_reference is not None
    assert await house.balances() == {"bank": Decimal(50), "suspense": Decimal(-50)}

    back = Wire("-50.00", f"Return {line.return_reference}", "Ann Lee")
    await house.take(camt(back, statement="2"))

    assert await house.balances() == {}
    assert [(row.line.amount, row.line.state) for row in await house.lines()] == [
        (Decimal(-50), "known"),
        (Decimal(50), "released"),
    ]


async def test_what_left_is_booked_to_the_provider_it_was_for(house: House) -> None:
    """An outgoing line without a name waits like one that came in."""
    await house.take(camt(Wire("-75.00", "Chargeback cards")))
    assert await house.balances() == {"bank": Decimal(-75), "suspense": Decimal(75)}

    line = await house.line()
    target = Target("account", account="asset.psp_clearing", connection_id=house.cards_id)
    await house.agree(await house.ask(line, target))

    assert await house.balances() == {"bank": Decimal(-75), "cards": Decimal(75)}


async def test_a_refused_release_leaves_the_reason_and_the_money(house: House) -> None:
    """The line can be asked about again."""
    await house.take(camt(Wire("50.00", "Rent")))
    line = await house.line()
    asked = await house.ask(line, Target("return"))
    async with house.by(house.checker) as session:
        await requests.decide(
            session,
            approval_id=asked.id,
            viewer=viewer(house.checker),
            approve=False,
            reason="Ask the client first",
        )
        await releases.on_rejected(
            session,
            ApprovalRejected(asked.id, asked.kind, *("bank_line", line.id), reason="Ask first"),
        )

    async with house.by() as session:
        steps = await queries.steps(session, line.id)
    assert [one.reason for one in steps][-1] == "Release refused: Ask first"
    assert (await house.line()).state == "suspense"


async def test_a_deposit_that_was_settled_meanwhile_is_not_paid_twice(house: House) -> None:
    """What was agreed can't be done any more: the money stays in suspense."""
    deposit = await house.deposit()
    await house.take(camt(Wire("980.00", deposit.reference, "Mara Lindqvist")))
    asked = await house.ask(await house.line(), Target("deposit", deposit=deposit.reference))
    await house.take(camt(Wire("1000.00", deposit.reference, "Mara Lindqvist"), statement="2"))

    await house.agree(asked)

    assert await house.balances() == {
        "bank": EUR + 980,
        "wallet": -EUR,
        "suspense": Decimal(-980),
    }


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (Target("deposit", deposit="DEP-00000000"), "deposit"),
        (Target("account", account="liability.client_wallet"), "account"),
        (Target("account", account="asset.psp_clearing"), "connection"),
        (Target("nowhere"), "to"),
    ],
)
async def test_a_target_that_means_nothing_is_refused_beside_its_field(
    house: House, target: Target, field: str
) -> None:
    """Nothing is asked."""
    await house.take(camt(Wire("50.00", "Rent")))
    with pytest.raises(InvalidInput) as refused:
        await house.ask(await house.line(), target)
    assert set(refused.value.fields) == {field}


async def test_a_top_up_is_known_when_the_bank_shows_it(house: House) -> None:
    """E12 row 4 is booked when it is decided; its two lines in statements book nothing again."""
    async with house.by() as session:
        await entries.post(
            session,
            key="top",
            kind="top_up",
            lines=bookings.top_up(Money.of("24.25", "EUR")),
            reference="TOP-AAAA1111",
        )
    await house.take(camt(Wire("24.25", "Own funds TOP-AAAA1111")))
    await house.take(camt(Wire("-24.25", "TOP AAAA1111"), number="DE02120300000000202051"))

    assert [row.line.state for row in await house.lines()] == ["known", "known"]
    assert await house.balances() == {"bank": Decimal("24.25"), "own": Decimal("-24.25")}
    async with house.by() as session:
        assert (await ledger_queries.count_entries(session))[0] == 1
