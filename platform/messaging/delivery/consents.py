"""Consent to marketing mails: given where somebody asked for news, withdrawn by one click."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import uuid7
from messaging.delivery import queries, suppressions
from messaging.models import MailConsent

MARKETING = "marketing"


async def give(session: TenantSession, *, address_hash: str, source: str) -> None:
    """Note that an address asked for news; it ends an earlier withdrawal by the same person."""
    moment = now()
    statement = insert(MailConsent).values(
        id=uuid7(), address_hash=address_hash, list=MARKETING, source=source, given_at=moment
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["address_hash", "list"],
            set_={"source": source, "given_at": moment, "withdrawn_at": None},
        )
    )
    entry = await queries.active_suppression(
        session, address_hash=address_hash, mail_list=MARKETING
    )
    if entry is not None:
        entry.removed_at, entry.removed_reason = moment, f"Asked for news again: {source}"
    audit.record(
        session,
        "messaging.consent.give",
        subject=("mail_consent", address_hash[:16]),
        after={"list": MARKETING, "source": source},
    )


async def holds(session: TenantSession, *, address_hash: str) -> bool:
    """Say whether an address asked for news and still wants it."""
    given = await queries.consent(session, address_hash=address_hash, mail_list=MARKETING)
    return given is not None and given.withdrawn_at is None


async def withdraw(session: TenantSession, *, address_hash: str, masked: str, detail: str) -> bool:
    """Stop all marketing mails to an address; say whether they were not stopped already."""
    given = await queries.consent(session, address_hash=address_hash, mail_list=MARKETING)
    if given is not None and given.withdrawn_at is None:
        given.withdrawn_at = now()
    return await suppressions.add(
        session,
        address_hash=address_hash,
        masked=masked,
        mail_list=MARKETING,
        reason="unsubscribe",
        detail=detail,
    )
