"""Moving and converting money through the pages."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from uuid import UUID

import asyncpg
import pypdf
import pytest

from clients import queries as client_queries
from clients import restrictions
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.keys import redis_key
from ledger import bookings
from tenants.ports import Ports
from tests.fixtures.web import Browser, host
from tests.tradersroom import people
from tests.treasury.transfers.desk import Room

MY = host("my")


@pytest.fixture
async def room(browser: Browser, ports: Ports, database: Database, tenant: TenantRef) -> Room:
    """A client who is signed in, has a thousand euros, and converts at 1.0850 less 0.5 %."""
    await people.sign_up(browser, ports)
    async with database.tenant(tenant) as session:
        client = await client_queries.client_by_email(session, "sofia@mail.example")
        assert client is not None
        client.status = "verified"
        await restrictions.lift(session, client_id=client.id, kind="withdraw", reason="Verified")
    made = Room(database, tenant, client.id)
    await made.fund(made.wallet, "1000.00", "EUR")
    await made.say_rate("1.0850")
    await browser.get(MY, "/transfer")
    await forget_lookups(ports, tenant)
    return made


async def forget_lookups(ports: Ports, tenant: TenantRef) -> None:
    """Start with no look-up of other clients counted."""
    pattern = redis_key(tenant, "throttle", "recipient") + ":*"
    async for key in ports.redis.scan_iter(pattern):
        await ports.redis.delete(key)


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of the form that confirms."""
    form = text[text.index('action="/transfer/confirm"') :]
    form = form[: form.index("</form>")]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: value for name, value in found if name != "_csrf_token"}


async def test_a_conversion_is_shown_before_it_is_made(room: Room, browser: Browser) -> None:
    """Item 14: 1,000.00 EUR become 1,079.58 USD; confirmed twice it is one transfer."""
    shown = await browser.post(
        MY,
        "/transfer",
        {"way": "convert", "source": "w:EUR", "target": "w:USD", "amount": "1000"},
    )
    fields = hidden(shown.text)
    before = await room.has(room.wallet, "EUR")
    answers = [await browser.post(MY, "/transfer/confirm", fields) for _ in range(2)]
    page = await browser.get(MY, answers[0].headers["location"])

    for words in ("1,079.58", "1.079575", "1.085000", "0.50", "data-left"):
        assert words in shown.text
    assert before[1] == 1000
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert "The money has arrived" in page.text
    assert "1,079.58" in page.text
    assert (await room.has(room.wallet, "EUR"))[0] == 0


async def test_an_expired_rate_is_shown_anew_and_nothing_moves(
    room: Room, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """The client looks at the new one and confirms that."""
    shown = await browser.post(
        MY, "/transfer", {"source": "w:EUR", "target": "w:USD", "amount": "100"}
    )
    await superuser.execute("UPDATE t_alpha.fx_quote SET expires_at = clock_timestamp()")

    again = await browser.post(MY, "/transfer/confirm", hidden(shown.text))
    kept = await room.has(room.wallet, "EUR")
    done = await browser.post(MY, "/transfer/confirm", hidden(again.text))

    assert "This rate has expired and nothing was moved" in again.text
    assert kept == (Decimal(1000), Decimal(1000))
    assert done.status_code == 303


async def test_money_goes_to_an_account_and_is_followed(room: Room, browser: Browser) -> None:
    """Until the server has booked it the page asks again by itself."""
    account = await room.account(900501, "EUR")
    shown = await browser.post(
        MY, "/transfer", {"source": "w:EUR", "target": f"a:{account}", "amount": "250"}
    )

    started = await browser.post(MY, "/transfer/confirm", hidden(shown.text))
    way = await browser.get(MY, started.headers["location"])
    listed = await browser.get(MY, "/transfers")
    file = await browser.post(MY, "/transfers/export", {"format": "csv"})

    assert "On its way" in way.text
    assert "hx-get" in way.text
    assert "900501" in listed.text
    assert file.status_code == 200
    assert (await room.has(room.wallet, "EUR"))[1] == 750


async def test_a_receipt_says_what_left_and_what_arrived(room: Room, browser: Browser) -> None:
    """For the sender alone; one that is under way has none."""
    quote = await room.quote("100.00")
    made = await room.start(room.wish("100.00", "EUR", "USD", quote=quote))
    account = await room.account(900502, "EUR")
    moving = await room.start(room.wish("10.00", "EUR", target=account))

    answer = await browser.get(MY, f"/transfer/{made.reference}/receipt.pdf")
    early = await browser.get(MY, f"/transfer/{moving.reference}/receipt.pdf")
    foreign = await browser.get(MY, "/transfer/TRF-00000000/receipt.pdf")

    text = " ".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages
    )
    for words in ("107.96 USD", "100.00 EUR", "1.079575", made.reference):
        assert words in text
    assert early.status_code == 409
    assert foreign.status_code == 404


