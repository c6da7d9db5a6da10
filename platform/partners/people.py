"""Who stands in the portal: the viewer's own partner and person."""

from __future__ import annotations

from dataclasses import dataclass

from identity import queries as identity_queries
from identity.models import UserAccount
from introducers import queries
from introducers.models import Partner
from kernel.database import ReadSession, TenantSession
from kernel.errors import ProductError
from kernel.language import marked
from kernel.viewer import Viewer


class NoPartner(ProductError):
    """Somebody signs in as a partner and is none."""

    code = "no_partner"
    status = 409
    message = marked("There is no partnership for this login. Write to support.")


class NotOpenYet(ProductError):
    """The partnership is not active yet."""

    code = "partnership_not_open"
    status = 409
    message = marked("Your partnership is not active yet. Your home page says what is missing.")


@dataclass(frozen=True, slots=True)
class Me:
    """The partner and the person of whoever is signed in."""

    partner: Partner
    user: UserAccount

    @property
    def verified(self) -> bool:
        """Whether they have proved their e-mail address."""
        return self.user.email_verified_at is not None

    @property
    def is_open(self) -> bool:
        """Whether the portal's pages are theirs to see."""
        return self.partner.state in ("active", "suspended")


async def me(session: TenantSession | ReadSession, viewer: Viewer) -> Me:
    """Return who is signed in; raise NoPartner for a person without a partnership."""
    partner = await queries.partner_of_user(session, viewer.id)
    user = await identity_queries.user(session, viewer.id)
    if partner is None or user is None:
        raise NoPartner
    return Me(partner, user)


async def open_partner(session: TenantSession | ReadSession, viewer: Viewer) -> Partner:
    """Return the partner who is signed in; raise NotOpenYet before they are approved."""
    found = await me(session, viewer)
    if not found.is_open:
        raise NotOpenYet
    return found.partner
