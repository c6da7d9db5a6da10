"""The bell and the page behind it, as people of all three surfaces use them."""

from __future__ import annotations

import base64
import re

import asyncpg
import pytest

from entrypoints.application import Web
from identity import users
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.database import Database
from messaging import notifications
from tests.entrypoints.reader import enter, tell, trader
from tests.factories import people
from tests.fixtures.web import Browser, host

MY = host("my")
LIST = "/notifications"


@pytest.fixture
async def mara(database: Database, tenant: TenantRef, browser: Browser) -> UserAccount:
    """A client of alpha, signed in."""
    user = await trader(database, tenant)
    await enter(browser, user, tenant)
    return user


def _bell(text: str) -> str:
    found = re.search(r'data-bell-count aria-hidden="true"( hidden)?>([^<]+)<', text)
    assert found is not None
    return "" if found.group(1) else found.group(2)


async def test_the_bell_counts_what_is_unread(
    browser: Browser, mara: UserAccount, database: Database, tenant: TenantRef
) -> None:
    """One is one, and beyond ninety-nine nobody counts."""
    before = await browser.get(MY, "/history")
    await tell(database, tenant, mara.id)
    after = await browser.get(MY, "/history")
    for _ in range(99):
        await tell(database, tenant, mara.id)
    many = await browser.get(MY, "/history")

    assert (_bell(before.text), _bell(after.text), _bell(many.text)) == ("", "1", "99+")


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("en", "Deposit credited", "1,250.50 USD is in your wallet."),
        ("de", "Einzahlung gutgeschrieben", "1.250,50 USD"),
        ("es", "Depósito abonado", "1.250,50 USD"),
        ("ar", "قُيّد الإيداع", "1,250.50 USD"),
    ],
)
async def test_a_notification_is_told_in_the_language_that_is_read_now(
    *,
    browser: Browser,
    mara: UserAccount,
    database: Database,
    tenant: TenantRef,
    language: str,
    title: str,
    body: str,
) -> None:
    """Nothing that is stored is translated: title, body and figures follow the reader."""
    await tell(database, tenant, mara.id)
    page = await browser.get(MY, f"{LIST}?lang={language}")
    text = page.text.replace("\u2066", "").replace("\u2069", "")

    assert title in text
    assert body in text


async def test_opening_a_notification_reads_it_and_leads_to_its_page(
    browser: Browser, mara: UserAccount, database: Database, tenant: TenantRef
) -> None:
    """The one that was opened, and no other."""
    first = await tell(database, tenant, mara.id)
    await tell(database, tenant, mara.id)
    answer = await browser.get(MY, f"{LIST}/{first}")
    unread = await browser.get(MY, f"{LIST}?show=unread")

    assert (answer.status_code, answer.headers["location"]) == (303, "/history")
    assert str(first) not in unread.text
    assert _bell(unread.text) == "1"


async def test_everything_is_read_at_once(
    browser: Browser, mara: UserAccount, database: Database, tenant: TenantRef
) -> None:
    """By the form of the page, which says so and comes back."""
    for _ in range(3):
        await tell(database, tenant, mara.id)
    await browser.get(MY, LIST)
    answer = await browser.post(MY, f"{LIST}/read")
    page = await browser.get(MY, LIST)

    assert answer.status_code == 303
    assert "Everything is marked as read." in page.text
    assert _bell(page.text) == ""


async def test_pages_of_notifications_follow_each_other(
    browser: Browser, mara: UserAccount, database: Database, tenant: TenantRef
) -> None:
    """Thirty are two pages, and no one is on both."""
    ids = [str(await tell(database, tenant, mara.id)) for _ in range(30)]
    first = await browser.get(MY, LIST)
    link = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert link is not None
    second = await browser.get(MY, link.group(1).replace("&amp;", "&"))
    on_first = [one for one in ids if f"{LIST}/{one}" in first.text]
    on_second = [one for one in ids if f"{LIST}/{one}" in second.text]

    assert (on_first, on_second) == (ids[5:], ids[:5])


