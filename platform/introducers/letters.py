"""What partners are told by mail."""

from __future__ import annotations

from dataclasses import dataclass

from introducers.models import Partner
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.settings import Settings
from messaging import mails


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses a partner needs: their link, the one for partners below, the portal."""

    referral: str
    joining: str
    portal: str


def links(settings: Settings, tenant: TenantRef, code: str) -> Links:
    """Return a partner's addresses on the brokerage's own hosts."""
    portal = settings.origin(f"ib.{tenant.slug}.{settings.domain}")
    site = settings.origin(f"www.{tenant.slug}.{settings.domain}")
    return Links(f"{site}/r/{code}", f"{portal}/join/{code}", f"{portal}/")


async def welcome(
    session: TenantSession, *, partner: Partner, vault: Vault, settings: Settings
) -> None:
    """Mail an active partner their link."""
    made = links(settings, session.info["tenant"], partner.code)
    await mails.queue(
        session,
        to=partner.email,
        template="partner_welcome",
        context={"name": partner.name, "referral_link": made.referral, "link": made.portal},
        vault=vault,
        reader=partner.user_id,
    )
