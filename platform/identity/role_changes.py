"""Changes of what roles may do and of who holds them: checked against who makes them, audited.

Whoever changes anything here waits for the others (`queries.lock_owners`) and is judged by what
they hold at that moment, not by what they held when their page was drawn.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from identity import audit, queries, role_rules, sessions, users
from identity.models import OwnRole, RolePermission, StaffRole, UserAccount
from identity.role_rules import OFF, SCOPE_WORDS, Change
from identity.roles import OWNER, ROLES, Grants
from kernel.database import TenantSession
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.viewer import Viewer, widest

TITLE_MAX = 40
REASON_MIN, REASON_MAX = 5, 400
_CHANGE = "identity.role.change"
_TITLE = re.compile(r"^[^\W_][\w .,&()'/+-]*$")


class RoleMoved(Conflict):
    """Somebody else has changed the role, or a person's roles, since the page was drawn."""

    code = "role_moved"
    message = "Somebody else changed this in the meantime. Below is what it would change now."


class RoleHeld(Conflict):
    """A role that somebody holds is not deleted."""

    code = "role_held"
    message = "Somebody holds this role. Take it from them first, then delete it."


@dataclass(frozen=True)
class Plan:
    """What a change of a role means, for whom, and why it may not be made, if so.

    `refused` maps a permission to why; `people` are the names of the role's holders.
    """

    role: str
    title: str
    version: str
    changes: tuple[Change, ...]
    refused: Mapping[str, str]
    people: tuple[str, ...]
    dangers: tuple[str, ...]


@dataclass(frozen=True)
class _Standing:
    """Who changes roles: what they hold now, and whether they are an owner."""

    owners: tuple[UUID, ...]
    held: Mapping[str, str]
    viewer: Viewer

    @property
    def owner(self) -> bool:
        return self.viewer.id in self.owners


async def titles(session: TenantSession) -> dict[str, str]:
    """Return every role of the brokerage with its title: the seeded ones, then its own."""
    return {**ROLES, **{one.role: one.title for one in await queries.own_roles(session)}}


async def plan(
    session: TenantSession,
    viewer: Viewer,
    *,
    role: str,
    wanted: Mapping[str, str],
    permissions: Mapping[str, str],
    grants: Grants,
) -> Plan:
    """Return what a change would mean, after waiting for other changes; raise NotFound."""
    standing = await _standing(session, viewer)
    title = (await titles(session)).get(role)
    if title is None:
        raise NotFound
    before = await queries.grants_of_role(session, role)
    found = role_rules.changes(before, wanted, permissions)
    held_by = [user_id for user_id, one in await queries.holders_of_roles(session) if one == role]
    names = await queries.names_of(session, held_by)
    after = {**before, **{one.permission: one.after for one in found}}
    after = {name: scope for name, scope in after.items() if scope in SCOPE_WORDS}
    return Plan(
        role,
        title,
        role_rules.version(before),
        tuple(found),
        _refused(standing, role, found, grants, oneself=viewer.id in held_by),
        tuple(names[user_id] for user_id in held_by),
        await _dangers(session, role, after, names),
    )


async def change(
    session: TenantSession,
    viewer: Viewer,
    *,
    role: str,
    wanted: Mapping[str, str],
    seen: str,
    reason: str,
    permissions: Mapping[str, str],
    grants: Grants,
) -> Plan:
    """Change what a role grants; its holders have it from their next request on.

    Raise RoleMoved when `seen` is not the version that is changed, InvalidInput when something
    may not be given or no reason is named.
    """
    found = await plan(
        session, viewer, role=role, wanted=wanted, permissions=permissions, grants=grants
    )
    if found.version != seen:
        raise RoleMoved
    if found.refused:
        raise InvalidInput(dict(found.refused), "This change is not yours to make.")
    _check_reason(reason)
    for one in found.changes:
        if one.after == OFF:
            await session.execute(
                delete(RolePermission).where(
                    RolePermission.role == role, RolePermission.permission == one.permission
                )
            )
            continue
        values = {"role": role, "permission": one.permission, "scope": one.after}
        await session.execute(
            insert(RolePermission)
            .values(values)
            .on_conflict_do_update(index_elements=["role", "permission"], set_={"scope": one.after})
        )
    audit.record(
        session,
        "identity.role.change",
        subject=("role", role),
        before={one.permission: one.before for one in found.changes},
        after={one.permission: one.after for one in found.changes},
        reason=reason,
    )
    return found


