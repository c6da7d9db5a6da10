"""How each of the vendor's people wants pages to look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c0003"
down_revision = "c0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of looks."""
    for name, size, usual in (
        ("theme", 8, "system"),
        ("density", 8, "regular"),
        ("sidebar", 10, "open"),
    ):
        op.add_column(
            "user_account",
            sa.Column(
                name, sa.String(length=size), server_default=sa.text(f"'{usual}'"), nullable=False
            ),
        )


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
