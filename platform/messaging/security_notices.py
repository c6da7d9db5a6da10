"""Tells a person at once that something about how they sign in has changed: mail and bell."""

from __future__ import annotations

from identity import queries as identity_queries
from identity.events import SecurityChanged
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.language import marked
from messaging import mails, notifications
from messaging.texts import Words

WORDS = {
    "password": marked("Your password was changed."),
    "authenticator_added": marked("A new authenticator was added."),
    "authenticator_removed": marked("An authenticator was removed."),
    "passkey_added": marked("A new passkey was added."),
    "passkey_removed": marked("A passkey was removed."),
    "recovery_codes_renewed": marked("New recovery codes were made."),
    "recovery_code_used": marked("A recovery code was used to sign in."),
    "second_factor_reset": marked("An administrator removed your second factor."),
}


async def on_security_changed(
    session: TenantSession, event: SecurityChanged, *, vault: Vault
) -> None:
    """Write to the person under the address they sign in with; staff read English."""
    user = await identity_queries.user(session, event.user_id)
    if user is None:
        return
    words = WORDS[event.change]
    await mails.queue(
        session,
        to=user.email,
        template="security_changed",
        context={"name": user.name, "change": Words(words)},
        vault=vault,
        reader=user.id,
        language="en" if user.kind == "staff" else "",
    )
    await notifications.notify(
        session, user_id=user.id, kind="security", title=words, href="/security"
    )
