"""Suppression: addresses that get no mail, or none of one list, and how they come off again.

A suppressed address still gets what the law or somebody's security needs (a link to confirm an
address or to set a password): to withhold it would lock its owner out, and it is sent only when
somebody has just asked for it. A letter that was held back can be sent once the entry is gone.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from identity import audit
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import uuid7
from messaging.delivery import addresses, queries
from messaging.models import Suppression

_REASON_MIN = 5


async def holds_back(session: TenantSession, *, address_hash: str, category: str) -> bool:
    """Say whether a mail of a category must not go to an address."""
    if category == "transactional":
        return False
    lists = await queries.active_lists(session, address_hash)
    return "all" in lists or (category == "marketing" and "marketing" in lists)


async def add(
    session: TenantSession,
    *,
    address_hash: str,
    masked: str,
    mail_list: str,
    reason: str,
    detail: str = "",
    message_id: UUID | None = None,
) -> bool:
    """Suppress an address; say whether it was not suppressed already."""
    suppression_id = uuid7()
    statement = (
        insert(Suppression)
        .values(
            id=suppression_id,
            address_hash=address_hash,
            masked=masked,
            list=mail_list,
            reason=reason,
            detail=detail[:200],
            message_id=message_id,
        )
        .on_conflict_do_nothing()
        .returning(Suppression.id)
    )
    if await session.scalar(statement) is None:
        return False
    audit.record(
        session,
        "messaging.suppression.add",
        subject=("suppression", suppression_id),
        after={"list": mail_list, "reason": reason},
    )
    return True


async def add_by_hand(session: TenantSession, *, address: str, detail: str, vault: Vault) -> None:
    """Suppress an address that staff typed; raises InvalidInput, and Conflict when it is there."""
    tenant: TenantRef = session.info["tenant"]
    errors = {}
    if not addresses.plausible(address):
        errors["address"] = "Enter an address such as name@example.com."
    if len(detail.strip()) < _REASON_MIN:
        errors["detail"] = "Say in a few words why, such as: asked by telephone."
    if errors:
        raise InvalidInput(errors)
    added = await add(
        session,
        address_hash=addresses.hashed(vault, tenant.id, address),
        masked=addresses.masked(address),
        mail_list="all",
        reason="staff",
        detail=detail.strip(),
    )
    if not added:
        raise Conflict("This address is on the list already.")


async def remove(session: TenantSession, *, suppression_id: UUID, reason: str) -> Suppression:
    """Take an address off the list again; raises NotFound, and InvalidInput without a reason."""
    entry = await queries.suppression(session, suppression_id)
    if entry is None or entry.removed_at is not None:
        raise NotFound("This address is not on the list any more.")
    if len(reason.strip()) < _REASON_MIN:
        raise InvalidInput({"reason": "Say in a few words why, such as: the mailbox works again."})
    if entry.reason == "unsubscribe":
        # Who left a list comes back by their own hand only.
        raise InvalidInput(
            {"reason": "They unsubscribed themselves. Only they can subscribe again."}
        )
    entry.removed_at, entry.removed_reason = now(), reason.strip()[:200]
    audit.record(
        session,
        "messaging.suppression.remove",
        subject=("suppression", entry.id),
        before={"list": entry.list, "reason": entry.reason},
        reason=entry.removed_reason,
    )
    return entry
