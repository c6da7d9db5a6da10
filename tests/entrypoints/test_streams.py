"""Live updates: who gets them, when they end, and what they survive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest

from entrypoints.application import Web
from entrypoints.streams import Bounds
from entrypoints.subscriptions import subscriptions
from identity import sessions
from identity.models import UserAccount
from kernel import outbox
from kernel.actor import TenantRef
from kernel.database import Database
from tenants.ports import Ports
from tests.entrypoints.reader import enter, tell, trader
from tests.fixtures.web import Browser, host

PATIENCE_SECONDS = 8.0


class Stream:
    """One open answer of `/events`, read as it comes."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.ended = False
        self._changed = asyncio.Event()

    async def take(self, message: Any) -> None:
        """Receive one message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): text.decode() for name, text in message["headers"]
            }
        else:
            self.text += message["body"].decode()
            self.ended = not message.get("more_body")
        self._changed.set()

    @property
    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What came so far: name, id and data of each event."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in fields:
                found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
        return found

    def titles(self) -> list[str]:
        """The titles of the notifications that came."""
        return [data["title"] for name, _, data in self.events if name == "notification"]

    async def until(self, wanted: Any) -> None:
        """Wait until something is true of this stream."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted(self):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def opened(
    web: Web, where: str, cookie: str, *, query: str = "", last: str = ""
) -> AsyncIterator[Stream]:
    """Ask for the stream of a host as an EventSource does, and leave at the end."""
    stream, left = Stream(), asyncio.Event()
    headers = [(b"host", f"{where}:8000".encode()), (b"cookie", f"marque={cookie}".encode())]
    if last:
        headers.append((b"last-event-id", last.encode()))
    scope: Any = {
        "type": "http", "method": "GET", "path": "/events", "raw_path": b"/events",
        "query_string": query.encode(), "headers": headers, "scheme": "http",
        "http_version": "1.1", "client": ("127.0.0.9", 4000), "server": ("127.0.0.1", 8000),
        "root_path": "", "asgi": {"version": "3.0"}, "extensions": {},
    }  # fmt: skip

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    running = asyncio.create_task(web(scope, receive, stream.take))
    try:
        await stream.until(lambda one: one.status and (one.ended or one.events))
        yield stream
    finally:
        left.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, PATIENCE_SECONDS)


@pytest.fixture
async def heard(web: Web) -> AsyncIterator[None]:
    """Let the application hear the bells, as it does between its start and its stop."""
    listening = asyncio.create_task(web._windows.listen())
    yield
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def mara(database: Database, tenant: TenantRef) -> UserAccount:
    """A client of alpha."""
    return await trader(database, tenant)


async def _cookie(web: Web, user: UserAccount, tenant: TenantRef) -> str:
    browser = Browser(web)
    where = await enter(browser, user, tenant)
    cookie = browser.cookie(where)
    await browser.close()
    return cookie


async def _pass_on(ports: Ports, tenant: TenantRef) -> None:
    """Do what relay and worker do with the events that wait."""
    known = subscriptions(ports)
    for event in await outbox.claim(ports.database, tenant, known):
        for one in known.of(event.topic):
            if one.name in {"messaging.spread", "messaging.ring"}:
                await outbox.handle(
                    ports.database, tenant, one, [event.event_id],
                    subscribers=len(known.of(event.topic)),
                )  # fmt: skip


