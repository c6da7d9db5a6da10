"""Pushes: a notification's title on the screens of those who asked for it.

A push says as little as it can: title, language and where a click leads on the reader's own host.
The browser's address and keys are sealed; the brokerage's own key pair is made when the first
person asks for pushes, and stays, because browsers tie their subscription to it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import redis.asyncio
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from connectors.push.port import Pusher, PushGone, PushRefused, PushTarget, Sender, new_key
from identity import audit
from identity import queries as identity_queries
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput
from kernel.events import record
from kernel.ids import uuid7
from kernel.language import direction, marked, speaking
from kernel.log import logger
from messaging import live, notifications, queries
from messaging.events import NotificationsRead, Notified, PushQueued
from messaging.models import PushKey, PushSubscription

_LOG = logger(__name__)
_TARGET, _KEY = "messaging.push_target", "messaging.push_key"
# A push that could not be handed over in this time is old news.
LIFE = timedelta(hours=24)
BROWSERS_MAX = 10
_ENDPOINT_MAX = 1000
_WRONG = marked("This browser's subscription can't be used. Switch pushes on again.")


class _Kept(msgspec.Struct):
    endpoint: str
    public_key: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What one push needs, read in a transaction of its own."""

    target: PushTarget
    sender: Sender
    message: bytes
    seconds: int


async def public_key(session: TenantSession, *, vault: Vault) -> str:
    """Return the brokerage's public key as browsers take it; the pair is made on first use."""
    kept = await queries.push_key(session)
    if kept is None:
        tenant: TenantRef = session.info["tenant"]
        private, public = new_key()
        sealed = vault.seal(tenant.id, private, purpose=_KEY)
        values = {"id": 1, "public_key": public, "private_sealed": sealed}
        # Of two who are first at once, one pair stays.
        await session.execute(insert(PushKey).values(values).on_conflict_do_nothing())
        kept = await queries.push_key(session)
        assert kept is not None
    return base64.urlsafe_b64encode(kept.public_key).rstrip(b"=").decode()


async def subscribe(
    session: TenantSession,
    *,
    user_id: UUID,
    endpoint: str,
    public_key: str,
    secret: str,
    language: str,
    vault: Vault,
) -> PushSubscription:
    """Remember a browser that takes pushes for a person; whoever had it before has it no more.

    Keys are in base64url as the Push API gives them. Raises InvalidInput for what no browser
    sends. Beyond ten browsers the oldest goes.
    """
    tenant: TenantRef = session.info["tenant"]
    kept = _Kept(endpoint, _bytes(public_key, 65), _bytes(secret, 16))
    if not endpoint.startswith(("https://", "http://")) or len(endpoint) > _ENDPOINT_MAX:
        raise InvalidInput({"endpoint": _WRONG})
    digest = hashlib.sha256(endpoint.encode()).digest()
    sealed = vault.seal(tenant.id, msgspec.json.encode(kept), purpose=_TARGET)
    row = await queries.push_subscription_at(session, digest)
    if row is None:
        row = PushSubscription(id=uuid7(), endpoint_hash=digest)
        session.add(row)
    row.user_id, row.target_sealed, row.language = user_id, sealed, language
    await session.flush()
    own = await queries.push_subscriptions(session, [user_id])
    for old in own[: max(0, len(own) - BROWSERS_MAX)]:
        await session.delete(old)
    audit.record(session, "messaging.push.subscribe", subject=("user", user_id))
    return row


async def unsubscribe(session: TenantSession, *, user_id: UUID, endpoint: str = "") -> int:
    """Forget one of a person's browsers, or all of them; return how many were known."""
    statement = delete(PushSubscription).where(PushSubscription.user_id == user_id)
    if endpoint:
        digest = hashlib.sha256(endpoint.encode()).digest()
        statement = statement.where(PushSubscription.endpoint_hash == digest)
    gone = (await session.scalars(statement.returning(PushSubscription.id))).all()
    if gone:
        audit.record(session, "messaging.push.unsubscribe", subject=("user", user_id))
    return len(gone)