async def test_nobody_reads_what_somebody_else_was_told(
    *,
    browser: Browser,
    mara: UserAccount,
    web: Web,
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Not another client of the brokerage, and not the same person at another one."""
    mine = await tell(database, tenant, mara.id)
    for place, name in ((tenant, "ben"), (other_tenant, "mara")):
        other = Browser(web)
        user = await trader(database, place, name)
        where = await enter(other, user, place)
        page = await other.get(where, LIST)
        opened = await other.get(where, f"{LIST}/{mine}")
        await other.post(where, f"{LIST}/read", {"id": str(mine)})
        await other.post(where, f"{LIST}/read")
        await other.close()

        assert str(mine) not in page.text
        assert opened.status_code == 404

    read_at = await superuser.fetchval("SELECT read_at FROM t_alpha.notification WHERE id=$1", mine)
    assert read_at is None


async def test_a_notification_leads_to_its_own_host_only(
    database: Database, tenant: TenantRef
) -> None:
    """An address of another site is refused when it is written."""
    async with database.tenant(tenant) as session:
        user = await people.staff(session, "admin")
        for href in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
            with pytest.raises(ValueError, match="own host"):
                await notifications.notify(
                    session, user_id=user.id, kind="task", title="x", href=href
                )
        with pytest.raises(ValueError, match="no kind"):
            await notifications.notify(session, user_id=user.id, kind="gossip", title="x")


async def test_what_is_pushed_is_chosen_by_kind(
    browser: Browser, mara: UserAccount, superuser: asyncpg.Connection
) -> None:
    """Unchecked kinds are kept, and shown unchecked; kinds of other people are left out."""
    await browser.get(MY, LIST)
    await browser.post(MY, f"{LIST}/preferences", {"push": ["deposit", "kyc"]})
    page = await browser.get(MY, LIST)
    muted = await superuser.fetch(
        "SELECT kind FROM t_alpha.push_mute WHERE user_id = $1 ORDER BY kind", mara.id
    )

    assert [row["kind"] for row in muted] == [
        "account",
        "security",
        "verification",
        "withdrawal",
    ]
    assert re.findall(r'name="push" value="([a-z]+)" checked', page.text) == ["deposit"]
    assert "Your choice is saved." in page.text


async def test_a_browser_is_remembered_and_forgotten(
    browser: Browser, mara: UserAccount, superuser: asyncpg.Connection
) -> None:
    """Its address and keys are sealed: the table names no push service."""
    await browser.get(MY, LIST)
    fields = {
        "endpoint": "https://push.example/send/abc",
        "p256dh": base64.urlsafe_b64encode(b"\x04" + bytes(64)).rstrip(b"=").decode(),
        "auth": base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode(),
    }
    wrong = await browser.post(MY, f"{LIST}/push", {**fields, "auth": "short"})
    kept = await browser.post(MY, f"{LIST}/push", fields)
    again = await browser.post(MY, f"{LIST}/push", fields)
    rows = await superuser.fetch("SELECT * FROM t_alpha.push_subscription")
    await browser.post(MY, f"{LIST}/push/remove", {"endpoint": fields["endpoint"]})

    assert (wrong.status_code, kept.status_code, again.status_code) == (422, 200, 200)
    assert [row["user_id"] for row in rows] == [mara.id]
    assert b"push.example" not in rows[0]["target_sealed"]
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.push_subscription") == 0


@pytest.mark.parametrize("place", ["team", "ib"])
async def test_staff_and_partners_have_the_same_page(
    browser: Browser, database: Database, tenant: TenantRef, place: str
) -> None:
    """With the kinds that are theirs."""
    async with database.tenant(tenant) as session:
        if place == "team":
            user = await people.staff(session, "kyc_officer", password=people.PASSWORD)
        else:
            user = await users.create(
                session, kind="partner", email="pia@mail.example", name="Pia",
                password=people.PASSWORD,
            )  # fmt: skip
            user.state = "active"
    where = await enter(browser, user, tenant, place)
    page = await browser.get(where, LIST)

    assert page.status_code == 200
    kind = "Verifications that wait" if place == "team" else "New referrals"
    assert kind in page.text
    assert (
        "Trading accounts" not in page.text.partition("<main")[2]
    )  # a kind that only clients have


async def test_the_risk_warning_is_under_more_on_every_portal_page(
    browser: Browser, mara: UserAccount
) -> None:
    """Telephones hide the footer, so the sheet of the bottom navigation carries it."""
    del mara
    page = await browser.get(MY, "/history")
    sheet = page.text[page.text.index('class="botnav"') :]

    assert sheet.count("<a href=") >= 5
    assert "risk-text" in sheet
    assert "high risk of losing money" in sheet
