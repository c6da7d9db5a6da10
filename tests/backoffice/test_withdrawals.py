"""Withdrawals at finance's desk: the list, the facts, the decisions, payouts by hand, the rules."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.settings import Settings
from tests.factories import people
from tests.fixtures.web import Browser, host
from tests.treasury.withdrawals.till import Till, open_till
from treasury.withdrawals.models import Withdrawal

TEAM = host("team")
PASSWORD = "quiet-harbour-lantern"


@pytest.fixture
async def till(database: Database, tenant: TenantRef, vault: Vault, settings: Settings) -> Till:
    """Alpha's till, with 1,000 USD in the client's wallet."""
    made = await open_till(database, tenant, vault, settings)
    await made.fund("1000")
    return made


async def signed_in(browser: Browser, till: Till, role: str) -> UserAccount:
    """Sign a new member of staff in."""
    async with till.database.tenant(till.tenant) as session:
        user = await people.staff(session, role, password=PASSWORD)
    await browser.log_in(TEAM, user.email, PASSWORD)
    return user


async def asked(till: Till) -> Withdrawal:
    """Let the client ask for 900 USD to a new payee."""
    return await till.ask("900", payee=await till.payee())


async def test_the_list_and_the_page_show_what_finance_needs(browser: Browser, till: Till) -> None:
    """The flag, the parts, the chain and the deposits stand side by side."""
    card = await till.connect("stripe", "Card of tests")
    await till.deposited(card, "300")
    made = await asked(till)
    await signed_in(browser, till, "finance_head")
    listed = await browser.get(TEAM, "/backoffice/withdrawals?state=requested")
    page = await browser.get(TEAM, f"/backoffice/withdrawals/{made.id}")
    export = await browser.post(
        TEAM, "/backoffice/withdrawals/export", {"format": "csv", "reason": "Month end"}
    )

    assert made.reference in listed.text
    for word in ("Payee was never paid before", "Card of tests", "Step 1", "Step 3"):
        assert word in page.text
    assert made.reference in export.text


async def test_holding_and_rejecting_need_a_reason(
    browser: Browser, till: Till, superuser: asyncpg.Connection
) -> None:
    """Held, gone on, rejected; the money comes back."""
    made = await asked(till)
    await signed_in(browser, till, "finance_head")
    path = f"/backoffice/withdrawals/{made.id}/state"
    await browser.get(TEAM, f"/backoffice/withdrawals/{made.id}")
    refused = await browser.post(TEAM, path, {"verb": "hold", "reason": ""})
    for verb in ("hold", "resume", "reject"):
        answer = await browser.post(TEAM, path, {"verb": verb, "reason": "Looked at."})
        assert answer.status_code == 303, answer.text

    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert await superuser.fetchval("SELECT state FROM t_alpha.withdrawal") == "rejected"
    assert (await till.wallet()).available == Decimal(1000)


async def test_a_bank_transfer_is_reported_with_its_reference(
    browser: Browser, till: Till, superuser: asyncpg.Connection
) -> None:
    """And waits for somebody else."""
    made = await till.advance(await till.approve(await asked(till)))
    [part] = await till.parts(made)
    await signed_in(browser, till, "payments_officer")
    here = f"/backoffice/withdrawals/{made.id}"
    page = await browser.get(TEAM, here)
    path = f"{here}/parts/{part.id}"
    refused = await browser.post(TEAM, path, {"outcome": "paid", "reference": ""})
    done = await browser.post(TEAM, path, {"outcome": "paid", "reference": "SEPA 4711"})

    assert "what happened?" in page.text
    assert refused.status_code == 422
    assert done.status_code == 303
    kind = "SELECT state FROM t_alpha.approval WHERE kind = 'withdrawal_payout'"
    assert await superuser.fetchval(kind) == "open"


async def test_sales_see_their_own_clients_withdrawals_only(browser: Browser, till: Till) -> None:
    """Another's is not there; nothing is decided."""
    made = await asked(till)
    await signed_in(browser, till, "sales_agent")

    assert (await browser.get(TEAM, f"/backoffice/withdrawals/{made.id}")).status_code == 404
    assert made.reference not in (await browser.get(TEAM, "/backoffice/withdrawals")).text
    answer = await browser.post(TEAM, f"/backoffice/withdrawals/{made.id}/state", {"verb": "hold"})
    assert answer.status_code == 403


async def test_the_rules_are_the_brokerages_own(
    browser: Browser, till: Till, superuser: asyncpg.Connection
) -> None:
    """Saved whole, refused without people at the top, and followed by the next withdrawal."""
    await signed_in(browser, till, "owner")
    await browser.get(TEAM, "/backoffice/withdrawals/rules")
    path = "/backoffice/withdrawals/rules"
    nobody = await browser.post(TEAM, path, {"to-0": "500"})
    saved = await browser.post(
        TEAM, path, {"to-0": "2000", "step-top-treasury.withdrawal.approve": "yes"}
    )
    fee = await browser.post(TEAM, f"{path}/fees", {"kind": "bank", "currency": "usd", "fee": "25"})
    wrong = await browser.post(TEAM, f"{path}/fees", {"kind": "bank", "currency": "XX", "fee": "1"})

    assert nobody.status_code == 422
    assert "names who approves" in nobody.text
    assert (saved.status_code, fee.status_code, wrong.status_code) == (303, 303, 422)
    rows = await superuser.fetch("SELECT amount_to FROM t_alpha.withdrawal_rule ORDER BY 1")
    assert [row["amount_to"] for row in rows] == [Decimal(2000), None]
    made = await asked(till)
    assert [part.fee for part in await till.parts(made)] == [Decimal(25)]
