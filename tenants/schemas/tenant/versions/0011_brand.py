"""The versions of the brand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _brand_version()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _brand_version() -> None:
    op.create_table(
        "brand_version",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("look", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.String(length=120), server_default=sa.text("''"), nullable=False),
        sa.Column("note", sa.String(length=120), server_default=sa.text("''"), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state <> 'scheduled' OR publish_at IS NOT NULL",
            name=op.f("ck_brand_version_scheduled"),
        ),
        sa.CheckConstraint(
            "state IN ('earlier', 'draft', 'scheduled', 'published')",
            name=op.f("ck_brand_version_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_version")),
    )
    op.create_index(
        "uq_brand_version_alone",
        "brand_version",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state <> 'earlier'"),
    )
    op.create_index("uq_brand_version_number", "brand_version", ["number"], unique=True)
