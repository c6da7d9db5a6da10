"""People who sign in: created, invited, and let in with the right password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from identity import audit, passwords, queries, sessions
from identity.models import StaffRole, UserAccount, VendorAccount
from kernel.clock import now
from kernel.database import ControlSession, TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.ids import uuid7
from kernel.language import LANGUAGES, gettext, marked, ngettext

_EMAIL = re.compile(r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]{2,}$")
# After this many wrong passwords in a row each further one doubles the wait, up to an hour.
_FREE_FAILURES = 5
_WAIT_MAX_SECONDS = 3600


class EmailTaken(Conflict):
    """A person of this kind already has the address."""

    code = "email_taken"
    message = marked("There is an account with this address. Sign in instead.")


@dataclass(frozen=True)
class Refusal:
    """Why somebody was not let in; `seconds` says how long to wait, 0 for a wrong password."""

    seconds: int = 0

    @property
    def text(self) -> str:
        """The same words for an unknown address as for a wrong password."""
        if self.seconds:
            minutes = max(1, self.seconds // 60)
            return (
                ngettext(
                    "Too many attempts. Try again in %d minute.",
                    "Too many attempts. Try again in %d minutes.",
                    minutes,
                )
                % minutes
            )
        return gettext("This address and password do not match. Check both and try again.")


def checked_email(email: str) -> str:
    """Return the address without surrounding space; raise InvalidInput when it is none."""
    email = email.strip()
    if len(email) > 254 or not _EMAIL.match(email):
        raise InvalidInput({"email": gettext("Enter an address such as name@example.com.")})
    return email


async def create(
    session: TenantSession,
    *,
    kind: str,
    email: str,
    name: str,
    password: str | None,
    language: str = "",
) -> UserAccount:
    """Create a person; without a password they are invited. Raise EmailTaken.

    `language` is what they read, in two letters; empty is the brokerage's own.
    """
    email = checked_email(email)
    if await queries.user_by_email(session, kind=kind, email=email):
        raise EmailTaken
    user = UserAccount(
        id=uuid7(),
        kind=kind,
        email=email,
        name=name,
        password_hash=await passwords.hashed(password) if password else None,
        state="active" if password else "invited",
        failures=0,
        language=language[:2] if language[:2] in LANGUAGES else "",
    )
    session.add(user)
    await session.flush()  # the row's uniqueness decides between two who register at once
    audit.record(session, "identity.user.create", subject=("user", user.id), after={"kind": kind})
    return user


async def choose_language(session: TenantSession, *, user_id: UUID, language: str) -> None:
    """Keep what a person reads from now on, on every device and in their mails."""
    user = await session.get(UserAccount, user_id)
    if user is not None and language in LANGUAGES and user.language != language:
        before, user.language = user.language, language
        audit.record(
            session,
            "identity.language.choose",
            subject=("user", user_id),
            before={"language": before},
            after={"language": language},
        )


async def create_vendor(
    session: ControlSession, *, email: str, name: str, password: str
) -> VendorAccount:
    """Create one of the vendor's people, or give an existing one a new password."""
    user = await queries.vendor_by_email(session, email=email)
    if user is None:
        user = VendorAccount(id=uuid7(), kind="vendor", email=checked_email(email), name=name)
        session.add(user)
        audit.record(session, "identity.user.create", subject=("user", user.id))
    user.password_hash = await passwords.hashed(password)
    return user


async def set_password(
    session: TenantSession | ControlSession, *, user: UserAccount | VendorAccount, password: str
) -> None:
    """Store a new password and make an invited person active; their second factor stays."""
    passwords.check(password, forbidden=(user.email.split("@")[0],))
    user.password_hash = await passwords.hashed(password)
    user.state = "active"
    user.failures = 0
    # Whoever was signed in with the old password is not any more.
    await sessions.end_all(session, user_id=user.id)
    audit.record(session, "identity.user.set_password", subject=("user", user.id))


async def grant_role(session: TenantSession, *, user: UserAccount, role: str) -> None:
    """Give a member of staff a role; a second time changes nothing."""
    if role not in await queries.roles_of(session, user.id):
        session.add(StaffRole(user_id=user.id, role=role))
        await session.flush()
        audit.record(
            session, "identity.role.grant", subject=("user", user.id), after={"role": role}
        )


async def let_in(
    session: TenantSession | ControlSession, *, kind: str, email: str, password: str
) -> UserAccount | VendorAccount | Refusal:
    """Return the person when address and password are right, else why not.

    Wrong passwords slow the account down by themselves, never lock it: a stranger must not be
    able to shut somebody out. The caller commits either way.
    """
    user: UserAccount | VendorAccount | None
    if isinstance(session, TenantSession):
        user = await queries.user_by_email(session, kind=kind, email=email, lock=True)
    else:
        user = await queries.vendor_by_email(session, email=email, lock=True)
    if user is not None and user.blocked_until and user.blocked_until > now():
        return Refusal(seconds_until(user.blocked_until))
    right = await passwords.matches(user.password_hash if user else None, password)
    if user is None or user.state != "active" or not right:
        if user is not None:
            _slow_down(user)
            audit.record(session, "identity.login.refused", subject=("user", user.id))
        return Refusal()
    user.failures = 0
    user.blocked_until = None
    audit.record(session, "identity.login", subject=("user", user.id))
    return user


async def check_password(
    session: TenantSession | ControlSession, *, user_id: UUID, password: str
) -> Refusal | None:
    """Return why this is not the person's password, or None; the caller commits either way."""
    user = await queries.person_for_update(session, user_id)
    if user is None:
        return Refusal()
    if user.blocked_until and user.blocked_until > now():
        return Refusal(seconds_until(user.blocked_until))
    if await passwords.matches(user.password_hash, password):
        return None
    _slow_down(user)
    audit.record(session, "identity.password.refused", subject=("user", user_id))
    return Refusal()


def seconds_until(moment: datetime) -> int:
    """Return the whole seconds that are left until a moment, at least one."""
    return max(0, int((moment - now()).total_seconds())) + 1


def wait_after(failures: int) -> timedelta | None:
    """Return how long to wait after so many failures in a row; None for the first five."""
    if failures <= _FREE_FAILURES:
        return None
    return timedelta(seconds=min(_WAIT_MAX_SECONDS, 15 * 2 ** min(failures - _FREE_FAILURES, 20)))


def _slow_down(user: UserAccount | VendorAccount) -> None:
    user.failures += 1
    wait = wait_after(user.failures)
    if wait is not None:
        user.blocked_until = now() + wait
