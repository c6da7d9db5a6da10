"""SMS: queued where there is a text and a telephone, sent once, whatever fails in between."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import httpx
import pytest

from connectors.sms.port import Sms, SmsDeferred, SmsGateway, SmsRefused
from connectors.sms.twilio import Twilio
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from messaging import sms, templates
from messaging.events import SmsQueued
from messaging.liquid.renderer import Renderer
from tenants import brands
from tests.fixtures.services import ensure_services
from themes.page import Brand

_CONTEXT = {
    "name": "Omar",
    "amount": "250.00 USD",
    "reference": "DEP-7F3K2M",
    "link": "https://x/y",
}


@pytest.fixture
def to() -> str:
    """A number that no other test writes to."""
    return f"+4915{random.randrange(10**9):09d}"


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    """One child is enough."""
    async with Renderer(size=1) as made:
        yield made


@pytest.fixture
def gateway() -> Twilio:
    """The catcher."""
    url = ensure_services().sms_url
    return Twilio(url, egress_allow=frozenset({url.rpartition("@")[2].partition("?")[0]}))


async def _publish(
    database: Database,
    tenant: TenantRef,
    renderer: Renderer,
    source: str = "{{ brand.name }}: {{ amount }} received, {{ reference }}",
    language: str = "en",
) -> None:
    key = {"event": "deposit_received", "language": language, "kind": "sms"}
    async with database.tenant(tenant) as session:
        await templates.save_draft(session, **key, source=source, renderer=renderer)
        await templates.publish(session, **key, renderer=renderer, values=None)


async def _queue(
    database: Database, tenant: TenantRef, vault: Vault, to: str, language: str = "en"
) -> SmsQueued | None:
    async with database.tenant(tenant) as session:
        message = await sms.queue(
            session,
            to=to,
            event="deposit_received",
            language=language,
            context=_CONTEXT,
            vault=vault,
        )
        return SmsQueued(message.id) if message is not None else None


async def _deliver(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    event: SmsQueued | None,
    gateway: SmsGateway,
) -> None:
    async def brand_of(tenant: TenantRef) -> Brand:
        return await brands.current(database, tenant)

    assert event is not None
    await sms.deliver(
        database,
        tenant,
        event,
        gateway=gateway,
        vault=vault,
        brand_of=brand_of,
        renderer=renderer,
    )


async def _inbox(to: str) -> list[str]:
    url = f"{ensure_services().sms_origin}/2010-04-01/Accounts/AC1/Messages.json"
    async with httpx.AsyncClient(auth=("AC1", "token")) as client:
        answer = await client.get(url, params={"To": to})
    return [one["body"] for one in answer.json()["messages"]]


async def test_a_published_text_is_sent_once(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    gateway: Twilio,
    to: str,
    superuser: asyncpg.Connection,
) -> None:
    """The second delivery finds it sent; the values are gone and the reference is kept."""
    await _publish(database, tenant, renderer)
    event = await _queue(database, tenant, vault, f"{to[:5]} ({to[5:8]}) {to[8:]}")

    await _deliver(database, tenant, vault, renderer, event, gateway)
    await _deliver(database, tenant, vault, renderer, event, gateway)

    assert await _inbox(to) == ["Alpha Markets: 250.00 USD received, DEP-7F3K2M"]
    row = await superuser.fetchrow("SELECT * FROM t_alpha.message")
    assert (row["channel"], row["state"], row["attempts"]) == ("sms", "sent", 1)
    assert (row["body_sealed"], row["reference"][:2]) == (None, "SM")


@pytest.mark.parametrize("number", ["", "123", "call me", "0151 1234567"])
async def test_without_a_text_or_a_telephone_nothing_is_queued(  # noqa: PLR0917
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer, number: str, to: str
) -> None:
    """An SMS is an extra: nobody is written to who can't be, and nothing that is not written."""
    assert await _queue(database, tenant, vault, to) is None
    await _publish(database, tenant, renderer)
    assert await _queue(database, tenant, vault, number) is None


async def test_english_stands_in_for_a_language_without_a_text(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    to: str,
) -> None:
    """And another brokerage's text for nobody's."""
    await _publish(database, tenant, renderer)
    assert await _queue(database, tenant, vault, to, "de") is not None
    assert await _queue(database, other_tenant, vault, to) is None


class _Losing:
    """A carrier behind a line that dies after it has taken a message."""

    def __init__(self, behind: SmsGateway) -> None:
        self.behind = behind
        self.lost = False

    async def send(self, message: Sms) -> str:
        """Send, and lose the first answer."""
        reference = await self.behind.send(message)
        if not self.lost:
            self.lost = True
            raise SmsDeferred("no answer")
        return reference

    async def find(self, message: Sms, *, since: datetime) -> str:
        """Ask."""
        return await self.behind.find(message, since=since)


async def test_a_lost_answer_sends_nothing_twice(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    gateway: Twilio,
    to: str,
    superuser: asyncpg.Connection,
) -> None:
    """The next attempt asks the carrier first, and finds that it has the message."""
    await _publish(database, tenant, renderer)
    event = await _queue(database, tenant, vault, to)
    losing = _Losing(gateway)

    with pytest.raises(SmsDeferred):
        await _deliver(database, tenant, vault, renderer, event, losing)
    assert await superuser.fetchval("SELECT state FROM t_alpha.message") == "queued"
    await _deliver(database, tenant, vault, renderer, event, losing)

    assert len(await _inbox(to)) == 1
    assert await superuser.fetchval("SELECT state FROM t_alpha.message") == "sent"


class _Refusing:
    """A carrier that does not deliver to this telephone."""

    async def send(self, _message: Sms) -> str:
        """Refuse."""
        raise SmsRefused("blocked")

    async def find(self, _message: Sms, *, since: datetime) -> str:
        """Find nothing."""
        del since
        return ""


async def test_a_refused_message_has_failed(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    to: str,
    superuser: asyncpg.Connection,
) -> None:
    """It is not tried again, and its values are forgotten."""
    await _publish(database, tenant, renderer)
    event = await _queue(database, tenant, vault, to)

    await _deliver(database, tenant, vault, renderer, event, _Refusing())

    row = await superuser.fetchrow("SELECT state, body_sealed, error FROM t_alpha.message")
    assert tuple(row) == ("failed", None, "blocked")


async def test_a_text_that_fails_sends_nothing_and_its_author_is_told(  # noqa: PLR0917
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    gateway: Twilio,
    to: str,
    superuser: asyncpg.Connection,
) -> None:
    """There is no built-in SMS to fall back to."""
    await _publish(database, tenant, renderer, "{% if name == 'Omar Haddad' %}ok{% endif %}")
    event = await _queue(database, tenant, vault, to)

    await _deliver(database, tenant, vault, renderer, event, gateway)

    assert await _inbox(to) == []
    assert await superuser.fetchval("SELECT state FROM t_alpha.message") == "failed"
    failure = await superuser.fetchval("SELECT failure FROM t_alpha.tenant_template")
    assert "no SMS was sent" in failure
