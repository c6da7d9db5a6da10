"""Mails that come back: told by the server at once, or by a report to the return path later."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import Forbidden
from kernel.ids import uuid7
from messaging import queries as message_queries
from messaging.delivery import addresses, queries, reports, suppressions
from messaging.models import Bounce, Message

# So many mails that came back for now, within so long, count as one for good.
SOFT_MOST = 5
SOFT_WITHIN = timedelta(days=14)
_SIGNED_WITHIN_SECONDS = 300
_WORDS = {
    "hard": "The mailbox does not exist or takes no mail ({status}).",
    "soft": "The mailbox could not take it ({status}).",
    "complaint": "The reader called it unwanted.",
}
_REASONS = {"hard": "hard_bounce", "soft": "soft_bounce", "complaint": "complaint"}


class SignatureRefused(Forbidden):
    """A report was not signed with the hook's secret, or too long ago."""

    code = "signature_refused"
    message = "The signature does not match."


def check_signature(secret: bytes, header: str, body: bytes) -> None:
    """Raise SignatureRefused unless `t=SECONDS,v1=HEX` signs `SECONDS.body` (HMAC-SHA256)."""
    fields = dict(part.strip().partition("=")[::2] for part in header.split(","))
    moment, given = fields.get("t", ""), fields.get("v1", "")
    if not moment.isdecimal() or abs(time.time() - int(moment)) > _SIGNED_WITHIN_SECONDS:
        raise SignatureRefused
    if not hmac.compare_digest(given.encode(), signature(secret, int(moment), body).encode()):
        raise SignatureRefused


def signature(secret: bytes, moment: int, body: bytes) -> str:
    """Return what a sender of reports signs a body with, in hex."""
    return hmac.new(secret, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


async def receive(session: TenantSession, *, body: bytes, vault: Vault) -> int:
    """Take a report in; return how many of our mails it said something new about.

    A report must name its message by a return path that we made; told twice, it counts once.
    """
    tenant: TenantRef = session.info["tenant"]
    fresh = 0
    for report in reports.read(body):
        for text in report.addressed:
            message_id = addresses.read_return_path(vault, tenant.id, text)
            if message_id is not None:
                message = await message_queries.message_for_update(session, message_id)
                if message is not None:
                    fresh += await note(
                        session, message, kind=report.kind, status=report.status, vault=vault
                    )
                break
    return fresh


async def note(
    session: TenantSession, message: Message, *, kind: str, status: str, vault: Vault
) -> bool:
    """Note that a mail came back and suppress its address when that is enough.

    Says whether it was news. `kind` is hard, soft or complaint.
    """
    tenant: TenantRef = session.info["tenant"]
    address_hash = addresses.hashed(vault, tenant.id, message.recipient)
    added = await session.scalar(
        insert(Bounce)
        .values(
            id=uuid7(),
            message_id=message.id,
            address_hash=address_hash,
            kind=kind,
            status=status[:12],
        )
        .on_conflict_do_nothing()
        .returning(Bounce.id)
    )
    if added is None:
        return False
    words = _WORDS[kind].format(status=status)
    if kind != "complaint":
        message.state, message.error = "bounced", words
    if kind == "soft" and not await _too_often(session, address_hash):
        return True
    await suppressions.add(
        session,
        address_hash=address_hash,
        masked=addresses.masked(message.recipient),
        mail_list="all",
        reason=_REASONS[kind],
        detail=words,
        message_id=message.id,
    )
    return True


async def _too_often(session: TenantSession, address_hash: str) -> bool:
    since = now() - SOFT_WITHIN
    count = await queries.bounces_since(
        session, address_hash=address_hash, kind="soft", since=since
    )
    return count >= SOFT_MOST
