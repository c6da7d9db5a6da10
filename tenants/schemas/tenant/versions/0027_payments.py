"""Payment gateways of every kind: methods, fees, rules, attempts, proofs, trials, cashiers.

A connection's signing secret is one of its credentials from now on, and those of Stripe have to be
registered once more: what was sealed can't be sealed anew here. Events keep the words of the
engine's notices.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tenants.schemas.grants import revoke_writes, script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_NOW = sa.text("now()")
_UUID7 = sa.text("uuidv7()")
_MOMENT = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")
_NONE = sa.text("'[]'")
_STATES = "ARRAY['paid', 'succeeded', 'expired', 'cancelled', 'disputed', 'chargeback']"


def upgrade() -> None:
    """Widen connections, deposits and events, and create what stands beside them."""
    _widen_connections()
    _widen_deposits()
    _widen_events()
    _create_rules()
    _create_beside_deposits()
    _create_trials()
    _create_cashiers()
    script(revoke_writes("deposit_attempt"))
    script(revoke_writes("deposit_proof"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _key() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False)


def _connection(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return sa.Column("connection_id", sa.Uuid(), nullable=False), sa.ForeignKeyConstraint(
        ["connection_id"], ["psp_connection.id"], name=f"fk_{table}_connection_id"
    )


def _deposit(
    table: str, *, nullable: bool = False
) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return sa.Column("deposit_id", sa.Uuid(), nullable=nullable), sa.ForeignKeyConstraint(
        ["deposit_id"], ["deposit.id"], name=f"fk_{table}_deposit_id"
    )


def _moment(name: str = "created_at") -> sa.Column[object]:
    return sa.Column(name, _MOMENT, server_default=_NOW, nullable=False)


def _text(name: str, size: int) -> sa.Column[object]:
    return sa.Column(name, sa.String(size), server_default=_EMPTY, nullable=False)


def _list(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=_NONE, nullable=False)


def _widen_connections() -> None:
    op.alter_column("psp_connection", "provider", type_=sa.String(40))
    op.drop_column("psp_connection", "webhook_secret_sealed")
    sandbox = sa.text("'sandbox'")
    op.add_column(
        "psp_connection",
        sa.Column("environment", sa.String(10), server_default=sandbox, nullable=False),
    )
    op.create_check_constraint(
        "ck_psp_connection_environment", "psp_connection", "environment IN ('sandbox', 'live')"
    )
    zero = sa.text("0")
    op.add_column(
        "psp_connection", sa.Column("weight", sa.Integer(), server_default=zero, nullable=False)
    )
    op.add_column("psp_currency", sa.Column("fee_percent", _MONEY))
    op.add_column("psp_currency", sa.Column("fee_fixed", _MONEY))
    op.add_column("psp_currency", sa.Column("fee_payer", sa.String(10)))
    op.create_check_constraint(
        "ck_psp_currency_fee",
        "psp_currency",
        "fee_percent BETWEEN 0 AND 50 AND fee_fixed >= 0",
    )
    op.create_check_constraint(
        "ck_psp_currency_fee_payer", "psp_currency", "fee_payer IN ('merchant', 'client')"
    )
    column, foreign = _connection("psp_method")
    op.create_table(
        "psp_method",
        column,
        sa.Column("method", sa.String(60), nullable=False),
        sa.Column("title", sa.String(60), nullable=False),
        _list("countries"),
        sa.Column("kyc_level", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "method", name="pk_psp_method"),
        foreign,
        sa.CheckConstraint("kyc_level >= 0", name="ck_psp_method_kyc_level"),
    )
    # So far every connection was Stripe's, which has one method.
    op.execute(
        "INSERT INTO psp_method (connection_id, method, title)"
        " SELECT id, 'checkout', left(name, 60) FROM psp_connection"
    )


def _widen_deposits() -> None:
    op.add_column("deposit", _text("method", 60))
    op.add_column("deposit", sa.Column("payable", _MONEY))
    op.add_column("deposit", sa.Column("session_ref", sa.String(200)))
    op.add_column("deposit", sa.Column("step", JSONB()))
    # What was kept as the payment's reference was the session's.
    op.execute("UPDATE deposit SET session_ref = provider_reference")
    op.create_index("ix_deposit_session_ref", "deposit", ["session_ref"])


def _widen_events() -> None:
    table = "webhook_event"
    op.alter_column(table, "kind", new_column_name="state")
    op.alter_column(table, "type", new_column_name="status")
    op.drop_column(table, "occurred_at")
    op.execute(
        f"UPDATE webhook_event SET state = ({_STATES})[array_position({_STATES}, state::text) + 1]"
        " WHERE state IN ('paid', 'expired', 'disputed')"
    )
    for name, size in (("claims", 10), ("session_ref", 200), ("follow_up", 40)):
        op.add_column(table, _text(name, size))
    for name in ("alarm", "error"):
        op.add_column(table, _text(name, 200))
    op.add_column(table, sa.Column("settled_amount", _MONEY))
    op.add_column(table, sa.Column("settled_currency", sa.String(8)))
    op.add_column(table, sa.Column("is_live", sa.Boolean()))
    op.add_column(
        table, sa.Column("must_ask", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def _create_rules() -> None:
    op.create_table(
        "psp_rule",
        _key(),
        sa.Column("place", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _list("connection_ids"),
        _list("countries"),
        _list("currencies"),
        _list("bins"),
        sa.Column("amount_min", _MONEY),
        sa.Column("amount_max", _MONEY),
        sa.Column("avoid", sa.Boolean(), server_default=sa.false(), nullable=False),
        _moment(),
        sa.PrimaryKeyConstraint("id", name="pk_psp_rule"),
    )
    op.create_table(
        "deposit_limit",
        _key(),
        _text("title", 60),
        _text("country", 2),
        sa.Column("kyc_level", sa.Integer()),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("window_hours", sa.Integer(), server_default=sa.text("24"), nullable=False),
        sa.Column("amount_max", _MONEY),
        sa.Column("count_max", sa.Integer()),
        sa.Column("pending_max", sa.Integer()),
        _moment(),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_limit"),
        sa.CheckConstraint("window_hours BETWEEN 1 AND 8784", name="ck_deposit_limit_window_hours"),
        sa.CheckConstraint(
            "num_nonnulls(amount_max, count_max, pending_max) > 0"
            " AND coalesce(amount_max, 1) > 0 AND coalesce(count_max, 0) >= 0"
            " AND coalesce(pending_max, 0) >= 0",
            name="ck_deposit_limit_limits",
        ),
    )


def _create_beside_deposits() -> None:
    column, foreign = _connection("deposit_attempt")
    deposit, of_deposit = _deposit("deposit_attempt")
    clock = sa.text("clock_timestamp()")
    op.create_table(
        "deposit_attempt",
        _key(),
        deposit,
        column,
        sa.Column("at", _MOMENT, server_default=clock, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        _text("code", 60),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_attempt"),
        foreign,
        of_deposit,
        sa.CheckConstraint(
            "outcome IN ('asked', 'good', 'declined', 'broken')", name="ck_deposit_attempt_outcome"
        ),
    )
    op.create_index("ix_deposit_attempt_deposit_id", "deposit_attempt", ["deposit_id"])
    op.create_index("ix_deposit_attempt_connection_id", "deposit_attempt", ["connection_id", "at"])
    deposit, of_deposit = _deposit("deposit_proof")
    op.create_table(
        "deposit_proof",
        _key(),
        deposit,
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("file_name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        _moment(),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_proof"),
        of_deposit,
    )
    op.create_index("ix_deposit_proof_deposit_id", "deposit_proof", ["deposit_id"])


def _create_trials() -> None:
    column, foreign = _connection("psp_trial")
    op.create_table(
        "psp_trial",
        _key(),
        column,
        sa.Column("reference", sa.String(16), nullable=False),
        _text("method", 60),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        _text("outcome", 200),
        _text("session_ref", 200),
        sa.Column("step", JSONB()),
        _moment(),
        sa.PrimaryKeyConstraint("id", name="pk_psp_trial"),
        sa.UniqueConstraint("reference", name="uq_psp_trial_reference"),
        foreign,
    )
    op.create_index("ix_psp_trial_connection_id", "psp_trial", ["connection_id"])


def _create_cashiers() -> None:
    column, foreign = _connection("cashier_session")
    op.create_table(
        "cashier_session",
        _key(),
        column,
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cashier_session"),
        sa.UniqueConstraint("token_digest", name="uq_cashier_session_token_digest"),
        foreign,
    )
    column, foreign = _connection("cashier_payment")
    deposit, of_deposit = _deposit("cashier_payment", nullable=True)
    reserved = sa.text("'reserved'")
    op.create_table(
        "cashier_payment",
        _key(),
        column,
        sa.Column("transaction", sa.String(60), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("auth_code", sa.String(64), nullable=False),
        deposit,
        sa.Column("hold_id", sa.Uuid()),
        sa.Column("state", sa.String(10), server_default=reserved, nullable=False),
        _moment(),
        sa.Column("closed_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_cashier_payment"),
        sa.UniqueConstraint(
            "connection_id", "transaction", name="uq_cashier_payment_connection_id"
        ),
        sa.UniqueConstraint("auth_code", name="uq_cashier_payment_auth_code"),
        foreign,
        of_deposit,
        sa.CheckConstraint(
            "state IN ('reserved', 'settled', 'released')", name="ck_cashier_payment_state"
        ),
        sa.CheckConstraint(
            "direction IN ('deposit', 'withdrawal')", name="ck_cashier_payment_direction"
        ),
        sa.CheckConstraint("amount > 0", name="ck_cashier_payment_amount"),
    )
