"""Daily revenue and partners in the Back Office, over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from introducers import queries
from introducers.models import Partner
from kernel.clock import now
from kernel.ids import uuid7
from tests.factories import people
from tests.factories.introducers import client_of, partner
from tests.factories.trades import trade
from tests.fixtures.database import BETA
from tests.fixtures.web import Browser, host
from tests.introducers.conftest import Office, office

__all__ = ["office"]
TEAM = host("team")
PASSWORD = "correct horse battery staple"


async def seeded(office: Office, role: str) -> tuple[Partner, Partner, str, int]:
    """Return two partners, the address of a member of staff, and a closing deal's ticket."""
    async with office.database.tenant(office.tenant) as session:
        user = await people.staff(session, role, password=PASSWORD)
        master = await partner(session, "Atlas", plan="MASTER")
        sub = await partner(session, "Sari", parent=master)
        client = await client_of(session, sub)
    login = await office.account("STD", client_id=client)
    raw = await office.account("RAW", client_id=client)
    first = trade(login, "2.00")
    await office.play(*first, *trade(raw, "3.00", commission="-10.50"))
    return master, sub, user.email, int(first[1]["Deal"])


def words(html: str) -> str:
    """Return a page's text."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_the_day_adds_up_as_computed_by_hand(office: Office, browser: Browser) -> None:
    """6.10.15: mark-up 20.00 and commission 21.00; rebates 14.00 and 10.50; 16.50 are kept."""
    _, _, email, _ = await seeded(office, "finance_head")
    await browser.log_in(TEAM, email, PASSWORD)

    page = await browser.get(TEAM, "/backoffice/revenue?since=2026-11-01&until=2026-11-30")
    day = await browser.get(TEAM, "/backoffice/revenue/2026-11-10")
    table = await browser.get(TEAM, "/backoffice/revenue/export?since=2026-11-01&until=2026-11-30")

    row = "2026-11-10 5.00 20.00 21.00 0.00 0.00 41.00 −24.50 16.50"
    assert row in words(page.text)
    assert "EURUSD 5.00 20.00 21.00 41.00" in words(day.text)
    assert table.text.splitlines()[1] == (
        "2026-11-10,5.00,4,20.00,21.00,0.00,0.00,41.00,24.50,16.50,USD"
    )


async def test_a_servers_day_that_has_begun_before_ours_is_shown(
    office: Office, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late in the evening of UTC the trading server counts tomorrow's deals already."""
    _, _, email, _ = await seeded(office, "finance_head")
    evening = datetime(2026, 11, 9, 22, 30, tzinfo=UTC)
    monkeypatch.setattr("backoffice.revenue.now", lambda: evening)
    await browser.log_in(TEAM, email, PASSWORD)

    page = await browser.get(TEAM, "/backoffice/revenue")

    assert "2026-11-10 Live 5.00" in words(page.text)


async def test_a_deal_shows_how_its_revenue_came_about(office: Office, browser: Browser) -> None:
    """Lots, contract, half the points, the point, and what partners get of it."""
    _, _, email, ticket = await seeded(office, "dealing")
    await browser.log_in(TEAM, email, PASSWORD)

    page = await browser.get(TEAM, f"/backoffice/revenue/deals/{office.server_id}/{ticket}")

    text = words(page.text)
    for part in ("half of the group", "100000", "0.00001", "10.00 USD", "Sari", "4.00"):
        assert part in text


async def test_what_is_not_there_is_404(office: Office, browser: Browser) -> None:
    """Unknown days, deals and partners, and those of another brokerage, look the same."""
    master, _, email, ticket = await seeded(office, "owner")
    async with office.database.tenant(BETA) as session:
        beta = await people.staff(session, "owner", password=PASSWORD)
    await browser.log_in(host("team", "beta"), beta.email, PASSWORD)
    await browser.log_in(TEAM, email, PASSWORD)
    deal = f"/backoffice/revenue/deals/{office.server_id}/{ticket}"

    for path in (deal, f"/backoffice/partners/{master.id}", "/backoffice/revenue/2026-11-10"):
        assert (await browser.get(host("team", "beta"), path)).status_code == 404
    for path in (
        *("/backoffice/revenue/2020-01-01", f"/backoffice/partners/{uuid7()}"),
        f"/backoffice/revenue/deals/{office.server_id}/1",
    ):
        assert (await browser.get(TEAM, path)).status_code == 404


