"""Transfers with their quotes, adjustments by staff, bonuses, disputes and CPA of partners."""

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
_ADJUSTMENTS = (
    "('goodwill', 'correction_in', 'correction_out', 'fee', 'bonus', 'bonus_off', 'write_off')"
)
_ADJUSTING = "('waiting', 'moving', 'crediting', 'done', 'rejected', 'failed')"
_BONUSES = "('active', 'used', 'cancelled', 'burned')"
_OPERATIONS = "('deposit', 'withdrawal', 'credit', 'credit_out', 'open_account')"
_DOCUMENTS = "('deposit_receipt', 'transfer_receipt', 'wallet_statement', 'commission_statement')"
_STATES = "('moving', 'crediting', 'done', 'failed', 'returned')"


def upgrade() -> None:
    """Create the tables; transitions are only ever appended."""
    _create_quotes()
    _create_transfers()
    _create_adjustments()
    _create_bonuses()
    _create_disputes()
    _create_acquisitions()
    for table in ("transfer_transition", "adjustment_transition", "dispute_transition"):
        script(revoke_writes(table))
    # Credit that was given can be taken back.
    op.drop_constraint("ck_platform_operation_kind", "platform_operation", type_="check")
    op.create_check_constraint(
        "ck_platform_operation_kind", "platform_operation", f"kind IN {_OPERATIONS}"
    )
    op.drop_constraint("ck_issued_document_kind", "issued_document", type_="check")
    op.create_check_constraint(
        "ck_issued_document_kind", "issued_document", f"kind IN {_DOCUMENTS}"
    )


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


def _create_adjustments() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("request_key", sa.String(120), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("bonus_used", _MONEY, nullable=False),
        sa.Column("bonus_id", sa.Uuid(), nullable=True),
        sa.Column("burns", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment"),
        sa.UniqueConstraint("reference", name="uq_adjustment_reference"),
        sa.UniqueConstraint("request_key", name="uq_adjustment_request_key"),
        sa.CheckConstraint(f"kind IN {_ADJUSTMENTS}", name="ck_adjustment_kind"),
        sa.CheckConstraint(f"state IN {_ADJUSTING}", name="ck_adjustment_state"),
        sa.CheckConstraint("amount > 0 AND bonus_used >= 0", name="ck_adjustment_amount"),
    )
    op.create_index("ix_adjustment_client_id", "adjustment", ["client_id", "id"])
    op.create_index("ix_adjustment_state", "adjustment", ["state", "id"])
    op.create_table(
        "adjustment_transition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("adjustment_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment_transition"),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["adjustment.id"], name="fk_adjustment_transition_adjustment_id"
        ),
    )
    op.create_index(
        "ix_adjustment_transition_adjustment_id", "adjustment_transition", ["adjustment_id"]
    )


def _create_bonuses() -> None:
    op.create_table(
        "bonus",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("remaining", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("burns", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("granted_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_bonus"),
        sa.ForeignKeyConstraint(["id"], ["adjustment.id"], name="fk_bonus_id"),
        sa.CheckConstraint(f"state IN {_BONUSES}", name="ck_bonus_state"),
        sa.CheckConstraint("remaining >= 0 AND remaining <= amount", name="ck_bonus_remaining"),
    )
    op.create_index("ix_bonus_account_id", "bonus", ["account_id", "id"])
    op.create_table(
        "adjustment_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("alone_max", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment_policy"),
        sa.CheckConstraint("alone_max >= 0", name="ck_adjustment_policy_limit"),
    )


def _create_disputes() -> None:
    op.create_table(
        "dispute_case",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("claim_entry_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_case"),
        sa.UniqueConstraint("deposit_id", name="uq_dispute_case_deposit_id"),
        sa.ForeignKeyConstraint(["deposit_id"], ["deposit.id"], name="fk_dispute_case_deposit_id"),
        sa.CheckConstraint("state IN ('opened', 'won', 'lost')", name="ck_dispute_case_state"),
        sa.CheckConstraint("amount > 0", name="ck_dispute_case_amount"),
    )
    op.create_index("ix_dispute_case_state", "dispute_case", ["state", "id"])
    op.create_table(
        "dispute_transition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_transition"),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["dispute_case.id"], name="fk_dispute_transition_dispute_id"
        ),
    )
    op.create_index("ix_dispute_transition_dispute_id", "dispute_transition", ["dispute_id"])


def _create_acquisitions() -> None:
    op.create_table(
        "acquisition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("lots", sa.Numeric(28, 10), nullable=False),
        sa.Column("qualified_at", _MOMENT, nullable=False),
        sa.Column("payable_at", _MOMENT, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_acquisition"),
        sa.UniqueConstraint("client_id", name="uq_acquisition_client_id"),
        sa.CheckConstraint("amount > 0", name="ck_acquisition_amount"),
        sa.CheckConstraint("state IN ('accrued', 'reversed')", name="ck_acquisition_state"),
    )
    op.create_index("ix_acquisition_partner_id", "acquisition", ["partner_id", "id"])
    op.create_table(
        "commission_reversal",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reversed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_commission_reversal"),
        sa.UniqueConstraint(
            "deposit_id", "partner_id", "kind", name="uq_commission_reversal_deposit_id"
        ),
        sa.CheckConstraint("amount > 0", name="ck_commission_reversal_amount"),
        sa.CheckConstraint("kind IN ('cpa', 'rebate')", name="ck_commission_reversal_kind"),
    )
    op.create_index("ix_commission_reversal_client_id", "commission_reversal", ["client_id"])
