"""The tree of partners with its history: who stood above whom, and when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from clients import timeline
from identity import audit
from introducers import queries
from introducers.models import Partner, PartnerClosure
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7


class LoopRefused(InvalidInput):
    """The new parent stands below the partner who is to be moved."""

    code = "partner_loop"


async def plant(session: TenantSession, *, partner: Partner, at: datetime) -> None:
    """Give a new partner their place below their parent."""
    await queries.lock_tree(session)
    session.add(_row(partner.id, partner.id, 0, at))
    if partner.parent_id is not None:
        for ancestor in await queries.ancestors(session, partner.parent_id):
            session.add(_row(ancestor.ancestor_id, partner.id, ancestor.depth + 1, at))
    await session.flush()


async def move(
    session: TenantSession, *, partner_id: UUID, parent_id: UUID | None, at: datetime | None = None
) -> Partner:
    """Move a partner with everybody below to another parent, or to the top; from a moment on.

    What trades paid before stays. Raises LoopRefused when the parent stands below the partner,
    and NotFound for somebody unknown.
    """
    moment = at or now()
    await queries.lock_tree(session)
    partner = await queries.partner(session, partner_id)
    parent = await queries.partner(session, parent_id) if parent_id else None
    if partner is None or (parent_id is not None and parent is None):
        raise NotFound
    if partner.parent_id == parent_id:
        return partner
    below = await queries.descendants(session, partner_id)
    inside = {row.descendant_id for row in below}
    if parent_id in inside:
        raise LoopRefused({"parent_id": "Choose somebody who does not stand below this partner."})
    for row in await queries.links_from_above(session, list(inside)):
        row.valid_to = max(moment, row.valid_from)
    # The old links must be closed before the unique index meets the new ones.
    await session.flush()
    above = await queries.ancestors(session, parent_id) if parent_id else []
    for ancestor in above:
        for row in below:
            depth = ancestor.depth + row.depth + 1
            session.add(_row(ancestor.ancestor_id, row.descendant_id, depth, moment))
    before, partner.parent_id = partner.parent_id, parent_id
    await session.flush()
    audit.record(
        session,
        "introducers.partner.move",
        subject=("partner", partner_id),
        before={"parent_id": str(before) if before else None},
        after={"parent_id": str(parent_id) if parent_id else None, "from": moment.isoformat()},
    )
    timeline.add(
        session,
        subject=("partner", partner_id),
        kind="partner",
        fact="Moved in the tree",
        detail=f"Now below {parent.name}." if parent else "Now at the top.",
        icon="sitemap",
    )
    return partner


def _row(ancestor_id: UUID, descendant_id: UUID, depth: int, at: datetime) -> PartnerClosure:
    return PartnerClosure(
        id=uuid7(),
        ancestor_id=ancestor_id,
        descendant_id=descendant_id,
        depth=depth,
        valid_from=at,
    )
