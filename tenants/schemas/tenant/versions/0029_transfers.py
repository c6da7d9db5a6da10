"""Transfers between wallets, accounts and clients, with the quotes they convert at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.schemas.grants import revoke_writes, script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_RATE = sa.Numeric(28, 12)
_NOW = sa.text("now()")
_UUID7 = sa.text("uuidv7()")
_MOMENT = sa.DateTime(timezone=True)
_KINDS = "('to_account', 'to_wallet', 'between', 'to_client', 'conversion')"
_STATES = "('moving', 'crediting', 'done', 'failed', 'returned')"


def upgrade() -> None:
    """Create the tables; transitions are only ever appended."""
    _create_quotes()
    _create_transfers()
    script(revoke_writes("transfer_transition"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _create_quotes() -> None:
    op.create_table(
        "fx_quote",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("sold", _MONEY, nullable=False),
        sa.Column("currency_from", sa.String(8), nullable=False),
        sa.Column("bought", _MONEY, nullable=False),
        sa.Column("currency_to", sa.String(8), nullable=False),
        sa.Column("client_rate", _RATE, nullable=False),
        sa.Column("mid", _RATE, nullable=False),
        sa.Column("percent", sa.Numeric(8, 4), nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("quoted_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fx_quote"),
        sa.CheckConstraint("sold > 0 AND bought > 0", name="ck_fx_quote_amounts"),
        sa.CheckConstraint("client_rate > 0 AND mid > 0", name="ck_fx_quote_rates"),
    )
    op.create_index("ix_fx_quote_client_id", "fx_quote", ["client_id", "id"])


def _create_transfers() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("request_key", sa.String(80), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("source_account_id", sa.Uuid(), nullable=True),
        sa.Column("target_account_id", sa.Uuid(), nullable=True),
        sa.Column("target_client_id", sa.Uuid(), nullable=True),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("target_amount", _MONEY, nullable=False),
        sa.Column("target_currency", sa.String(8), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("credit_hold_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_transfer"),
        sa.UniqueConstraint("reference", name="uq_transfer_reference"),
        sa.UniqueConstraint("client_id", "request_key", name="uq_transfer_request_key"),
        sa.UniqueConstraint("quote_id", name="uq_transfer_quote_id"),
        sa.UniqueConstraint("hold_id", name="uq_transfer_hold_id"),
        sa.UniqueConstraint("credit_hold_id", name="uq_transfer_credit_hold_id"),
        sa.ForeignKeyConstraint(["quote_id"], ["fx_quote.id"], name="fk_transfer_quote_id"),
        sa.CheckConstraint(f"kind IN {_KINDS}", name="ck_transfer_kind"),
        sa.CheckConstraint(f"state IN {_STATES}", name="ck_transfer_state"),
        sa.CheckConstraint("amount > 0 AND target_amount > 0", name="ck_transfer_amounts"),
    )
    op.create_index("ix_transfer_client_id", "transfer", ["client_id", "id"])
    op.create_index("ix_transfer_target_client_id", "transfer", ["target_client_id", "id"])
    op.create_index("ix_transfer_state", "transfer", ["state", "id"])
    op.create_table(
        "transfer_transition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_transition"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfer.id"], name="fk_transfer_transition_transfer_id"
        ),
    )
    op.create_index("ix_transfer_transition_transfer_id", "transfer_transition", ["transfer_id"])
    op.create_table(
        "transfer_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("between_clients", sa.Boolean(), nullable=False),
        sa.Column("day_max", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_policy"),
        sa.CheckConstraint("day_max >= 0", name="ck_transfer_policy_cap"),
    )
