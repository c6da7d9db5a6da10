"""Finance's pages of rates, transfers, adjustments and disputes."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from ledger import bookings
from tests.factories import people
from tests.fixtures.web import Browser, host
from tests.treasury.adjustments.office import Office, open_office
from tests.treasury.desk import open_desk
from tests.treasury.rates import files
from treasury.adjustments import disputes
from treasury.events import DepositDisputed

TEAM = host("team")
PASSWORD = "quiet-harbour-lantern"


async def staff(database: Database, tenant: TenantRef, role: str) -> UserAccount:
    """Add a member of staff who can sign in."""
    async with database.tenant(tenant) as session:
        return await people.staff(session, role, password=PASSWORD)


@pytest.fixture
async def finance(browser: Browser, database: Database, tenant: TenantRef) -> Browser:
    """The head of finance, signed in."""
    user = await staff(database, tenant, "finance_head")
    await browser.log_in(TEAM, user.email, PASSWORD)
    await browser.get(TEAM, "/backoffice/rates")
    return browser


@pytest.fixture
async def office(database: Database, tenant: TenantRef) -> Office:
    """A client with money."""
    made = await open_office(database, tenant)
    await made.room.fund(made.room.wallet, "1000.00", "USD")
    return made


async def email_of(superuser: asyncpg.Connection, office: Office) -> str:
    """Return the client's address."""
    found: str = await superuser.fetchval(
        "SELECT email FROM t_alpha.client WHERE id = $1", office.room.client_id
    )
    return found


async def test_rates_are_imported_entered_and_marked_up(finance: Browser) -> None:
    """The page shows each pair with its source, and the history as a chart."""
    empty = await finance.get(TEAM, "/backoffice/rates")
    upload = {"file": ("eurofxref-hist.xml", files.HISTORY, "text/xml")}
    imported = await finance.post(TEAM, "/backoffice/rates/import", {}, files=upload)
    said = await finance.post(
        TEAM, "/backoffice/rates/say", {"sell": "EUR", "buy": "AED", "mid": "3.9847"}
    )
    marked = await finance.post(TEAM, "/backoffice/rates/markups", {"percent": "0.5"})
    policy = await finance.post(
        TEAM, "/backoffice/rates/policy", {"age_hours": "48", "quote_seconds": "30"}
    )
    page = await finance.get(TEAM, "/backoffice/rates?pair=EURUSD")

    assert "No rate yet" in empty.text
    assert [one.status_code for one in (imported, said, marked, policy)] == [303] * 4
    for words in ("1.085000", "3.984700", "ECB", "manual", "Every currency", "data-chart"):
        assert words in page.text
    assert 'value="48"' in page.text


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("say", {"sell": "EUR", "buy": "EUR", "mid": "x"}, "Enter a positive rate"),
        ("markups", {"markup_sell": "EUR", "percent": "1"}, "Choose another currency"),
        ("policy", {"age_hours": "x", "quote_seconds": "9999"}, "Enter 1 to 720 hours"),
    ],
)
async def test_what_is_typed_wrong_is_said_beside_its_field(
    finance: Browser, path: str, values: dict[str, str], words: str
) -> None:
    """And stays."""
    answer = await finance.post(TEAM, f"/backoffice/rates/{path}", values)

    assert answer.status_code == 422
    assert words in answer.text


async def test_a_file_that_is_none_is_refused(finance: Browser) -> None:
    """Nothing is imported."""
    upload = {"file": ("a.xml", b"<html>", "text/xml")}

    answer = await finance.post(TEAM, "/backoffice/rates/import", {}, files=upload)

    assert answer.status_code == 422
    assert "no file of ECB reference rates" in answer.text


async def test_transfers_are_listed_and_sending_is_switched(
    finance: Browser, office: Office
) -> None:
    """Each shows its way, its quote and both amounts."""
    room = office.room
    await room.fund(room.wallet, "500.00", "EUR")
    await room.say_rate("1.0850")
    quote = await room.quote("100.00")
    made = await room.start(room.wish("100.00", "EUR", "USD", quote=quote))

    listed = await finance.get(TEAM, "/backoffice/transfers")
    shown = await finance.get(TEAM, f"/backoffice/transfers/{made.reference}")
    on = await finance.post(
        TEAM, "/backoffice/transfers/sending", {"between_clients": "yes", "day_max": "750"}
    )
    wrong = await finance.post(TEAM, "/backoffice/transfers/sending", {"day_max": "-1"})

    assert made.reference in listed.text
    for words in ("1.079575", "1.085000", "107.96", "Moved at once."):
        assert words in shown.text
    assert on.status_code == 303
    assert "750.00" in (await finance.get(TEAM, "/backoffice/transfers")).text
    assert wrong.status_code == 422


