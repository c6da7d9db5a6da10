"""Short messages: queued with the change that caused them, sent afterwards, each of them once.

A brokerage sends them for the events for which it published a text; there is no built-in one,
because each costs money. What it says is written when it is sent, from values that are kept
sealed until then.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from connectors.sms.port import Sms, SmsDeferred, SmsGateway, SmsRefused
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from messaging import queries, templates
from messaging.events import SmsQueued
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer
from messaging.models import Message
from themes.page import Brand

BrandOf = Callable[[TenantRef], Awaitable[Brand]]
_PURPOSE = "messaging.sms"
# Longer than a carrier takes to answer, asked twice; whoever dies in between is followed then.
_LEASE = timedelta(seconds=60)
_TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_NOT_DIALLED = re.compile(r"[\s().\-/]")


@dataclass(frozen=True)
class _Kept:
    """What is sealed until the message is sent."""

    language: str
    values: dict[str, Any] = field(repr=False)


async def queue(
    session: TenantSession,
    *,
    to: str,
    event: str,
    language: str,
    context: Mapping[str, object],
    vault: Vault,
) -> Message | None:
    """Queue an SMS to a telephone when the brokerage has a live text for the event.

    Returns None when there is none, in the reader's language or in English, or when the number
    can't be called: an SMS is an extra to the mail, never instead of it.
    """
    number = _NOT_DIALLED.sub("", to)
    if not _TELEPHONE.fullmatch(number):
        return None
    for spoken in dict.fromkeys((language, "en")):
        live = await queries.live_templates(session, event=event, language=spoken)
        if any(one.kind == "sms" for one in live):
            break
    else:
        return None
    tenant: TenantRef = session.info["tenant"]
    kept = _Kept(spoken, variables.offered(event, context))
    message = Message(
        id=uuid7(),
        channel="sms",
        recipient=number,
        template=event,
        subject="",
        body_sealed=vault.seal(tenant.id, msgspec.json.encode(kept), purpose=_PURPOSE),
        state="queued",
        attempts=0,
    )
    session.add(message)
    record(session, SmsQueued(message.id))
    return message


async def deliver(
    database: Database,
    tenant: TenantRef,
    event: SmsQueued,
    *,
    gateway: SmsGateway,
    vault: Vault,
    brand_of: BrandOf,
    renderer: Renderer,
) -> None:
    """Send a queued SMS; a second call for the same message sends nothing.

    Raises SmsDeferred when it must be tried again. A carrier takes no key that would make a
    repetition harmless: from the second attempt on it is asked first whether it has the message.
    """
    claimed = await _claim(database, tenant, event.message_id)
    if claimed is None:
        return
    kept = msgspec.json.decode(vault.open(tenant.id, claimed.sealed, purpose=_PURPOSE), type=_Kept)
    brand = await brand_of(tenant)
    text = await templates.write_one(
        database,
        tenant,
        event=claimed.event,
        language=kept.language,
        kind="sms",
        values={**kept.values, "brand": templates.told(brand)},
        renderer=renderer,
    )
    if not text:
        await _close(database, tenant, event.message_id, state="failed", error="No text.")
        return
    sms = Sms(to=claimed.to, text=text)
    try:
        reference = ""
        if claimed.attempts > 1:
            reference = await gateway.find(sms, since=claimed.queued_at)
        if not reference:
            reference = await gateway.send(sms)
    except SmsRefused as refused:
        await _close(database, tenant, event.message_id, state="failed", error=str(refused))
        return
    except SmsDeferred as deferred:
        await _close(database, tenant, event.message_id, state="queued", error=str(deferred))
        raise
    reach("messaging.after_sms")
    await _close(database, tenant, event.message_id, state="sent", error="", reference=reference)


@dataclass(frozen=True)
class _Claimed:
    to: str = field(repr=False)
    sealed: bytes = field(repr=False)
    event: str
    attempts: int
    queued_at: datetime


async def _claim(database: Database, tenant: TenantRef, message_id: UUID) -> _Claimed | None:
    """Return a message that is ours to send, else None."""
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        if message is None or message.state != "queued" or message.body_sealed is None:
            return None
        moment = await queries.database_time(session)
        if message.lease_until is not None and message.lease_until > moment:
            raise SmsDeferred("Another worker is sending this message.")
        message.lease_until = moment + _LEASE
        message.attempts += 1
        return _Claimed(
            message.recipient,
            message.body_sealed,
            message.template,
            message.attempts,
            message.created_at,
        )


async def _close(
    database: Database,
    tenant: TenantRef,
    message_id: UUID,
    *,
    state: str,
    error: str,
    reference: str = "",
) -> None:
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        assert message is not None
        message.state, message.error, message.lease_until = state, error[:200], None
        message.reference = reference
        if state == "sent":
            message.sent_at = now()
        if state != "queued":
            message.body_sealed = None
