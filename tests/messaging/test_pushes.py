"""Pushes from the notification to the browser: sent, tried again, given up, forgotten."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from connectors.push.port import PushDeferred
from connectors.push.web import WebPush
from entrypoints.subscriptions import subscriptions
from identity.models import UserAccount
from kernel import outbox
from kernel.actor import TenantRef
from kernel.language import speaking
from kernel.money import Money
from messaging import notifications, pushes
from tenants.ports import Ports
from tests.entrypoints.reader import trader
from tests.fixtures.push_service import PushService, Receiver, base64url, claims_of


@dataclass
class Phone:
    """A browser that takes pushes at a service on this machine."""

    service: PushService
    receiver: Receiver
    ports: Ports
    tenant: TenantRef
    user: UserAccount
    key: str = ""
    subscription: UUID | None = None

    async def subscribe(self, language: str = "en", path: str = "/send/1") -> None:
        """Ask for pushes, as the page's script does."""
        async with self.ports.database.tenant(self.tenant) as session:
            self.key = await pushes.public_key(session, vault=self.ports.vault)
            row = await pushes.subscribe(
                session,
                user_id=self.user.id,
                endpoint=f"{self.service.origin}{path}",
                public_key=base64url(self.receiver.public),
                secret=base64url(self.receiver.secret),
                language=language,
                vault=self.ports.vault,
            )
            self.subscription = row.id

    async def tell(self, title: str = "Deposit credited", kind: str = "deposit") -> UUID:
        """Tell the person something."""
        async with self.ports.database.tenant(self.tenant) as session:
            row = await notifications.notify(
                session,
                user_id=self.user.id,
                kind=kind,
                title=title,
                body="%(amount)s is in your wallet.",
                href="/history",
                facts={"amount": Money.of("77.25", "USD")},
            )
            return row.id

    async def work(self) -> list[str]:
        """Do what relay and worker do until nothing waits; return the errors of subscribers."""
        errors: list[str] = []
        known = subscriptions(self.ports)
        while True:
            found = await outbox.claim(self.ports.database, self.tenant, known)
            if not found:
                return errors
            for event in found:
                for one in known.of(event.topic):
                    try:
                        await outbox.handle(
                            self.ports.database, self.tenant, one, [event.event_id],
                            subscribers=len(known.of(event.topic)),
                        )  # fmt: skip
                    except Exception as error:  # noqa: BLE001 - it is what the test asks about
                        errors.append(type(error).__name__)


@pytest.fixture
async def phone(ports: Ports, tenant: TenantRef) -> AsyncIterator[Phone]:
    """Mara's telephone at a push service that the guard has been told of."""
    service = PushService()
    allowed = WebPush(allow=frozenset({f"127.0.0.1:{service.port}"}))
    user = await trader(ports.database, tenant)
    yield Phone(service, Receiver(), replace(ports, pusher=allowed), tenant, user)
    service.stop()


async def _due(superuser: asyncpg.Connection) -> None:
    """Let the time of the next attempt come."""
    await superuser.execute("UPDATE t_alpha.outbox SET lease_until = NULL WHERE done_at IS NULL")


async def test_a_push_holds_the_title_and_nothing_else_of_the_person(phone: Phone) -> None:
    """Read by the browser's key alone, signed by the brokerage, kept by the service for a day."""
    await phone.subscribe()
    told = await phone.tell()
    assert await phone.work() == []
    (delivery,) = phone.service.deliveries
    message = json.loads(phone.receiver.read(delivery.body))
    claims = claims_of(delivery.headers["authorization"])

    assert message == {
        "title": "Deposit credited",
        "href": f"/notifications/{told}",
        "tag": str(told),
        "lang": "en",
        "dir": "ltr",
    }
    assert b"77.25" not in delivery.body
    assert delivery.path == "/send/1"
    assert delivery.headers["content-encoding"] == "aes128gcm"
    assert 86_000 < int(delivery.headers["ttl"]) <= 86_400
    assert len(delivery.headers["topic"]) <= 32
    assert claims["aud"] == phone.service.origin
    assert claims["sub"].startswith("mailto:")
    assert claims["k"] == phone.key


async def test_a_push_speaks_the_language_in_which_it_was_asked_for(phone: Phone) -> None:
    """Whatever the worker speaks."""
    await phone.subscribe("ar")
    await phone.tell()
    with speaking("de"):
        await phone.work()
    message = json.loads(phone.receiver.read(phone.service.deliveries[0].body))

    assert (message["title"], message["dir"]) == ("قُيّد الإيداع", "rtl")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_gone_browser_is_forgotten(
    phone: Phone, superuser: asyncpg.Connection, status: int
) -> None:
    """After the first answer that says so, and without another attempt."""
    await phone.subscribe()
    phone.service.answers = [status]
    await phone.tell()
    await phone.work()
    await phone.tell()
    await phone.work()

    assert len(phone.service.deliveries) == 1
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.push_subscription") == 0


