"""A person's own security: passwords, factors with a fresh proof, sessions ended at once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from entrypoints.application import Web
from identity import devices, users
from kernel.actor import TenantRef
from kernel.database import Database
from tests.factories import people
from tests.fixtures.web import Browser

PASSWORD, NEWER = "quiet-harbour-lantern", "amber-lantern-meadow"
STAFF, MY = "team.alpha.localhost", "my.alpha.localhost"
STALE = "UPDATE t_alpha.session SET confirmed_at = now() - interval '6 minutes'"
_SECRET = re.compile(r'data-copy="([A-Z2-7]{32})"')


@pytest.fixture
async def other(web: Web) -> AsyncIterator[Browser]:
    """A second browser."""
    made = Browser(web)
    yield made
    await made.close()


@pytest.fixture
async def amira(database: Database, tenant: TenantRef) -> str:
    """A member of alpha's staff; returns her address."""
    async with database.tenant(tenant) as session:
        await users.create(
            session, kind="staff", email="amira@alpha.example", name="Amira", password=PASSWORD
        )
    return "amira@alpha.example"


@pytest.fixture
async def mira(database: Database, tenant: TenantRef) -> str:
    """A client of alpha; returns her address."""
    async with database.tenant(tenant) as session:
        await users.create(
            session, kind="client", email="mira@alpha.example", name="Mira", password=PASSWORD
        )
    return "mira@alpha.example"


async def test_a_new_password_ends_the_other_sessions(
    browser: Browser, other: Browser, mira: str
) -> None:
    """It needs the present one; this session goes on under a new id."""
    for one in (browser, other):
        await one.log_in(MY, mira, PASSWORD)
    before = browser.cookie(MY)
    await browser.get(MY, "/security")
    wrong = await browser.post(
        MY, "/security/password", {"current_password": "not it", "password": NEWER}
    )
    weak = await browser.post(
        MY, "/security/password", {"current_password": PASSWORD, "password": "short"}
    )
    right = await browser.post(
        MY, "/security/password", {"current_password": PASSWORD, "password": NEWER}
    )

    assert (wrong.status_code, weak.status_code, right.status_code) == (422, 422, 303)
    assert "This is not your password." in wrong.text
    assert browser.cookie(MY) != before
    assert (await browser.get(MY, "/security")).status_code == 200
    assert (await other.get(MY, "/security")).status_code == 303


async def test_a_change_of_factors_needs_a_fresh_proof(
    browser: Browser, amira: str, superuser: asyncpg.Connection
) -> None:
    """Older than five minutes it is asked for again; a wrong code opens nothing."""
    await browser.log_in(STAFF, amira, PASSWORD)
    assert (await browser.get(STAFF, "/security/add")).status_code == 200
    await superuser.execute(STALE)
    for path in ("/security/add", "/security/recovery-codes"):
        sent = await browser.get(STAFF, path)
        assert sent.headers["location"] == f"/security/confirm?next={path}"
        posted = await browser.post(STAFF, path, {"code": "000000"})
        assert posted.headers["location"].startswith("/security/confirm")
    await browser.get(STAFF, "/security/confirm")
    wrong = await browser.post(STAFF, "/security/confirm", {"code": "000000"})
    code = await browser.code(STAFF, amira)
    right = await browser.post(STAFF, "/security/confirm", {"code": code, "next": "/security/add"})

    assert wrong.status_code == 422
    assert right.headers["location"] == "/security/add"
    assert (await browser.get(STAFF, "/security/add")).status_code == 200


