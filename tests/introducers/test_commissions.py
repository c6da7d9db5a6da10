"""What a trade pays its introducers, by numbers computed by hand (features 6.10, examples E5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from introducers import partners, plans, rules, tree
from introducers.models import Partner
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from revenue import lines
from tests.factories.introducers import LONG_AGO, client_of, partner
from tests.factories.trades import deal, trade
from tests.factories.trading import NOON
from tests.introducers.conftest import Office


async def two_levels(office: Office, *, ratio: str = "1") -> tuple[Partner, Partner, UUID]:
    """Return a Master, a Silver sub-IB below, and the sub-IB's client."""
    async with office.database.tenant(office.tenant) as session:
        master = await partner(session, "Atlas", plan="MASTER")
        sub = await partner(session, "Sari", parent=master, ratio=ratio)
        return master, sub, await client_of(session, sub)


async def test_the_upline_earns_the_difference(office: Office) -> None:
    """6.10.1: two lots EURUSD pay 2 x 5.00 = 10.00 and 2 x (7.00 - 5.00) = 4.00 of 20.00."""
    master, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)

    await office.play(*trade(login, "2.00"))

    assert await office.paid(sub) == ["10.00"]
    assert await office.paid(master) == ["4.00"]
    [line] = await office.lines_of(sub)
    assert (line.level, line.arithmetic["revenue"], line.arithmetic["cap"]) == (1, "20", "16")
    assert line.reason == ""


async def test_a_tier_multiplies_the_rate(office: Office) -> None:
    """6.10.2: at Gold, x1.2, the sub-IB gets 12.00 and the Master 14.00 - 12.00 = 2.00."""
    master, sub, client = await two_levels(office, ratio="1.2")
    login = await office.account("STD", client_id=client)

    await office.play(*trade(login, "2.00"))

    assert (await office.paid(sub), await office.paid(master)) == (["12.00"], ["2.00"])


async def test_raw_accounts_pay_a_share_of_the_commission(office: Office) -> None:
    """6.10.3: 30 % of 21.00 is 6.30 and the Master's 50 % - 30 % is 4.20."""
    master, sub, client = await two_levels(office)
    login = await office.account("RAW", client_id=client)

    await office.play(*trade(login, "3.00", commission="-10.50"))

    assert (await office.paid(sub), await office.paid(master)) == (["6.30"], ["4.20"])
    [line] = await office.lines_of(sub)
    assert (line.arithmetic["method"], line.arithmetic["commission"]) == ("percent", "21")


async def per_lot_everywhere(session: TenantSession) -> None:
    """Add the plans of 6.10.4, which pay per lot on RAW too."""
    for code, rate in (("LOW", "5.00"), ("HIGH", "7.00")):
        await plans.add(
            session,
            code=code,
            name=code.title(),
            structure="rank",
            joining="private",
            auto_approve=False,
            terms=rules.terms(rates={"FX Majors": [rate]}, percents=["0"], percent_accounts=[]),
            effective_from=LONG_AGO,
        )


async def test_the_guard_scales_everybody_alike(office: Office) -> None:
    """6.10.4: 5.00 + 2.00 on a revenue of 7.00 become 4.00 + 1.60 under the guard of 80 %."""
    async with office.database.tenant(office.tenant) as session:
        await per_lot_everywhere(session)
        master = await partner(session, "Atlas", plan="HIGH")
        sub = await partner(session, "Sari", plan="LOW", parent=master)
        client = await client_of(session, sub)
    login = await office.account("RAW", client_id=client)

    await office.play(*trade(login, "1.00", commission="-3.50"))

    assert (await office.paid(sub), await office.paid(master)) == (["4.00"], ["1.60"])
    [line] = await office.lines_of(sub)
    assert line.reason == "scaled to 80 % of the revenue of the trade"


async def test_cent_lots_are_hundredths(office: Office) -> None:
    """6.10.5: 100 cent lots x 0.01 = 1.00 lot: 5.00, of a revenue of 15.00."""
    _, sub, client = await two_levels(office)
    login = await office.account("CENT", client_id=client)

    await office.play(*trade(login, "100.00", ContractSize="1000", RateProfit="100"))

    [line] = await office.lines_of(sub)
    assert (line.lots, line.amount) == (Decimal(1), Decimal("5.00"))


