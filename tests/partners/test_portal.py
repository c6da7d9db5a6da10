"""The partner portal over HTTP: joining, the branch, the lines and nobody else's."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from identity import email_tokens
from identity import queries as identity_queries
from introducers import queries
from introducers.models import Partner
from introducers.provisioning import add_plans
from kernel.actor import TenantRef
from kernel.database import Database
from messaging.models import Message
from tests.factories.introducers import PASSWORD, client_of, partner
from tests.factories.trades import trade
from tests.fixtures.database import BETA
from tests.fixtures.web import Browser, host
from tests.introducers.conftest import Office, office

__all__ = ["office"]
IB = host("ib")
NEW = {
    "name": "Nour Introducers",
    "country": "AE",
    "email": "nour@partner.example",
    "password": "three unrelated words",
    "terms": "on",
}


async def two_partners(office: Office) -> tuple[Partner, Partner]:
    """Return a Master and a sub-IB below whose client has closed two lots."""
    async with office.database.tenant(office.tenant) as session:
        master = await partner(session, "Atlas", plan="MASTER")
        sub = await partner(session, "Sari", parent=master)
        client = await client_of(
            session, sub, first_name="Zeynep", last_name="Okafor", email="zeynep@mail.example"
        )
    login = await office.account("STD", client_id=client)
    await office.play(*trade(login, "2.00"))
    return master, sub


async def test_somebody_joins_below_a_partner_and_proves_their_address(
    database: Database, tenant: TenantRef, browser: Browser
) -> None:
    """Registered by a link, they stand below its owner and are active after the mailed link."""
    async with database.tenant(tenant) as session:
        top = await partner(session, "Atlas", plan="MASTER")
    form = await browser.get(IB, f"/join/{top.code}")
    assert "You join the network of \u2066Atlas\u2069." in form.text

    sent = await browser.post(IB, f"/join/{top.code}", NEW)
    assert sent.status_code == 200
    assert "Check your mail" in sent.text

    await browser.log_in(IB, NEW["email"], NEW["password"])
    waiting = await browser.get(IB, "/")
    assert "Confirm your e-mail address" in waiting.text
    assert (await browser.get(IB, "/commissions")).status_code == 409

    async with database.tenant(tenant) as session:
        user = await identity_queries.user_by_email(session, kind="partner", email=NEW["email"])
        assert user is not None
        secret = await email_tokens.issue(session, user_id=user.id, purpose="verify")
    verified = await browser.get(IB, f"/verify/{secret}")
    assert verified.status_code == 303
    page = await browser.get(IB, "/")

    async with database.tenant_read(tenant) as reading:
        made = await queries.partner_of_user(reading, user.id)
        templates = set(await reading.scalars(select(Message.template)))
    assert made is not None
    assert (made.state, made.parent_id) == ("active", top.id)
    assert f"http://www.alpha.localhost:8000/r/{made.code}" in page.text
    assert templates == {"verify_email", "partner_welcome"}


async def test_bad_fields_lose_nothing_typed(
    database: Database, tenant: TenantRef, browser: Browser
) -> None:
    """Each wrong field says what to do; the rest stays in the form."""
    async with database.tenant(tenant) as session:
        await add_plans(session)
    await browser.get(IB, "/register")

    answer = await browser.post(IB, "/register", {**NEW, "email": "nour", "terms": ""})

    assert answer.status_code == 422
    assert "Enter an address such as name@example.com." in answer.text
    assert "Read and accept the partner agreement" in answer.text
    assert "Nour Introducers" in answer.text
    assert NEW["password"] not in answer.text


async def test_an_address_is_taken_once(
    database: Database, tenant: TenantRef, browser: Browser
) -> None:
    """The second registration with an address is told to sign in."""
    async with database.tenant(tenant) as session:
        await partner(session, "Nour", email=NEW["email"])
    await browser.get(IB, "/register")

    answer = await browser.post(IB, "/register", NEW)

    assert answer.status_code == 422
    assert "Sign in instead" in answer.text


async def test_a_dead_link_is_not_there(browser: Browser) -> None:
    """A code that is nobody's gives 404 with words."""
    answer = await browser.get(IB, "/join/NOBODY99")

    assert answer.status_code == 404
    assert "Ask your partner" in answer.text


