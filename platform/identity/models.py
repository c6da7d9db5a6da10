"""Tables of people and their access; mixed into tenants' schemas and into control."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base, ControlBase

KINDS = ("staff", "client", "partner", "vendor")
SCOPES = ("own", "desk", "branch", "subtree", "all")
THEMES = ("system", "light", "dark")
DENSITIES = ("compact", "regular", "loose")
SIDEBARS = ("open", "collapsed")
TASK_SUBJECTS = ("lead", "client", "account", "deposit", "case", "partner")
STAGES = ("full", "second", "enrol")


class _UserAccount:
    id: Mapped[UUID] = uuid_key()
    kind: Mapped[str] = short(10)
    email: Mapped[str] = short(254)
    name: Mapped[str] = short(120)
    password_hash: Mapped[str | None] = short(200, nullable=True)
    email_verified_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    state: Mapped[str] = short(10, server_default=text("'active'"))
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    blocked_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    factor_failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    factor_blocked_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    # How this person wants pages to look, on whatever device.
    theme: Mapped[str] = short(8, server_default=text("'system'"))
    density: Mapped[str] = short(8, server_default=text("'regular'"))
    sidebar: Mapped[str] = short(10, server_default=text("'open'"))
    created_at: Mapped[datetime] = timestamp()


class UserAccount(_UserAccount, Base):
    """A person of a brokerage who signs in: staff, client or partner."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint("kind IN ('staff', 'client', 'partner')", name="kind"),
        CheckConstraint("state IN ('active', 'invited', 'disabled')", name="state"),
        CheckConstraint(f"theme IN {THEMES}", name="theme"),
        CheckConstraint(f"density IN {DENSITIES}", name="density"),
        CheckConstraint(f"sidebar IN {SIDEBARS}", name="sidebar"),
        Index("uq_user_account_kind_email", "kind", func.lower(text("email")), unique=True),
    )
    # What they read, mails included; empty is the brokerage's own language.
    language: Mapped[str] = short(5, server_default=text("''"))


class VendorAccount(_UserAccount, ControlBase):
    """A person of the vendor who signs in to the console."""

    __tablename__ = "user_account"
    __table_args__ = (
        Index("uq_user_account_kind_email", "kind", func.lower(text("email")), unique=True),
    )


class StaffRole(Base):
    """That a member of staff holds a role."""

    __tablename__ = "staff_role"
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)


class RolePermission(Base):
    """That a role grants a permission, within a scope."""

    __tablename__ = "role_permission"
    __table_args__ = (CheckConstraint(f"scope IN {SCOPES}", name="scope"),)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    permission: Mapped[str] = mapped_column(String(60), primary_key=True)
    scope: Mapped[str] = short(10, server_default=text("'all'"))


class OwnRole(Base):
    """A role that a brokerage made for itself; the seeded ones are named in code."""

    __tablename__ = "own_role"
    __table_args__ = (Index("uq_own_role_title", func.lower(text("title")), unique=True),)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = short(40)
    created_at: Mapped[datetime] = timestamp()


class KnownPermission(Base):
    """That a permission's first grants were written, so that what is taken away stays away."""

    __tablename__ = "known_permission"
    permission: Mapped[str] = mapped_column(String(60), primary_key=True)
    known_at: Mapped[datetime] = timestamp()


class _SignIn:
    id_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = uuid_ref(index=True)
    surface: Mapped[str] = short(10)
    host: Mapped[str] = short(253)
    data: Mapped[dict[str, Any]] = json_()
    stage: Mapped[str] = short(8, server_default=text("'full'"))
    confirmed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    device: Mapped[str] = short(60, server_default=text("''"))
    address: Mapped[str] = short(45, server_default=text("''"))
    created_at: Mapped[datetime] = timestamp()
    seen_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime] = timestamp(default_now=False)