async def test_another_client_is_shown_masked_and_gets_the_money(
    room: Room, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """A changed receiver is checked again, and is never somebody who can't receive."""
    other = await room.other("Noor", "Haddad")
    await room.let_send("5000")
    email = await superuser.fetchval("SELECT email FROM t_alpha.client WHERE id = $1", other)
    order = {"source": "w:EUR", "target": "client", "amount": "40", "recipient": email}

    shown = await browser.post(MY, "/transfer", order)
    fields = hidden(shown.text)
    forged = await browser.post(MY, "/transfer/confirm", {**fields, "receiver": str(UUID(int=7))})
    done = await browser.post(MY, "/transfer/confirm", fields)
    page = await browser.get(MY, done.headers["location"])

    assert "N••• H•••" in shown.text
    assert "Haddad" not in shown.text
    assert forged.status_code == 422
    assert "Haddad" not in page.text
    assert (await room.has(bookings.wallet(other), "EUR"))[0] == 40


async def test_who_is_a_client_can_not_be_tried_out(room: Room, browser: Browser) -> None:
    """A stranger and oneself read the same, and after ten questions there is a pause."""
    await room.let_send()
    order = {"source": "w:EUR", "target": "client", "amount": "1"}

    answers = [
        await browser.post(MY, "/transfer", {**order, "recipient": recipient})
        for recipient in ("stranger@mail.example", "sofia@mail.example", *["x@y.example"] * 9)
    ]

    words = "Nobody can receive money here. Check address or number."
    assert [words in one.text for one in answers] == [True] * 10 + [False]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "x"}, "Enter an amount such as"),
        ({"amount": "1.001"}, "Enter a positive amount in whole minor units"),
        ({"source": "w:USD"}, "Choose where the money comes from"),
        ({"target": "moon"}, "Choose where the money goes"),
        ({"target": "w:EUR"}, "Choose another place"),
        ({"target": "w:GBP"}, "There is no exchange rate"),
    ],
)
async def test_an_order_that_can_not_be_is_explained(
    room: Room, browser: Browser, *, change: dict[str, str], words: str
) -> None:
    """What was typed stays."""
    order = {"source": "w:EUR", "target": "w:USD", "amount": "10", **change}

    answer = await browser.post(MY, "/transfer", order)

    assert answer.status_code in (409, 422)
    assert words in answer.text


async def test_more_than_is_there_is_refused_beside_the_amount(
    room: Room, browser: Browser
) -> None:
    """Nothing is set aside for it."""
    shown = await browser.post(
        MY, "/transfer", {"source": "w:EUR", "target": "w:USD", "amount": "1000.01"}
    )

    answer = await browser.post(MY, "/transfer/confirm", hidden(shown.text))

    assert answer.status_code == 409
    assert "There is not enough available" in answer.text
    assert await room.has(room.wallet, "EUR") == (Decimal(1000), Decimal(1000))