async def test_each_partner_sees_their_own_share_of_the_branch(
    office: Office, browser: Browser
) -> None:
    """The Master sees the sub-IB's client masked, and 4.00; the sub-IB sees 10.00."""
    master, sub = await two_partners(office)
    for who, amount in ((master, "4.00"), (sub, "10.00")):
        await browser.log_in(IB, who.email, PASSWORD)
        commissions = await browser.get(IB, "/commissions")
        clients = await browser.get(IB, "/referrals")
        assert amount in commissions.text
        assert "Z•••• O." in clients.text
        for secret in ("Zeynep", "Okafor", "zeynep@mail.example"):
            assert secret not in clients.text + commissions.text
        await browser.post(IB, "/logout")


async def test_a_line_opens_its_arithmetic(office: Office, browser: Browser) -> None:
    """The page shows plan, rate, entitlement, what is entitled below, and the checks."""
    master, _ = await two_partners(office)
    [line] = await office.lines_of(master)
    await browser.log_in(IB, master.email, PASSWORD)

    page = await browser.get(IB, f"/commissions/{line.id}")

    text = re.sub(r"<[^>]+>", " ", page.text)
    for part in (
        *("Master v1", "7.00 USD a lot", "14.00 USD", "10.00 USD", "4.00"),
        "16.00 USD allowed",
    ):
        assert part in " ".join(text.split())


async def test_somebody_elses_line_is_not_there(office: Office, browser: Browser) -> None:
    """The Master's line is 404 for the sub-IB, and so is everything for another brokerage."""
    master, sub = await two_partners(office)
    [line] = await office.lines_of(master)
    await browser.log_in(IB, sub.email, PASSWORD)
    assert (await browser.get(IB, f"/commissions/{line.id}")).status_code == 404

    other = host("ib", BETA.slug)
    async with office.database.tenant(BETA) as session:
        stranger = await partner(session, "Stranger")
    await browser.log_in(other, stranger.email, PASSWORD)
    assert (await browser.get(other, f"/commissions/{line.id}")).status_code == 404
    assert "Z••••" not in (await browser.get(other, "/referrals")).text


async def test_a_partner_beside_sees_nothing(office: Office, browser: Browser) -> None:
    """Neither clients nor lines of a branch appear to somebody who stands beside it."""
    await two_partners(office)
    async with office.database.tenant(office.tenant) as session:
        beside = await partner(session, "Beside", plan="MASTER")
    await browser.log_in(IB, beside.email, PASSWORD)

    assert "Z••••" not in (await browser.get(IB, "/referrals")).text
    assert "Nothing here yet" in (await browser.get(IB, "/commissions")).text


async def test_the_list_is_narrowed_and_exported(office: Office, browser: Browser) -> None:
    """Filters narrow rows and totals alike; the CSV has the same lines."""
    _, sub = await two_partners(office)
    await browser.log_in(IB, sub.email, PASSWORD)

    nothing = "Nothing here matches"
    assert nothing in (await browser.get(IB, "/commissions?symbol=XAUUSD")).text
    assert nothing in (await browser.get(IB, "/commissions?day_from=2026-11-11")).text
    form = {"query": "symbol=EURUSD&day_from=2026-11-10&cols=deal,lots,how,commission"}
    found = await browser.post(IB, "/commissions/export", {**form, "format": "csv"})

    rows = found.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "Deal,Instrument,Lots,Level,Version of the plan,Reason,Commission,Currency"
    assert len(rows) == 2
    assert ",EURUSD,2.00,1,3,,10.00,USD" in rows[1]


@pytest.mark.parametrize(
    "path", ["/commissions?after=x", "/referrals?after=2026~1", "/balance?after=-1"]
)
async def test_odd_addresses_show_the_first_page(
    office: Office, browser: Browser, path: str
) -> None:
    """What can't be read in the address is left out."""
    _, sub = await two_partners(office)
    await browser.log_in(IB, sub.email, PASSWORD)

    assert (await browser.get(IB, path)).status_code == 200


async def test_a_visitor_has_to_sign_in(browser: Browser) -> None:
    """Nothing of the portal is open to visitors but joining."""
    for path in ("/", "/commissions", "/referrals", "/balance"):
        answer = await browser.get(IB, path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
