"""What a payment provider sends: verified over the raw bytes, stored once. Hot path.

A storm of deposits is a storm of these calls. The connection behind an address is remembered for
a moment, and the events that come while some are being stored are stored together by the next
statement, with their lines in the outbox. Nobody is answered before the commit.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from connectors.payments.engine import inverted
from connectors.payments.engine.failures import ProviderUnknown
from connectors.payments.engine.port import (
    Account,
    Answering,
    Call,
    DeclaredGateway,
    Notice,
    PaymentGateways,
)
from connectors.payments.engine.provider_files import catalogue
from connectors.payments.port import PaymentError, SignatureRefused
from kernel.actor import VISITOR, TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, ReadSession, TenantSession, driver, tagged
from kernel.errors import NotFound
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from treasury import connections, queries, words
from treasury.cashiers import Cashier
from treasury.events import WebhookStored
from treasury.models import WebhookRefusal

_KEEP_SECONDS = 2.0
_KEEP_MAX = 1024
_TOGETHER_MAX = 50

# So long the next ones gather when others were stored just before.
_GATHER_SECONDS = 0.003

_STORE = """
INSERT INTO webhook_event (
  id, connection_id, event_id, state, claims, status, session_ref, provider_reference, reference,
  amount, currency, settled_amount, settled_currency, fee, fee_currency, must_ask, is_live,
  follow_up, alarm, error, body)
SELECT
  id, connection_id, event_id, state, claims, status, session_ref, provider_reference, reference,
  amount, currency, settled_amount, settled_currency, fee, fee_currency, must_ask, is_live,
  follow_up, alarm, error, decode(body, 'base64')
FROM json_to_recordset($1::json) AS event(
  id uuid, connection_id uuid, event_id text, state text, claims text, status text,
  session_ref text, provider_reference text, reference text, amount numeric, currency text,
  settled_amount numeric, settled_currency text, fee numeric, fee_currency text, must_ask boolean,
  is_live boolean, follow_up text, alarm text, error text, body text)
ON CONFLICT ON CONSTRAINT uq_webhook_event_connection_id DO NOTHING
RETURNING id
"""


_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_REFUSED = Answering(400, _PLAIN, b"refused")
_LATER = Answering(503, _PLAIN, b"later")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a call, and what to answer to it after the commit.

    `ignored` is a signed call that means nothing here; `later` one that could not be verified
    yet, so that the provider should send it again.
    """

    outcome: Literal["stored", "repeated", "ignored", "refused", "later"]
    answering: Answering

    @property
    def status(self) -> int:
        """The HTTP status to answer with after the commit."""
        return self.answering.status


