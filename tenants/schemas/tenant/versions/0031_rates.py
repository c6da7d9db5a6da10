"""Rates of currencies with their source, a brokerage's mark-ups, and how long a rate is good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.schemas.grants import revoke_writes, script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_UUID7 = sa.text("uuidv7()")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables; rates and mark-ups are only ever appended."""
    op.create_table(
        "reference_rate",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("currency_from", sa.String(8), nullable=False),
        sa.Column("currency_to", sa.String(8), nullable=False),
        sa.Column("mid", sa.Numeric(28, 12), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("quoted_at", _MOMENT, nullable=False),
        sa.Column("imported_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reference_rate"),
        sa.UniqueConstraint(
            *("currency_from", "currency_to", "source", "quoted_at", "mid"),
            name="uq_reference_rate_said",
        ),
        sa.CheckConstraint("mid > 0 AND mid <> 'NaN'", name="ck_reference_rate_positive"),
        sa.CheckConstraint("currency_from <> currency_to", name="ck_reference_rate_pair"),
    )
    op.create_index(
        "ix_reference_rate_newest",
        "reference_rate",
        ["currency_from", "currency_to", "quoted_at"],
    )
    op.create_table(
        "rate_markup",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("currency_from", sa.String(8), nullable=False),
        sa.Column("currency_to", sa.String(8), nullable=False),
        sa.Column("percent", sa.Numeric(8, 4), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rate_markup"),
        sa.CheckConstraint("percent >= 0 AND percent < 100", name="ck_rate_markup_percent"),
    )
    op.create_index("ix_rate_markup_pair", "rate_markup", ["currency_from", "currency_to", "id"])
    op.create_table(
        "rate_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("age_hours", sa.Integer(), nullable=False),
        sa.Column("quote_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rate_policy"),
        sa.CheckConstraint("age_hours BETWEEN 1 AND 720", name="ck_rate_policy_age"),
        sa.CheckConstraint("quote_seconds BETWEEN 5 AND 3600", name="ck_rate_policy_quote"),
    )
    script(revoke_writes("reference_rate"))
    script(revoke_writes("rate_markup"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
