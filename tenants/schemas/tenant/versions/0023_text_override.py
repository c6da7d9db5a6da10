"""Texts of the product that a brokerage words itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _text_override()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _text_override() -> None:
    op.create_table(
        "text_override",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("key_hash", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("forms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "changed_by", sa.String(length=120), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "octet_length(array_to_string(forms, '')) <= 50000",
            name=op.f("ck_text_override_length"),
        ),
        sa.CheckConstraint(
            "cardinality(forms) BETWEEN 1 AND 6", name=op.f("ck_text_override_forms")
        ),
        sa.CheckConstraint(
            "char_length(key) BETWEEN 1 AND 4000", name=op.f("ck_text_override_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_override")),
    )
    op.create_index(
        "uq_text_override_key_hash", "text_override", ["key_hash", "language"], unique=True
    )
