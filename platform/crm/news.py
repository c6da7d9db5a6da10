"""News for people who left their details and asked for them."""

from __future__ import annotations

from crm.models import Lead
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from messaging import mails
from messaging.delivery import addresses, consents


async def welcome(session: TenantSession, *, lead: Lead, vault: Vault, link: str) -> None:
    """Note the consent of somebody who asked for news, and write to them the first time."""
    tenant: TenantRef = session.info["tenant"]
    address_hash = addresses.hashed(vault, tenant.id, lead.email)
    if await consents.holds(session, address_hash=address_hash):
        return
    await consents.give(session, address_hash=address_hash, source="lead_form")
    await mails.queue(
        session,
        to=lead.email,
        template="lead_welcome",
        context={"name": lead.first_name, "link": link},
        vault=vault,
        language=lead.language,
    )
