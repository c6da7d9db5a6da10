"""Authenticator apps: enrolled by a first code, and each code accepted once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, update

from identity import audit, owners, queries, totp
from identity.models import Authenticator, VendorAuthenticator
from kernel.clock import now
from kernel.crypto import SealBroken, Vault
from kernel.database import ControlSession, TenantSession
from kernel.errors import Conflict
from kernel.language import marked
from kernel.log import logger

_LOG = logger(__name__)
MOST = 5


class TooManyAuthenticators(Conflict):
    """The person has as many authenticators as anybody may have."""

    code = "too_many_authenticators"
    message = marked("You have five authenticators already. Remove one first.")


async def begin(
    session: TenantSession | ControlSession, *, user_id: UUID, vault: Vault, secret: str = ""
) -> str:
    """Return the secret of the authenticator that waits for its first code, made when needed.

    It stays the same until it is confirmed, so that a reloaded page shows the same picture.
    Raise TooManyAuthenticators.
    """
    pending = await queries.pending_authenticator(session, user_id)
    if pending is not None and not secret:
        return _opened(session, vault, pending) or await _renewed(session, vault, pending)
    if len(await queries.authenticators(session, user_id)) >= MOST:
        raise TooManyAuthenticators
    secret = secret or totp.new_secret()
    if pending is None:
        model = owners.table(session, Authenticator, VendorAuthenticator)
        pending = model(user_id=user_id, secret_sealed=b"", last_step=0)
        session.add(pending)
    pending.secret_sealed = vault.seal(
        owners.sealed_for(session), secret.encode(), purpose=_purpose(user_id)
    )
    await session.flush()  # of two pages opened at once the table's uniqueness lets one through
    return secret


async def plant(
    session: TenantSession | ControlSession, *, user_id: UUID, secret: str, vault: Vault
) -> None:
    """Give somebody of a demo an authenticator in use whose secret is known beside the data."""
    await begin(session, user_id=user_id, vault=vault, secret=secret)
    pending = await queries.pending_authenticator(session, user_id)
    assert pending is not None
    pending.confirmed_at = now()
    audit.record(session, "identity.authenticator.add", subject=("user", user_id))


async def confirm(
    session: TenantSession | ControlSession, *, user_id: UUID, typed: str, vault: Vault
) -> bool:
    """Put the waiting authenticator into use when a code of it was typed; say whether it was."""
    pending = await queries.pending_authenticator(session, user_id)
    secret = _opened(session, vault, pending) if pending is not None else None
    if pending is None or secret is None:
        return False
    step = totp.matching_step(secret, typed, now())
    if step is None or not await _spend(session, pending.id, step):
        return False
    pending.confirmed_at = now()
    audit.record(session, "identity.authenticator.add", subject=("user", user_id))
    return True


async def accept(
    session: TenantSession | ControlSession, *, user_id: UUID, typed: str, vault: Vault
) -> bool:
    """Say whether the code is one of the person's authenticators', and was not used before."""
    for one in await queries.authenticators(session, user_id):
        secret = _opened(session, vault, one)
        step = totp.matching_step(secret, typed, now()) if secret else None
        if step is not None:
            return await _spend(session, one.id, step)
    return False


async def remove(
    session: TenantSession | ControlSession, *, user_id: UUID, authenticator_id: UUID
) -> bool:
    """Remove one of the person's authenticators; say whether there was one."""
    model = owners.table(session, Authenticator, VendorAuthenticator)
    gone = await session.scalar(
        delete(model)
        .where(model.id == authenticator_id, model.user_id == user_id)
        .returning(model.id)
    )
    if gone is not None:
        audit.record(session, "identity.authenticator.remove", subject=("user", user_id))
    return gone is not None


async def _spend(
    session: TenantSession | ControlSession, authenticator_id: UUID, step: int
) -> bool:
    """Use a step up; of two at once the row decides, and an older step is gone as well."""
    model = owners.table(session, Authenticator, VendorAuthenticator)
    taken = await session.scalar(
        update(model)
        .where(model.id == authenticator_id, model.last_step < step)
        .values(last_step=step)
        .returning(model.id)
    )
    return taken is not None


async def _renewed(
    session: TenantSession | ControlSession,
    vault: Vault,
    pending: Authenticator,
) -> str:
    secret = totp.new_secret()
    pending.secret_sealed = vault.seal(
        owners.sealed_for(session), secret.encode(), purpose=_purpose(pending.user_id)
    )
    await session.flush()  # the page shows it now
    return secret


def _opened(
    session: TenantSession | ControlSession,
    vault: Vault,
    row: Authenticator,
) -> str | None:
    """Return the secret; a seal that does not open (another master key) matches no code."""
    try:
        return vault.open(
            owners.sealed_for(session), row.secret_sealed, purpose=_purpose(row.user_id)
        ).decode()
    except SealBroken:
        _LOG.error("the secret of an authenticator could not be opened", authenticator=str(row.id))
        return None


def _purpose(user_id: UUID) -> str:
    return f"identity.authenticator:{user_id}"
