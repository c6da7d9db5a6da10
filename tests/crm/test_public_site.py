"""The public site: the lead form and its enemies, referral links, and the API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from entrypoints.application import Web
from identity import api_keys
from kernel.actor import TenantRef
from kernel.database import Database
from tests.factories import leads as build
from tests.factories import people
from tests.fixtures.web import Browser, host

WWW = host("www")
_BODY = {
    "first_name": "Omar",
    "last_name": "Haddad",
    "email": "omar@mail.example",
    "phone": "+971501234567",
    "country": "AE",
}


async def test_the_form_makes_a_routed_lead(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Campaign values of the address are carried through the form."""
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        await build.sales_desk(session)
    opened = await browser.get(WWW, "/?utm_campaign=gold&utm_source=ads")

    answer = await browser.post(WWW, "/leads", {**_BODY, "utm_campaign": "gold"})
    thanks = await browser.get(WWW, answer.headers["location"])

    assert 'name="utm_campaign" value="gold"' in opened.text
    assert (answer.status_code, thanks.status_code) == (303, 200)
    row = await superuser.fetchrow("SELECT * FROM t_alpha.lead")
    assert (row["source"], row["campaign"], row["owner_id"]) == ("form", "gold", agent.id)


async def test_a_wrong_field_is_said_beside_it_and_nothing_typed_is_lost(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """The page comes back with every other value."""
    await browser.get(WWW, "/")

    answer = await browser.post(WWW, "/leads", {**_BODY, "email": "omar@mail"})

    assert answer.status_code == 422
    assert "Enter an address such as name@example.com." in answer.text
    assert 'value="Omar"' in answer.text
    assert 'value="omar@mail"' in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.lead") == 0


async def test_a_name_of_ten_thousand_letters_is_refused(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """A length limit is kept by the server, whatever the form says."""
    await browser.get(WWW, "/")

    answer = await browser.post(WWW, "/leads", {**_BODY, "first_name": "x" * 10_000})

    assert answer.status_code == 422
    assert "Shorten this to 60 characters." in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.lead") == 0


async def test_a_program_that_fills_the_hidden_field_gets_thanks_and_no_lead(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """It can't tell that it was found out."""
    await browser.get(WWW, "/")

    answer = await browser.post(WWW, "/leads", {**_BODY, "website": "http://spam.example"})

    assert answer.status_code == 303
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.lead") == 0


async def test_one_address_sends_twenty_forms_and_no_more(browser: Browser) -> None:
    """The limit's answer keeps what was typed."""
    await browser.get(WWW, "/")
    answers = [await browser.post(WWW, "/leads", {**_BODY, "website": "spam"}) for _ in range(21)]

    assert [answer.status_code for answer in answers] == [303] * 20 + [429]
    assert 'value="Omar"' in answers[-1].text


async def test_the_embedded_form_may_be_framed_and_needs_no_cookie(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """A frame on another site sends no cookies; the partner's code is in the form."""
    opened = await browser.get(WWW, "/embed/lead?ref=atlas")
    front = await browser.get(WWW, "/")

    answer = await browser.post(WWW, "/embed/lead", {**_BODY, "ref": "ATLAS"}, token="")
    thanks = await browser.get(WWW, answer.headers["location"])

    assert "frame-ancestors *" in opened.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in front.headers["content-security-policy"]
    assert 'name="ref" value="ATLAS"' in opened.text
    assert (answer.status_code, thanks.status_code) == (303, 200)
    row = await superuser.fetchrow("SELECT source, referral_code FROM t_alpha.lead")
    assert tuple(row) == ("embed", "ATLAS")


async def test_a_referral_link_is_remembered_recorded_and_carried_on(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """The visit is an event; the form's lead and the register link carry the code."""
    visit = await browser.get(WWW, "/r/atlas")
    front = await browser.get(WWW, "/")

    await browser.post(WWW, "/leads", _BODY)

    assert (visit.status_code, visit.headers["location"]) == (303, "/")
    cookie = visit.headers["set-cookie"]
    assert cookie.startswith("ref=ATLAS.")
    assert "HttpOnly" in cookie
    assert "Max-Age=7776000" in cookie
    assert "/register?ref=ATLAS" in front.text
    event = await superuser.fetchval(
        "SELECT payload::text FROM t_alpha.outbox WHERE topic = 'crm.referral_visited'"
    )
    assert json.loads(event)["code"] == "ATLAS"
    row = await superuser.fetchrow("SELECT source, referral_code FROM t_alpha.lead")
    assert tuple(row) == ("referral", "ATLAS")


async def test_a_forged_referral_cookie_counts_as_none(browser: Browser) -> None:
    """Only what this host has signed is believed."""
    forged = {"cookie": f"ref=ATLAS.abcdefgh.{'0' * 64}"}

    front = await browser.get(WWW, "/", headers=forged)

    assert "ref=ATLAS" not in front.text


@pytest.mark.parametrize("code", ["%0d%0aSet-Cookie:x=1", "a", "x" * 40, "<b>", "..%2f.."])
async def test_a_code_that_is_none_leads_to_the_front_page(
    browser: Browser, superuser: asyncpg.Connection, code: str
) -> None:
    """Nothing of it is kept."""
    answer = await browser.get(WWW, f"/r/{code}")

    assert answer.status_code in (303, 404)
    assert "ref=" not in answer.headers.get("set-cookie", "")
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.outbox") == 0


async def _key(database: Database, tenant: TenantRef, scope: str = "crm.lead.create") -> str:
    async with database.tenant(tenant) as session:
        return await api_keys.create(session, name="Website", scopes=[scope])


async def _call(
    browser: Browser, key: str | None, body: object, **headers: str
) -> tuple[int, dict[str, Any]]:
    if key:
        headers["authorization"] = f"Bearer {key}"
    answer = await browser._client.post(
        f"http://{WWW}:8000/api/v1/leads", json=body, headers=headers
    )
    return answer.status_code, answer.json()


async def test_the_api_makes_a_lead(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The answer names the lead by id and reference."""
    key = await _key(database, tenant)

    status, made = await _call(browser, key, _BODY)

    assert status == 201
    assert made["reference"].startswith("LD-")
    assert made["stage"] == "new"


async def test_the_api_refuses_without_a_key_of_this_brokerage_and_scope(
    browser: Browser, database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """No key, another brokerage's key, a changed key, and one for something else."""
    foreign = await _key(database, other_tenant)
    narrow = await _key(database, tenant, "crm.lead.read")
    own = await _key(database, tenant)

    answers = [await _call(browser, key, _BODY) for key in (None, foreign, f"{own}x", narrow)]

    assert [status for status, _ in answers] == [401, 401, 401, 403]
    assert all(body["type"].startswith("urn:marque:problem:") for _, body in answers)


async def test_the_api_names_every_wrong_field(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Problem details after RFC 9457, with one entry for each field."""
    key = await _key(database, tenant)

    status, problem = await _call(browser, key, {**_BODY, "email": "x", "country": "Dubai"})
    unknown, _ = await _call(browser, key, {**_BODY, "stage": "converted"})

    assert status == 422
    assert {entry["field"] for entry in problem["errors"]} == {"email", "country"}
    assert unknown == 400


async def test_a_repeated_call_with_the_same_key_is_one_lead(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Sent five times at once it is one lead; with another body the key is refused."""
    key = await _key(database, tenant)
    headers = {"idempotency-key": "order-1"}

    _, first = await _call(browser, key, _BODY, **headers)
    again = await asyncio.gather(*(_call(browser, key, _BODY, **headers) for _ in range(5)))
    other, problem = await _call(browser, key, {**_BODY, "first_name": "Ali"}, **headers)

    assert {body["id"] for _, body in again} == {first["id"]}
    assert (other, problem["type"]) == (409, "urn:marque:problem:idempotency_key_reused")
    came = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.timeline_entry WHERE fact = 'Came again'"
    )
    assert came == 0


async def test_the_api_is_described(web: Web, browser: Browser) -> None:
    """The description lists the call with its body and its key."""
    answer = await browser.get(WWW, "/api/v1/openapi.json")

    call = answer.json()["paths"]["/api/v1/leads"]["post"]
    assert call["security"] == [{"key": []}]
    assert "LeadBody" in json.dumps(call["requestBody"])
