"""Mail servers of tenants, checks of their domains, bounces, suppression; languages of readers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the columns of what a mail is for and who reads it."""
    _columns()
    _bounce()
    _mail_check()
    _mail_consent()
    _mail_server()
    _suppression()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _columns() -> None:
    op.drop_constraint("ck_message_state", "message", type_="check")
    op.alter_column("message", "state", type_=sa.String(length=12))
    op.create_check_constraint(
        op.f("ck_message_state"),
        "message",
        "state IN ('queued', 'sent', 'failed', 'suppressed', 'bounced')",
    )
    for table, name, size, usual in (
        ("message", "category", 14, "transactional"),
        ("message", "language", 5, "en"),
        ("user_account", "language", 5, ""),
    ):
        op.add_column(
            table,
            sa.Column(
                name, sa.String(length=size), server_default=sa.text(f"'{usual}'"), nullable=False
            ),
        )
    op.create_check_constraint(
        op.f("ck_message_category"),
        "message",
        "category IN ('transactional', 'service', 'marketing')",
    )
    op.create_index("ix_message_recipient", "message", [sa.literal_column("lower(recipient)")])


def _bounce() -> None:
    op.create_table(
        "bounce",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('hard', 'soft', 'complaint')", name=op.f("ck_bounce_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
    )
    op.create_index(
        "ix_bounce_address_hash_created_at", "bounce", ["address_hash", "created_at"], unique=False
    )
    op.create_index("uq_bounce_message_id_kind", "bounce", ["message_id", "kind"], unique=True)


def _mail_check() -> None:
    op.create_table(
        "mail_check",
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("says", sa.String(length=400), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column(
            "publish_name", sa.String(length=253), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("publish_value", sa.Text(), nullable=False),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("kind IN ('spf', 'dkim', 'dmarc')", name=op.f("ck_mail_check_kind")),
        sa.CheckConstraint(
            "state IN ('good', 'warning', 'bad', 'unknown')", name=op.f("ck_mail_check_state")
        ),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_mail_check")),
    )


def _mail_consent() -> None:
    op.create_table(
        "mail_consent",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(length=9), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column(
            "given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("list IN ('marketing')", name=op.f("ck_mail_consent_list")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_consent")),
    )
    op.create_index(
        "uq_mail_consent_address_hash_list", "mail_consent", ["address_hash", "list"], unique=True
    )


def _mail_server() -> None:
    op.create_table(
        "mail_server",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("host", sa.String(length=253), server_default=sa.text("''"), nullable=False),
        sa.Column("port", sa.Integer(), server_default=sa.text("587"), nullable=False),
        sa.Column(
            "security", sa.String(length=8), server_default=sa.text("'starttls'"), nullable=False
        ),
        sa.Column("username", sa.String(length=254), server_default=sa.text("''"), nullable=False),
        sa.Column("password_sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "sender_name", sa.String(length=80), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "sender_address", sa.String(length=254), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("reply_to", sa.String(length=254), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "bounce_domain", sa.String(length=253), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "dkim_selector", sa.String(length=63), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "spf_include", sa.String(length=253), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("hook_token", sa.String(length=64), nullable=False),
        sa.Column("hook_secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=300), server_default=sa.text("''"), nullable=False),
        sa.Column("problem_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "security IN ('implicit', 'starttls', 'none')", name=op.f("ck_mail_server_security")
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_mail_server_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_server")),
    )
    op.create_index("uq_mail_server_hook_token", "mail_server", ["hook_token"], unique=True)


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=254), nullable=False),
        sa.Column("list", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "removed_reason", sa.String(length=200), server_default=sa.text("''"), nullable=False
        ),
        sa.CheckConstraint("list IN ('all', 'marketing')", name=op.f("ck_suppression_list")),
        sa.CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'staff')",
            name=op.f("ck_suppression_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index(
        "ix_suppression_created_at_id", "suppression", ["created_at", "id"], unique=False
    )
    op.create_index(
        "uq_suppression_address_hash_list",
        "suppression",
        ["address_hash", "list"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
