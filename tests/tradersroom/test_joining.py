"""From a stranger to a client: registration, the link in the mail, the invitation."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from clients import queries as client_queries
from clients.restrictions import ClientRestricted, require_free
from identity import email_tokens, users
from kernel.actor import TenantRef
from kernel.database import Database
from tenants.ports import Ports
from tests.fixtures.web import Browser, host
from tests.tradersroom import people

MY = host("my")


async def test_registration_makes_a_person_a_profile_and_a_case(
    browser: Browser, superuser: asyncpg.Connection
) -> None:
    """One of each, with the restrictions and the event, in one transaction."""
    await browser.get(MY, "/register?ref=FALCON7")
    answer = await browser.post(MY, "/register", people.form(ref="FALCON7"))
    row = await superuser.fetchrow(
        "SELECT c.email, u.kind, u.email_verified_at, k.state,"
        " (SELECT array_agg(kind::text ORDER BY kind) FROM t_alpha.restriction) AS paused"
        " FROM t_alpha.client c JOIN t_alpha.user_account u ON u.id = c.user_id"
        " JOIN t_alpha.kyc_case k ON k.client_id = c.id"
    )
    event = await superuser.fetchval(
        "SELECT payload::text FROM t_alpha.outbox WHERE topic = 'clients.client_registered'"
    )

    assert answer.status_code == 200
    assert "Check your mail" in answer.text
    assert tuple(row)[:4] == ("sofia@mail.example", "client", None, "collecting")
    assert row["paused"] == ["open_account", "withdraw"]
    assert json.loads(event)["referral_code"] == "FALCON7"


async def test_the_link_signs_in_once(browser: Browser, ports: Ports, database: Database) -> None:
    """It is in the sealed mail only, proves the address, and is worth nothing afterwards."""
    link = await people.register(browser, ports)
    assert link.startswith("http://my.alpha.localhost:8000/verify/")

    first = await browser.get(MY, link.partition(":8000")[2])
    home = await browser.get(MY, "/")
    second = await browser.get(MY, link.partition(":8000")[2])

    assert first.status_code == 303
    assert home.status_code == 200
    assert "E-mail address confirmed" in home.text
    assert second.status_code == 404
    assert "expired" in second.text


async def test_the_link_is_in_no_table_in_clear(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """The mail's body is sealed; the token's row holds a hash."""
    link = await people.register(browser, ports)
    secret = link.rsplit("/", 1)[1].encode()
    rows = await superuser.fetch(
        "SELECT row_to_json(m)::text AS text, body_sealed AS sealed FROM t_alpha.message m"
    )

    assert rows
    assert all(secret not in row["text"].encode() and secret not in row["sealed"] for row in rows)


async def test_an_address_registers_once(browser: Browser, ports: Ports) -> None:
    """In whatever case it is written; what was typed stays."""
    await people.register(browser, ports)
    await browser.get(MY, "/register")
    answer = await browser.post(MY, "/register", people.form(email="SOFIA@mail.example"))

    assert answer.status_code == 422
    assert "There is an account with this address" in answer.text
    assert 'value="Sofia"' in answer.text
    assert people.PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "sofia", "Enter an address such as"),
        ("phone", "call me", "Enter a number such as"),
        ("country", "XX", "Choose your country"),
        ("country", "", "Choose your country"),
        ("password", "short", "Use at least 10 characters"),
        ("password", "sofia-sofia-sofia", "Leave out your address"),
        ("terms", "", "accept the agreements"),
        ("risk", "", "understand the risk"),
        ("first_name", "", "Enter your first name"),
        ("last_name", "x" * 61, "Shorten this to 60"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    browser: Browser, superuser: asyncpg.Connection, field: str, value: str, words: str
) -> None:
    """Nothing is written either."""
    await browser.get(MY, "/register")
    answer = await browser.post(MY, "/register", people.form(**{field: value}))

    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Keller"' in answer.text or field == "last_name"
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.user_account") == 0


async def test_markup_in_a_name_is_inert(browser: Browser, ports: Ports) -> None:
    """It is shown as it was typed and runs nowhere."""
    evil = '<script>alert(1)</script>"'
    await people.sign_up(browser, ports, first_name=evil)
    home = await browser.get(MY, "/")
    verification = await browser.get(MY, "/verification")

    assert "&lt;script&gt;alert(1)" in home.text
    assert "<script>alert(1)" not in home.text + verification.text


async def test_an_invited_client_sets_a_password(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """A weak one is refused without using the invitation up; the agreements are needed too."""
    async with database.tenant(tenant) as session:
        user = await users.create(
            session, kind="client", email="lina@mail.example", name="Lina", password=None
        )
        secret = await email_tokens.issue(session, user_id=user.id, purpose="invite", hours=168)
    page = await browser.get(MY, f"/invite/{secret}")
    weak = await browser.post(MY, f"/invite/{secret}", {"password": "short"})
    agreed: dict[str, Any] = {"password": people.PASSWORD, "terms": "yes", "risk": "yes"}
    good = await browser.post(MY, f"/invite/{secret}", agreed)
    again = await browser.get(MY, f"/invite/{secret}")

    assert "Welcome, Lina" in page.text
    assert weak.status_code == 422
    assert "understand the risk" in weak.text
    assert good.status_code == 303
    assert again.status_code == 404


async def test_whoever_registers_may_not_withdraw_yet(
    browser: Browser, ports: Ports, database: Database, tenant: TenantRef
) -> None:
    """The restriction is there before anything else can happen."""
    await people.register(browser, ports)
    async with database.tenant_read(tenant) as session:
        client = await client_queries.client_by_email(session, "sofia@mail.example")
        assert client is not None
        with pytest.raises(ClientRestricted):
            await require_free(session, client_id=client.id, kind="withdraw")