@pytest.mark.parametrize("role", ["sales_agent", "support", "kyc_officer"])
async def test_roles_without_the_permission_are_refused(
    office: Office, browser: Browser, role: str
) -> None:
    """Sales, support and KYC see neither revenue nor partners."""
    _, _, email, _ = await seeded(office, role)
    await browser.log_in(TEAM, email, PASSWORD)

    for path in ("/backoffice/revenue", "/backoffice/partners", "/backoffice/revenue/export"):
        assert (await browser.get(TEAM, path)).status_code == 403


async def test_the_tree_is_listed_with_its_figures(office: Office, browser: Browser) -> None:
    """Partners stand in the order of the tree; a search finds one alone."""
    await seeded(office, "partner_manager")
    async with office.database.tenant(office.tenant) as session:
        user = await people.staff(session, "partner_manager", password=PASSWORD)
    await browser.log_in(TEAM, user.email, PASSWORD)

    every = words((await browser.get(TEAM, "/backoffice/partners")).text)
    one = words((await browser.get(TEAM, "/backoffice/partners?q=sari")).text)

    assert every.index("Atlas") < every.index("Sari")
    assert "Atlas" not in one


async def test_staff_move_change_and_suspend(office: Office, browser: Browser) -> None:
    """Each decision takes effect, a loop is refused with words, a missing reason too."""
    master, sub, _, _ = await seeded(office, "auditor")
    async with office.database.tenant(office.tenant) as session:
        user = await people.staff(session, "partner_manager", password=PASSWORD)
    await browser.log_in(TEAM, user.email, PASSWORD)
    page = f"/backoffice/partners/{master.id}"
    assert (await browser.get(TEAM, page)).status_code == 200

    loop = await browser.post(TEAM, f"{page}/move", {"parent_id": str(sub.id)})
    silent = await browser.post(TEAM, f"{page}/suspend", {"reason": " "})
    wrong = await browser.post(TEAM, f"{page}/terms", {"plan_code": "MASTER", "ratio": "NaN"})
    assert [answer.status_code for answer in (loop, silent, wrong)] == [422] * 3
    assert "does not stand below" in loop.text

    below = f"/backoffice/partners/{sub.id}"
    done = [
        await browser.post(TEAM, f"{below}/terms", {"plan_code": "MASTER", "ratio": "1.2"}),
        await browser.post(TEAM, f"{below}/move", {"parent_id": ""}),
        await browser.post(TEAM, f"{below}/suspend", {"reason": "A dispute is open"}),
    ]
    assert [answer.status_code for answer in done] == [303] * 3
    async with office.database.tenant_read(office.tenant) as session:
        found = await queries.partner(session, sub.id)
    assert found is not None
    assert (found.plan_code, str(found.ratio), found.parent_id) == ("MASTER", "1.2000", None)
    assert found.state == "suspended"


async def test_readers_decide_nothing(office: Office, browser: Browser) -> None:
    """An auditor sees partners and may not suspend one."""
    master, _, email, _ = await seeded(office, "auditor")
    await browser.log_in(TEAM, email, PASSWORD)
    page = f"/backoffice/partners/{master.id}"
    assert (await browser.get(TEAM, page)).status_code == 200

    assert (await browser.post(TEAM, f"{page}/suspend", {"reason": "x"})).status_code == 403


async def test_an_odd_period_falls_back(office: Office, browser: Browser) -> None:
    """Days that are none show the last two weeks; a reversed period is turned round."""
    _, _, email, _ = await seeded(office, "owner")
    await browser.log_in(TEAM, email, PASSWORD)
    today = now().date()

    for query in ("days=x", "since=never", f"since={today}&until={today - timedelta(days=3)}"):
        assert (await browser.get(TEAM, f"/backoffice/revenue?{query}")).status_code == 200
