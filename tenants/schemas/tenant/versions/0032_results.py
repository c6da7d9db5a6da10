"""What the book already has of each deal's result, so that a deal is booked once and restated.

The book's trading accounts follow the trading server's balances: what a trade made or cost is
posted as the difference between what the deal says now and what this table says was posted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "booked_result",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("profit", _MONEY, nullable=False),
        sa.Column("swap", _MONEY, nullable=False),
        sa.Column("commission", _MONEY, nullable=False),
        sa.Column("fee", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("server_id", "ticket", name="pk_booked_result"),
    )
    op.create_index("ix_booked_result_account_id", "booked_result", ["account_id"])


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
