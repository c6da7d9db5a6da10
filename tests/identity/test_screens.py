"""Signing in and out as a browser does it."""

from __future__ import annotations

import asyncpg
import pytest

from identity import users
from kernel.actor import TenantRef
from kernel.database import Database
from tests.fixtures.web import Browser, host

PASSWORD = "quiet-harbour-lantern"
STAFF = "team.alpha.localhost"


@pytest.fixture
async def amira(database: Database, tenant: TenantRef) -> str:
    """A member of alpha's staff; returns her address."""
    async with database.tenant(tenant) as session:
        await users.create(
            session, kind="staff", email="amira@alpha.example", name="Amira", password=PASSWORD
        )
    return "amira@alpha.example"


async def test_the_login_page_carries_the_brand(browser: Browser) -> None:
    """The tenant's name and theme come with the host."""
    answer = await browser.get(STAFF, "/login")

    assert answer.status_code == 200
    assert "Alpha Markets" in answer.text
    assert "script-src 'self' 'nonce-" in answer.headers["content-security-policy"]


async def test_the_right_password_opens_a_session(browser: Browser, amira: str) -> None:
    """The cookie is host-only, HttpOnly and SameSite=Lax."""
    await browser.log_in(STAFF, amira, PASSWORD)
    await browser.post(STAFF, "/logout")
    answer = await browser.log_in(STAFF, amira, PASSWORD)

    assert answer.status_code == 303
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("marque="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "domain" not in cookie.lower()


async def test_a_wrong_password_keeps_the_address_typed(browser: Browser, amira: str) -> None:
    """The same words for a wrong password as for an unknown address."""
    wrong = await browser.log_in(STAFF, amira, "not it at all")
    unknown = await browser.log_in(STAFF, "nobody@alpha.example", "not it at all")

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert amira in wrong.text
    assert "not it at all" not in wrong.text
    words = "This address and password do not match"
    assert words in wrong.text
    assert words in unknown.text


async def test_a_form_without_its_token_is_refused(browser: Browser, amira: str) -> None:
    """A form of another site has no token."""
    await browser.get(STAFF, "/login")
    answer = await browser.post(
        STAFF, "/login", {"email": amira, "password": PASSWORD}, token="x" * 64
    )

    assert answer.status_code == 403


async def test_a_session_of_one_brokerage_is_nothing_at_another(
    browser: Browser, amira: str
) -> None:
    """The cookie's value, replayed on beta's host, opens nothing."""
    await browser.log_in(STAFF, amira, PASSWORD)
    cookie = browser.cookie(STAFF)
    answer = await browser.get(
        host("team", "beta"), "/logout", headers={"cookie": f"marque={cookie}"}
    )
    home = await browser.get(host("team", "beta"), "/login", headers={"cookie": f"marque={cookie}"})

    assert answer.status_code in (401, 405)
    assert home.status_code == 200


async def test_the_session_id_is_kept_only_as_a_hash(
    browser: Browser, amira: str, superuser: asyncpg.Connection
) -> None:
    """Whoever reads the table can't sign in with it."""
    await browser.log_in(STAFF, amira, PASSWORD)
    cookie = browser.cookie(STAFF)
    rows = await superuser.fetch("SELECT id_hash FROM t_alpha.session")

    assert len(rows) == 1
    assert cookie
    assert cookie.encode() not in bytes(rows[0]["id_hash"])


async def test_six_wrong_passwords_slow_the_account_down(browser: Browser, amira: str) -> None:
    """The seventh attempt is not even checked; the right password must wait too."""
    for _ in range(6):
        await browser.log_in(STAFF, amira, "wrong and wrong again")
    answer = await browser.log_in(STAFF, amira, PASSWORD)

    assert answer.status_code == 422
    assert "Too many attempts" in answer.text


@pytest.mark.parametrize("name", ["evil.example", "TEAM.ALPHA.LOCALHOST.evil", "alpha.localhost"])
async def test_an_unknown_host_gets_no_brand(browser: Browser, name: str) -> None:
    """No tenant's name may appear on a host that is nobody's."""
    answer = await browser.get(name, "/login")

    assert answer.status_code in (404, 421)
    assert "Alpha" not in answer.text
