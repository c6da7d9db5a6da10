"""Bank accounts, imported statements and their lines; runs, breaks and clients' money by day.

What a bank or provider has said is kept as it came. Money leaves suspense, and a break is written
off, only by a request that somebody else has agreed to: the functions see to that.

New errors: MQ050 what was said can't be changed, MQ051 it is closed already, MQ052 nobody else has
agreed.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.schemas.grants import revoke_writes, script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_MOMENT = sa.DateTime(timezone=True)
_UUID7 = sa.text("uuidv7()")
_NOW = sa.text("now()")
_CLOCK = sa.text("clock_timestamp()")
_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0030_banks.sql"
_TRIGGERS = (
    "bank_line_kept BEFORE UPDATE ON bank_line FOR EACH ROW EXECUTE FUNCTION keep_bank_line()",
    "bank_line_stays BEFORE DELETE ON bank_line FOR EACH ROW EXECUTE FUNCTION forbid_change()",
    (
        "reconciliation_break_kept BEFORE UPDATE ON reconciliation_break"
        " FOR EACH ROW EXECUTE FUNCTION keep_break()"
    ),
    (
        "reconciliation_break_stays BEFORE DELETE ON reconciliation_break"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
    ),
)
_APPEND_ONLY = (
    "statement_file",
    "bank_statement",
    "bank_line_step",
    "provider_line",
    "reconciliation_run",
    "reconciliation_step",
    "client_money_day",
)


def upgrade() -> None:
    """Create the tables and what keeps them, and the account that differences are written to."""
    _create_statements()
    _create_lines()
    _create_provider_lines()
    _create_runs()
    _create_breaks()
    _create_facts()
    for statement in _FUNCTIONS.read_text().split("$$;\n")[:-1]:
        op.execute(f"{statement}$$")
    for trigger in _TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    for table in _APPEND_ONLY:
        script(revoke_writes(table))
    _open_account()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _open_account() -> None:
    op.execute(
        "INSERT INTO account_code (code, owner_kind, guarded, forcible)"
        " VALUES ('expense.reconciliation', 'house', false, false)"
    )
    op.execute(
        "INSERT INTO ledger_account (code, currency, owner_kind, owner_id)"
        " SELECT 'expense.reconciliation', currency, 'house', 'house' FROM ledger_account"
        " WHERE code = 'equity.opening' ON CONFLICT DO NOTHING"
    )


def _create_statements() -> None:
    op.create_table(
        "bank_account",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("number", sa.String(34), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("ledger_owner", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'active'"), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.CheckConstraint("kind IN ('segregated', 'own')", name="ck_bank_account_kind"),
        sa.CheckConstraint("state IN ('active', 'closed')", name="ck_bank_account_state"),
        sa.PrimaryKeyConstraint("id", name="pk_bank_account"),
        sa.UniqueConstraint("kind", "currency", "ledger_owner", name="uq_bank_account_kind"),
        sa.UniqueConstraint("number", "currency", name="uq_bank_account_number"),
    )
    op.create_table(
        "bank_sender",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("words", sa.String(60), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_bank_sender_connection_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_sender"),
        sa.UniqueConstraint("words", name="uq_bank_sender_words"),
    )
    op.create_table(
        "statement_file",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("lines_new", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("imported_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.CheckConstraint(
            "format IN ('camt.053', 'mt940', 'psp')", name="ck_statement_file_format"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_statement_file"),
        sa.UniqueConstraint("digest", name="uq_statement_file_digest"),
    )
    op.create_table(
        "bank_statement",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(70), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("opening", _MONEY, nullable=True),
        sa.Column("closing", _MONEY, nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_account.id"], name="fk_bank_statement_bank_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["statement_file.id"], name="fk_bank_statement_file_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_statement"),
    )
    op.create_index("ix_bank_statement_account", "bank_statement", ["bank_account_id", "closed_on"])
    op.create_index("ix_bank_statement_file_id", "bank_statement", ["file_id"])


def _create_lines() -> None:
    op.create_table(
        "bank_line",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("line_key", sa.LargeBinary(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("bank_reference", sa.String(70), nullable=False),
        sa.Column("end_to_end", sa.String(70), nullable=False),
        sa.Column("party_name", sa.String(140), nullable=False),
        sa.Column("party_number", sa.String(34), nullable=False),
        sa.Column("purpose", sa.String(500), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("score", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("third_party", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=True),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("release_entry_id", sa.Uuid(), nullable=True),
        sa.Column("return_reference", sa.String(16), nullable=True),
        sa.Column("imported_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.CheckConstraint("amount <> 0 AND amount <> 'NaN'", name="ck_bank_line_amount"),
        sa.CheckConstraint(
            "state IN ('suspense', 'matched', 'settlement', 'known', 'returning', 'released')",
            name="ck_bank_line_state",
        ),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_account.id"], name="fk_bank_line_bank_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["bank_statement.id"], name="fk_bank_line_statement_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_line"),
        sa.UniqueConstraint("bank_account_id", "line_key", name="uq_bank_line_bank_account_id"),
        sa.UniqueConstraint("reference", name="uq_bank_line_reference"),
    )
    op.create_index("ix_bank_line_booked_on", "bank_line", ["booked_on"])
    op.create_index("ix_bank_line_deposit_id", "bank_line", ["deposit_id"])
    op.create_index("ix_bank_line_state", "bank_line", ["state", "id"])
    op.create_index("ix_bank_line_statement_id", "bank_line", ["statement_id"])
    op.create_table(
        "bank_line_step",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(10), nullable=True),
        sa.Column("to_state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("at", _MOMENT, server_default=_CLOCK, nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["bank_line.id"], name="fk_bank_line_step_line_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bank_line_step"),
    )
    op.create_index("ix_bank_line_step_line_id", "bank_line_step", ["line_id"])


def _create_provider_lines() -> None:
    op.create_table(
        "provider_line",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("line_key", sa.LargeBinary(), nullable=False),
        sa.Column("payment", sa.String(120), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("standing", sa.String(10), nullable=False),
        sa.Column("fee", _MONEY, nullable=True),
        sa.Column("place", sa.String(20), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["psp_connection.id"], name="fk_provider_line_connection_id"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["statement_file.id"], name="fk_provider_line_file_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_line"),
        sa.UniqueConstraint("connection_id", "line_key", name="uq_provider_line_connection_id"),
    )
    op.create_index("ix_provider_line_at", "provider_line", ["at"])
    op.create_index("ix_provider_line_file_id", "provider_line", ["file_id"])
    op.create_index("ix_provider_line_payment", "provider_line", ["payment"])


def _create_runs() -> None:
    op.create_table(
        "reconciliation_run",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("cut", _MOMENT, nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("in_transit", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("accounts_differing", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("finished_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.CheckConstraint("kind IN ('nightly', 'demand')", name="ck_reconciliation_run_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_run"),
    )
    op.create_index("ix_reconciliation_run_day", "reconciliation_run", ["day"])


def _create_breaks() -> None:
    op.create_table(
        "reconciliation_break",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("payment", sa.String(120), nullable=False),
        sa.Column("place", sa.String(120), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("amount_ledger", _MONEY, nullable=True),
        sa.Column("amount_platform", _MONEY, nullable=True),
        sa.Column("amount_psp", _MONEY, nullable=True),
        sa.Column("difference", _MONEY, nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("correction", sa.String(300), nullable=False),
        sa.Column("correction_lines", postgresql.JSONB(), nullable=False),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(12), server_default=sa.text("'open'"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("owner_label", sa.String(120), server_default=sa.text("''"), nullable=False),
        sa.Column("opened_run_id", sa.Uuid(), nullable=False),
        sa.Column("last_run_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.Column("closed_reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL)", name="ck_reconciliation_break_closed"
        ),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'written_off')", name="ck_reconciliation_break_state"
        ),
        sa.ForeignKeyConstraint(
            ["last_run_id"], ["reconciliation_run.id"], name="fk_reconciliation_break_last_run_id"
        ),
        sa.ForeignKeyConstraint(
            ["opened_run_id"],
            ["reconciliation_run.id"],
            name="fk_reconciliation_break_opened_run_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_break"),
        sa.UniqueConstraint("reference", name="uq_reconciliation_break_reference"),
    )
    op.create_index("ix_reconciliation_break_state", "reconciliation_break", ["state", "id"])
    op.create_index(
        "uq_reconciliation_break_key",
        "reconciliation_break",
        ["key"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _create_facts() -> None:
    op.create_table(
        "reconciliation_step",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("break_id", sa.Uuid(), nullable=False),
        sa.Column("fact", sa.String(20), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("at", _MOMENT, server_default=_CLOCK, nullable=False),
        sa.ForeignKeyConstraint(
            ["break_id"], ["reconciliation_break.id"], name="fk_reconciliation_step_break_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_step"),
    )
    op.create_index("ix_reconciliation_step_break_id", "reconciliation_step", ["break_id"])
    op.create_table(
        "client_money_day",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=False),
        sa.Column("wallets", _MONEY, nullable=False),
        sa.Column("owed", _MONEY, nullable=False),
        sa.Column("pending", _MONEY, nullable=False),
        sa.Column("equity", _MONEY, nullable=False),
        sa.Column("unallocated", _MONEY, nullable=False),
        sa.Column("requirement", _MONEY, nullable=False),
        sa.Column("resource", _MONEY, nullable=False),
        sa.Column("recorded_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["reconciliation_run.id"], name="fk_client_money_day_run_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_client_money_day"),
        sa.UniqueConstraint("run_id", "currency", name="uq_client_money_day_run_id"),
    )
    op.create_index("ix_client_money_day_day", "client_money_day", ["day", "currency"])
