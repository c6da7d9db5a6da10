"""Revenue: lines per deal, kind and version, and rates to the base currency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _exchange_rate()
    _revenue_line()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _exchange_rate() -> None:
    op.create_table(
        "exchange_rate",
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("base_currency", sa.String(length=8), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rate", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("currency", "base_currency", "hour", name=op.f("pk_exchange_rate")),
    )


def _revenue_line() -> None:
    op.create_table(
        "revenue_line",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("latest", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("login", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("account_type", sa.String(length=20), nullable=False),
        sa.Column("group_name", sa.String(length=120), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("lots", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("amount_deal", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("deal_currency", sa.String(length=12), nullable=False),
        sa.Column("amount", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("amount_base", sa.Numeric(precision=28, scale=8), nullable=True),
        sa.Column("base_currency", sa.String(length=8), nullable=False),
        sa.Column("rate", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("rate_source", sa.String(length=120), nullable=False),
        sa.Column("arithmetic", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('markup', 'commission', 'swap', 'fee')", name=op.f("ck_revenue_line_kind")
        ),
        sa.PrimaryKeyConstraint(
            "server_id", "ticket", "kind", "version", name=op.f("pk_revenue_line")
        ),
    )
    op.create_index(
        "ix_revenue_line_client_day",
        "revenue_line",
        ["client_id", "day"],
        unique=False,
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "ix_revenue_line_day",
        "revenue_line",
        ["day", "kind"],
        unique=False,
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "ix_revenue_line_no_rate",
        "revenue_line",
        ["day"],
        unique=False,
        postgresql_where=sa.text("amount_base IS NULL"),
    )
