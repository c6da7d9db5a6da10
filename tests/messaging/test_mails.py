"""Mails: what they say is sealed, they are sent once, and a server that refuses ends them."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx
import pytest

from connectors.mail.port import Mail, MailDeferred, MailRefused
from connectors.mail.smtp import Smtp
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.ids import token
from messaging import mails, texts
from messaging.events import MailQueued
from tenants import brands
from tests.fixtures.services import ensure_services
from themes.page import Brand

_LINK = "http://my.alpha.localhost/invite/very-secret-token"


@pytest.fixture
def to() -> str:
    """An address that no other test writes to."""
    return f"{token(9).lower().strip('-_')}@mail.example"


async def _queue(database: Database, tenant: TenantRef, vault: Vault, to: str) -> MailQueued:
    async with database.tenant(tenant) as session:
        message = await mails.queue(
            session,
            to=to,
            template="invite_client",
            context={"name": "Omar", "link": _LINK},
            vault=vault,
        )
        return MailQueued(message.id)


async def _deliver(
    database: Database, tenant: TenantRef, vault: Vault, event: MailQueued, mailer: object = None
) -> None:
    async def brand_of(tenant: TenantRef) -> Brand:
        return await brands.current(database, tenant)

    await mails.deliver(
        database,
        tenant,
        event,
        mailer=mailer or Smtp(ensure_services().smtp_url),  # type: ignore[arg-type]
        vault=vault,
        brand_of=brand_of,
    )


async def _inbox(to: str) -> list[dict[str, object]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{ensure_services().inbox_url}/api/messages", params={"to": to})
    found: list[dict[str, object]] = answer.json()
    return found


async def test_a_mail_delivered_twice_is_sent_once(
    database: Database, tenant: TenantRef, vault: Vault, to: str, superuser: asyncpg.Connection
) -> None:
    """The second delivery finds it sent; afterwards the letter is gone from the table."""
    event = await _queue(database, tenant, vault, to)

    await _deliver(database, tenant, vault, event)
    await _deliver(database, tenant, vault, event)

    assert len(await _inbox(to)) == 1
    row = await superuser.fetchrow("SELECT * FROM t_alpha.message")
    assert (row["state"], row["attempts"], row["body_sealed"]) == ("sent", 1, None)
    assert row["sent_at"] is not None


async def test_two_workers_with_one_mail_send_it_once(
    database: Database, tenant: TenantRef, vault: Vault, to: str
) -> None:
    """Whoever comes second is told to come back, and finds it done."""
    event = await _queue(database, tenant, vault, to)

    await asyncio.gather(
        *(_deliver(database, tenant, vault, event) for _ in range(5)), return_exceptions=True
    )
    await _deliver(database, tenant, vault, event)

    assert len(await _inbox(to)) == 1


async def test_the_letter_cannot_be_read_in_the_table(
    database: Database, tenant: TenantRef, vault: Vault, to: str, superuser: asyncpg.Connection
) -> None:
    """Neither the link nor the text is there in clear, in the message or its event."""
    await _queue(database, tenant, vault, to)

    message = await superuser.fetchrow("SELECT * FROM t_alpha.message")
    event = await superuser.fetchval("SELECT payload::text FROM t_alpha.outbox")

    for stored in (bytes(message["body_sealed"]), repr(dict(message)).encode(), event.encode()):
        assert b"very-secret-token" not in stored
        assert b"Set password" not in stored


async def test_the_mail_wears_the_brand_and_carries_the_link(
    database: Database, tenant: TenantRef, vault: Vault, to: str
) -> None:
    """Sender, subject, text and HTML are the brokerage's."""
    kept: list[Mail] = []

    class Keeper:
        """Takes mails as a server would."""

        async def send(self, mail: Mail) -> str:
            """Keep it."""
            kept.append(mail)
            return mail.message_id

    event = await _queue(database, tenant, vault, to)
    await _deliver(database, tenant, vault, event, Keeper())

    [mail] = kept
    assert mail.sender == "Alpha Markets <support@alpha.example>"
    assert mail.subject == "Your access to Alpha Markets"
    assert _LINK in mail.text
    assert _LINK in mail.html
    assert mail.message_id == f"{event.message_id}@alpha.example"


async def test_a_server_that_is_away_is_tried_again(
    database: Database, tenant: TenantRef, vault: Vault, to: str
) -> None:
    """Nothing listens at port 1; the mail stays queued and goes out later."""
    event = await _queue(database, tenant, vault, to)

    with pytest.raises(MailDeferred):
        await _deliver(database, tenant, vault, event, Smtp("smtp://127.0.0.1:1"))
    await _deliver(database, tenant, vault, event)

    assert len(await _inbox(to)) == 1


async def test_a_mail_that_can_never_go_out_is_failed_and_not_repeated(
    database: Database, tenant: TenantRef, vault: Vault, superuser: asyncpg.Connection
) -> None:
    """An address that is none is refused for good; the job ends without an error."""
    event = await _queue(database, tenant, vault, "not an address")

    await _deliver(database, tenant, vault, event)

    row = await superuser.fetchrow("SELECT state, error FROM t_alpha.message")
    assert row["state"] == "failed"
    assert "not a mail address" in row["error"]


async def test_a_missing_value_is_found_when_the_mail_is_queued(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """The programmer learns it, not the client."""
    with pytest.raises(texts.ContextMissing, match="needs a value for link"):
        async with database.tenant(tenant) as session:
            await mails.queue(
                session,
                to="a@b.example",
                template="invite_client",
                context={"name": "O"},
                vault=vault,
            )


@pytest.mark.parametrize("template", sorted(texts._WRITERS))
def test_every_mail_can_be_written(template: str) -> None:
    """Each has a subject on one line that names no secret."""
    names = ("name", "link", "login", "server", "reason", "amount", "reference", "target", "payee")
    context = dict.fromkeys(names, "value\r\nBcc: x")
    context |= {"password": "pw-1", "investor_password": "pw-2", "referral_link": "http://r"}
    context |= {"code": "471100", "change": "x", "place": "y", "server": "z"}

    letter = texts.write(template, brand="Alpha", context=context)

    assert "\n" not in letter.subject
    assert "pw-" not in letter.subject
    assert letter.heading
    assert MailRefused is not None
