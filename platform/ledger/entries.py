"""Hot path: entries are posted by one call of a function inside PostgreSQL.

The function finds or opens the accounts, locks their balances in one order for everybody, refuses
to take a guarded account below zero and writes entry and lines. The same key with the same content
returns the first entry; with other content it is refused. What nearly all entries are, two lines
of one currency dated now, has a quicker function of its own, and so have batches of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from identity import audit
from kernel.database import TenantSession, driver, tagged
from ledger import lines as rules
from ledger.errors import translated
from ledger.lines import Draft, Line, Rate

# Arrays travel as text[], the one kind whose codec the driver has without asking the catalogue.
_POST = (
    "SELECT post($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[]::numeric[], NULL, $12,"
    " $13, $14::jsonb)"
)
_POST_PAIR = "SELECT post_pair($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
_POST_BATCH = "SELECT post_batch($1, $2)::text[]"
# Of a batch each column travels as one text, because the driver looks at every element of an array,
# which takes longer than posting it.
_BETWEEN, _NOTHING = "\x1f", "\x1e"
_POST_PAIRS = """
SELECT array_to_string(post_pairs(
  string_to_array($1, E'\\x1f'), string_to_array($2, E'\\x1f'),
  string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f', E'\\x1e'),
  $12, string_to_array($5, E'\\x1f')::numeric[],
  string_to_array($6, E'\\x1f')::int[], string_to_array($7, E'\\x1f')::int[],
  string_to_array($8, E'\\x1f'), string_to_array($9, E'\\x1f'),
  string_to_array($10, E'\\x1f'), string_to_array($11, E'\\x1f')), ' ')"""
_REVERSE = "SELECT reverse_entry($1, $2, $3, $4, $5, $6)"
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
    forced: bool = False,
    rate: Rate | None = None,
) -> UUID:
    """Post one entry and return its id; the first id when the key has been posted before.

    `external_reference` names the payment or ticket of an outside system and stands in the book
    once. `occurred_at` is the moment the entry counts from, now without it. `hold_id` names a hold
    that the entry uses up, as `ledger.holds.post` says. `forced` books what has already happened
    elsewhere: it may take forcible accounts (see `ledger.chart`) below zero. `rate` is stored with
    an entry that converts. Raises InsufficientFunds, KeyReused, ExternalReferenceUsed,
    UnpostableEntry, PeriodClosed or HoldClosed; after any of them the transaction can only be
    rolled back.
    """
    rules.check(lines)
    plain = occurred_at is None and hold_id is None and rate is None and not forced
    if plain and _is_pair(lines):
        return await _post_pair(session, Draft(key, kind, lines, reference, external_reference))
    with translated():
        entry_id: UUID = await (await driver(session)).fetchval(
            tagged(session, _POST),
            key,
            kind,
            reference,
            external_reference,
            occurred_at,
            actor_of(session),
            [line.code for line in lines],
            [line.currency for line in lines],
            [line.owner[0] for line in lines],
            [str(line.owner[1]) for line in lines],
            [str(line.amount) for line in lines],
            hold_id,
            forced,
            None if rate is None else msgspec.json.encode(_rate_as_json(rate)).decode(),
        )
    return entry_id


async def _post_pair(session: TenantSession, draft: Draft) -> UUID:
    first, second = draft.lines
    with translated():
        entry_id: UUID = await (await driver(session)).fetchval(
            tagged(session, _POST_PAIR),
            draft.key,
            draft.kind,
            draft.reference,
            draft.external_reference,
            actor_of(session),
            first.currency,
            first.amount,
            first.code,
            first.owner[0],
            str(first.owner[1]),
            second.code,
            second.owner[0],
            str(second.owner[1]),
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
    posted = await _post_pairs(session, drafts)
    if posted is not None:
        return posted
    payload = msgspec.json.encode([_as_json(draft) for draft in drafts]).decode()
    with translated():
        ids = await (await driver(session)).fetchval(
            tagged(session, _POST_BATCH), payload, actor_of(session)
        )
    return [UUID(found) for found in ids or ()]


async def _post_pairs(session: TenantSession, drafts: Sequence[Draft]) -> list[UUID] | None:
    """Post nothing but pairs, whose keys are new; None when one of either is not."""
    keys = [draft.key for draft in drafts]
    if not keys or len(set(keys)) < len(keys) or not all(map(_is_plain_pair, drafts)):
        return None
    if len(drafts) == 1:
        return [await _post_pair(session, drafts[0])]
    firsts = [_account(draft.lines[0]) for draft in drafts]
    seconds = [_account(draft.lines[1]) for draft in drafts]
    # The order in which PostgreSQL's functions lock balances.
    accounts = sorted({*firsts, *seconds}, reverse=True)
    places = {account: str(place) for place, account in enumerate(accounts, 1)}
    codes, owner_ids, currencies, owner_kinds = zip(*accounts, strict=True)
    externals = [
        _NOTHING if draft.external_reference is None else draft.external_reference
        for draft in drafts
    ]
    columns = (
        keys,
        [draft.kind for draft in drafts],
        [draft.reference for draft in drafts],
        externals,
        [str(draft.lines[0].amount) for draft in drafts],
        [places[account] for account in firsts],
        [places[account] for account in seconds],
        codes,
        currencies,
        owner_kinds,
        owner_ids,
    )
    packed = [_BETWEEN.join(column) for column in columns]
    # What somebody wrote may hold these characters; there is a slower way for it.
    if any(
        text.count(_BETWEEN) >= len(column) for text, column in zip(packed, columns, strict=True)
    ) or packed[3].count(_NOTHING) > sum(draft.external_reference is None for draft in drafts):
        return None
    with translated():
        ids: str | None = await (await driver(session)).fetchval(
            tagged(session, _POST_PAIRS), *packed, actor_of(session)
        )
    return None if ids is None else [pgproto.UUID(found) for found in ids.split()]


async def reverse(
    session: TenantSession,
    *,
    entry_id: UUID,
    key: str,
    reason: str,
    occurred_at: datetime | None = None,
    forced: bool = False,
) -> UUID:
    """Post the same lines with their signs turned, linked to the entry; return the new id.

    A reversal may be reversed in its turn, once, like any entry. What a hold had set aside comes
    back as available money, not as a hold. Raises EntryMissing, AlreadyReversed, PeriodClosed, or
    InsufficientFunds when the money has left the account since and `forced` does not allow it.
    """
    with translated():
        reversal: UUID = await (await driver(session)).fetchval(
            tagged(session, _REVERSE),
            entry_id,
            key,
            reason,
            actor_of(session),
            occurred_at,
            forced,
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
        "forced": draft.forced,
        "rate": None if draft.rate is None else _rate_as_json(draft.rate),
        "lines": [
            (line.code, line.currency, line.owner[0], str(line.owner[1]), str(line.amount))
            for line in draft.lines
        ],
    }


def _is_pair(lines: Sequence[Line]) -> bool:
    """Whether an entry has two lines of one currency on two accounts."""
    return (
        len(lines) == 2
        and lines[0].currency == lines[1].currency
        and _account(lines[0]) != _account(lines[1])
    )


def _is_plain_pair(draft: Draft) -> bool:
    plain = draft.occurred_at is None and draft.hold_id is None and draft.rate is None
    return plain and not draft.forced and _is_pair(draft.lines)


def _account(line: Line) -> tuple[str, str, str, str]:
    """Return what names an account, in the order in which balances are locked."""
    return line.code, str(line.owner[1]), line.currency, line.owner[0]


def _rate_as_json(rate: Rate) -> dict[str, str]:
    # Numbers in one form, because the text is part of what a key stands for.
    return {
        "from": rate.currency_from,
        "to": rate.currency_to,
        "rate": f"{rate.rate.normalize():f}",
        "mid": f"{rate.mid.normalize():f}",
        "source": rate.source,
        "at": rate.at.isoformat(),
    }


def actor_of(session: TenantSession) -> str:
    """Return who acts, as the book keeps it: kind and id."""
    actor = session.info["actor"]
    return f"{actor.kind}:{actor.id}" if actor.id else str(actor.kind)