async def test_three_levels_share_the_top_rate(office: Office) -> None:
    """E5: 4.27 lots at 5, 7 and 10 pay 21.35, 8.54 and 12.81; a rate set too high costs no more."""
    async with office.database.tenant(office.tenant) as session:
        for code, rate in (("R5", "5"), ("R7", "7"), ("R8", "8"), ("R10", "10")):
            await plans.add(
                session,
                code=code,
                name=code,
                structure="rank",
                joining="private",
                auto_approve=False,
                terms=rules.terms(rates={"FX Majors": [rate]}, percents=["0"], guard_percent="100"),
                effective_from=LONG_AGO,
            )
        top = await partner(session, "Master", plan="R10")
        middle = await partner(session, "Ib", plan="R7", parent=top)
        low = await partner(session, "Sub", plan="R5", parent=middle)
        wrong = await partner(session, "Wrong", plan="R8", parent=middle)
        logins = [await client_of(session, low), await client_of(session, wrong)]
    first, second = [await office.account("STD", client_id=client) for client in logins]

    await office.play(*trade(first, "4.27"))
    assert await office.paid(low) == ["21.35"]
    assert await office.paid(middle) == ["8.54"]
    assert await office.paid(top) == ["12.81"]

    await office.play(*trade(second, "1.00"))
    assert await office.paid(wrong) == ["8.00"]
    assert await office.paid(middle) == ["8.54", "0.00"]
    assert await office.paid(top) == ["12.81", "2.00"]


async def test_level_plans_pay_by_distance(office: Office) -> None:
    """Level: 5.00, 1.00 and 0.50 by distance, four fifths on minors; a fourth gets nothing."""
    async with office.database.tenant(office.tenant) as session:
        chain: list[Partner] = []
        for name in ("Top", "Third", "Second", "First"):
            parent = chain[-1] if chain else None
            chain.append(await partner(session, name, plan="LEVEL", parent=parent))
        client = await client_of(session, chain[-1])
    login = await office.account("STD", client_id=client)

    await office.play(
        *trade(login, "1.00"), *trade(login, "1.00", Symbol="EURGBP", RateProfit="1.3")
    )

    paid = [await office.paid(one) for one in reversed(chain)]
    assert paid == [["5.00", "4.00"], ["1.00", "0.80"], ["0.50", "0.40"], ["0.00", "0.00"]]


async def test_a_trade_held_too_short_pays_nothing_and_says_so(office: Office) -> None:
    """119 seconds are too short and 120 are enough."""
    _, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)

    await office.play(*trade(login, "1.00", held=119), *trade(login, "1.00", held=120))

    assert await office.paid(sub) == ["0.00", "5.00"]
    assert (await office.lines_of(sub))[0].reason == "held 119 s, the plan asks for 120 s"


async def test_commissions_are_rounded_down(office: Office) -> None:
    """0.13 lots x 4.37 are 0.5681: 0.56 is paid, and the upline's 0.3419 is 0.34."""
    async with office.database.tenant(office.tenant) as session:
        for code, rate in (("ODD", "4.37"), ("SEVEN", "7.00")):
            await plans.add(
                session,
                code=code,
                name=code,
                structure="rank",
                joining="private",
                auto_approve=False,
                terms=rules.terms(rates={"FX Majors": [rate]}, percents=["0"]),
                effective_from=LONG_AGO,
            )
        top = await partner(session, "Atlas", plan="SEVEN")
        sub = await partner(session, "Sari", plan="ODD", parent=top)
        client = await client_of(session, sub)
    login = await office.account("STD", client_id=client)

    await office.play(*trade(login, "0.13"))

    assert (await office.paid(sub), await office.paid(top)) == (["0.56"], ["0.34"])


async def test_a_partial_close_carries_its_part_of_the_opening(office: Office) -> None:
    """Half a position closed pays on half the opening's commission: 30 % of 3.50 + 3.50."""
    _, sub, client = await two_levels(office)
    login = await office.account("RAW", client_id=client)
    start = NOON - timedelta(hours=3)
    opened = deal(login, "2.00", at=start, Commission="-7.00", PositionID="77", ticket=77)
    parts = [
        deal(
            login,
            "1.00",
            at=start + timedelta(hours=hours),
            Entry="1",
            Action="1",
            Commission="-3.50",
            PositionID="77",
        )
        for hours in (1, 2)
    ]

    await office.play(opened, *parts)

    assert await office.paid(sub) == ["2.10", "2.10"]


async def test_demo_and_unattributed_trades_pay_nobody(office: Office) -> None:
    """A demo account's and a stranger's trades leave no line."""
    _, sub, client = await two_levels(office)
    await office.offer("DEMO", points={"EURUSD": 10}, folder="demo\\alpha")
    demo = await office.account("DEMO", client_id=client)
    stranger = await office.account("STD")

    assert await office.play(*trade(demo, "1.00"), *trade(stranger, "1.00")) == 0

    assert await office.paid(sub) == []