async def copy(session: TenantSession, viewer: Viewer, *, source: str, title: str) -> str:
    """Make an own role that grants what another does, and return its name; nobody holds it yet."""
    await _standing(session, viewer)
    known = await titles(session)
    if source not in known:
        raise InvalidInput({"source": "Choose a role to begin with."})
    title = _checked_title(title, known.values())
    role = f"own_{uuid7().hex}"[:40]
    session.add(OwnRole(role=role, title=title))
    await session.flush()
    granted = await queries.grants_of_role(session, source)
    if granted:
        rows = [{"role": role, "permission": p, "scope": s} for p, s in granted.items()]
        await session.execute(insert(RolePermission), rows)
    after = {"title": title, "copied_from": source, **granted}
    audit.record(session, "identity.role.create", subject=("role", role), after=after)
    return role


async def rename(session: TenantSession, viewer: Viewer, *, role: str, title: str) -> None:
    """Give an own role another title; raise NotFound for a seeded one."""
    await _standing(session, viewer)
    found = await session.get(OwnRole, role)
    if found is None:
        raise NotFound
    known = await titles(session)
    before, found.title = found.title, _checked_title(title, set(known.values()) - {found.title})
    await session.flush()
    audit.record(
        session,
        "identity.role.rename",
        subject=("role", role),
        before={"title": before},
        after={"title": found.title},
    )


async def remove(session: TenantSession, viewer: Viewer, *, role: str) -> str:
    """Delete an own role that nobody holds and return its title; raise RoleHeld."""
    await _standing(session, viewer)
    found = await session.get(OwnRole, role)
    if found is None:
        raise NotFound
    if await queries.any_holder(session, role):
        raise RoleHeld
    before = {"title": found.title, **await queries.grants_of_role(session, role)}
    await session.execute(delete(RolePermission).where(RolePermission.role == role))
    await session.delete(found)
    audit.record(session, "identity.role.delete", subject=("role", role), before=before)
    return found.title


async def set_roles(
    session: TenantSession,
    viewer: Viewer,
    *,
    user_id: UUID,
    wanted: Collection[str],
    seen: Collection[str],
    reason: str,
    grants: Grants,
) -> list[str]:
    """Give and take a colleague's roles, end their sessions, and return what to be warned of.

    Nobody changes their own roles. Raise RoleMoved when the person does not hold what was `seen`.
    """
    standing = await _standing(session, viewer)
    user = await colleague(session, viewer, user_id)
    held = set(await queries.roles_of(session, user.id))
    if held != set(seen):
        raise RoleMoved("Somebody else changed these roles in the meantime. Check them again.")
    known = await titles(session)
    given, taken = set(wanted) - held, held - set(wanted)
    if given - known.keys():
        raise InvalidInput({"roles": "Choose roles of this list."})
    if OWNER in given | taken and not standing.owner:
        raise InvalidInput({"roles": "Only an owner gives or takes the role Owner."})
    if OWNER in taken and len(standing.owners) <= 1:
        raise InvalidInput({"roles": "This is the last owner. Make somebody else an owner first."})
    for role in sorted(given):
        await _check_giving(session, standing, role, known[role], grants)
    _check_reason(reason)
    if not given | taken:
        return []
    for role in sorted(given):
        await users.grant_role(session, user=user, role=role)
    await session.execute(
        delete(StaffRole).where(StaffRole.user_id == user.id, StaffRole.role.in_(sorted(taken)))
    )
    audit.record(
        session,
        "identity.role.assign",
        subject=("user", user.id),
        before={"roles": sorted(held)},
        after={"roles": sorted(wanted)},
        reason=reason,
    )
    await sessions.end_all(session, user_id=user.id)
    return role_rules.dangers(await queries.grants_of_person(session, user.id))


