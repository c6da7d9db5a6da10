"""Cases of clients' verification, their documents, and who looked at them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.schemas.grants import revoke_writes, script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; who looked at a document is only ever appended."""
    _kyc_case()
    _kyc_document()
    _document_view()
    script(revoke_writes("document_view"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _kyc_case() -> None:
    op.create_table(
        "kyc_case",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state", sa.String(length=12), server_default=sa.text("'collecting'"), nullable=False
        ),
        sa.Column("level", sa.Integer(), server_default=sa.text("2"), nullable=False),
        sa.Column(
            "account_type_code",
            sa.String(length=20),
            server_default=sa.text("'STD'"),
            nullable=False,
        ),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("address", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "document_number", sa.String(length=40), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=400), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('collecting', 'in_review', 'approved', 'rejected')",
            name=op.f("ck_kyc_case_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'rejected')"
            " OR (decided_at IS NOT NULL AND decided_by IS NOT NULL)",
            name=op.f("ck_kyc_case_decided"),
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name=op.f("ck_kyc_case_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kyc_case")),
    )
    op.create_index(
        "ix_kyc_case_state_submitted_at_id",
        "kyc_case",
        ["state", "submitted_at", "id"],
        unique=False,
    )
    op.create_index("uq_kyc_case_client_id", "kyc_case", ["client_id"], unique=True)
    op.create_index("uq_kyc_case_reference", "kyc_case", ["reference"], unique=True)


def _kyc_document() -> None:
    op.create_table(
        "kyc_document",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("object_key", sa.String(length=160), nullable=False),
        sa.Column("filename", sa.String(length=80), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state", sa.String(length=10), server_default=sa.text("'received'"), nullable=False
        ),
        sa.Column("reason", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('passport', 'id_front', 'id_back', 'proof_of_address', 'selfie')",
            name=op.f("ck_kyc_document_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'accepted', 'rejected', 'replaced')",
            name=op.f("ck_kyc_document_state"),
        ),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_kyc_document_size_bytes")),
        sa.ForeignKeyConstraint(["case_id"], ["kyc_case.id"], name=op.f("fk_kyc_document_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kyc_document")),
    )
    op.create_index(
        "ix_kyc_document_client_id_created_at",
        "kyc_document",
        ["client_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_kyc_document_case_id_kind",
        "kyc_document",
        ["case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state <> 'replaced'"),
    )


def _document_view() -> None:
    op.create_table(
        "document_view",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("viewer_id", sa.Uuid(), nullable=False),
        sa.Column("viewer_label", sa.String(length=120), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["kyc_document.id"], name=op.f("fk_document_view_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_view")),
    )
    op.create_index(
        op.f("ix_document_view_document_id"), "document_view", ["document_id"], unique=False
    )
