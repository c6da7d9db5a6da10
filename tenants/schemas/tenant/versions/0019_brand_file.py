"""Pictures taken in for the brand, so that those no version wears can be deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _brand_file()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _brand_file() -> None:
    op.create_table(
        "brand_file",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("object_key", sa.String(length=160), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("sha", sa.String(length=16), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_file")),
    )
    op.create_index("ix_brand_file_upload", "brand_file", ["upload_id"], unique=False)
