"""Templates that a tenant wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _tenant_template()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _tenant_template() -> None:
    op.create_table(
        "tenant_template",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=300), server_default=sa.text("''"), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('subject', 'html', 'text', 'sms')", name=op.f("ck_tenant_template_kind")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'live', 'retired')", name=op.f("ck_tenant_template_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_template")),
    )
    op.create_index(
        "uq_tenant_template_draft",
        "tenant_template",
        ["event", "language", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "uq_tenant_template_live",
        "tenant_template",
        ["event", "language", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_index(
        "uq_tenant_template_version",
        "tenant_template",
        ["event", "language", "kind", "version"],
        unique=True,
    )
