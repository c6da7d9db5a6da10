"""Sessions of our own: a random id in a host-only cookie, kept as a hash. Hot path.

A session is new at each login and bound to its tenant (by schema), to one host and to one
kind of user; the same cookie on another host is nothing. One that has not passed its second
factor is nobody's: the look-up at every request, one statement through the driver, does not
see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import delete, update

from identity import audit, owners, queries
from identity.models import SignIn, VendorSignIn
from kernel.clock import now
from kernel.database import ControlSession, ReadSession, TenantSession, driver, tagged
from kernel.ids import token
from kernel.viewer import Looks, Viewer, widest

# Idle and absolute limits by kind of user, in minutes.
LIMITS = {"staff": (15, 8 * 60), "client": (30, 12 * 60), "partner": (30, 12 * 60)}
VENDOR_LIMITS = (15, 8 * 60)
# How many minutes the second step and the enrolment of a first factor may take.
UNFINISHED_MINUTES = {"second": 5, "enrol": 15}

_LOOK_UP = """
SELECT u.id, u.kind, u.name, u.email, s.seen_at, s.created_at, s.id_hash, s.confirmed_at,
       u.theme, u.density, u.sidebar, u.language, {unread} AS unread,
       coalesce((SELECT array_agg(DISTINCT r.role)::text[] FROM staff_role r
                 WHERE r.user_id = u.id), '{}') AS roles,
       coalesce((SELECT array_agg(p.permission || ' ' || p.scope)::text[] FROM staff_role r
                 JOIN role_permission p ON p.role = r.role WHERE r.user_id = u.id), '{}') AS grants
FROM session s JOIN user_account u ON u.id = s.user_id
WHERE s.id_hash = $1 AND s.host = $2 AND s.surface = $3 AND s.expires_at > now()
  AND s.stage = 'full' AND u.state = 'active'
"""
_HOLDER = """
SELECT u.id, u.kind FROM session s JOIN user_account u ON u.id = s.user_id
WHERE s.id_hash = $1 AND s.host = $2 AND s.surface = $3 AND s.expires_at > now()
  AND s.stage = 'full' AND u.state = 'active'
"""
_LOOK_UP_VENDOR = """
SELECT u.id, u.kind, u.name, u.email, s.seen_at, s.created_at, s.id_hash, s.confirmed_at,
       u.theme, u.density, u.sidebar
FROM control.session s JOIN control.user_account u ON u.id = s.user_id
WHERE s.id_hash = $1 AND s.host = $2 AND s.expires_at > now()
  AND s.stage = 'full' AND u.state = 'active'
"""
KIND_OF_SURFACE = {"trader": "client", "partner": "partner", "staff": "staff"}


def cookie_name(*, https: bool) -> str:
    """Return the cookie's name: `__Host-` binds it to the host, which needs https."""
    return "__Host-marque" if https else "marque"


async def start(
    session: TenantSession | ControlSession,
    *,
    user_id: UUID,
    kind: str,
    surface: str,
    host: str,
    device: str = "",
    address: str = "",
    stage: str = "full",
    target: str = "/",
    confirmed: bool = False,
) -> str:
    """Open a session and return the cookie's value; any older cookie stays worthless.

    At a `stage` before `full` it opens nothing, soon ends, and remembers the target of the
    sign-in. `confirmed` says that the person has just proved who they are.
    """
    value, moment = token(), now()
    model = owners.table(session, SignIn, VendorSignIn)
    await session.execute(delete(model).where(model.user_id == user_id, model.expires_at < moment))
    idle, absolute = LIMITS.get(kind, VENDOR_LIMITS)
    minutes = UNFINISHED_MINUTES.get(stage, min(idle, absolute))
    session.add(
        model(
            id_hash=hashed(value),
            user_id=user_id,
            surface=surface,
            host=host,
            device=device,
            address=address,
            stage=stage,
            data={} if stage == "full" else {"target": target[:400]},
            confirmed_at=moment if confirmed else None,
            expires_at=moment + timedelta(minutes=minutes),
        )
    )
    return value


async def unfinished(
    session: TenantSession | ControlSession, *, value: str, host: str, surface: str
) -> SignIn | None:
    """Return the sign-in of this cookie that waits for a second factor, or None."""
    row = await queries.session_at_stage(session, id_hash=hashed(value), host=host)
    return row if row is not None and row.surface == surface else None


async def end(session: TenantSession | ControlSession, *, value: str) -> None:
    """Close the session of that cookie."""
    model = owners.table(session, SignIn, VendorSignIn)
    await session.execute(delete(model).where(model.id_hash == hashed(value)))