async def test_trades_before_the_attribution_pay_nobody(office: Office) -> None:
    """Only what closes after the client came through the partner counts."""
    _, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)

    await office.play(*trade(login, "1.00", at=LONG_AGO - timedelta(days=1)))

    assert await office.paid(sub) == []


async def test_replays_change_nothing(office: Office) -> None:
    """The same event again, and many at once, leave the same lines."""
    master, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)
    rows = trade(login, "2.00")
    await office.store(*rows)
    async with office.database.tenant(office.tenant) as session:
        await lines.book(session, server_id=office.server_id)
    tickets = [int(row["Deal"]) for row in rows]

    changed = await asyncio.gather(*(office.accrue(*tickets) for _ in range(8)))

    assert sorted(changed) == [0] * 7 + [2]
    assert await office.accrue(*tickets) == 0
    assert (await office.paid(sub), await office.paid(master)) == (["10.00"], ["4.00"])


async def test_the_order_of_events_does_not_matter(office: Office) -> None:
    """A closing side booked before its opening waits, and pays the same in the end."""
    _, sub, client = await two_levels(office)
    login = await office.account("RAW", client_id=client)
    opened, closed = trade(login, "3.00", commission="-10.50")
    await office.store(opened, closed)
    for row, expected in ((closed, []), (opened, ["6.30"])):
        async with office.database.tenant(office.tenant) as session:
            await lines.book(session, server_id=office.server_id, tickets=[int(row["Deal"])])
        await office.accrue(int(row["Deal"]))
        assert await office.paid(sub) == expected


async def test_a_changed_deal_restates_its_lines(office: Office) -> None:
    """The new lots count, the earlier line stays to be read and counts no more."""
    _, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)
    opened, closed = trade(login, "2.00")
    await office.play(opened, closed)

    await office.play({**closed, "Volume": "10000", "VolumeExt": "100000000"})

    assert await office.paid(sub) == ["5.00"]
    [old] = await office.lines_of(sub, latest=False)
    assert (old.amount, old.revision) == (Decimal(10), 1)


async def test_a_cancelled_deal_pays_nothing(office: Office) -> None:
    """A closing deal that the dealer cancels takes its lines along."""
    _, sub, client = await two_levels(office)
    login = await office.account("STD", client_id=client)
    opened, closed = trade(login, "2.00")
    await office.play(opened, closed)

    await office.play({**closed, "Action": "14"})

    assert await office.paid(sub) == []


async def test_the_tree_pays_as_it_was_when_the_trade_closed(office: Office) -> None:
    """After a move the new upline earns; trades before it stay with the old one, also restated."""
    old, sub, client = await two_levels(office)
    moved_at = NOON - timedelta(hours=6)
    async with office.database.tenant(office.tenant) as session:
        new = await partner(session, "Newton", plan="MASTER")
        await tree.move(session, partner_id=sub.id, parent_id=new.id, at=moved_at)
    login = await office.account("STD", client_id=client)
    before = trade(login, "1.00", at=moved_at - timedelta(hours=3))
    after = trade(login, "2.00", at=moved_at + timedelta(hours=1))

    await office.play(*before, *after)

    assert (await office.paid(old), await office.paid(new)) == (["2.00"], ["4.00"])
    assert await office.paid(sub) == ["5.00", "10.00"]


async def test_new_terms_count_from_their_moment(office: Office) -> None:
    """A partner who becomes a Master keeps the Silver rates for what closed before."""
    async with office.database.tenant(office.tenant) as session:
        alone = await partner(session, "Solo")
        client = await client_of(session, alone)
        changed_at = NOON - timedelta(hours=6)
        await partners.set_terms(session, partner_id=alone.id, plan_code="MASTER", at=changed_at)
    login = await office.account("STD", client_id=client)

    await office.play(
        *trade(login, "1.00", at=changed_at - timedelta(hours=3)),
        *trade(login, "1.00", at=changed_at + timedelta(hours=1)),
    )

    assert await office.paid(alone) == ["5.00", "7.00"]


@pytest.mark.parametrize("bad", ["-1", "NaN", "five", "Infinity"])
async def test_terms_hold_only_figures(bad: str) -> None:
    """A rate that is none is refused before it can pay anybody."""
    with pytest.raises(InvalidInput):
        rules.terms(rates={"FX Majors": [bad]}, percents=["30"])