async def test_a_busy_service_is_asked_again_later(
    phone: Phone, superuser: asyncpg.Connection
) -> None:
    """429 and 503 wait with growing pauses; the same topic lets the service replace the first."""
    await phone.subscribe()
    phone.service.answers = [429, 503]
    await phone.tell()
    pauses = []
    for _ in range(2):
        assert await phone.work() == [PushDeferred.__name__]
        pauses.append(
            await superuser.fetchval(
                "SELECT lease_until - now() FROM t_alpha.outbox WHERE done_at IS NULL"
            )
        )
        await _due(superuser)
    assert await phone.work() == []
    topics = {one.headers["topic"] for one in phone.service.deliveries}

    assert timedelta(0) < pauses[0] < pauses[1]
    assert (len(phone.service.deliveries), len(topics)) == (3, 1)
    assert await superuser.fetchval("SELECT reached_at FROM t_alpha.push_subscription") is not None


async def test_a_refused_push_is_given_up_and_the_browser_kept(
    phone: Phone, superuser: asyncpg.Connection
) -> None:
    """413 is about this one push."""
    await phone.subscribe()
    phone.service.answers = [413]
    await phone.tell()

    assert await phone.work() == []
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.push_subscription") == 1


async def test_old_read_and_muted_news_is_not_pushed(
    phone: Phone, superuser: asyncpg.Connection
) -> None:
    """Nor anything to an account that was disabled."""
    await phone.subscribe()
    async with phone.ports.database.tenant(phone.tenant) as session:
        await notifications.choose_pushes(
            session, user_id=phone.user.id, audience="client", wanted=["deposit", "account"]
        )
    await phone.tell(kind="verification")
    read = await phone.tell()
    async with phone.ports.database.tenant(phone.tenant) as session:
        await notifications.mark_read(session, user_id=phone.user.id, ids=[read])
    await phone.work()
    old = await phone.tell()
    await superuser.execute(
        "UPDATE t_alpha.notification SET created_at = now() - interval '25 hours' WHERE id = $1",
        old,
    )
    await phone.work()
    await phone.tell()
    await superuser.execute("UPDATE t_alpha.user_account SET state = 'disabled'")
    await phone.work()

    assert phone.service.deliveries == []


async def test_a_push_never_reaches_inside(phone: Phone, superuser: asyncpg.Connection) -> None:
    """A browser that names a machine of ours is forgotten, and nothing is sent."""
    phone.ports = dataclasses.replace(phone.ports, pusher=WebPush(allow=frozenset()))
    await phone.subscribe()
    await phone.tell()

    assert await phone.work() == []
    assert phone.service.deliveries == []
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.push_subscription") == 0


async def test_each_brokerage_has_a_key_of_its_own_that_stays(
    phone: Phone, other_tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Sealed in its schema; another brokerage can't open it."""
    keys = []
    for tenant in (phone.tenant, phone.tenant, other_tenant):
        async with phone.ports.database.tenant(tenant) as session:
            keys.append(await pushes.public_key(session, vault=phone.ports.vault))
    sealed = await superuser.fetchval("SELECT private_sealed FROM t_alpha.push_key")

    assert keys[0] == keys[1] != keys[2]
    assert len(phone.ports.vault.open(phone.tenant.id, sealed, purpose="messaging.push_key")) == 32
    with pytest.raises(Exception, match="could not be opened"):
        phone.ports.vault.open(other_tenant.id, sealed, purpose="messaging.push_key")


async def test_a_browser_belongs_to_whoever_asked_last(
    phone: Phone, superuser: asyncpg.Connection
) -> None:
    """On a shared device the first person's news is not shown to the second."""
    await phone.subscribe()
    await phone.tell("For Mara")
    first, phone.user = phone.user, await trader(phone.ports.database, phone.tenant, "ben")
    await phone.subscribe()
    await phone.work()
    owners = await superuser.fetch("SELECT user_id FROM t_alpha.push_subscription")

    assert [row["user_id"] for row in owners] == [phone.user.id] != [first.id]
    assert phone.service.deliveries == []


async def test_many_of_a_kind_at_once_are_one_push(phone: Phone) -> None:
    """A bulk change must not make a telephone ring two hundred times."""
    await phone.subscribe()
    ids = [await phone.tell() for _ in range(30)]
    known = subscriptions(phone.ports)
    events = await outbox.claim(phone.ports.database, phone.tenant, known)
    (spread,) = known.of("messaging.notified")
    await outbox.handle(
        phone.ports.database, phone.tenant, spread, [one.event_id for one in events
                                                     if one.topic == "messaging.notified"],
        subscribers=1,
    )  # fmt: skip
    await phone.work()
    (delivery,) = phone.service.deliveries

    assert json.loads(phone.receiver.read(delivery.body))["tag"] == str(ids[-1])