async def end_one(
    session: TenantSession | ControlSession, *, user_id: UUID, id_hash: bytes
) -> bool:
    """Close one session of a person; say whether there was one."""
    model = owners.table(session, SignIn, VendorSignIn)
    gone = await session.scalar(
        delete(model)
        .where(model.user_id == user_id, model.id_hash == id_hash)
        .returning(model.user_id)
    )
    if gone is not None:
        audit.record(session, "identity.session.end", subject=("user", user_id))
    return gone is not None


async def end_all(
    session: TenantSession | ControlSession, *, user_id: UUID, but: bytes = b""
) -> None:
    """Close every session of a person, as after a change of password or role; one may stay."""
    model = owners.table(session, SignIn, VendorSignIn)
    await session.execute(delete(model).where(model.user_id == user_id, model.id_hash != but))


async def confirm(session: TenantSession | ControlSession, *, id_hash: bytes) -> None:
    """Remember that the person has just proved in this session who they are."""
    model = owners.table(session, SignIn, VendorSignIn)
    await session.execute(update(model).where(model.id_hash == id_hash).values(confirmed_at=now()))


async def viewer(
    session: TenantSession, *, value: str, host: str, surface: str, unread: str = "0"
) -> Viewer | None:
    """Return who holds the cookie on this host and surface, or None.

    `unread` is the SQL by which a higher room counts what waits for the person `u.id`; it is a
    constant of that room, and saves every page a statement.
    """
    row = await (await driver(session)).fetchrow(
        tagged(session, _looked_up(unread)), hashed(value), host, surface
    )
    if row is None or row["kind"] != KIND_OF_SURFACE.get(surface):
        return None
    await _touch(session, value, row["kind"], row["seen_at"], row["created_at"])
    return Viewer(
        kind=row["kind"],
        id=row["id"],
        name=row["name"],
        email=row["email"],
        roles=frozenset(row["roles"]),
        grants=_granted(tuple(row["grants"])),
        session=row["id_hash"],
        confirmed_at=row["confirmed_at"],
        looks=Looks(row["theme"], row["density"], row["sidebar"]),
        unread=row["unread"],
        language=row["language"],
    )


async def holder(
    session: TenantSession | ReadSession, *, value: str, host: str, surface: str
) -> UUID | None:
    """Return whose cookie it is, without counting this as use: the idle limit stays where it is."""
    row = await (await driver(session)).fetchrow(
        tagged(session, _HOLDER), hashed(value), host, surface
    )
    if row is None or row["kind"] != KIND_OF_SURFACE.get(surface):
        return None
    user_id: UUID = row["id"]
    return user_id


@lru_cache(maxsize=1024)
def _granted(lines: tuple[str, ...]) -> Mapping[str, str]:
    """Read what somebody's roles grant: few kinds of people ask again and again."""
    grants: dict[str, str] = {}
    for line in lines:
        permission, scope = line.split(" ")
        grants[permission] = widest([scope, grants.get(permission, scope)])
    return MappingProxyType(grants)


@cache
def _looked_up(unread: str) -> str:
    return _LOOK_UP.replace("{unread}", unread)


async def vendor_viewer(
    session: ControlSession, *, value: str, host: str, permissions: tuple[str, ...]
) -> Viewer | None:
    """Return which of the vendor's people holds the cookie, or None."""
    row = await (await driver(session)).fetchrow(_LOOK_UP_VENDOR, hashed(value), host)
    if row is None:
        return None
    await _touch(session, value, "vendor", row["seen_at"], row["created_at"])
    return Viewer(
        kind="vendor",
        id=row["id"],
        name=row["name"],
        email=row["email"],
        roles=frozenset({"vendor"}),
        grants=dict.fromkeys(permissions, "all"),
        session=row["id_hash"],
        confirmed_at=row["confirmed_at"],
        looks=Looks(row["theme"], row["density"], row["sidebar"]),
    )


async def purge(session: TenantSession) -> None:
    """Remove the rows of sessions that have run out."""
    await session.execute(delete(SignIn).where(SignIn.expires_at < now()))


async def _touch(
    session: TenantSession | ControlSession,
    value: str,
    kind: str,
    seen_at: datetime,
    created_at: datetime,
) -> None:
    """Move the idle limit on, at most once a minute, never past the absolute one."""
    moment = now()
    if moment - seen_at < timedelta(minutes=1):
        return
    idle, absolute = LIMITS.get(kind, VENDOR_LIMITS)
    until = min(moment + timedelta(minutes=idle), created_at + timedelta(minutes=absolute))
    model = owners.table(session, SignIn, VendorSignIn)
    await session.execute(
        update(model).where(model.id_hash == hashed(value)).values(seen_at=moment, expires_at=until)
    )


def hashed(value: str) -> bytes:
    """Return what is kept of a cookie's value."""
    return hashlib.sha256(value.encode()).digest()
