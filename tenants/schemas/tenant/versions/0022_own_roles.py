"""Roles of a brokerage's own, and which permissions it has been given the first grants of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; what roles grant so far is what the brokerage knows."""
    op.create_table(
        "own_role",
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_own_role")),
    )
    op.create_index("uq_own_role_title", "own_role", [sa.text("lower(title)")], unique=True)
    op.create_table(
        "known_permission",
        sa.Column("permission", sa.String(length=60), nullable=False),
        _moment("known_at"),
        sa.PrimaryKeyConstraint("permission", name=op.f("pk_known_permission")),
    )
    op.execute(
        "INSERT INTO known_permission (permission) SELECT DISTINCT permission FROM role_permission"
    )


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
