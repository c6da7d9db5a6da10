"""Receipts and statements over HTTP: for whom they are, what they say, and who may check them."""

from __future__ import annotations

import dataclasses
import io
from uuid import UUID

import asyncpg
import pypdf
import pytest

from clients import queries as client_queries
from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from tenants.ports import Ports
from tests.factories import people as staff_people
from tests.factories.introducers import PASSWORD, partner
from tests.fixtures.web import Browser, host
from tests.tradersroom import people
from tests.treasury.desk import Desk, open_desk
from treasury.models import Deposit

MY, WWW, TEAM, IB = host("my"), host("www"), host("team"), host("ib")


@pytest.fixture
async def sofia(
    browser: Browser, ports: Ports, database: Database, tenant: TenantRef, vault: Vault
) -> Desk:
    """A client who is signed in, at a desk that takes her deposits."""
    await people.sign_up(browser, ports)
    async with database.tenant_read(tenant) as session:
        client = await client_queries.client_by_email(session, "sofia@mail.example")
    assert client is not None
    desk = await open_desk(database, tenant, vault)
    return dataclasses.replace(desk, client_id=client.id)


async def _paid(desk: Desk, amount: str = "250.00") -> Deposit:
    deposit = await desk.start(amount)
    await desk.say(deposit, "completed")
    return deposit


