"""Taking money out in the Trader's Room: checked, split, proved by a mailed code, followed."""

from __future__ import annotations

import asyncpg

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.money import Money
from ledger import bookings, chart, entries
from tenants.ports import Ports
from tests.fixtures.web import Browser, host
from tests.tradersroom.people import letter, sign_up
from tradersroom import withdrawal_notices
from treasury.withdrawals import queries
from treasury.withdrawals.events import WithdrawalClosed, WithdrawalPaid

MY = host("my")
MAIL = "sofia@mail.example"
BANK = {"holder": "Sofia Keller", "iban": "DE89 3704 0044 0532 0130 00", "bank": "Sparkasse"}


async def fund(database: Database, tenant: TenantRef, superuser: asyncpg.Connection) -> None:
    """Verify the client and put 1,000 USD into the wallet."""
    client_id = await superuser.fetchval("UPDATE t_alpha.client SET kyc_level = 2 RETURNING id")
    await superuser.execute("UPDATE t_alpha.restriction SET lifted_at = now()")
    async with database.tenant(tenant) as session:
        await entries.post(
            session,
            key="fund",
            kind="opening",
            lines=bookings.move(
                (chart.OPENING, chart.HOUSE), bookings.wallet(client_id), Money.of("1000", "USD")
            ),
        )


async def wish(superuser: asyncpg.Connection, amount: str = "250.00") -> dict[str, str]:
    """Return the form for an amount from the wallet to the saved account."""
    payee = await superuser.fetchval("SELECT id FROM t_alpha.withdrawal_destination")
    return {"source": "wallet:USD", "amount": amount, "payee": str(payee or "")}


async def test_the_whole_way_from_the_payee_to_the_tracker(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    ports: Ports,
    superuser: asyncpg.Connection,
) -> None:
    """A payee in the own name, the check, the split, the mailed code, and the stops."""
    await sign_up(browser, ports)
    await fund(database, tenant, superuser)
    refused = await browser.post(MY, "/withdraw/payees", {**BANK, "holder": "Jon Keller"})
    saved = await browser.post(MY, "/withdraw/payees", BANK)
    form = await browser.get(MY, "/withdraw")
    values = await wish(superuser)
    confirm = await browser.post(MY, "/withdraw/check", values)
    mail = await letter(ports, tenant, to=MAIL, template="withdrawal_code")
    wrong = await browser.post(MY, "/withdraw", {**values, "by_mail": "yes", "code": "12"})
    made = await browser.post(MY, "/withdraw", {**values, "by_mail": "yes", "code": mail.heading})
    tracked = await browser.get(MY, made.headers["location"])

    assert refused.status_code == 422
    assert "Sofia Keller" in refused.text
    assert saved.status_code == 303
    assert "DE89 … 3000" in form.text
    assert "Sent by our payments team" in confirm.text
    assert wrong.status_code == 422
    assert "This code is wrong" in wrong.text
    assert made.status_code == 303
    assert "We look at it within one working day." in tracked.text
    assert await superuser.fetchval("SELECT state FROM t_alpha.withdrawal") == "requested"
    taken = await browser.post(MY, f"{made.headers['location']}/cancel", {})
    assert taken.status_code == 303
    assert await superuser.fetchval("SELECT state FROM t_alpha.withdrawal") == "cancelled"


async def test_what_stands_in_the_way_is_said_before_and_keeps_what_was_typed(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    ports: Ports,
    superuser: asyncpg.Connection,
) -> None:
    """Each with what to do; no code is sent."""
    await sign_up(browser, ports)
    await fund(database, tenant, superuser)
    await superuser.execute("UPDATE t_alpha.client SET kyc_level = 1")
    await browser.get(MY, "/withdraw")
    answer = await browser.post(
        MY, "/withdraw/check", {"source": "wallet:USD", "amount": "1,200.00", "payee": ""}
    )

    assert answer.status_code == 422
    assert "Finish your verification" in answer.text
    assert "There is less in your wallet." in answer.text
    assert "Choose a bank account of yours" in answer.text
    assert "1,200.00" in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.withdrawal_code") == 0


async def test_a_changed_amount_makes_the_code_worthless(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    ports: Ports,
    superuser: asyncpg.Connection,
) -> None:
    """What was confirmed is what is paid."""
    await sign_up(browser, ports)
    await fund(database, tenant, superuser)
    await browser.get(MY, "/withdraw")
    await browser.post(MY, "/withdraw/payees", BANK)
    await browser.post(MY, "/withdraw/check", await wish(superuser))
    mail = await letter(ports, tenant, to=MAIL, template="withdrawal_code")
    changed = {**await wish(superuser, "900.00"), "by_mail": "yes", "code": mail.heading}
    answer = await browser.post(MY, "/withdraw", changed)
    again = await browser.post(
        MY, "/withdraw", {**await wish(superuser), "by_mail": "yes", "code": mail.heading}
    )

    assert answer.status_code == 422
    assert "has changed" in answer.text
    assert again.status_code == 422
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.withdrawal") == 0


async def test_the_end_is_told_in_the_product_and_by_mail(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    ports: Ports,
    superuser: asyncpg.Connection,
) -> None:
    """Paid, and not paid with the reason."""
    await sign_up(browser, ports)
    await fund(database, tenant, superuser)
    await browser.get(MY, "/withdraw")
    await browser.post(MY, "/withdraw/payees", BANK)
    await browser.post(MY, "/withdraw/check", await wish(superuser))
    code = (await letter(ports, tenant, to=MAIL, template="withdrawal_code")).heading
    values = {**await wish(superuser), "by_mail": "yes", "code": code}
    await browser.post(MY, "/withdraw", values)
    row = await superuser.fetchrow("SELECT id, client_id FROM t_alpha.withdrawal")
    about = (row["id"], row["client_id"])

    async def link(session: TenantSession, ports: Ports, path: str) -> str:
        return f"https://my.example{path}"

    async with database.tenant(tenant) as session:
        found = await queries.withdrawal(session, row["id"])
        assert found is not None
        await withdrawal_notices.mail_paid(
            session,
            WithdrawalPaid(*about, found.amount, found.amount * 0, "USD"),
            ports=ports,
            link=link,
        )
        await withdrawal_notices.mail_closed(
            session,
            WithdrawalClosed(*about, "rejected", "rejected", "The statement is missing."),
            ports=ports,
            link=link,
        )
    paid = await letter(ports, tenant, to=MAIL, template="withdrawal_paid")
    closed = await letter(ports, tenant, to=MAIL, template="withdrawal_closed")

    assert found.reference in str(paid.facts)
    assert "The statement is missing." in closed.paragraphs
    told = await superuser.fetch("SELECT title FROM t_alpha.notification ORDER BY title")
    assert [one["title"] for one in told] == ["Withdrawal not paid", "Withdrawal paid"]
