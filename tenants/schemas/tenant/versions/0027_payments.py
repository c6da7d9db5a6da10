"""Room for payments, filled by the change that brings them."""

from __future__ import annotations

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
