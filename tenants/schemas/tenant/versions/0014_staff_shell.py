"""Tasks of staff, how each person wants pages to look, and what the search of all rooms needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of tasks, the columns of looks and the indexes of the search."""
    _looks()
    _task()
    _search()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _looks() -> None:
    for name, size, usual, allowed in (
        ("theme", 8, "system", "'system', 'light', 'dark'"),
        ("density", 8, "regular", "'compact', 'regular', 'loose'"),
        ("sidebar", 10, "open", "'open', 'collapsed'"),
    ):
        op.add_column(
            "user_account",
            sa.Column(
                name, sa.String(length=size), server_default=sa.text(f"'{usual}'"), nullable=False
            ),
        )
        op.create_check_constraint(
            op.f(f"ck_user_account_{name}"), "user_account", f"{name} IN ({allowed})"
        )


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.String(length=8), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "subject_kind IN ('lead', 'client', 'account', 'deposit', 'case', 'partner')",
            name=op.f("ck_task_subject_kind"),
        ),
        sa.CheckConstraint(
            "(subject_kind IS NULL) = (subject_id IS NULL)", name=op.f("ck_task_subject")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["assignee_id", "due_at"],
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("ix_task_assignee_id_done_at", "task", ["assignee_id", "done_at"])
    op.create_index("ix_task_subject_id", "task", ["subject_id", "subject_kind"])


def _search() -> None:
    for name, table, expression in (
        ("ix_lead_first_name", "lead", "lower(first_name)"),
        ("ix_lead_last_name", "lead", "lower(last_name)"),
        ("ix_client_first_name", "client", "lower(first_name)"),
        ("ix_client_last_name", "client", "lower(last_name)"),
        ("ix_client_phone", "client", "phone"),
        ("ix_trading_account_login", "trading_account", "login"),
        ("ix_deposit_provider_reference", "deposit", "provider_reference"),
        ("ix_deposit_settled_at", "deposit", "settled_at"),
    ):
        op.create_index(name, table, [sa.text(expression)])