@pytest.mark.usefixtures("heard")
async def test_a_notification_reaches_the_open_window_at_once(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """In words, with the count, and a hint of what to fetch anew; long before a heartbeat."""
    web.streaming.bounds = Bounds(heartbeat=600)
    cookie = await _cookie(web, mara, tenant)
    async with opened(web, host("my"), cookie) as stream:
        await asyncio.sleep(0.2)
        made = await tell(ports.database, tenant, mara.id)
        await _pass_on(ports, tenant)
        await stream.until(lambda one: one.titles())
        await stream.until(lambda one: any(name == "refresh" for name, _, _ in one.events))

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    first, told, hint = stream.events
    assert first == ("unread", "", {"unread": 0})
    assert told[1] == str(made)
    assert told[2]["href"] == f"/notifications/{made}"
    assert told[2]["body"].replace("\u2066", "").startswith("1,250.50 USD")
    assert told[2]["unread"] == 1
    assert hint == ("refresh", "", {"what": "deposit"})


async def test_nobody_gets_what_is_told_to_others(
    web: Web, ports: Ports, tenant: TenantRef, other_tenant: TenantRef, mara: UserAccount
) -> None:
    """Not of another client, and not of the same name at another brokerage."""
    web.streaming.bounds = Bounds(heartbeat=0.2)
    ben = await trader(ports.database, tenant, "ben")
    namesake = await trader(ports.database, other_tenant, "mara")
    cookie = await _cookie(web, mara, tenant)
    async with opened(web, host("my"), cookie) as stream:
        await tell(ports.database, tenant, ben.id, title="For Ben")
        await tell(ports.database, other_tenant, namesake.id, title="For the namesake")
        # Even with the very same id of the person, another brokerage's row is another's.
        await tell(ports.database, other_tenant, mara.id, title="For nobody here")
        await tell(ports.database, tenant, mara.id, title="For Mara")
        await stream.until(lambda one: one.titles())
        await asyncio.sleep(0.6)

    assert stream.titles() == ["For Mara"]


async def test_another_brokerages_bell_wakes_nobody(
    web: Web, ports: Ports, tenant: TenantRef, other_tenant: TenantRef, mara: UserAccount
) -> None:
    """A bell names its tenant by its channel, and one person in it."""
    from messaging.live import Windows, ring

    windows = Windows(ports.redis)
    listening = asyncio.create_task(windows.listen())
    try:
        with windows.opened(tenant, mara.id) as bell:
            await asyncio.wait_for(bell.wait(), PATIENCE_SECONDS)  # it has begun to hear
            bell.clear()
            await ring(ports.redis, other_tenant, [mara.id])
            await ring(ports.redis, tenant, [UUID(int=7)])
            await asyncio.sleep(0.3)
            assert not bell.is_set()
            await ring(ports.redis, tenant, [mara.id])
            await asyncio.wait_for(bell.wait(), PATIENCE_SECONDS)
        assert windows.count() == 0
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_revoked_session_ends_its_stream(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """At the next heartbeat, and nothing that came after is sent."""
    web.streaming.bounds = Bounds(heartbeat=0.3)
    cookie = await _cookie(web, mara, tenant)
    async with opened(web, host("my"), cookie) as stream:
        async with ports.database.tenant(tenant) as session:
            await sessions.end_all(session, user_id=mara.id)
        await tell(ports.database, tenant, mara.id, title="Too late")
        await stream.until(lambda one: one.ended)

    assert stream.titles() == []
    async with opened(web, host("my"), cookie) as again:
        assert again.status == 401


@pytest.mark.parametrize("where", ["my.beta.localhost", "team.alpha.localhost"])
async def test_a_cookie_opens_no_stream_elsewhere(
    web: Web, tenant: TenantRef, mara: UserAccount, where: str
) -> None:
    """Not on another brokerage's host, and not on another surface."""
    cookie = await _cookie(web, mara, tenant)
    async with opened(web, where, cookie) as stream:
        assert stream.status == 401
    async with opened(web, host("my"), "") as stream:
        assert stream.status == 401


async def test_an_open_window_does_not_keep_a_session_alive(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount, superuser: Any
) -> None:
    """Looks of the stream leave the idle limit where it is."""
    web.streaming.bounds = Bounds(heartbeat=0.2)
    cookie = await _cookie(web, mara, tenant)
    await superuser.execute("UPDATE t_alpha.session SET seen_at = now() - interval '5 minutes'")
    before = await superuser.fetchrow("SELECT seen_at, expires_at FROM t_alpha.session")
    async with opened(web, host("my"), cookie) as stream:
        await stream.until(lambda one: one.text.count(": \n\n") >= 2)
    after = await superuser.fetchrow("SELECT seen_at, expires_at FROM t_alpha.session")

    assert before == after


async def test_a_stream_goes_on_where_the_last_one_ended(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """By the header of a browser that reconnects, and by the address of a new window."""
    cookie = await _cookie(web, mara, tenant)
    ids = [await tell(ports.database, tenant, mara.id, title=f"No {n}") for n in range(4)]
    async with opened(web, host("my"), cookie, last=str(ids[1])) as stream:
        assert stream.titles() == ["No 2", "No 3"]
    async with opened(web, host("my"), cookie, query=f"after={ids[2]}") as stream:
        assert stream.titles() == ["No 3"]
    async with opened(web, host("my"), cookie, last="not an id") as stream:
        assert stream.titles() == []
        assert stream.events == [("unread", "", {"unread": 4})]


async def test_what_was_committed_late_is_not_lost(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """A slow transaction's notification has an older id than one that is already told."""
    web.streaming.bounds = Bounds(heartbeat=0.2)
    cookie = await _cookie(web, mara, tenant)
    from messaging import notifications

    async with opened(web, host("my"), cookie) as stream:
        async with ports.database.tenant(tenant) as slow:
            await notifications.notify(slow, user_id=mara.id, kind="deposit", title="Slow")
            await slow.flush()
            await tell(ports.database, tenant, mara.id, title="Quick")
            await stream.until(lambda one: one.titles() == ["Quick"])
        await stream.until(lambda one: len(one.titles()) == 2)
        await asyncio.sleep(0.6)

    assert stream.titles() == ["Quick", "Slow"]


async def test_streams_are_bounded(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """Beyond the limits somebody is told so, and whoever has left makes room."""
    web.streaming.bounds = Bounds(of_one_person=2, of_all=3)
    ben = await trader(ports.database, tenant, "ben")
    hers, his = await _cookie(web, mara, tenant), await _cookie(web, ben, tenant)
    async with opened(web, host("my"), hers), opened(web, host("my"), hers):
        async with opened(web, host("my"), hers) as third:
            assert (third.status, third.headers["retry-after"]) == (429, "60")
        async with opened(web, host("my"), his), opened(web, host("my"), his) as full:
            assert (full.status, full.headers["retry-after"]) == (503, "60")
    async with opened(web, host("my"), hers) as stream:
        assert stream.status == 200


async def test_a_stream_holds_no_connection_between_looks(
    web: Web, ports: Ports, tenant: TenantRef, mara: UserAccount
) -> None:
    """Twenty windows wait on a pool of ten, and the pool is free."""
    web.streaming.bounds = Bounds(of_one_person=50)
    cookie = await _cookie(web, mara, tenant)
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()
        ready = []

        async def wait() -> None:
            async with opened(web, host("my"), cookie):
                ready.append(1)
                await done.wait()

        for _ in range(20):
            group.create_task(wait())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(ready) < 20:
                await asyncio.sleep(0.02)
        assert ports.database._app.busy == 0
        done.set()


async def test_every_stream_ends_when_the_process_stops(
    web: Web, tenant: TenantRef, mara: UserAccount
) -> None:
    """At once, so that a restart waits for nobody."""
    cookie = await _cookie(web, mara, tenant)
    async with opened(web, host("my"), cookie) as stream:
        web.streaming.close()
        await stream.until(lambda one: one.ended)
    async with opened(web, host("my"), cookie) as late:
        assert late.status == 503
