"""What a payment provider posts: verified over the raw bytes, stored once. Hot path.

A storm of deposits is a storm of these calls. The connection behind an address is remembered for
a moment, and the events that come while some are being stored are stored together by the next
statement, with their lines in the outbox. Nobody is answered before the commit.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from connectors.payments.port import (
    PaymentEvent,
    PaymentProvider,
    PaymentProviders,
    SignatureRefused,
)
from kernel.actor import VISITOR, TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession, driver, tagged
from kernel.errors import NotFound
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from treasury import connections, queries
from treasury.events import WebhookStored
from treasury.models import WebhookRefusal

_KEEP_SECONDS = 2.0
_KEEP_MAX = 1024
_TOGETHER_MAX = 50

# So long the next ones gather when others were stored just before.
_GATHER_SECONDS = 0.003

_STORE = """
INSERT INTO webhook_event (id, connection_id, event_id, kind, type, provider_reference, reference,
                           amount, currency, fee, fee_currency, body, occurred_at)
SELECT id, connection_id, event_id, kind, type, provider_reference, reference, amount, currency,
  fee, fee_currency, decode(body, 'base64'), occurred_at
FROM json_to_recordset($1::json) AS event(
  id uuid, connection_id uuid, event_id text, kind text, type text, provider_reference text,
  reference text, amount numeric, currency text, fee numeric, fee_currency text, body text,
  occurred_at timestamptz)
ON CONFLICT ON CONSTRAINT uq_webhook_event_connection_id DO NOTHING
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


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A verified event on its way to its row, and who waits for the commit."""

    row: dict[str, Any]
    stored: asyncio.Future[bool]


class Reception:
    """Where the providers' calls of one process come in."""

    def __init__(self, database: Database, payments: PaymentProviders, vault: Vault) -> None:
        """Take what opens a connection's secrets and what stores; nothing is read yet."""
        self._database = database
        self._payments = payments
        self._vault = vault
        self._kept: dict[tuple[UUID, int, str], tuple[float, Receiver]] = {}
        self._arrived: dict[UUID, list[_Arrived]] = {}
        self._storing: dict[UUID, asyncio.Task[None]] = {}

    async def receive(
        self, tenant: TenantRef, *, token: str, body: bytes, headers: Mapping[str, str]
    ) -> Receipt:
        """Verify a call to a connection's address and store its event once, committed.

        The connection comes from the token in the address, never from the body. A wrong
        signature leaves a refusal and nothing else. Raises NotFound for an unknown token.
        """
        receiver = self.kept(tenant, token)
        if receiver is not None:
            try:
                event = receiver.provider.verify(body, headers)
                return await self._store(tenant, receiver, event, body)
            except SignatureRefused:
                # The secret may have been replaced since: the row decides.
                pass
        async with self._database.tenant(tenant, actor=VISITOR) as session:
            receiver = await self._read(session, token)
            try:
                event = receiver.provider.verify(body, headers)
            except SignatureRefused as refusal:
                reason = str(refusal)[:200]
                session.add(WebhookRefusal(connection_id=receiver.connection_id, reason=reason))
                return Receipt("refused")
        return await self._store(tenant, receiver, event, body)

    def kept(self, tenant: TenantRef, token: str) -> Receiver | None:
        """Return whom an address was found to be a moment ago, if it was asked for."""
        found = self._kept.get((tenant.id, tenant.generation, token))
        if found is None or time.monotonic() - found[0] > _KEEP_SECONDS:
            return None
        return found[1]

    async def _read(self, session: TenantSession, token: str) -> Receiver:
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

    async def _store(
        self, tenant: TenantRef, receiver: Receiver, event: PaymentEvent, body: bytes
    ) -> Receipt:
        """Have the event stored with those that wait beside it; return after the commit."""
        arrived = _Arrived(
            _row(receiver.connection_id, event, body), asyncio.get_running_loop().create_future()
        )
        self._arrived.setdefault(tenant.id, []).append(arrived)
        if tenant.id not in self._storing:
            # A task of its own: the call that happens to be first may be hung up on.
            self._storing[tenant.id] = asyncio.create_task(self._store_arrived(tenant))
        return Receipt("stored" if await arrived.stored else "repeated")

    async def _store_arrived(self, tenant: TenantRef) -> None:
        try:
            while waiting := self._arrived.pop(tenant.id, []):
                for start in range(0, len(waiting), _TOGETHER_MAX):
                    await self._store_together(tenant, waiting[start : start + _TOGETHER_MAX])
                # Whoever was answered now may call again at once: a storm is taken in gulps.
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            del self._storing[tenant.id]

    async def _store_together(self, tenant: TenantRef, some: Sequence[_Arrived]) -> None:
        try:
            async with self._database.tenant(tenant, actor=VISITOR) as session:
                fresh = await _insert(session, [one.row for one in some])
                reach("treasury.after_webhook_stored")
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait for the row
            if len(some) > 1:
                # The one at fault must not be the failure of the others.
                for one in some:
                    await self._store_together(tenant, [one])
            elif not some[0].stored.done():
                some[0].stored.set_exception(error)
            return
        for one in some:
            if not one.stored.done():
                one.stored.set_result(one.row["id"] in fresh)


def _row(connection_id: UUID, event: PaymentEvent, body: bytes) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "connection_id": connection_id,
        "event_id": event.event_id[:120],
        "kind": event.kind,
        "type": event.type[:80],
        "provider_reference": event.provider_reference[:120],
        "reference": event.reference[:40],
        "amount": event.amount.amount if event.amount else None,
        "currency": event.amount.currency if event.amount else None,
        "fee": event.fee.amount if event.fee else None,
        "fee_currency": event.fee.currency if event.fee else None,
        "body": base64.b64encode(body).decode(),
        "occurred_at": event.occurred_at,
    }


async def _insert(session: TenantSession, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Insert events with their lines in the outbox; return the ids of those that were new."""
    text = msgspec.json.encode(rows).decode()
    found = await (await driver(session)).fetch(tagged(session, _STORE), text)
    fresh = {row["id"] for row in found}
    for row in rows:
        if row["id"] in fresh:
            record(session, WebhookStored(row["id"]))
    return fresh
