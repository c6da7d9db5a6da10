"""The tables of messages, of notifications and of the templates that a tenant wrote."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base


class Message(Base):
    """One message to one person; what it says is sealed, since links and passwords are secrets."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("channel IN ('mail', 'sms')", name="channel"),
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        Index("ix_message_created_at", "created_at"),
    )
    id: Mapped[UUID] = uuid_key()
    channel: Mapped[str] = short(8, server_default=text("'mail'"))
    recipient: Mapped[str] = short(254)
    reference: Mapped[str] = short(80, server_default=text("''"))  # the carrier's, for an SMS
    template: Mapped[str] = short(40)
    subject: Mapped[str] = short(200)
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, nullable=True)
    state: Mapped[str] = short(8, server_default=text("'queued'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str] = short(200, server_default=text("''"))
    lease_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()
    sent_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class TenantTemplate(Base):
    """One version of a text that the tenant wrote for an event, a language and a kind.

    At most one of them is live and one a draft; `failure` says in words why the live one could
    not be rendered when it was last needed, so that the built-in text went out instead. Of a
    section of the public site, `rendered` is what visitors are shown.
    """

    __tablename__ = "tenant_template"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('subject', 'html', 'text', 'sms', 'pdf_block', 'landing')", name="kind"
        ),
        CheckConstraint("state IN ('draft', 'live', 'retired')", name="state"),
        Index("uq_tenant_template_version", "event", "language", "kind", "version", unique=True),
        Index(
            "uq_tenant_template_live",
            *("event", "language", "kind"),
            unique=True,
            postgresql_where=text("state = 'live'"),
        ),
        Index(
            "uq_tenant_template_draft",
            *("event", "language", "kind"),
            unique=True,
            postgresql_where=text("state = 'draft'"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    event: Mapped[str] = short(40)
    language: Mapped[str] = short(12)
    kind: Mapped[str] = short(12)
    version: Mapped[int]
    state: Mapped[str] = short(8)
    source: Mapped[str] = mapped_column(Text)
    rendered: Mapped[str | None] = mapped_column(Text, nullable=True)
    author_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()
    published_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    failure: Mapped[str] = short(300, server_default=text("''"))
    failed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Notification(Base):
    """Something a signed-in person is told; `read_at` is when they saw it.

    Title and body are texts of the catalogues, told in the language of whoever reads them, with
    `facts` in their places; `href` is a path on the reader's own host.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user_id_id", "user_id", "id"),
        Index("ix_notification_unread", "user_id", postgresql_where=text("read_at IS NULL")),
    )
    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(16)
    title: Mapped[str] = short(120)
    body: Mapped[str] = short(300, server_default=text("''"))
    facts: Mapped[dict[str, str]] = json_()
    href: Mapped[str] = short(200, server_default=text("''"))
    created_at: Mapped[datetime] = timestamp()
    read_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class PushMute(Base):
    """That a person wants no push for a kind of notification; in the product it is told always."""

    __tablename__ = "push_mute"
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = short(16, primary_key=True)


class PushSubscription(Base):
    """A browser that takes pushes for a person: its address and keys are sealed.

    `language` is what the person read there when they asked for it.
    """

    __tablename__ = "push_subscription"
    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = uuid_ref(index=True)
    endpoint_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    target_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    language: Mapped[str] = short(12)
    created_at: Mapped[datetime] = timestamp()
    reached_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class PushKey(Base):
    """The one key pair by which push services know the brokerage (RFC 8292)."""

    __tablename__ = "push_key"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    private_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = timestamp()