async def spread(
    database: Database,
    tenant: TenantRef,
    events: Sequence[Notified],
    *,
    client: redis.asyncio.Redis,
) -> None:
    """Ring the windows of those who were told something, and queue a push for each browser."""
    people = sorted({event.user_id for event in events})
    await live.ring(client, tenant, people)
    async with database.tenant(tenant) as session:
        browsers = await queries.push_subscriptions(session, people)
        if not browsers:
            return
        mutes = await queries.push_mutes(session, people)
        rows = await queries.notifications_of(session, [one.notification_id for one in events])
        # Of several of a kind at once, the screen of a telephone shows the last.
        newest = {(row.user_id, row.kind): row for row in sorted(rows, key=lambda row: row.id)}
        for row in newest.values():
            if row.read_at is not None or (row.user_id, row.kind) in mutes:
                continue
            for browser in browsers:
                if browser.user_id == row.user_id:
                    record(session, PushQueued(row.id, browser.id))


async def ring_after_reading(
    database: Database, tenant: TenantRef, event: NotificationsRead, *, client: redis.asyncio.Redis
) -> None:
    """Ring the other windows of somebody who has read something."""
    del database
    await live.ring(client, tenant, [event.user_id])


async def deliver(
    database: Database,
    tenant: TenantRef,
    event: PushQueued,
    *,
    pusher: Pusher,
    vault: Vault,
    contact: str,
) -> None:
    """Push a notification to one browser; raises PushDeferred when it must be tried again.

    A repeated push replaces the first, on its way and on the screen. What was read meanwhile, is
    older than a day or belongs to a disabled account is not pushed; a browser that takes no
    pushes any more is forgotten.
    """
    parcel = await _parcel(database, tenant, event, vault=vault, contact=contact)
    if parcel is None:
        return
    try:
        await pusher.push(
            parcel.target,
            parcel.message,
            sender=parcel.sender,
            seconds=parcel.seconds,
            topic=_topic(event.notification_id),
        )
    except PushGone:
        async with database.tenant(tenant) as session:
            row = await queries.push_subscription(session, event.subscription_id)
            if row is not None:
                await session.delete(row)
                audit.record(session, "messaging.push.gone", subject=("user", row.user_id))
        return
    except PushRefused as refused:
        _LOG.warning("a push was refused", reason=str(refused))
        return
    async with database.tenant(tenant) as session:
        row = await queries.push_subscription(session, event.subscription_id)
        if row is not None:
            row.reached_at = now()


async def _parcel(
    database: Database, tenant: TenantRef, event: PushQueued, *, vault: Vault, contact: str
) -> _Parcel | None:
    async with database.tenant_read(tenant) as session:
        found = await queries.notifications_of(session, [event.notification_id])
        browser = await queries.push_subscription(session, event.subscription_id)
        key = await queries.push_key(session)
        if not found or browser is None or key is None:
            return None
        row = found[0]
        person = await identity_queries.user(session, row.user_id)
    left = row.created_at + LIFE - now()
    mine = row.user_id == browser.user_id and person is not None and person.state == "active"
    if row.read_at is not None or not mine or left <= timedelta(0):
        return None
    kept = msgspec.json.decode(
        vault.open(tenant.id, browser.target_sealed, purpose=_TARGET), type=_Kept
    )
    with speaking(browser.language):
        title = notifications.told(row).title
    message = {
        "title": title,
        "href": f"/notifications/{row.id}",
        "tag": str(row.id),
        "lang": browser.language,
        "dir": direction(browser.language),
    }
    private = vault.open(tenant.id, key.private_sealed, purpose=_KEY)
    return _Parcel(
        target=PushTarget(kept.endpoint, kept.public_key, kept.secret),
        sender=Sender(private, contact),
        message=json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(),
        seconds=int(left.total_seconds()),
    )


def _topic(notification_id: UUID) -> str:
    """Return a push service's name for all attempts of one push: 32 characters at most."""
    return notification_id.hex


def _bytes(text: str, size: int) -> bytes:
    """Read base64url of an exact length."""
    with suppress(ValueError):
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(data) == size:
            return data
    raise InvalidInput({"endpoint": _WRONG})
