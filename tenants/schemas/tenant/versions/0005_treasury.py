"""Deposits, the provider connections they come through, and what providers told us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.schemas.grants import revoke_writes, script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_NOW = sa.text("now()")
_UUID7 = sa.text("uuidv7()")
_MOMENT = sa.DateTime(timezone=True)
_STATES = "('created', 'pending', 'settled', 'credited', 'failed', 'cancelled', 'held')"


def upgrade() -> None:
    """Create the room's tables; transitions and refusals are only ever appended."""
    _create_connections()
    _create_deposits()
    _create_webhooks()
    script(revoke_writes("deposit_transition"))
    script(revoke_writes("webhook_refusal"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _create_connections() -> None:
    op.create_table(
        "psp_connection",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("credentials_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("webhook_token", sa.String(64), nullable=False),
        sa.Column("webhook_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(10), server_default=sa.text("'active'"), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_psp_connection"),
        sa.UniqueConstraint("name", name="uq_psp_connection_name"),
        sa.UniqueConstraint("webhook_token", name="uq_psp_connection_webhook_token"),
        sa.CheckConstraint("state IN ('active', 'disabled')", name="ck_psp_connection_state"),
    )
    op.create_table(
        "psp_currency",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("amount_min", _MONEY, nullable=False),
        sa.Column("amount_max", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "currency", name="pk_psp_currency"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_psp_currency_connection_id"
        ),
        sa.CheckConstraint(
            "amount_min > 0 AND amount_max >= amount_min", name="ck_psp_currency_limits"
        ),
    )


def _create_deposits() -> None:
    op.create_table(
        "deposit",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("trading_account_id", sa.Uuid(), nullable=True),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("settled_amount", _MONEY, nullable=True),
        sa.Column("settled_currency", sa.String(8), nullable=True),
        sa.Column("fee", _MONEY, nullable=True),
        sa.Column("fee_currency", sa.String(8), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("provider_reference", sa.String(120), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.Column("credited_at", _MOMENT, nullable=True),
        sa.Column("disputed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deposit"),
        sa.UniqueConstraint("reference", name="uq_deposit_reference"),
        sa.UniqueConstraint("hold_id", name="uq_deposit_hold_id"),
        sa.UniqueConstraint("connection_id", "provider_reference", name="uq_deposit_connection_id"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_deposit_connection_id"
        ),
        sa.CheckConstraint(f"state IN {_STATES}", name="ck_deposit_state"),
        sa.CheckConstraint("amount > 0 AND amount <> 'NaN'", name="ck_deposit_amount"),
        sa.CheckConstraint(
            "state NOT IN ('settled', 'credited') OR (settled_at IS NOT NULL"
            " AND settled_amount > 0 AND settled_currency = currency)",
            name="ck_deposit_settled",
        ),
    )
    op.create_index("ix_deposit_client_id", "deposit", ["client_id", "id"])
    op.create_index("ix_deposit_state", "deposit", ["state", "id"])
    op.create_table(
        "deposit_transition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_transition"),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name="fk_deposit_transition_deposit_id"
        ),
    )
    op.create_index("ix_deposit_transition_deposit_id", "deposit_transition", ["deposit_id"])


def _create_webhooks() -> None:
    op.create_table(
        "webhook_event",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("provider_reference", sa.String(120), nullable=False),
        sa.Column("reference", sa.String(40), nullable=False),
        sa.Column("amount", _MONEY, nullable=True),
        sa.Column("currency", sa.String(8), nullable=True),
        sa.Column("fee", _MONEY, nullable=True),
        sa.Column("fee_currency", sa.String(8), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("handled_at", _MOMENT, nullable=True),
        sa.Column("outcome", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_event"),
        sa.UniqueConstraint("connection_id", "event_id", name="uq_webhook_event_connection_id"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_webhook_event_connection_id"
        ),
    )
    op.create_index("ix_webhook_event_reference", "webhook_event", ["reference"])
    op.create_table(
        "webhook_refusal",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_refusal"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_webhook_refusal_connection_id"
        ),
    )
