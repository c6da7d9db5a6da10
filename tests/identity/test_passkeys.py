"""Passkeys by a key in software: a challenge is of one browser and one purpose, and good once."""

from __future__ import annotations

import html
import json
import re

import asyncpg
import pytest

from identity import users
from kernel.actor import TenantRef
from kernel.database import Database
from tests.fixtures.web import Browser, host
from tests.identity.software_key import SoftwareKey

PASSWORD = "quiet-harbour-lantern"
STAFF = "team.alpha.localhost"
ORIGIN = f"http://{STAFF}:8000"
EMAIL = "amira@alpha.example"
_OPTIONS = re.compile(r'data-passkey="\w+" data-options="([^"]+)"')


@pytest.fixture
async def amira(database: Database, tenant: TenantRef) -> str:
    """A member of alpha's staff without a second factor; returns her address."""
    async with database.tenant(tenant) as session:
        await users.create(session, kind="staff", email=EMAIL, name="Amira", password=PASSWORD)
    return EMAIL


async def _asked(browser: Browser, path: str) -> str:
    """Open a page and return the question that it puts to a passkey."""
    found = _OPTIONS.search((await browser.get(STAFF, path)).text)
    assert found is not None
    return html.unescape(found.group(1))


async def _password(browser: Browser, email: str) -> str:
    await browser.get(STAFF, "/login")
    answer = await browser.post(STAFF, "/login", {"email": email, "password": PASSWORD})
    return str(answer.headers["location"])


async def _with_key(browser: Browser, email: str, *, verifies: bool = True) -> SoftwareKey:
    """Sign in for the first time and make a passkey."""
    assert await _password(browser, email) == "/login/enrol"
    key = SoftwareKey(verifies=verifies)
    made = key.created(await _asked(browser, "/login/enrol"), origin=ORIGIN)
    done = await browser.post(STAFF, "/login/enrol", {"credential": made, "name": "Laptop"})
    assert done.status_code == 200, done.text
    assert (await browser.get(STAFF, "/security")).status_code == 200
    await browser.post(STAFF, "/logout")
    return key


async def test_a_passkey_is_the_second_factor(browser: Browser, amira: str) -> None:
    """Made at the first sign-in, used at the next one; the relying party is the host itself."""
    key = await _with_key(browser, amira)
    assert await _password(browser, amira) == "/login/second"
    asked = await _asked(browser, "/login/second")
    answer = await browser.post(
        STAFF, "/login/second", {"credential": key.used(asked, origin=ORIGIN)}
    )

    assert json.loads(asked)["rpId"] == STAFF
    assert answer.status_code == 303
    assert "Laptop" in (await browser.get(STAFF, "/security")).text


async def test_an_answer_is_good_once(browser: Browser, amira: str) -> None:
    """Sent again, at the next sign-in of the same person, it is refused."""
    key = await _with_key(browser, amira)
    await _password(browser, amira)
    sent = key.used(await _asked(browser, "/login/second"), origin=ORIGIN)
    first = await browser.post(STAFF, "/login/second", {"credential": sent})
    await browser.post(STAFF, "/logout")
    await _password(browser, amira)
    await browser.get(STAFF, "/login/second")
    again = await browser.post(STAFF, "/login/second", {"credential": sent})

    assert (first.status_code, again.status_code) == (303, 422)


async def test_a_challenge_is_of_one_browser_purpose_and_host(
    browser: Browser, amira: str, superuser: asyncpg.Connection
) -> None:
    """An answer to another question, of another origin or after five minutes is refused."""
    key = await _with_key(browser, amira)
    foreign = await _asked(browser, "/login/passkey")
    await _password(browser, amira)
    outcomes = {}
    for name in ("purpose", "origin", "host", "late", "right"):
        asked = await _asked(browser, "/login/second")
        where = ORIGIN
        if name == "purpose":
            asked = foreign
        elif name == "origin":
            where = "http://evil.example"
        elif name == "host":
            asked = json.dumps({**json.loads(asked), "rpId": host("my")})
        elif name == "late":
            await superuser.execute(
                "UPDATE t_alpha.passkey_challenge SET expires_at = now() - interval '1 second'"
            )
        form = {"credential": key.used(asked, origin=where)}
        outcomes[name] = (await browser.post(STAFF, "/login/second", form)).status_code

    assert outcomes == {"purpose": 422, "origin": 422, "host": 422, "late": 422, "right": 303}


async def test_a_counter_that_stands_still_tells_of_a_copy(browser: Browser, amira: str) -> None:
    """The signature is right, and yet it is refused."""
    key = await _with_key(browser, amira)
    outcomes = []
    for counting in (True, False):
        await _password(browser, amira)
        asked = await _asked(browser, "/login/second")
        sent = key.used(asked, origin=ORIGIN, counting=counting)
        answer = await browser.post(STAFF, "/login/second", {"credential": sent})
        outcomes.append(answer.status_code)
        await browser.post(STAFF, "/logout")

    assert outcomes == [303, 422]


async def test_a_passkey_alone_signs_in_when_it_verified_its_user(
    browser: Browser, amira: str
) -> None:
    """Without a password it must have seen a finger, a face or a PIN."""
    key = await _with_key(browser, amira)
    asked = await _asked(browser, "/login/passkey")
    form = {"credential": key.used(asked, origin=ORIGIN)}
    answer = await browser.post(STAFF, "/login/passkey", form)
    assert answer.status_code == 303
    assert (await browser.get(STAFF, "/security")).status_code == 200

    await browser.post(STAFF, "/logout")
    key._verifies = False
    asked = await _asked(browser, "/login/passkey")
    form = {"credential": key.used(asked, origin=ORIGIN)}
    assert (await browser.post(STAFF, "/login/passkey", form)).status_code == 422


@pytest.mark.parametrize("rubbish", ["{}", "[]", "nothing", '{"id": 1}', "x" * 30_000])
async def test_rubbish_is_refused_and_not_a_failure(
    browser: Browser, amira: str, rubbish: str
) -> None:
    """Whatever is sent in place of a passkey's answer gets the same words."""
    del amira
    await browser.get(STAFF, "/login/passkey")
    answer = await browser.post(STAFF, "/login/passkey", {"credential": rubbish})

    assert answer.status_code == 422
    assert "The passkey was not accepted" in answer.text


async def test_a_passkey_of_one_brokerage_is_nothing_at_another(
    browser: Browser, amira: str
) -> None:
    """Beta's host asks its own question, and knows no such key."""
    key = await _with_key(browser, amira)
    place = host("team", "beta")
    found = _OPTIONS.search((await browser.get(place, "/login/passkey")).text)
    assert found is not None
    sent = key.used(html.unescape(found.group(1)), origin=f"http://{place}:8000")
    answer = await browser.post(place, "/login/passkey", {"credential": sent})

    assert answer.status_code == 422
