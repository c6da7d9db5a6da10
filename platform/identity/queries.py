"""Every select on people, tokens, keys, roles and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select

from identity import owners
from identity.models import (
    ApiKey,
    AuditEntry,
    Authenticator,
    EmailToken,
    KnownPermission,
    OwnRole,
    Passkey,
    RecoveryCode,
    RolePermission,
    SavedView,
    SignIn,
    StaffRole,
    UserAccount,
    VendorAccount,
    VendorAuthenticator,
    VendorPasskey,
    VendorRecoveryCode,
    VendorSignIn,
)
from kernel.clock import now
from kernel.database import ControlSession, ReadSession, TenantSession
from kernel.viewer import widest


async def user_by_email(
    session: TenantSession, *, kind: str, email: str, lock: bool = False
) -> UserAccount | None:
    """Return the person of that kind and address."""
    statement = select(UserAccount).where(
        UserAccount.kind == kind, func.lower(UserAccount.email) == email.strip().lower()
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def vendor_by_email(
    session: ControlSession, *, email: str, lock: bool = False
) -> VendorAccount | None:
    """Return the vendor's person of that address."""
    statement = select(VendorAccount).where(
        func.lower(VendorAccount.email) == email.strip().lower()
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def user(session: TenantSession | ReadSession, user_id: UUID) -> UserAccount | None:
    """Return the person of that id."""
    return await session.get(UserAccount, user_id)


async def staff(session: TenantSession | ReadSession) -> Sequence[UserAccount]:
    """Return the brokerage's active staff, by name."""
    statement = (
        select(UserAccount)
        .where(UserAccount.kind == "staff", UserAccount.state == "active")
        .order_by(UserAccount.name, UserAccount.id)
    )
    return (await session.scalars(statement)).all()


async def roles_of(session: TenantSession | ReadSession, user_id: UUID) -> Sequence[str]:
    """Return the roles a person holds."""
    statement = select(StaffRole.role).where(StaffRole.user_id == user_id).order_by(StaffRole.role)
    return (await session.scalars(statement)).all()


async def granted(
    session: TenantSession | ReadSession, roles: Sequence[str]
) -> Sequence[RolePermission]:
    """Return what the roles grant."""
    statement = select(RolePermission).where(RolePermission.role.in_(roles))
    return (await session.scalars(statement)).all()


async def known_permissions(session: TenantSession | ReadSession) -> frozenset[str]:
    """Return the permissions whose first grants were written."""
    return frozenset(await session.scalars(select(KnownPermission.permission)))


async def own_roles(session: TenantSession | ReadSession) -> Sequence[OwnRole]:
    """Return the roles that the brokerage made itself, by title."""
    return (await session.scalars(select(OwnRole).order_by(OwnRole.title))).all()


async def lock_owners(session: TenantSession) -> Sequence[UUID]:
    """Return who holds the role owner; whoever changes roles waits here for the others.

    There is always an owner, so their rows are what all changes of roles have in common.
    """
    statement = (
        select(StaffRole.user_id)
        .where(StaffRole.role == "owner")
        .order_by(StaffRole.user_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def grants_of_role(session: TenantSession | ReadSession, role: str) -> dict[str, str]:
    """Return what a role grants: a scope for each permission."""
    return {row.permission: row.scope for row in await granted(session, [role])}


async def grants_of_person(session: TenantSession | ReadSession, user_id: UUID) -> dict[str, str]:
    """Return what a person's roles grant together, each permission in its widest scope."""
    found: dict[str, str] = {}
    for row in await granted(session, await roles_of(session, user_id)):
        found[row.permission] = widest([row.scope, found.get(row.permission, row.scope)])
    return found


async def holders_of_roles(
    session: TenantSession | ReadSession,
) -> Sequence[tuple[UUID, str]]:
    """Return which member of staff who is not disabled holds which role."""
    statement = (
        select(StaffRole.user_id, StaffRole.role)
        .join(UserAccount, UserAccount.id == StaffRole.user_id)
        .where(UserAccount.kind == "staff", UserAccount.state != "disabled")
        .order_by(UserAccount.name, UserAccount.id)
    )
    return [(row.user_id, row.role) for row in await session.execute(statement)]


async def any_holder(session: TenantSession | ReadSession, role: str) -> bool:
    """Say whether anybody holds a role, those who are disabled included."""
    return bool(await session.scalar(select(select(StaffRole).filter_by(role=role).exists())))


async def email_token(session: TenantSession, id_hash: bytes) -> EmailToken | None:
    """Return a mailed link's row, locked, so that it is used once."""
    return await session.scalar(
        select(EmailToken).where(EmailToken.id_hash == id_hash).with_for_update()
    )


async def api_key(session: TenantSession, key_id: str) -> ApiKey | None:
    """Return an API key that has not been revoked."""
    return await session.scalar(
        select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    )


async def audit_page(
    session: TenantSession | ReadSession,
    *,
    search: str = "",
    action: str = "",
    subject_kind: str = "",
    subject_id: str = "",
    before_id: UUID | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Return audit entries, newest first; `before_id` continues after a page's last row."""
    statement = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if search:
        pattern = f"%{search}%"
        statement = statement.where(
            AuditEntry.actor_label.ilike(pattern)
            | AuditEntry.subject_id.ilike(pattern)
            | AuditEntry.action.ilike(pattern)
        )
    if action:
        statement = statement.where(AuditEntry.action == action)
    if subject_kind:
        statement = statement.where(AuditEntry.subject_kind == subject_kind)
    if subject_id:
        statement = statement.where(AuditEntry.subject_id == subject_id)
    if before_id is not None:
        statement = statement.where(AuditEntry.id < before_id)
    return (await session.scalars(statement)).all()


async def saved_view(session: TenantSession, view_id: UUID) -> SavedView | None:
    """Return the saved view of an id."""
    return await session.get(SavedView, view_id)


async def saved_views(
    session: TenantSession | ReadSession, *, list_name: str, viewer_id: UUID
) -> Sequence[SavedView]:
    """Return the views of a list that somebody is offered: their own and the shared, by name."""
    statement = (
        select(SavedView)
        .where(
            SavedView.list_name == list_name,
            or_(SavedView.shared, SavedView.owner_id == viewer_id),
        )
        .order_by(func.lower(SavedView.name), SavedView.id)
    )
    return (await session.scalars(statement)).all()


async def own_views_for_update(
    session: TenantSession, *, list_name: str, owner_id: UUID
) -> Sequence[SavedView]:
    """Return somebody's own views of a list, locked to the end of the transaction."""
    statement = (
        select(SavedView)
        .where(SavedView.list_name == list_name, SavedView.owner_id == owner_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def person_for_update(
    session: TenantSession | ControlSession, user_id: UUID
) -> UserAccount | VendorAccount | None:
    """Return a person of the brokerage or of the vendor, locked to the transaction's end."""
    if isinstance(session, TenantSession):
        return await session.get(UserAccount, user_id, with_for_update=True, populate_existing=True)
    return await session.get(VendorAccount, user_id, with_for_update=True, populate_existing=True)


async def authenticators(
    session: TenantSession | ControlSession, user_id: UUID
) -> Sequence[Authenticator]:
    """Return the authenticators of a person that are in use, oldest first."""
    model = owners.table(session, Authenticator, VendorAuthenticator)
    statement = (
        select(model)
        .where(model.user_id == user_id, model.confirmed_at.is_not(None))
        .order_by(model.id)
    )
    return (await session.scalars(statement)).all()


async def pending_authenticator(
    session: TenantSession | ControlSession, user_id: UUID
) -> Authenticator | None:
    """Return the authenticator that waits for its first code, locked."""
    model = owners.table(session, Authenticator, VendorAuthenticator)
    return await session.scalar(
        select(model)
        .where(model.user_id == user_id, model.confirmed_at.is_(None))
        .with_for_update()
    )


async def passkeys(session: TenantSession | ControlSession, user_id: UUID) -> Sequence[Passkey]:
    """Return a person's passkeys, oldest first."""
    model = owners.table(session, Passkey, VendorPasskey)
    statement = select(model).where(model.user_id == user_id).order_by(model.id)
    return (await session.scalars(statement)).all()


async def passkey_by_credential(
    session: TenantSession | ControlSession, *, credential_id: bytes, host: str
) -> Passkey | None:
    """Return the passkey of a credential that was made on a host, locked."""
    model = owners.table(session, Passkey, VendorPasskey)
    return await session.scalar(
        select(model)
        .where(model.credential_id == credential_id, model.host == host)
        .with_for_update()
    )


async def recovery_codes_left(session: TenantSession | ControlSession, user_id: UUID) -> int:
    """Return how many of a person's recovery codes are unused."""
    model = owners.table(session, RecoveryCode, VendorRecoveryCode)
    statement = select(func.count()).where(model.user_id == user_id, model.used_at.is_(None))
    return await session.scalar(statement) or 0


async def has_factor(session: TenantSession | ControlSession, user_id: UUID) -> bool:
    """Say whether a person has any second factor in use."""
    app = owners.table(session, Authenticator, VendorAuthenticator)
    key = owners.table(session, Passkey, VendorPasskey)
    statement = select(
        select(app.id).where(app.user_id == user_id, app.confirmed_at.is_not(None)).exists()
        | select(key.id).where(key.user_id == user_id).exists()
    )
    return bool(await session.scalar(statement))


async def open_sessions(session: TenantSession | ControlSession, user_id: UUID) -> Sequence[SignIn]:
    """Return the sessions in which a person is signed in, the latest used first."""
    model = owners.table(session, SignIn, VendorSignIn)
    statement = (
        select(model)
        .where(model.user_id == user_id, model.stage == "full", model.expires_at > now())
        .order_by(model.seen_at.desc())
    )
    return (await session.scalars(statement)).all()


async def session_at_stage(
    session: TenantSession | ControlSession, *, id_hash: bytes, host: str
) -> SignIn | None:
    """Return the unfinished sign-in of a cookie on a host, locked."""
    model = owners.table(session, SignIn, VendorSignIn)
    return await session.scalar(
        select(model)
        .where(
            model.id_hash == id_hash,
            model.host == host,
            model.stage != "full",
            model.expires_at > now(),
        )
        .with_for_update()
    )


async def names_of(
    session: TenantSession | ReadSession, user_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Return the names of some people of the brokerage by their ids."""
    statement = select(UserAccount.id, UserAccount.name).where(UserAccount.id.in_(user_ids))
    return {row.id: row.name for row in await session.execute(statement)}


async def staff_who_may(
    session: TenantSession | ReadSession, permission: str
) -> Sequence[tuple[UUID, str]]:
    """Return the active staff whose roles grant a permission, each with its widest scope."""
    statement = (
        select(UserAccount.id, RolePermission.scope)
        .join(StaffRole, StaffRole.user_id == UserAccount.id)
        .join(RolePermission, RolePermission.role == StaffRole.role)
        .where(
            UserAccount.kind == "staff",
            UserAccount.state == "active",
            RolePermission.permission == permission,
        )
        .order_by(UserAccount.id)
    )
    scopes: dict[UUID, list[str]] = {}
    for row in await session.execute(statement):
        scopes.setdefault(row.id, []).append(row.scope)
    return [(user_id, widest(found)) for user_id, found in scopes.items()]
