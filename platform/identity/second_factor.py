"""The second factor: when it is asked for, whether it is right, and proofs that are fresh.

Staff and the vendor's people must have one; clients and partners may. A wrong code slows the
account down by itself and never locks it: a stranger must not be able to shut somebody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from identity import audit, authenticators, owners, queries, recovery_codes, sessions, users
from identity.events import SecurityChanged
from identity.models import Authenticator, Passkey, VendorAuthenticator, VendorPasskey
from identity.users import Refusal
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import ControlSession, TenantSession
from kernel.errors import ConfirmationNeeded, Conflict
from kernel.events import record
from kernel.language import gettext, marked
from kernel.viewer import Viewer

MANDATORY = frozenset({"staff", "vendor"})
FRESH = timedelta(minutes=5)


class LastFactor(Conflict):
    """Somebody who must have a second factor can't remove the only one."""

    code = "last_factor"
    message = marked("This is your only second factor. Add another one first.")


@dataclass(frozen=True)
class WrongCode(Refusal):
    """Why a code was not accepted; `seconds` says how long to wait, 0 for a wrong one."""

    @property
    def text(self) -> str:
        """Say what to do; a used code is told like a wrong one."""
        if self.seconds:
            return super().text
        return gettext("This code is wrong or was used before. Wait for the next one.")


async def stage_of(session: TenantSession | ControlSession, *, user_id: UUID, kind: str) -> str:
    """Return the stage at which a session begins after the password: `full`, `second`, `enrol`."""
    if await queries.has_factor(session, user_id):
        return "second"
    return "enrol" if kind in MANDATORY else "full"


async def accept(
    session: TenantSession | ControlSession, *, user_id: UUID, code: str, vault: Vault
) -> Refusal | None:
    """Use up a code of an authenticator or a recovery code; return why not, or None.

    The caller commits either way, so that wrong codes are counted.
    """
    user = await queries.person_for_update(session, user_id)
    if user is None or user.state != "active":
        return WrongCode()
    if user.factor_blocked_until and user.factor_blocked_until > now():
        return WrongCode(users.seconds_until(user.factor_blocked_until))
    right = await authenticators.accept(session, user_id=user_id, typed=code, vault=vault)
    if not right and await recovery_codes.accept(session, user_id=user_id, typed=code):
        changed(session, user_id=user_id, change="recovery_code_used")
        right = True
    if right:
        user.factor_failures, user.factor_blocked_until = 0, None
        return None
    user.factor_failures += 1
    wait = users.wait_after(user.factor_failures)
    if wait is not None:
        user.factor_blocked_until = now() + wait
    audit.record(session, "identity.second_factor.refused", subject=("user", user_id))
    return WrongCode()


def is_fresh(viewer: Viewer) -> bool:
    """Say whether the viewer proved within the last five minutes who they are."""
    return viewer.confirmed_at is not None and now() - viewer.confirmed_at <= FRESH


def require_fresh(viewer: Viewer) -> None:
    """Raise ConfirmationNeeded unless the viewer has just proved who they are."""
    if not is_fresh(viewer):
        raise ConfirmationNeeded


async def confirm(
    session: TenantSession | ControlSession, viewer: Viewer, *, code: str, vault: Vault
) -> Refusal | None:
    """Take a fresh proof for what matters most; return why it is none, or None.

    The proof is a code where the person has a second factor, else their password. It holds for
    five minutes in this session. The caller commits either way.
    """
    if await queries.has_factor(session, viewer.id):
        refused = await accept(session, user_id=viewer.id, code=code, vault=vault)
    else:
        refused = await users.check_password(session, user_id=viewer.id, password=code)
    if refused is None:
        await confirmed(session, viewer)
    return refused


async def confirmed(session: TenantSession | ControlSession, viewer: Viewer) -> None:
    """Remember a proof that was checked elsewhere, such as a passkey's answer."""
    await sessions.confirm(session, id_hash=viewer.session)
    audit.record(session, "identity.session.confirm", subject=("user", viewer.id))


async def check_removable(
    session: TenantSession | ControlSession, *, user_id: UUID, kind: str
) -> None:
    """Raise LastFactor when somebody who must have a factor has just this one."""
    count = len(await queries.authenticators(session, user_id)) + len(
        await queries.passkeys(session, user_id)
    )
    if kind in MANDATORY and count <= 1:
        raise LastFactor


async def reset(
    session: TenantSession | ControlSession, *, user_id: UUID, reason: str = ""
) -> None:
    """Remove every factor and recovery code of a person and end their sessions."""
    apps = owners.table(session, Authenticator, VendorAuthenticator)
    keys = owners.table(session, Passkey, VendorPasskey)
    await session.execute(delete(apps).where(apps.user_id == user_id))
    await session.execute(delete(keys).where(keys.user_id == user_id))
    await recovery_codes.forget(session, user_id=user_id)
    await sessions.end_all(session, user_id=user_id)
    audit.record(session, "identity.second_factor.reset", subject=("user", user_id), reason=reason)
    changed(session, user_id=user_id, change="second_factor_reset")


def changed(session: TenantSession | ControlSession, *, user_id: UUID, change: str) -> None:
    """Tell whoever cares that a person signs in differently now; control has no such listener."""
    if isinstance(session, TenantSession):
        record(session, SecurityChanged(user_id, change))
