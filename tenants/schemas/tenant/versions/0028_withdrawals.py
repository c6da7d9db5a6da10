"""Withdrawals: requests, their parts, attempts to pay out, saved payees, codes and rules.

Triggers keep what must hold whatever the code above does: no withdrawal is approved without a
granted approval of exactly its content, or a rule that lets it through; an edit voids what was
approved; no part is paid before the book has given the money up; trails are appended.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.schemas.grants import revoke_writes, script

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_UUID7 = sa.text("uuidv7()")
_NOW = sa.text("now()")
_MOMENT = sa.DateTime(timezone=True)
_MONEY = sa.Numeric(28, 8)
_WORDS = postgresql.ARRAY(sa.Text())
_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0028_withdrawals.sql"
_STATES = (
    "'requested', 'approved', 'debiting', 'paying', 'paid', 'rejected', 'cancelled', 'failed',"
    " 'held'"
)


def upgrade() -> None:
    """Create the tables and their triggers."""
    _create_destinations()
    _create_withdrawals()
    _create_parts()
    _create_trails()
    _create_codes_and_rules()
    for statement in _FUNCTIONS.read_text().split("$$;\n")[:-1]:
        op.execute(f"{statement}$$")
    op.execute(
        "CREATE TRIGGER withdrawal_checked BEFORE INSERT OR UPDATE ON withdrawal"
        " FOR EACH ROW EXECUTE FUNCTION check_withdrawal()"
    )
    op.execute(
        "CREATE TRIGGER withdrawal_part_checked BEFORE INSERT OR UPDATE OR DELETE"
        " ON withdrawal_part FOR EACH ROW EXECUTE FUNCTION check_withdrawal_part()"
    )
    op.execute(
        "CREATE TRIGGER withdrawal_kept BEFORE DELETE ON withdrawal"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
    )
    script(revoke_writes("withdrawal_transition"))
    script(revoke_writes("payout_step"))


def _create_destinations() -> None:
    op.create_table(
        "withdrawal_destination",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("hint", sa.String(40), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("confirmed_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_destination"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["psp_connection.id"],
            name="fk_withdrawal_destination_connection_id",
        ),
        sa.CheckConstraint("kind IN ('bank', 'crypto')", name="ck_withdrawal_destination_kind"),
    )
    op.create_index(
        "ix_withdrawal_destination_client_id", "withdrawal_destination", ["client_id", "id"]
    )


def _create_withdrawals() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("trading_account_id", sa.Uuid(), nullable=True),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("base_amount", _MONEY, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason_code", sa.String(30), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("flags", _WORDS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("promised_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("approved_at", _MOMENT, nullable=True),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal"),
        sa.UniqueConstraint("reference", name="uq_withdrawal_reference"),
        sa.UniqueConstraint("code_id", name="uq_withdrawal_code_id"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_withdrawal_state"),
        sa.CheckConstraint("amount > 0 AND amount <> 'NaN'", name="ck_withdrawal_amount"),
    )
    op.create_index("ix_withdrawal_client_id", "withdrawal", ["client_id", "id"])
    op.create_index("ix_withdrawal_state", "withdrawal", ["state", "id"])
    op.create_index(
        "ix_withdrawal_account",
        "withdrawal",
        ["trading_account_id"],
        postgresql_where=sa.text("trading_account_id IS NOT NULL"),
    )


def _create_parts() -> None:
    op.create_table(
        "withdrawal_part",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("withdrawal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("fee", _MONEY, server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("deposit_id", sa.Uuid(), nullable=True),
        sa.Column("destination_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(10), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("provider_reference", sa.String(120), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("misses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_part"),
        sa.UniqueConstraint("withdrawal_id", "number", name="uq_withdrawal_part_number"),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawal.id"], name="fk_withdrawal_part_withdrawal_id"
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_withdrawal_part_connection_id"
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name="fk_withdrawal_part_deposit_id"
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["withdrawal_destination.id"],
            name="fk_withdrawal_part_destination_id",
        ),
        sa.CheckConstraint("way IN ('refund', 'payout', 'manual')", name="ck_withdrawal_part_way"),
        sa.CheckConstraint(
            "state IN ('waiting', 'paying', 'unknown', 'paid', 'failed')",
            name="ck_withdrawal_part_state",
        ),
        sa.CheckConstraint(
            "amount > 0 AND amount <> 'NaN' AND fee >= 0 AND fee < amount",
            name="ck_withdrawal_part_amount",
        ),
    )
    op.create_index("ix_withdrawal_part_deposit_id", "withdrawal_part", ["deposit_id"])
    op.create_index(
        "ix_withdrawal_part_due",
        "withdrawal_part",
        ["next_at"],
        postgresql_where=sa.text("state IN ('waiting', 'paying', 'unknown')"),
    )


def _create_trails() -> None:
    op.create_table(
        "withdrawal_transition",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("withdrawal_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("code", sa.String(30), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_transition"),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawal.id"], name="fk_withdrawal_transition_withdrawal_id"
        ),
    )
    op.create_index(
        "ix_withdrawal_transition_withdrawal_id", "withdrawal_transition", ["withdrawal_id"]
    )
    op.create_table(
        "payout_step",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fact", sa.String(20), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_step"),
        sa.ForeignKeyConstraint(["part_id"], ["withdrawal_part.id"], name="fk_payout_step_part_id"),
    )
    op.create_index("ix_payout_step_part_id", "payout_step", ["part_id"])


def _create_codes_and_rules() -> None:
    op.create_table(
        "withdrawal_code",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("binding", sa.String(64), nullable=False),
        sa.Column("way", sa.String(15), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_code"),
        sa.CheckConstraint("way IN ('mail', 'authenticator')", name="ck_withdrawal_code_way"),
    )
    op.create_index("ix_withdrawal_code_user_id", "withdrawal_code", ["user_id", "created_at"])
    op.create_table(
        "withdrawal_rule",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("amount_to", _MONEY, nullable=True),
        sa.Column("permissions", _WORDS, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_rule"),
        sa.CheckConstraint(
            "amount_to > 0 OR cardinality(permissions) > 0", name="ck_withdrawal_rule_top"
        ),
    )
    op.create_table(
        "withdrawal_fee",
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("kind", "currency", name="pk_withdrawal_fee"),
        sa.CheckConstraint("kind IN ('bank', 'crypto')", name="ck_withdrawal_fee_kind"),
        sa.CheckConstraint("amount > 0 AND amount <> 'NaN'", name="ck_withdrawal_fee_amount"),
    )


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
