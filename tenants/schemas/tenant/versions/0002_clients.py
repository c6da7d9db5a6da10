"""Clients, restrictions, timelines and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.schemas.grants import revoke_writes, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _client()
    _message()
    _restriction()
    _timeline_entry()
    script(revoke_writes("timeline_entry"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column(
            "status", sa.String(length=12), server_default=sa.text("'registered'"), nullable=False
        ),
        sa.Column("kyc_level", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('registered', 'verified', 'active', 'suspended')",
            name=op.f("ck_client_status"),
        ),
        sa.CheckConstraint("kyc_level >= 0", name=op.f("ck_client_kyc_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
    )
    op.create_index("ix_client_created_at_id", "client", ["created_at", "id"], unique=False)
    op.create_index("ix_client_email", "client", [sa.literal_column("lower(email)")], unique=False)
    op.create_index(
        "ix_client_owner_id_created_at", "client", ["owner_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_client_lead_id",
        "client",
        ["lead_id"],
        unique=True,
        postgresql_where=sa.text("lead_id IS NOT NULL"),
    )
    op.create_index("uq_client_reference", "client", ["reference"], unique=True)
    op.create_index(
        "uq_client_user_id",
        "client",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("channel", sa.String(length=8), server_default=sa.text("'mail'"), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=8), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('mail')", name=op.f("ck_message_channel")),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed')", name=op.f("ck_message_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_created_at", "message", ["created_at"], unique=False)


def _restriction() -> None:
    op.create_table(
        "restriction",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column(
            "source", sa.String(length=20), server_default=sa.text("'onboarding'"), nullable=False
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "lifted_reason", sa.String(length=200), server_default=sa.text("''"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('deposit', 'withdraw', 'trade', 'open_account')",
            name=op.f("ck_restriction_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
    )
    op.create_index(
        "uq_restriction_client_id_kind_source",
        "restriction",
        ["client_id", "kind", "source"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def _timeline_entry() -> None:
    op.create_table(
        "timeline_entry",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("subject_kind", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("icon", sa.String(length=40), nullable=False),
        sa.Column("fact", sa.String(length=160), nullable=False),
        sa.Column("detail", sa.String(length=1000), nullable=False),
        sa.Column("actor_label", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "subject_kind IN ('lead', 'client', 'partner')",
            name=op.f("ck_timeline_entry_subject_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline_entry")),
    )
    op.create_index(
        "ix_timeline_entry_subject_kind_subject_id_at",
        "timeline_entry",
        ["subject_kind", "subject_id", "at"],
        unique=False,
    )
