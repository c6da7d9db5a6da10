"""What a client may not do for now: imposed, lifted, and asked before every such act."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clients import queries, timeline
from clients.models import Restriction
from identity import audit
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.errors import ProductError
from kernel.ids import uuid7
from kernel.language import gettext, marked

_WORDS = {
    "deposit": marked("Deposits"),
    "withdraw": marked("Withdrawals"),
    "trade": marked("Trading"),
    "open_account": marked("Opening accounts"),
}


class ClientRestricted(ProductError):
    """The client may not do this for now; the message says what and why."""

    code = "client_restricted"
    status = 409
    message = marked("This is paused for your account.")


async def impose(
    session: TenantSession, *, client_id: UUID, kind: str, reason: str, source: str = "onboarding"
) -> None:
    """Stop a client from doing one thing; repeated by the same source it changes nothing.

    `kind` is deposit, withdraw, trade or open_account. Each source (onboarding, aml, and so on)
    lifts only what it imposed, so that one room can't undo what another ordered. The reason is
    shown to the client.
    """
    statement = (
        insert(Restriction)
        .values(id=uuid7(), client_id=client_id, kind=kind, source=source, reason=reason[:200])
        .on_conflict_do_nothing(
            index_elements=["client_id", "kind", "source"],
            index_where=Restriction.lifted_at.is_(None),
        )
        .returning(Restriction.id)
    )
    restriction_id = await session.scalar(statement)
    if restriction_id is None:
        return
    subject = ("client", client_id)
    after = {"kind": kind, "source": source}
    audit.record(session, "clients.restriction.impose", subject=subject, after=after, reason=reason)
    timeline.add(
        session,
        subject=("client", client_id),
        kind="compliance",
        fact=f"{_WORDS[kind]} paused",
        detail=reason,
        icon="lock",
    )


async def lift(
    session: TenantSession, *, client_id: UUID, kind: str, reason: str, source: str = "onboarding"
) -> bool:
    """Lift what this source imposed; return whether there was anything to lift."""
    row = await queries.restriction(session, client_id=client_id, kind=kind, source=source)
    if row is None:
        return False
    row.lifted_at = now()
    row.lifted_reason = reason[:200]
    subject = ("client", client_id)
    before = {"kind": kind, "source": source}
    audit.record(session, "clients.restriction.lift", subject=subject, before=before, reason=reason)
    timeline.add(
        session,
        subject=("client", client_id),
        kind="compliance",
        fact=f"{_WORDS[kind]} allowed again",
        detail=reason,
        icon="lock-open",
    )
    return True


async def require_free(session: TenantSession | ReadSession, *, client_id: UUID, kind: str) -> None:
    """Return when the client may do this now; raise ClientRestricted with the reason."""
    for row in await queries.restrictions(session, client_id):
        if row.kind == kind:
            text = gettext("%s: paused.") % gettext(_WORDS[kind])
            raise ClientRestricted(f"{text} {gettext(row.reason)}", kind=kind)
