"""The chart of accounts in code and in every brokerage's schema is one and the same."""

from __future__ import annotations

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from ledger import chart, entries, queries
from ledger.chart import ACCOUNTS
from ledger.errors import UnpostableEntry
from ledger.provisioning import chart_of_accounts
from tests.ledger.book import line

# What compliance.md 5 lists, by its words.
LISTED = {
    "Bank segregated": chart.BANK,
    "Bank own": chart.BANK_OWN,
    "PSP clearing": chart.PSP_CLEARING,
    "PSP reserve": chart.PSP_RESERVE,
    "LP/prime margin": chart.LP_MARGIN,
    "platform settlement": chart.PLATFORM_SETTLEMENT,
    "receivable negative balances": chart.CLIENT_RECEIVABLE,
    "suspense unallocated": chart.SUSPENSE,
    "Client wallets": chart.CLIENT_WALLET,
    "Client trading account": chart.TRADING_ACCOUNT,
    "Withdrawals pending": chart.WITHDRAWALS_PENDING,
    "IB payable": chart.PARTNER_WALLET,
    "PM payable": chart.MANAGER_WALLET,
    "Bonus/credit liability": chart.BONUS,
    "FX conversion": chart.FX_CONVERSION,
    "taxes": chart.TAX,
    "Spread markup": chart.MARKUP,
    "Commission": chart.COMMISSION,
    "Swap": chart.SWAP,
    "B-book P&L": chart.B_BOOK,
    "FX markup": chart.FX_MARKUP,
    "inactivity/withdrawal fees": chart.FEES,
    "performance-fee share": chart.PERFORMANCE_FEE,
    "LP cost": chart.LP_COST,
    "PSP fees": chart.PSP_FEE,
    "IB expense": chart.PARTNER_COMMISSION,
    "NBP write-off": chart.NEGATIVE_BALANCE,
    "bonus cost": chart.BONUS_COST,
    "chargebacks": chart.CHARGEBACK,
}


async def test_the_schema_has_the_accounts_that_the_code_has(
    superuser: asyncpg.Connection, tenant: TenantRef
) -> None:
    """Codes, owners and guards; neither has one that the other lacks."""
    rows = await superuser.fetch(
        f"SELECT code, owner_kind, guarded, forcible FROM {tenant.schema}.account_code"
    )

    assert {tuple(row) for row in rows} == {
        (one.code, one.owner_kind, one.guarded, one.forcible) for one in ACCOUNTS
    }


def test_every_listed_account_has_a_code_of_its_own() -> None:
    """And beside the list only opening balances, and what a reconciliation gives up."""
    assert len(set(LISTED.values())) == len(LISTED)
    assert set(chart.CODES) - set(LISTED.values()) == {chart.OPENING, chart.RECONCILIATION}
    assert all(one.forcible <= one.guarded for one in ACCOUNTS)
    assert {code.split(".")[0] for code in chart.CODES} == {
        "asset",
        "liability",
        "income",
        "expense",
        "equity",
    }


async def test_a_new_brokerage_has_its_own_accounts_open_in_its_base_currency(
    tenant_session: TenantSession,
) -> None:
    """Every account of the house, and its main bank; repeating the step changes nothing."""
    opened = await chart_of_accounts(tenant_session)
    again = await chart_of_accounts(tenant_session)

    house = [one for one in ACCOUNTS if one.owner_kind == "house"]
    assert opened == again == len(house) + 2
    assert (await queries.count_entries(tenant_session))[1] == opened
    [bank] = await queries.balances(tenant_session, code=chart.BANK)
    assert (bank.owner_id, bank.currency) == ("main", "USD")


@pytest.mark.parametrize(
    ("code", "owner"),
    [
        (chart.CLIENT_WALLET, ("house", "house")),
        (chart.BANK, ("house", "house")),
        ("asset.unheard_of", ("house", "house")),
    ],
)
async def test_an_account_of_nobody_is_not_opened(
    database: Database, tenant: TenantRef, code: str, owner: tuple[str, str]
) -> None:
    """A code belongs to one kind of owner, and must be in the chart."""
    with pytest.raises(UnpostableEntry):
        async with database.tenant(tenant) as session:
            await entries.post(
                session,
                key="k",
                kind="x",
                lines=[line(code, "1.00", owner), line(chart.OPENING, "-1.00", chart.HOUSE)],
            )
