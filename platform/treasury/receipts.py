"""What a payment provider posts: verified over the raw bytes, stored once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from connectors.payments.port import PaymentEvent, PaymentProviders, SignatureRefused
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.events import record
from treasury import connections, queries
from treasury.events import WebhookStored
from treasury.models import WebhookRefusal


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a call: answer 2xx to stored and repeated once committed, 400 to refused."""

    outcome: Literal["stored", "repeated", "refused"]

    @property
    def status(self) -> int:
        """The HTTP status to answer with after the commit."""
        return 400 if self.outcome == "refused" else 200


async def receive(
    session: TenantSession,
    *,
    token: str,
    body: bytes,
    headers: Mapping[str, str],
    payments: PaymentProviders,
    vault: Vault,
) -> Receipt:
    """Verify a call to a connection's address and store its event once.

    The connection comes from the token in the address, never from the body. A wrong signature
    leaves a refusal and nothing else, so the caller commits whatever comes back. Raises NotFound
    for an unknown token.
    """
    connection = await queries.connection_by_token(session, token)
    if connection is None:
        raise NotFound
    provider = connections.provider_of(session, connection, payments=payments, vault=vault)
    try:
        event = provider.verify(body, headers)
    except SignatureRefused as refusal:
        session.add(WebhookRefusal(connection_id=connection.id, reason=str(refusal)[:200]))
        return Receipt("refused")
    stored_id = await _store(session, connection.id, event, body)
    if stored_id is None:
        return Receipt("repeated")
    record(session, WebhookStored(stored_id))
    return Receipt("stored")


async def _store(
    session: TenantSession, connection_id: UUID, event: PaymentEvent, body: bytes
) -> UUID | None:
    """Insert the event unless it is stored already; return its id when it is new."""
    return await queries.store_webhook_event(
        session,
        connection_id=connection_id,
        event_id=event.event_id[:120],
        kind=event.kind,
        type=event.type[:80],
        provider_reference=event.provider_reference[:120],
        reference=event.reference[:40],
        amount=event.amount.amount if event.amount else None,
        currency=event.amount.currency if event.amount else None,
        fee=event.fee.amount if event.fee else None,
        fee_currency=event.fee.currency if event.fee else None,
        body=body,
        occurred_at=event.occurred_at,
    )
