"""Documents that were handed out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _issued_document()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _issued_document() -> None:
    op.create_table(
        "issued_document",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject_kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "file_sha256", sa.String(length=64), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "amount_class", sa.String(length=60), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('deposit_receipt', 'wallet_statement', 'commission_statement')",
            name=op.f("ck_issued_document_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_document")),
    )
    op.create_index(
        "ix_issued_document_subject_id",
        "issued_document",
        ["subject_id", "content_sha256"],
        unique=False,
    )
    op.create_index("uq_issued_document_code", "issued_document", ["code"], unique=True)
