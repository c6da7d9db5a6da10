"""Trial balances and account statements say what stands in the book, at any moment, by pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from ledger import bookings, chart, entries, queries, trial_balance
from ledger.lines import Draft
from ledger.trial_balance import Row
from tests.ledger.book import CLEARING, WALLET, deposit_lines

START = datetime(2025, 10, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """Return noon of a day of October."""
    return START + timedelta(days=number - 1, hours=12)


async def keep_books(session: TenantSession) -> None:
    """Post three days of two currencies, the last day first."""
    await entries.post_batch(
        session,
        drafts=[
            Draft("c", "deposit", deposit_lines("7.00", currency="USD"), occurred_at=day(20)),
            Draft("a", "deposit", deposit_lines("100.00"), occurred_at=day(5)),
            Draft("b", "deposit", deposit_lines("50.00", "c2"), occurred_at=day(10)),
            Draft("f", "fee", bookings.fee("c1", Money.of("3.50", "EUR")), occurred_at=day(10)),
        ],
    )


async def test_a_trial_balance_has_opening_turnover_and_closing_of_each_currency(
    tenant_session: TenantSession,
) -> None:
    """From the sixth to before the twentieth: the dollars of the twentieth are not in it."""
    await keep_books(tenant_session)
    found = await trial_balance.at(tenant_session, since=day(6), until=day(20))

    zero = Decimal(0)
    assert found.rows == (
        Row(CLEARING, "EUR", Decimal(100), Decimal(50), zero, Decimal(150)),
        Row(chart.FEES, "EUR", zero, zero, Decimal("3.5"), Decimal("-3.5")),
        Row(WALLET, "EUR", Decimal(-100), Decimal("3.5"), Decimal(50), Decimal("-146.5")),
    )
    assert found.totals == (Row("", "EUR", zero, Decimal("53.5"), Decimal("53.5"), zero),)
    assert found.balanced


async def test_a_trial_balance_as_of_a_moment_counts_from_the_beginning(
    tenant_session: TenantSession,
) -> None:
    """The turnover of the whole book, nothing before it, each currency for itself."""
    await keep_books(tenant_session)
    found = await trial_balance.at(tenant_session, until=now())
    before = await trial_balance.at(tenant_session, until=day(5))

    assert [(row.code, row.currency, row.closing) for row in found.rows] == [
        (CLEARING, "EUR", Decimal(150)),
        (chart.FEES, "EUR", Decimal("-3.5")),
        (WALLET, "EUR", Decimal("-146.5")),
        (CLEARING, "USD", Decimal(7)),
        (WALLET, "USD", Decimal(-7)),
    ]
    assert [total.currency for total in found.totals] == ["EUR", "USD"]
    assert all(row.opening == 0 for row in found.rows)
    assert found.balanced
    assert (before.rows, before.balanced) == ((), True)


async def test_periods_side_by_side_close_where_the_next_one_opens(
    tenant_session: TenantSession,
) -> None:
    """Whatever was posted, and in whatever order."""
    dice = Random(3)
    drafts = [
        Draft(
            f"k{number}",
            "deposit",
            deposit_lines(f"{dice.randint(1, 9_999) / 100:.2f}", f"c{dice.randrange(3)}"),
            occurred_at=day(dice.randint(1, 28)),
        )
        for number in range(60)
    ]
    await entries.post_batch(tenant_session, drafts=drafts)
    moments = [START + timedelta(days=7 * week) for week in range(5)]
    weeks = [
        await trial_balance.at(tenant_session, since=first, until=last)
        for first, last in pairwise(moments)
    ]

    for earlier, later in pairwise(weeks):
        opening = {(row.code, row.currency): row.opening for row in later.rows}
        for row in earlier.rows:
            assert row.closing == row.opening + row.debits - row.credits
            assert opening[row.code, row.currency] == row.closing
    assert all(week.balanced for week in weeks)
    assert weeks[-1].rows[0].closing == sum(draft.lines[0].amount for draft in drafts)


async def test_an_unbalanced_book_is_not_called_balanced() -> None:
    """The verdict looks at openings, turnovers and closings."""
    good = Row("", "EUR", Decimal(0), Decimal(5), Decimal(5), Decimal(0))
    for broken in (
        Row("", "EUR", Decimal(1), Decimal(5), Decimal(5), Decimal(0)),
        Row("", "EUR", Decimal(0), Decimal(5), Decimal(4), Decimal(0)),
        Row("", "EUR", Decimal(0), Decimal(5), Decimal(5), Decimal(1)),
    ):
        made = trial_balance.TrialBalance(None, START, (), (good, broken))
        assert not made.balanced


@pytest.mark.parametrize("size", [1, 4, 7, 100])
async def test_a_statement_is_read_page_by_page_without_a_gap(
    tenant_session: TenantSession, size: int
) -> None:
    """Lines of one moment are told apart by their version; balances run on over the pages."""
    dice = Random(size)
    drafts = [
        Draft(
            f"k{number}",
            "deposit",
            deposit_lines(f"{number + 1}.00"),
            occurred_at=day(dice.randint(8, 12)),
        )
        for number in range(20)
    ]
    await entries.post_batch(tenant_session, drafts=drafts)
    window = {"since": day(9), "until": day(12)}

    async def page(after: tuple[datetime, int] | None, limit: int) -> queries.Period:
        return await queries.period(
            tenant_session,
            code=WALLET,
            currency="EUR",
            owner=("client", "c1"),
            limit=limit,
            after=after,
            **window,
        )

    whole = await page(None, 500)
    seen: list[queries.StatementLine] = []
    after = None
    while (found := await page(after, size)).lines:
        assert (found.opening, found.closing, found.count) == (
            whole.opening,
            whole.closing,
            whole.count,
        )
        seen += found.lines
        after = (seen[-1].occurred_at, seen[-1].version)

    assert seen == whole.lines
    assert len(seen) == whole.count
    assert seen[-1].balance_after == whole.closing
    running = whole.opening
    for one in seen:
        running += one.amount
        assert one.balance_after == running
