"""Who stands in the Trader's Room: the viewer's own profile and person."""

from __future__ import annotations

from dataclasses import dataclass

from clients import queries as client_queries
from clients.models import Client
from identity import queries as identity_queries
from identity.models import UserAccount
from kernel.database import ReadSession, TenantSession
from kernel.errors import ProductError
from kernel.language import marked
from kernel.viewer import Viewer


class AddressNotVerified(ProductError):
    """The client has not opened the link in the first mail yet."""

    code = "address_not_verified"
    status = 409
    message = marked(
        "Confirm your e-mail address first. We can send the link again from your home page."
    )


class NoProfile(ProductError):
    """Somebody signs in as a client and has no profile."""

    code = "no_profile"
    status = 409
    message = marked("There is no client profile for this login. Write to support.")


@dataclass(frozen=True, slots=True)
class Me:
    """The profile and the person of whoever is signed in."""

    client: Client
    user: UserAccount

    @property
    def verified(self) -> bool:
        """Whether they have proved their e-mail address."""
        return self.user.email_verified_at is not None

    def require_verified(self) -> None:
        """Raise AddressNotVerified unless the address is proved."""
        if not self.verified:
            raise AddressNotVerified


async def me(session: TenantSession | ReadSession, viewer: Viewer) -> Me:
    """Return who is signed in; raise NoProfile for a person without one."""
    assert viewer.id is not None
    client = await client_queries.client_of_user(session, viewer.id)
    user = await identity_queries.user(session, viewer.id)
    if client is None or user is None:
        raise NoProfile
    return Me(client, user)