class SignIn(_SignIn, Base):
    """A session of one person on one host: the random id is kept only as its hash.

    At stage `second` the second factor is still to come, at stage `enrol` there is none yet that
    must be; both open nothing but the page for it. `confirmed_at` is the last time the person
    proved in this session who they are.
    """

    __tablename__ = "session"
    __table_args__ = (CheckConstraint(f"stage IN {STAGES}", name="stage"),)


class VendorSignIn(_SignIn, ControlBase):
    """A session of one of the vendor's people on the console."""

    __tablename__ = "session"
    __table_args__ = (CheckConstraint(f"stage IN {STAGES}", name="stage"),)


class _Authenticator:
    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = uuid_ref(index=True)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    confirmed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()


class Authenticator(_Authenticator, Base):
    """An authenticator app of a person; `last_step` is the newest step whose code was accepted.

    At most one of a person's waits for its first code; until then it opens nothing.
    """

    __tablename__ = "authenticator"
    __table_args__ = (
        Index(
            "uq_authenticator_pending",
            "user_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )


class VendorAuthenticator(_Authenticator, ControlBase):
    """An authenticator app of one of the vendor's people."""

    __tablename__ = "authenticator"
    __table_args__ = (
        Index(
            "uq_authenticator_pending",
            "user_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )


class _RecoveryCode:
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()


class RecoveryCode(_RecoveryCode, Base):
    """A code that stands in once for a lost second factor; only its hash is kept."""

    __tablename__ = "recovery_code"


class VendorRecoveryCode(_RecoveryCode, ControlBase):
    """A recovery code of one of the vendor's people."""

    __tablename__ = "recovery_code"


class _Passkey:
    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = uuid_ref(index=True)
    host: Mapped[str] = short(253)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    name: Mapped[str] = short(60)
    created_at: Mapped[datetime] = timestamp()
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Passkey(_Passkey, Base):
    """A passkey of a person, which is good on exactly one host."""

    __tablename__ = "passkey"


class VendorPasskey(_Passkey, ControlBase):
    """A passkey of one of the vendor's people."""

    __tablename__ = "passkey"


class _PasskeyChallenge:
    challenge: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[str] = short(12)
    host: Mapped[str] = short(253)
    bound_to: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = timestamp(default_now=False)


class PasskeyChallenge(_PasskeyChallenge, Base):
    """What a passkey was asked to sign: for one browser, one purpose, once, for some minutes."""

    __tablename__ = "passkey_challenge"


class VendorPasskeyChallenge(_PasskeyChallenge, ControlBase):
    """What a passkey of one of the vendor's people was asked to sign."""

    __tablename__ = "passkey_challenge"


class EmailToken(Base):
    """A link that was mailed: to verify an address, accept an invitation or reset."""

    __tablename__ = "email_token"
    id_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = uuid_ref(index=True)
    purpose: Mapped[str] = short(10)
    created_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime] = timestamp(default_now=False)
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class ApiKey(Base):
    """A key of the API: the secret is kept only as its hash; scopes are permissions."""

    __tablename__ = "api_key"
    id: Mapped[str] = short(24, primary_key=True)
    secret_hash: Mapped[bytes]
    name: Mapped[str] = short(80)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = timestamp()
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    revoked_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class _AuditEntry:
    id: Mapped[UUID] = uuid_key()
    at: Mapped[datetime] = timestamp()
    actor_kind: Mapped[str] = short(10)
    actor_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    actor_label: Mapped[str] = short(120)
    action: Mapped[str] = short(80)
    subject_kind: Mapped[str] = short(40)
    subject_id: Mapped[str] = short(64)
    before: Mapped[dict[str, Any] | None] = json_(nullable=True)
    after: Mapped[dict[str, Any] | None] = json_(nullable=True)
    reason: Mapped[str] = short(400, server_default=text("''"))
    request_id: Mapped[str] = short(40, server_default=text("''"))


class AuditEntry(_AuditEntry, Base):
    """Who changed what, when and why; appended, never changed."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_kind", "subject_id"),
        Index("ix_audit_entry_at_id", "at", "id"),
    )


class VendorAuditEntry(_AuditEntry, ControlBase):
    """What the vendor's people and programs changed in control."""

    __tablename__ = "audit_entry"


class SavedView(Base):
    """A list's state as somebody keeps it: a query string without a place in the list."""

    __tablename__ = "saved_view"
    __table_args__ = (
        Index(
            "uq_saved_view_owner_id_list_name_name",
            "owner_id",
            "list_name",
            func.lower(text("name")),
            unique=True,
        ),
        Index("ix_saved_view_list_name", "list_name"),
    )
    id: Mapped[UUID] = uuid_key()
    owner_id: Mapped[UUID] = uuid_ref()
    list_name: Mapped[str] = short(40)
    name: Mapped[str] = short(40)
    query: Mapped[str] = short(1000)
    shared: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = timestamp()


class StaffTask(Base):
    """Something a member of staff has to do by a moment, perhaps about a record.

    The record is named by its kind and id only: what it is called is asked for anew for each
    reader, who may not be allowed to see it.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(f"subject_kind IN {TASK_SUBJECTS}", name="subject_kind"),
        CheckConstraint("(subject_kind IS NULL) = (subject_id IS NULL)", name="subject"),
        Index("ix_task_open", "assignee_id", "due_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_task_assignee_id_done_at", "assignee_id", "done_at"),
        Index("ix_task_subject_id", "subject_id", "subject_kind"),
    )
    id: Mapped[UUID] = uuid_key()
    title: Mapped[str] = short(160)
    due_at: Mapped[datetime] = timestamp(default_now=False)
    assignee_id: Mapped[UUID] = uuid_ref()
    created_by: Mapped[UUID] = uuid_ref()
    subject_kind: Mapped[str | None] = short(8, nullable=True)
    subject_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    done_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    done_by: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()


class ViewPin(Base):
    """What a person made of a view, their own or a shared one: a tab, the first page, or both.

    `position` orders the tabs and is NULL where the view is none; `first` is the view that the
    list opens with for this person.
    """

    __tablename__ = "view_pin"
    __table_args__ = (
        Index(
            "uq_view_pin_first",
            "owner_id",
            "list_name",
            unique=True,
            postgresql_where=text("first"),
        ),
    )
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    view_id: Mapped[UUID] = mapped_column(primary_key=True)
    list_name: Mapped[str] = short(40)
    position: Mapped[int | None] = mapped_column(Integer)
    first: Mapped[bool] = mapped_column(server_default=text("false"))


BULK_STATES = ("chosen", "checked", "running", "done", "dropped")
BULK_OUTCOMES = ("chosen", "will", "skipped", "done")


class BulkRun(Base):
    """One change to many rows of a list: chosen, checked by a dry run, then run."""

    __tablename__ = "bulk_run"
    __table_args__ = (
        CheckConstraint(f"state IN {BULK_STATES}", name="state"),
        Index("ix_bulk_run_owner_id_created_at", "owner_id", "created_at"),
    )
    id: Mapped[UUID] = uuid_key()
    list_name: Mapped[str] = short(40)
    action: Mapped[str] = short(40)
    owner_id: Mapped[UUID] = uuid_ref()
    values: Mapped[dict[str, Any]] = json_()
    state: Mapped[str] = short(10, server_default=text("'chosen'"))
    undo_of: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()
    started_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class BulkItem(Base):
    """One row of such a change: what it was at the dry run, and what became of it."""

    __tablename__ = "bulk_item"
    __table_args__ = (
        CheckConstraint(f"outcome IN {BULK_OUTCOMES}", name="outcome"),
        Index("ix_bulk_item_run_id_outcome", "run_id", "outcome", "position"),
    )
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject_id: Mapped[UUID] = uuid_ref()
    label: Mapped[str] = short(40)
    outcome: Mapped[str] = short(10, server_default=text("'chosen'"))
    reason: Mapped[str] = short(200, server_default=text("''"))
    before: Mapped[dict[str, Any] | None] = json_(nullable=True)
    after: Mapped[dict[str, Any] | None] = json_(nullable=True)
