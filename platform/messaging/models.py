"""The tables of messages and how they are sent, of notifications and of tenants' templates."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

MESSAGE_STATES = ("queued", "sent", "failed", "suppressed", "bounced")
# What a mail is for: the law's and security's own, about the service, or to win somebody.
CATEGORIES = ("transactional", "service", "marketing")
SECURITY = ("implicit", "starttls", "none")
SUPPRESSED_BY = ("hard_bounce", "soft_bounce", "complaint", "unsubscribe", "staff")
LISTS = ("all", "marketing")
CHECKS = ("spf", "dkim", "dmarc")
FINDINGS = ("good", "warning", "bad", "unknown")


class Message(Base):
    """One message to one person; what it says is sealed, since links and passwords are secrets.

    `language` is the reader's, in which it was written.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("channel IN ('mail', 'sms')", name="channel"),
        CheckConstraint(f"state IN {MESSAGE_STATES}", name="state"),
        CheckConstraint(f"category IN {CATEGORIES}", name="category"),
        Index("ix_message_created_at", "created_at"),
        Index("ix_message_recipient", func.lower(text("recipient"))),
    )
    id: Mapped[UUID] = uuid_key()
    channel: Mapped[str] = short(8, server_default=text("'mail'"))
    recipient: Mapped[str] = short(254)
    reference: Mapped[str] = short(80, server_default=text("''"))  # the carrier's, for an SMS
    template: Mapped[str] = short(40)
    subject: Mapped[str] = short(200)
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, nullable=True)
    category: Mapped[str] = short(14, server_default=text("'transactional'"))
    language: Mapped[str] = short(5, server_default=text("'en'"))
    state: Mapped[str] = short(12, server_default=text("'queued'"))
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


class MailServer(Base):
    """How the tenant's mails leave: its own server, or the product's while `host` is empty.

    `failures` counts how often in a row the server let us down; until `retry_at` it is left
    alone. `problem` says in words what was wrong. `hook_token` is in the address to which
    reports of bounces are posted, signed with the sealed secret.
    """

    __tablename__ = "mail_server"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint(f"security IN {SECURITY}", name="security"),
        Index("uq_mail_server_hook_token", "hook_token", unique=True),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    host: Mapped[str] = short(253, server_default=text("''"))
    port: Mapped[int] = mapped_column(server_default=text("587"))
    security: Mapped[str] = short(8, server_default=text("'starttls'"))
    username: Mapped[str] = short(254, server_default=text("''"))
    password_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, nullable=True)
    sender_name: Mapped[str] = short(80, server_default=text("''"))
    sender_address: Mapped[str] = short(254, server_default=text("''"))
    reply_to: Mapped[str] = short(254, server_default=text("''"))
    bounce_domain: Mapped[str] = short(253, server_default=text("''"))
    dkim_selector: Mapped[str] = short(63, server_default=text("''"))
    spf_include: Mapped[str] = short(253, server_default=text("''"))
    hook_token: Mapped[str] = short(64)
    hook_secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = timestamp()
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    retry_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    problem: Mapped[str] = short(300, server_default=text("''"))
    problem_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    worked_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class MailCheck(Base):
    """What the DNS last said about the sender's domain: SPF, DKIM or DMARC, and what to publish."""

    __tablename__ = "mail_check"
    __table_args__ = (
        CheckConstraint(f"kind IN {CHECKS}", name="kind"),
        CheckConstraint(f"state IN {FINDINGS}", name="state"),
    )
    kind: Mapped[str] = short(5, primary_key=True)
    domain: Mapped[str] = short(253)
    state: Mapped[str] = short(8)
    says: Mapped[str] = short(400)
    found: Mapped[str] = mapped_column(Text)
    publish_name: Mapped[str] = short(253, server_default=text("''"))
    publish_value: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[datetime] = timestamp()
    since: Mapped[datetime] = timestamp()


class Suppression(Base):
    """That an address gets no mail, or none of one list; known by a keyed hash, shown masked."""

    __tablename__ = "suppression"
    __table_args__ = (
        CheckConstraint(f"list IN {LISTS}", name="list"),
        CheckConstraint(f"reason IN {SUPPRESSED_BY}", name="reason"),
        Index(
            "uq_suppression_address_hash_list",
            *("address_hash", "list"),
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_suppression_created_at_id", "created_at", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    address_hash: Mapped[str] = short(64)
    masked: Mapped[str] = short(254)
    list: Mapped[str] = short(9)
    reason: Mapped[str] = short(12)
    detail: Mapped[str] = short(200, server_default=text("''"))
    message_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()
    removed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    removed_reason: Mapped[str] = short(200, server_default=text("''"))


class Bounce(Base):
    """That a mail came back, for good or for now; one row a message and kind."""

    __tablename__ = "bounce"
    __table_args__ = (
        CheckConstraint("kind IN ('hard', 'soft', 'complaint')", name="kind"),
        Index("uq_bounce_message_id_kind", "message_id", "kind", unique=True),
        Index("ix_bounce_address_hash_created_at", "address_hash", "created_at"),
    )
    id: Mapped[UUID] = uuid_key()
    message_id: Mapped[UUID] = uuid_ref()
    address_hash: Mapped[str] = short(64)
    kind: Mapped[str] = short(9)
    status: Mapped[str] = short(12)
    created_at: Mapped[datetime] = timestamp()


class MailConsent(Base):
    """That somebody asked for a list's mails, where, and until when."""

    __tablename__ = "mail_consent"
    __table_args__ = (
        CheckConstraint("list IN ('marketing')", name="list"),
        Index("uq_mail_consent_address_hash_list", "address_hash", "list", unique=True),
    )
    id: Mapped[UUID] = uuid_key()
    address_hash: Mapped[str] = short(64)
    list: Mapped[str] = short(9)
    source: Mapped[str] = short(20)
    given_at: Mapped[datetime] = timestamp()
    withdrawn_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class IssuedDocument(Base):
    """One document that was handed out: what lets anybody check it, and nothing about people.

    The file itself is not kept: the same content, code and moment make the same bytes again.
    """

    __tablename__ = "issued_document"
    __table_args__ = (
        Index("uq_issued_document_code", "code", unique=True),
        CheckConstraint(
            "kind IN ('deposit_receipt', 'transfer_receipt', 'wallet_statement',"
            " 'commission_statement')",
            name="kind",
        ),
        Index("ix_issued_document_subject_id", "subject_id", "content_sha256"),
    )
    id: Mapped[UUID] = uuid_key()
    code: Mapped[str] = short(20)
    kind: Mapped[str] = short(24)
    subject_kind: Mapped[str] = short(20)
    subject_id: Mapped[UUID] = uuid_ref()
    content_sha256: Mapped[str] = short(64)
    file_sha256: Mapped[str] = short(64, server_default=text("''"))
    amount_class: Mapped[str] = short(60, server_default=text("''"))
    issued_at: Mapped[datetime] = timestamp()