async def test_without_a_factor_the_password_is_the_proof(
    browser: Browser, mira: str, superuser: asyncpg.Connection
) -> None:
    """A client adds the first factor after the password, and gets recovery codes once."""
    await browser.log_in(MY, mira, PASSWORD)
    await superuser.execute(STALE)
    await browser.get(MY, "/security/confirm")
    wrong = await browser.post(MY, "/security/confirm", {"password": "not it"})
    right = await browser.post(MY, "/security/confirm", {"password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (422, 303)


async def test_staff_keep_their_only_factor_and_clients_need_not(
    browser: Browser, other: Browser, amira: str, mira: str, superuser: asyncpg.Connection
) -> None:
    """The page says what to do instead; a client without any loses the recovery codes too."""
    await browser.log_in(STAFF, amira, PASSWORD)
    only = await superuser.fetchval("SELECT id FROM t_alpha.authenticator")
    path = f"/security/authenticators/{only}/remove"
    await browser.get(STAFF, path)
    kept = await browser.post(STAFF, path)
    assert kept.status_code == 409
    assert "Add another one first." in kept.text

    await other.log_in(MY, mira, PASSWORD)
    page = await other.get(MY, "/security/add")
    secret = _SECRET.search(page.text)
    assert secret is not None
    stolen = await other.post(MY, path)
    assert stolen.status_code == 404
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.recovery_code") == 10


async def test_sessions_are_listed_and_ended_at_once(
    browser: Browser, other: Browser, mira: str, amira: str
) -> None:
    """Each with browser, system and a shortened address; nobody ends another person's."""
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"
    other._client.headers["user-agent"] = agent
    for one in (browser, other):
        await one.log_in(MY, mira, PASSWORD)
    page = await browser.get(MY, "/security")
    names = re.findall(r'name="session" value="([0-9a-f]{32})"', page.text)
    assert len(names) == 1
    assert "Chrome, Linux" in page.text
    assert re.search(r"127\.\d+\.\d+\.…", page.text)
    await other.log_in(STAFF, amira, PASSWORD)
    foreign = await other.post(STAFF, "/security/sessions/end", {"session": names[0]})
    assert foreign.status_code == 404
    assert (await other.get(MY, "/security")).status_code == 200
    await browser.post(MY, "/security/sessions/end", {"session": names[0]})

    assert (await other.get(MY, "/security")).status_code == 303
    assert (await browser.get(MY, "/security")).status_code == 200


async def test_all_other_sessions_end_and_this_one_stays(
    browser: Browser, other: Browser, mira: str
) -> None:
    """One button."""
    for one in (browser, other):
        await one.log_in(MY, mira, PASSWORD)
    await browser.get(MY, "/security")
    await browser.post(MY, "/security/sessions/end", {"session": "others"})

    assert (await other.get(MY, "/security")).status_code == 303
    assert (await browser.get(MY, "/security")).status_code == 200


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0.0.0 Safari/537.36 Edg/131.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1",
         "Safari, iPhone"),
        ("Mozilla/5.0 (Android 15; rv:132.0) Gecko/132.0 Firefox/132.0", "Firefox, Android"),
        ("<script>alert(1)</script>", ""),
    ],
)  # fmt: skip
def test_a_device_is_named_in_two_words(agent: str, shown: str) -> None:
    """Nothing of what the header says is repeated."""
    assert devices.device(agent) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.77", "203.0.113.…"),
        ("::ffff:203.0.113.77", "203.0.113.…"),
        ("2001:db8:12:3456::1", "2001:db8:12:…"),
        ("testclient", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, shown: str) -> None:
    """Enough to know one's own by."""
    assert devices.short_address(address) == shown


async def test_an_admin_resets_a_colleagues_factor_with_a_reason(  # noqa: PLR0917 - fixtures
    browser: Browser,
    other: Browser,
    database: Database,
    tenant: TenantRef,
    amira: str,
    superuser: asyncpg.Connection,
) -> None:
    """Their sessions end, they make a new one next; never one's own, never without a proof."""
    async with database.tenant(tenant) as session:
        boss = await people.staff(session, "owner", password=PASSWORD)
        agent = await people.staff(session, "sales_agent", password=PASSWORD)
    await other.log_in(STAFF, amira, PASSWORD)
    await browser.log_in(STAFF, boss.email, PASSWORD)
    colleague = await superuser.fetchval(
        "SELECT id FROM t_alpha.user_account WHERE email = $1", amira
    )
    path = f"/settings/access/{colleague}/reset"
    assert "1 app" in (await browser.get(STAFF, "/settings/access")).text
    assert (await browser.get(STAFF, f"/settings/access/{boss.id}/reset")).status_code == 409
    await superuser.execute(STALE)
    assert "/security/confirm" in (await browser.get(STAFF, path)).headers["location"]
    code = await browser.code(STAFF, boss.email)
    await browser.get(STAFF, "/security/confirm")
    await browser.post(STAFF, "/security/confirm", {"code": code})
    await browser.get(STAFF, path)
    silent = await browser.post(STAFF, path, {"reason": ""})
    done = await browser.post(STAFF, path, {"reason": "Called back, lost the phone."})
    entry = await superuser.fetchrow(
        "SELECT reason, actor_id FROM t_alpha.audit_entry"
        " WHERE action = 'identity.second_factor.reset'"
    )

    assert (silent.status_code, done.status_code) == (422, 303)
    assert (await other.get(STAFF, "/security")).status_code == 303
    assert entry["reason"] == "Called back, lost the phone."
    assert entry["actor_id"] == boss.id
    await other.get(STAFF, "/login")
    again = await other.post(STAFF, "/login", {"email": amira, "password": PASSWORD})
    assert again.headers["location"] == "/login/enrol"
    await other.post(STAFF, "/logout")
    await other.log_in(STAFF, agent.email, PASSWORD)
    assert (await other.get(STAFF, "/settings/access")).status_code == 403
