"""The trail is read in the order of time, from any moment on."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_audit_entry_at_id", "audit_entry", ["at", "id"])


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