def _text(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return " ".join("\n".join(page.extract_text() for page in pages).split())


def _period() -> str:
    today = now().date()
    return f"since={today.replace(day=1)}&until={today}&currency=USD"


async def test_a_receipt_is_the_clients_own_file(sofia: Desk, browser: Browser) -> None:
    """It says what arrived, is saved and not kept by anybody, and is the same when asked again."""
    deposit = await _paid(sofia)
    address = f"/deposit/{deposit.reference}/receipt.pdf"

    first, again = await browser.get(MY, address), await browser.get(MY, address)

    assert first.status_code == 200
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["cache-control"] == "no-store"
    assert f'attachment; filename="{deposit.reference}.pdf"' == first.headers["content-disposition"]
    assert "250.00 USD" in _text(first.content)
    assert "Sofia Keller" in _text(first.content)
    assert first.content == again.content


async def test_nobody_gets_a_receipt_of_somebody_else_or_before_the_money(
    sofia: Desk, browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Another client's is not there; one that is not paid has none yet."""
    other = await open_desk(database, tenant, vault)
    theirs = await _paid(other)
    unpaid = await sofia.start("90.00")

    foreign = await browser.get(MY, f"/deposit/{theirs.reference}/receipt.pdf")
    early = await browser.get(MY, f"/deposit/{unpaid.reference}/receipt.pdf")

    assert foreign.status_code == 404
    assert early.status_code == 409
    assert "as soon as the money has arrived" in early.text


async def test_a_statement_adds_up_as_the_book_does(
    sofia: Desk, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """What came before the period is its opening balance; the closing one is the wallet's."""
    await _paid(sofia, "100.00")
    await superuser.execute("ALTER TABLE t_alpha.entry DISABLE TRIGGER USER")
    await superuser.execute("UPDATE t_alpha.entry SET occurred_at = occurred_at - interval '70 d'")
    await superuser.execute("ALTER TABLE t_alpha.entry ENABLE TRIGGER USER")
    await _paid(sofia, "250.00")
    await _paid(sofia, "75.50")

    answer = await browser.get(MY, f"/history/statement.pdf?{_period()}")
    text = _text(answer.content)

    assert answer.status_code == 200
    for wanted in (
        *("Opening balance 100.00 USD", "Paid in 325.50 USD", "Paid out 0.00 USD"),
        *("Closing balance 425.50 USD", "+250.00 350.00", "+75.50 425.50"),
    ):
        assert wanted in text
    assert (await sofia.wallet()).amount == 425.50


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-11-20&until=2026-11-01&currency=USD", "before the first"),
        ("since=x&until=2026-11-01&currency=USD", "Choose the first day"),
        ("since=2024-01-01&until=2026-11-01&currency=USD", "a year at most"),
        ("since=2026-11-01&until=2026-11-02&currency=EUR", "Choose one of your wallets"),
    ],
)
async def test_days_that_can_not_be_are_explained_beside_their_field(
    sofia: Desk, browser: Browser, query: str, words: str
) -> None:
    """The page comes back with what was typed."""
    await _paid(sofia)

    answer = await browser.get(MY, f"/history/statement.pdf?{query}")

    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="' + query.split("&")[1].removeprefix("until=") + '"' in answer.text


async def test_anybody_may_check_a_document_and_learns_nothing_about_people(
    sofia: Desk, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """Kind, moment and class of amount; the right file matches, a changed one does not."""
    deposit = await _paid(sofia)
    data = (await browser.get(MY, f"/deposit/{deposit.reference}/receipt.pdf")).content
    code = await superuser.fetchval("SELECT code FROM t_alpha.issued_document")
    await browser.get(WWW, f"/verify/{code}")

    page = await browser.get(WWW, f"/verify/{code.lower()[:8]}-{code[8:]}")
    right = await browser.post(WWW, f"/verify/{code}", {}, files={"file": ("a.pdf", data)})
    wrong = await browser.post(WWW, f"/verify/{code}", {}, files={"file": ("a.pdf", data + b"\n")})
    empty = await browser.post(WWW, f"/verify/{code}", {}, files={"file": ("a.pdf", b"")})
    unknown = await browser.get(WWW, "/verify/0000000000000000")
    elsewhere = await browser.get(host("www", "beta"), f"/verify/{code}")

    assert page.status_code == 200
    assert "Deposit receipt" in page.text
    assert "100.00 USD" in page.text
    assert "1,000.00 USD" in page.text
    for hidden in ("Sofia", "Keller", deposit.reference, "250.00"):
        assert hidden not in page.text
    assert "This file is genuine" in right.text
    assert "not the one we issued" in wrong.text
    assert empty.status_code == 422
    assert unknown.status_code == 404
    assert elsewhere.status_code == 404


async def test_staff_hand_out_receipts_within_their_scope_and_on_record(
    sofia: Desk, web: Web, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """A payments officer may; an agent gets 404 for a client who is not theirs."""
    deposit = await _paid(sofia)
    address = f"/backoffice/deposits/{deposit.id}/receipt.pdf"
    async with sofia.database.tenant(sofia.tenant) as session:
        officer = await staff_people.staff(
            session, "payments_officer", password=staff_people.PASSWORD
        )
        agent = await staff_people.staff(session, "sales_agent", password=staff_people.PASSWORD)

    await browser.log_in(TEAM, officer.email, staff_people.PASSWORD)
    given = await browser.get(TEAM, address)
    another = Browser(web)
    await another.log_in(TEAM, agent.email, staff_people.PASSWORD)
    refused = await another.get(TEAM, address)

    assert given.status_code == 200
    assert "250.00 USD" in _text(given.content)
    assert refused.status_code == 404
    row = await superuser.fetchrow(
        "SELECT actor_kind, actor_id, action FROM t_alpha.audit_entry"
        " WHERE action LIKE 'messaging.document.%' ORDER BY id DESC LIMIT 1"
    )
    assert (row["actor_kind"], UUID(str(row["actor_id"]))) == ("staff", officer.id)


async def test_a_partners_month_is_their_own(
    database: Database, tenant: TenantRef, browser: Browser
) -> None:
    """The month is a PDF in the partner's name; one that has not begun is explained."""
    async with database.tenant(tenant) as session:
        atlas = await partner(session, "Atlas", plan="MASTER")
    await browser.log_in(IB, atlas.email, PASSWORD)

    answer = await browser.get(IB, f"/commissions/statement.pdf?month={now():%Y-%m}")
    future = await browser.get(IB, "/commissions/statement.pdf?month=2199-01")
    broken = await browser.get(IB, "/commissions/statement.pdf?month=now")

    assert answer.status_code == 200
    assert "Atlas" in _text(answer.content)
    assert "Closing balance 0.00 USD" in _text(answer.content)
    assert (future.status_code, broken.status_code) == (422, 422)
