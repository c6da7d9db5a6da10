"""Hot path: entries are posted by one call of a function inside PostgreSQL.

The function finds or opens the accounts, locks their balances in the order of ids, refuses to
take a guarded account below zero and writes entry and lines. The same key with the same content
returns the first entry; with other content it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from identity import audit
from kernel.database import TenantSession, driver, tagged
from ledger import lines as rules
from ledger.errors import translated
from ledger.lines import Draft, Line

# Arrays travel as text[], the one kind whose codec the driver has without asking the catalogue.
_POST = "SELECT post($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[]::numeric[], NULL, $12)"
_POST_BATCH = "SELECT post_batch($1, $2)::text[]"
_REVERSE = "SELECT reverse_entry($1, $2, $3, $4)"
_MAX_BATCH = 5_000


async def post(
    session: TenantSession,
    *,
    key: str,
    kind: str,
    lines: Sequence[Line],
    reference: str = "",
    external_reference: str | None = None,
    occurred_at: datetime | None = None,
    hold_id: UUID | None = None,
) -> UUID:
    """Post one entry and return its id; the first id when the key has been posted before.

    `external_reference` names the payment or ticket of an outside system and stands in the book
    once. `hold_id` names a hold that the entry uses up, as `ledger.holds.post` says. Raises
    InsufficientFunds, KeyReused, ExternalReferenceUsed, UnpostableEntry or HoldClosed; after any
    of them the transaction can only be rolled back.
    """
    rules.check(lines)
    with translated():
        entry_id: UUID = await (await driver(session)).fetchval(
            tagged(session, _POST),
            key,
            kind,
            reference,
            external_reference,
            occurred_at,
            _actor(session),
            [line.code for line in lines],
            [line.currency for line in lines],
            [line.owner[0] for line in lines],
            [str(line.owner[1]) for line in lines],
            [str(line.amount) for line in lines],
            hold_id,
        )
    return entry_id


async def post_batch(session: TenantSession, *, drafts: Sequence[Draft]) -> list[UUID]:
    """Post up to 5,000 entries in one call and return their ids in order.

    One update per account, whatever the number of its lines; balances are guarded on what the
    whole batch leaves. A draft's hold is used up as `ledger.holds.post` does it. Raises as `post`
    does, and then nothing of the batch is posted.
    """
    if len(drafts) > _MAX_BATCH:
        msg = f"a batch holds {_MAX_BATCH} entries at most"
        raise ValueError(msg)
    for draft in drafts:
        rules.check(draft.lines)
    payload = msgspec.json.encode([_as_json(draft) for draft in drafts]).decode()
    with translated():
        ids: list[str] = await (await driver(session)).fetchval(
            tagged(session, _POST_BATCH), payload, _actor(session)
        )
    return [UUID(found) for found in ids]


async def reverse(session: TenantSession, *, entry_id: UUID, key: str, reason: str) -> UUID:
    """Post the same lines with their signs turned, linked to the entry; return the new id.

    Raises AlreadyReversed, or InsufficientFunds when the money has left the account since.
    """
    with translated():
        reversal: UUID = await (await driver(session)).fetchval(
            tagged(session, _REVERSE), entry_id, key, reason, _actor(session)
        )
    audit.record(
        session,
        "ledger.entry_reversed",
        subject=("entry", entry_id),
        after={"reversal_id": str(reversal)},
        reason=reason,
    )
    return reversal


def _as_json(draft: Draft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "kind": draft.kind,
        "reference": draft.reference,
        "external": draft.external_reference,
        "occurred_at": draft.occurred_at,
        "hold": draft.hold_id,
        "lines": [
            (line.code, line.currency, line.owner[0], str(line.owner[1]), str(line.amount))
            for line in draft.lines
        ],
    }


def _actor(session: TenantSession) -> str:
    actor = session.info["actor"]
    return f"{actor.kind}:{actor.id}" if actor.id else str(actor.kind)
