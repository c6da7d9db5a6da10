"""Partners, their tree, plans, attributions, commission lines and postings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _attribution()
    _commission_line()
    _commission_posting()
    _lead_attribution()
    _partner()
    _partner_closure()
    _partner_term()
    _plan()
    _referral_visit()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _attribution() -> None:
    op.create_table(
        "attribution",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_attribution")),
    )
    op.create_index("ix_attribution_partner_id", "attribution", ["partner_id", "at"], unique=False)


def _commission_line() -> None:
    op.create_table(
        "commission_line",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("lots", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("amount", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=160), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arithmetic", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_commission_line_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_line")),
        sa.UniqueConstraint(
            "server_id",
            "ticket",
            "partner_id",
            "plan_id",
            "plan_version",
            "level",
            "revision",
            name="uq_commission_line_revision",
        ),
    )
    op.create_index(
        "ix_commission_line_client_day",
        "commission_line",
        ["client_id", "day"],
        unique=False,
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "ix_commission_line_day",
        "commission_line",
        ["day"],
        unique=False,
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "ix_commission_line_partner_day",
        "commission_line",
        ["partner_id", "day"],
        unique=False,
        postgresql_where=sa.text("latest"),
    )


def _commission_posting() -> None:
    op.create_table(
        "commission_posting",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_commission_posting_amount")),
        sa.PrimaryKeyConstraint(
            "partner_id", "day", "sequence", name=op.f("pk_commission_posting")
        ),
    )


def _lead_attribution() -> None:
    op.create_table(
        "lead_attribution",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead_attribution")),
    )


def _partner() -> None:
    op.create_table(
        "partner",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("plan_code", sa.String(length=20), nullable=False),
        sa.Column(
            "ratio", sa.Numeric(precision=8, scale=4), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('applied', 'active', 'suspended', 'refused')", name=op.f("ck_partner_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
    )
    op.create_index("ix_partner_parent_id", "partner", ["parent_id"], unique=False)
    op.create_index("uq_partner_code", "partner", [sa.literal_column("upper(code)")], unique=True)
    op.create_index("uq_partner_reference", "partner", ["reference"], unique=True)
    op.create_index("uq_partner_user_id", "partner", ["user_id"], unique=True)


def _partner_closure() -> None:
    op.create_table(
        "partner_closure",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("ancestor_id", sa.Uuid(), nullable=False),
        sa.Column("descendant_id", sa.Uuid(), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(depth = 0) = (ancestor_id = descendant_id)", name=op.f("ck_partner_closure_no_loop")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_partner_closure_validity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_closure")),
    )
    op.create_index(
        "ix_partner_closure_descendant",
        "partner_closure",
        ["descendant_id", "valid_from"],
        unique=False,
    )
    op.create_index(
        "uq_partner_closure_now",
        "partner_closure",
        ["ancestor_id", "descendant_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )


def _partner_term() -> None:
    op.create_table(
        "partner_term",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_code", sa.String(length=20), nullable=False),
        sa.Column("ratio", sa.Numeric(precision=8, scale=4), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "valid_from", name=op.f("pk_partner_term")),
    )


def _plan() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("structure", sa.String(length=8), nullable=False),
        sa.Column("joining", sa.String(length=8), nullable=False),
        sa.Column("auto_approve", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("joining IN ('public', 'private')", name=op.f("ck_plan_joining")),
        sa.CheckConstraint("structure IN ('rank', 'level')", name=op.f("ck_plan_structure")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_plan_code_version")),
    )


def _referral_visit() -> None:
    op.create_table(
        "referral_visit",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_visit")),
    )
    op.create_index(
        "ix_referral_visit_partner_id", "referral_visit", ["partner_id", "at"], unique=False
    )
    op.create_index("ix_referral_visit_visitor", "referral_visit", ["visitor", "at"], unique=False)
