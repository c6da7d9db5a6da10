"""Room for banks, filled by the change that brings them."""

from __future__ import annotations

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
