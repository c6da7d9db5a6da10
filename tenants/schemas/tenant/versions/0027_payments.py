"""Payment gateways of every kind: which environment a connection speaks to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give connections their environment, and room for the ids of provider files."""
    op.alter_column("psp_connection", "provider", type_=sa.String(40))
    op.add_column(
        "psp_connection",
        sa.Column(
            "environment", sa.String(10), server_default=sa.text("'sandbox'"), nullable=False
        ),
    )
    op.create_check_constraint(
        "ck_psp_connection_environment", "psp_connection", "environment IN ('sandbox', 'live')"
    )


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