@dataclass(frozen=True, slots=True)
class Receiver:
    """The connection behind an address, and its gateway with opened secrets."""

    connection_id: UUID
    gateway: DeclaredGateway


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A verified event on its way to its row, and who waits for the commit."""

    row: dict[str, Any]
    stored: asyncio.Future[bool]


class Reception:
    """Where the providers' calls of one process come in."""

    def __init__(self, database: Database, gateways: PaymentGateways, vault: Vault) -> None:
        """Take what opens a connection's secrets and what stores; nothing is read yet."""
        self._database = database
        self._gateways = gateways
        self._vault = vault
        self._kept: dict[tuple[UUID, int, str], tuple[float, Receiver]] = {}
        self._arrived: dict[UUID, list[_Arrived]] = {}
        self._storing: dict[UUID, asyncio.Task[None]] = {}

    async def receive(self, tenant: TenantRef, *, token: str, call: Call) -> Receipt:
        """Verify a call to a connection's address and store its notices once, committed.

        The connection comes from the token in the address, never from the call. A wrong
        signature leaves a refusal and nothing else. Raises NotFound for an unknown token.
        """
        receiver = self.kept(tenant, token)
        if receiver is not None:
            try:
                notices = await receiver.gateway.receive(call)
                return await self._store(tenant, receiver, notices, call)
            except SignatureRefused:
                # The secret may have been replaced since: the row decides.
                pass
        async with self._database.tenant_read(tenant) as reading:
            receiver = await self._read(reading, token)
        try:
            notices = await receiver.gateway.receive(call)
        except SignatureRefused as refusal:
            async with self._database.tenant(tenant, actor=VISITOR) as session:
                reason = str(refusal)[:200]
                session.add(WebhookRefusal(connection_id=receiver.connection_id, reason=reason))
            return Receipt("refused", _REFUSED)
        except PaymentError:
            # A certificate to check it with could not be fetched.
            return Receipt("later", _LATER)
        return await self._store(tenant, receiver, notices, call)

    async def called(
        self, tenant: TenantRef, *, token: str, name: str, call: Call, address: str
    ) -> Answering:
        """Answer an inverted provider's call to one of our addresses, by the book.

        Raises NotFound for an unknown token, or a provider that does not call so. A call from
        elsewhere, or that can't be read, leaves a refusal.
        """
        async with self._database.tenant_read(tenant) as session:
            connection = await queries.connection_by_token(session, token)
            file = None if connection is None else catalogue().get(connection.provider)
            if connection is None or file is None or name not in file.endpoints:
                raise NotFound
            opened = connections.credentials_of(session, connection, vault=self._vault)
        account = Account(connection.environment, opened)
        book = Cashier(self._database, tenant, connection.id)
        try:
            inverted.check_caller(account, address)
            return await inverted.answer(file, account, name, call, book, now=now())
        except SignatureRefused as refusal:
            async with self._database.tenant(tenant, actor=VISITOR) as writing:
                reason = str(refusal)[:200]
                writing.add(WebhookRefusal(connection_id=connection.id, reason=reason))
            return _REFUSED

    def kept(self, tenant: TenantRef, token: str) -> Receiver | None:
        """Return whom an address was found to be a moment ago, if it was asked for."""
        found = self._kept.get((tenant.id, tenant.generation, token))
        if found is None or time.monotonic() - found[0] > _KEEP_SECONDS:
            return None
        return found[1]

    async def _read(self, session: ReadSession, token: str) -> Receiver:
        """Read an address's connection as it is now; raise NotFound for an unknown one."""
        tenant: TenantRef = session.info["tenant"]
        key = (tenant.id, tenant.generation, token)
        connection = await queries.connection_by_token(session, token)
        if connection is None:
            self._kept.pop(key, None)
            raise NotFound
        try:
            gateway = connections.gateway_of(
                session, connection, gateways=self._gateways, vault=self._vault
            )
        except ProviderUnknown:
            raise NotFound from None
        if len(self._kept) >= _KEEP_MAX:
            self._kept.clear()
        receiver = Receiver(connection.id, gateway)
        self._kept[key] = (time.monotonic(), receiver)
        return receiver

    async def _store(
        self, tenant: TenantRef, receiver: Receiver, notices: Sequence[Notice], call: Call
    ) -> Receipt:
        """Have the notices stored with those that wait beside them; return after the commit."""
        loop = asyncio.get_running_loop()
        some = [
            _Arrived(_row(receiver.connection_id, notice, call), loop.create_future())
            for notice in notices
        ]
        if some:
            self._arrived.setdefault(tenant.id, []).extend(some)
            if tenant.id not in self._storing:
                # A task of its own: the call that happens to be first may be hung up on.
                self._storing[tenant.id] = asyncio.create_task(self._store_arrived(tenant))
        fresh = [await one.stored for one in some]
        outcome: Literal["stored", "repeated", "ignored"] = "ignored"
        if some:
            outcome = "stored" if any(fresh) else "repeated"
        return Receipt(outcome, receiver.gateway.answering(call))

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


def _row(connection_id: UUID, notice: Notice, call: Call) -> dict[str, Any]:
    # Where everything stands in the address there is no body.
    raw = call.body or call.query.encode()
    return {
        "id": uuid7(),
        "connection_id": connection_id,
        **words.columns_of(notice),
        "body": base64.b64encode(raw).decode(),
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