async def colleague(session: TenantSession, viewer: Viewer, user_id: UUID) -> UserAccount:
    """Return another member of staff; raise NotFound, or Conflict for oneself."""
    user = await queries.user(session, user_id)
    if user is None or user.kind != "staff" or user.state == "disabled":
        raise NotFound
    if user.id == viewer.id:
        raise Conflict("Nobody changes their own roles. Ask another administrator.")
    return user


async def _standing(session: TenantSession, viewer: Viewer) -> _Standing:
    owners = await queries.lock_owners(session)
    held = await queries.grants_of_person(session, viewer.id)
    if _CHANGE not in held:
        raise Forbidden
    return _Standing(tuple(owners), held, viewer)


def _refused(
    standing: _Standing, role: str, found: Collection[Change], grants: Grants, *, oneself: bool
) -> dict[str, str]:
    """Return why parts of a change may not be made by this person."""
    if role == OWNER and not standing.owner:
        return {one.permission: "Only an owner changes the role Owner." for one in found}
    known = role_rules.scopes(grants)
    refused = {}
    for one in found:
        if one.after not in (OFF, *known.get(one.permission, ("all",))):
            refused[one.permission] = "This permission does not know such a scope."
        elif role == OWNER and one.permission in role_rules.CORE and not one.opens:
            refused[one.permission] = "Owners keep this: somebody must be able to change roles."
    beyond = role_rules.beyond(
        [(one.permission, one.after) for one in found if one.opens],
        held=standing.held,
        owner=standing.owner,
        oneself=oneself,
        first=role_rules.first_of_owner(grants),
    )
    reason = "You can't give what you do not hold yourself."
    return {**dict.fromkeys(beyond, reason), **refused}


async def _check_giving(
    session: TenantSession, standing: _Standing, role: str, title: str, grants: Grants
) -> None:
    """Raise InvalidInput when a role grants what this person may not hand on."""
    beyond = role_rules.beyond(
        list((await queries.grants_of_role(session, role)).items()),
        held=standing.held,
        owner=standing.owner,
        oneself=False,
        first=role_rules.first_of_owner(grants),
    )
    if beyond:
        raise InvalidInput(
            {"roles": f"{title} may do what you do not hold yourself. Ask an owner to give it."}
        )


async def _dangers(
    session: TenantSession, role: str, after: Mapping[str, str], names: Mapping[UUID, str]
) -> tuple[str, ...]:
    """Return what to be warned of in a role, and in what its holders hold with their others."""
    found = role_rules.dangers(after)
    for user_id, name in names.items():
        others = [one for one in await queries.roles_of(session, user_id) if one != role]
        together = dict(after)
        for row in await queries.granted(session, others):
            scope = together.get(row.permission, row.scope)
            together[row.permission] = widest([row.scope, scope])
        found += [
            f"{name}, with their other roles: {text[0].lower()}{text[1:]}"
            for text in role_rules.dangers(together)
            if text not in found
        ]
    return tuple(found)


def _checked_title(title: str, taken: Collection[str]) -> str:
    title = " ".join(title.split())
    if not title or len(title) > TITLE_MAX or not _TITLE.match(title):
        raise InvalidInput({"title": "Name it in letters and digits, at most 40 of them."})
    if title.lower() in {one.lower() for one in taken}:
        raise InvalidInput({"title": "There is a role of this name. Choose another one."})
    return title


def _check_reason(reason: str) -> None:
    if not REASON_MIN <= len(reason) <= REASON_MAX or "\x00" in reason:
        raise InvalidInput({"reason": "Say why in a sentence; it stands in the audit trail."})
