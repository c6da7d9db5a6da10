"""Leads, the rules that route them, and the keys of the API's repeated calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _capture_key()
    _lead()
    _routing_rule()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _capture_key() -> None:
    op.create_table(
        "capture_key",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_capture_key")),
    )


def _lead() -> None:
    op.create_table(
        "lead",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=False),
        sa.Column("phone_digits", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("campaign", sa.String(length=80), nullable=True),
        sa.Column("utm", postgresql.JSONB(), nullable=False),
        sa.Column("referral_code", sa.String(length=24), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.String(length=10), server_default=sa.text("'new'"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column(
            "assigned_reason", sa.String(length=300), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("score", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "source IN ('form', 'embed', 'api', 'referral', 'register', 'import')",
            name=op.f("ck_lead_source"),
        ),
        sa.CheckConstraint(
            "stage IN ('new', 'contacted', 'qualified', 'converted', 'lost', 'nurture')",
            name=op.f("ck_lead_stage"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
    )
    op.create_index("ix_lead_created_at_id", "lead", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_lead_owner_id_created_at_id", "lead", ["owner_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_lead_score_id", "lead", ["score", "id"], unique=False)
    op.create_index(
        "ix_lead_stage_created_at_id", "lead", ["stage", "created_at", "id"], unique=False
    )
    op.create_index("uq_lead_email", "lead", [sa.literal_column("lower(email)")], unique=True)
    op.create_index("uq_lead_phone_digits", "lead", ["phone_digits"], unique=True)
    op.create_index("uq_lead_reference", "lead", ["reference"], unique=True)


def _routing_rule() -> None:
    op.create_table(
        "routing_rule",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("pool", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("last_index", sa.Integer(), server_default=sa.text("-1"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rule")),
    )
    op.create_index("ix_routing_rule_position", "routing_rule", ["position"], unique=False)
