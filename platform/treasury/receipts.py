"""What a payment provider posts: verified over the raw bytes, stored once. Hot path.

A storm of deposits is a storm of these calls, so an ordinary one costs a single statement: the
connection behind the address is remembered for a moment, and the event and its line in the
outbox are written together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec

from connectors.payments.port import (
    PaymentEvent,
    PaymentProvider,
    PaymentProviders,
    SignatureRefused,
)
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession, driver, tagged
from kernel.errors import NotFound
from kernel.ids import uuid7
from treasury import connections, queries
from treasury.events import WebhookStored
from treasury.models import WebhookRefusal

_KEEP_SECONDS = 2.0
_KEEP_MAX = 1024

_STORE = """
WITH stored AS (
    INSERT INTO webhook_event (id, connection_id, event_id, kind, type, provider_reference,
                               reference, amount, currency, fee, fee_currency, body, occurred_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT ON CONSTRAINT uq_webhook_event_connection_id DO NOTHING
    RETURNING id)
INSERT INTO outbox (id, topic, payload, actor)
SELECT $14::uuid, $15::text, $16::jsonb, $17::text FROM stored
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a call: answer 2xx to stored and repeated once committed, 400 to refused."""

    outcome: Literal["stored", "repeated", "refused"]

    @property
    def status(self) -> int:
        """The HTTP status to answer with after the commit."""
        return 400 if self.outcome == "refused" else 200


@dataclass(frozen=True, slots=True)
class Receiver:
    """The connection behind an address, and its provider with opened secrets."""

    connection_id: UUID
    provider: PaymentProvider


_Key = tuple[UUID, int, str]


class Receivers:
    """Who receives at which address, remembered by one process for two seconds."""

    def __init__(self, payments: PaymentProviders, vault: Vault) -> None:
        """Take what opens a connection's secrets; nothing is read yet."""
        self._payments = payments
        self._vault = vault
        self._kept: dict[_Key, tuple[float, Receiver]] = {}

    def kept(self, tenant: TenantRef, token: str) -> Receiver | None:
        """Return whom an address was found to be a moment ago, if it was asked for."""
        found = self._kept.get((tenant.id, tenant.generation, token))
        if found is None or time.monotonic() - found[0] > _KEEP_SECONDS:
            return None
        return found[1]

    async def read(self, session: TenantSession, token: str) -> Receiver:
        """Read an address's connection as it is now; raise NotFound for an unknown one."""
        tenant: TenantRef = session.info["tenant"]
        key = (tenant.id, tenant.generation, token)
        connection = await queries.connection_by_token(session, token)
        if connection is None:
            self._kept.pop(key, None)
            raise NotFound
        provider = connections.provider_of(
            session, connection, payments=self._payments, vault=self._vault
        )
        if len(self._kept) >= _KEEP_MAX:
            self._kept.clear()
        receiver = Receiver(connection.id, provider)
        self._kept[key] = (time.monotonic(), receiver)
        return receiver


async def receive(
    session: TenantSession,
    *,
    token: str,
    body: bytes,
    headers: Mapping[str, str],
    receivers: Receivers,
) -> Receipt:
    """Verify a call to a connection's address and store its event once.

    The connection comes from the token in the address, never from the body. A wrong signature
    leaves a refusal and nothing else, so the caller commits whatever comes back. Raises NotFound
    for an unknown token.
    """
    receiver = receivers.kept(session.info["tenant"], token)
    if receiver is not None:
        try:
            return await _store(session, receiver, receiver.provider.verify(body, headers), body)
        except SignatureRefused:
            # The secret may have been replaced since: the row decides.
            pass
    receiver = await receivers.read(session, token)
    try:
        event = receiver.provider.verify(body, headers)
    except SignatureRefused as refusal:
        session.add(WebhookRefusal(connection_id=receiver.connection_id, reason=str(refusal)[:200]))
        return Receipt("refused")
    return await _store(session, receiver, event, body)


async def _store(
    session: TenantSession, receiver: Receiver, event: PaymentEvent, body: bytes
) -> Receipt:
    """Insert the event and its line in the outbox, unless the event is stored already."""
    stored = WebhookStored(uuid7())
    line_id = await (await driver(session)).fetchval(
        tagged(session, _STORE),
        stored.webhook_event_id,
        receiver.connection_id,
        event.event_id[:120],
        event.kind,
        event.type[:80],
        event.provider_reference[:120],
        event.reference[:40],
        event.amount.amount if event.amount else None,
        event.amount.currency if event.amount else None,
        event.fee.amount if event.fee else None,
        event.fee.currency if event.fee else None,
        body,
        event.occurred_at,
        uuid7(),
        stored.topic,
        msgspec.json.encode(stored.payload()).decode(),
        session.info["actor"].label[:120],
    )
    if line_id is None:
        return Receipt("repeated")
    # As kernel.events.record does: the commit tells the relay.
    session.info["events"] = session.info.get("events", 0) + 1
    return Receipt("stored")