async def test_an_adjustment_above_the_limit_waits_and_is_agreed_to(
    finance: Browser,
    office: Office,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Asked for on one page by one person, decided in the inbox by another."""
    values = {
        "client": await email_of(superuser, office),
        "kind": "goodwill",
        "amount": "250",
        "currency": "USD",
        "reason": "A late payment",
        "key": "form-1",
    }
    asked = await finance.post(TEAM, "/backoffice/adjustments/new", values)
    page = await finance.get(TEAM, asked.headers["location"])
    approval = await superuser.fetchval("SELECT id FROM t_alpha.approval")
    own = await finance.post(
        TEAM, f"/approvals/{approval}/decision", {"verdict": "approve", "reason": "Me."}
    )

    assert "Somebody else has to agree" in page.text
    assert own.status_code == 403
    assert (await office.room.has(office.room.wallet, "USD"))[0] == Decimal(1000)
    listed = await finance.get(TEAM, "/backoffice/adjustments")
    assert "Waiting" in listed.text


async def test_a_small_adjustment_is_booked_at_once_and_wrong_ones_are_explained(
    finance: Browser, office: Office, superuser: asyncpg.Connection
) -> None:
    """Sent twice it is one."""
    values = {
        "client": await email_of(superuser, office),
        "kind": "fee",
        "amount": "25",
        "currency": "USD",
        "reason": "Inactive for a year",
        "key": "form-2",
    }
    wrong = {**values, "client": "nobody@example.com", "amount": "", "reason": "", "key": "x"}
    foreign = {**values, "login": "123", "key": "y"}

    done = [await finance.post(TEAM, "/backoffice/adjustments/new", values) for _ in range(2)]
    refused = await finance.post(TEAM, "/backoffice/adjustments/new", wrong)
    unknown = await finance.post(TEAM, "/backoffice/adjustments/new", foreign)

    assert done[0].headers["location"] == done[1].headers["location"]
    assert (await office.room.has(office.room.wallet, "USD"))[0] == Decimal(975)
    assert refused.status_code == 422
    assert "No client has this e-mail address or number" in refused.text
    assert "The client has no account with this login" in unknown.text


async def test_accounts_below_zero_are_offered_for_writing_off(
    finance: Browser, office: Office, superuser: asyncpg.Connection
) -> None:
    """The request waits with the server, and a reason is asked for."""
    account = await office.room.account(900601)
    await office.shows(account, "-30.00")
    form = await finance.get(TEAM, "/backoffice/adjustments/new")

    nothing = await finance.post(
        TEAM, "/backoffice/adjustments/write-off", {"login": "900601", "why": ""}
    )
    asked = await finance.post(
        TEAM, "/backoffice/adjustments/write-off", {"login": "900601", "why": "Stop-out"}
    )

    assert "900601" in form.text
    assert nothing.status_code == 422
    assert asked.status_code == 303
    state = await superuser.fetchval("SELECT state FROM t_alpha.adjustment")
    assert state == "crediting"
    found = await office.room.has(bookings.trading_account(account), "USD")
    assert found[0] == Decimal(-30)


async def test_a_dispute_is_listed_and_closed_once(
    finance: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """With what was claimed from where; a decision needs a reason."""
    desk = await open_desk(database, tenant, vault)
    deposit = await desk.start("250.00")
    await desk.say(deposit, "completed")
    async with database.tenant(tenant) as session:
        case = await disputes.open_case(
            session,
            DepositDisputed(
                deposit.id, desk.client_id, "chargeback", Decimal(250), "USD", "Not recognised"
            ),
        )
    assert case is not None
    address = f"/backoffice/disputes/{case.id}"

    listed = await finance.get(TEAM, "/backoffice/disputes")
    shown = await finance.get(TEAM, address)
    silent = await finance.post(TEAM, f"{address}/close", {"verdict": "won", "reason": ""})
    won = await finance.post(TEAM, f"{address}/close", {"verdict": "won", "reason": "Proof sent"})
    again = await finance.post(TEAM, f"{address}/close", {"verdict": "lost", "reason": "No"})

    assert deposit.reference in listed.text
    assert "liability.client_wallet" in shown.text
    assert silent.status_code == 422
    assert won.status_code == 303
    assert again.status_code == 409
    assert (await desk.wallet()).available == Decimal(250)


async def test_whoever_may_only_read_can_not_change(
    browser: Browser, database: Database, tenant: TenantRef, office: Office
) -> None:
    """An auditor sees the pages without their forms, and what is sent anyway is refused."""
    user = await staff(database, tenant, "auditor")
    await browser.log_in(TEAM, user.email, PASSWORD)

    page = await browser.get(TEAM, "/backoffice/rates")
    sent = await browser.post(TEAM, "/backoffice/rates/markups", {"percent": "1"})
    asked = await browser.get(TEAM, "/backoffice/adjustments/new")

    assert page.status_code == 200
    assert "Set a mark-up" not in page.text
    assert (sent.status_code, asked.status_code) == (403, 403)
