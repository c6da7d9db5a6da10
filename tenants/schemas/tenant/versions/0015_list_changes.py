"""Views that people pin, and changes to many rows of a list at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _bulk_item()
    _bulk_run()
    _view_pin()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _bulk_item() -> None:
    op.create_table(
        "bulk_item",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column(
            "outcome", sa.String(length=10), server_default=sa.text("'chosen'"), nullable=False
        ),
        sa.Column("reason", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('chosen', 'will', 'skipped', 'done')", name=op.f("ck_bulk_item_outcome")
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_bulk_item")),
    )
    op.create_index(
        "ix_bulk_item_run_id_outcome", "bulk_item", ["run_id", "outcome", "position"], unique=False
    )


def _bulk_run() -> None:
    op.create_table(
        "bulk_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("list_name", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column(
            "state", sa.String(length=10), server_default=sa.text("'chosen'"), nullable=False
        ),
        sa.Column("undo_of", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('chosen', 'checked', 'running', 'done', 'dropped')",
            name=op.f("ck_bulk_run_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_run")),
    )
    op.create_index(
        "ix_bulk_run_owner_id_created_at", "bulk_run", ["owner_id", "created_at"], unique=False
    )


def _view_pin() -> None:
    op.create_table(
        "view_pin",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("list_name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("first", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "view_id", name=op.f("pk_view_pin")),
    )
    op.create_index(
        "uq_view_pin_first",
        "view_pin",
        ["owner_id", "list_name"],
        unique=True,
        postgresql_where=sa.text("first"),
    )
