"""Double-entry book: accounts, entries, postings, balances, holds, and the only way to write them.

The tenant's role may read these tables and call the functions below, nothing else: the
functions belong to the schema's owner, run with its rights and with a pinned search_path, so
that neither a temporary table nor a changed path can redirect them. Errors carry SQLSTATEs of
our own, which ledger.errors translates: MQ001 not enough available, MQ002 key used with other
content, MQ003 lines that can't be posted, MQ004 hold is closed, MQ005 entry already reversed.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_NOW = sa.text("now()")
_UUID7 = sa.text("uuidv7()")

# code, what owns an account of it, never below zero on what is available
_CODES = (
    ("asset.bank", "house", False),
    ("asset.bank_own", "house", False),
    ("asset.psp_clearing", "psp", False),
    ("liability.client_wallet", "client", True),
    ("liability.trading_account", "account", True),
    ("liability.partner_wallet", "partner", True),
    ("liability.fx_conversion", "house", False),
    ("income.markup", "house", False),
    ("income.commission", "house", False),
    ("income.swap", "house", False),
    ("income.fees", "house", False),
    ("income.fx_markup", "house", False),
    ("expense.psp_fee", "house", False),
    ("expense.partner_commission", "house", False),
    ("equity.opening", "house", False),
)

_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0003_ledger.sql"

_BALANCES_TRIGGER = """
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_balances()
"""

_OPENS_TRIGGER = """
CREATE TRIGGER ledger_account_opens AFTER INSERT ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION open_balance()
"""


def upgrade() -> None:
    """Create the book, its functions and triggers, and leave the tenant's role only reading."""
    _create_accounts()
    _create_entries()
    _create_holds()
    op.execute("ALTER TABLE balance SET (fillfactor = 70)")
    *functions, seal = _FUNCTIONS.read_text().split("$$;\n")[:-1]
    for statement in functions:
        op.execute(f"{statement}$$")
    op.execute(_BALANCES_TRIGGER)
    op.execute(_OPENS_TRIGGER)
    for table in ("entry", "posting", "ledger_account"):
        _refuse(table, "UPDATE OR DELETE")
    for table in ("balance", "hold"):
        _refuse(table, "DELETE")
    op.execute(f"{seal}$$")


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _create_accounts() -> None:
    codes = op.create_table(
        "account_code",
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("owner_kind", sa.String(10), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_account_code"),
    )
    op.bulk_insert(
        codes,
        [
            {"code": code, "owner_kind": owner, "guarded": guarded}
            for code, owner, guarded in _CODES
        ],
    )
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("owner_kind", sa.String(10), nullable=False),
        sa.Column("owner_id", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_account"),
        sa.UniqueConstraint(
            "code", "currency", "owner_kind", "owner_id", name="uq_ledger_account_code"
        ),
        sa.ForeignKeyConstraint(["code"], ["account_code.code"], name="fk_ledger_account_code"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3,8}$'", name="ck_ledger_account_currency"),
    )
    op.create_index("ix_ledger_account_owner_id", "ledger_account", ["owner_id"])
    op.create_table(
        "balance",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, server_default=sa.text("0"), nullable=False),
        sa.Column("held", _MONEY, server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_balance"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name="fk_balance_account_id"
        ),
        sa.CheckConstraint("held >= 0", name="ck_balance_held"),
        sa.CheckConstraint("NOT guarded OR -amount - held >= 0", name="ck_balance_never_negative"),
    )


def _create_entries() -> None:
    op.create_table(
        "entry",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("external_reference", sa.String(200), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_entry"),
        sa.UniqueConstraint("key", name="uq_entry_key"),
        sa.UniqueConstraint("external_reference", name="uq_entry_external_reference"),
        sa.UniqueConstraint("reverses_id", name="uq_entry_reverses_id"),
        sa.ForeignKeyConstraint(["reverses_id"], ["entry.id"], name="fk_entry_reverses_id"),
    )
    # No foreign key to ledger_account: its share locks on a busy account's row would make
    # every writer of the house's accounts wait. The functions resolve it, verify checks it.
    op.create_table(
        "posting",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_version", sa.BigInteger(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("balance_after", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "line", name="pk_posting"),
        sa.UniqueConstraint("account_id", "account_version", name="uq_posting_account_id"),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_posting_entry_id"),
        sa.CheckConstraint("amount <> 0 AND amount <> 'NaN'", name="ck_posting_amount"),
    )


def _create_holds() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
        sa.UniqueConstraint("key", name="uq_hold_key"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger_account.id"], name="fk_hold_account_id"),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_hold_entry_id"),
        sa.CheckConstraint("amount > 0 AND amount <> 'NaN'", name="ck_hold_amount"),
        sa.CheckConstraint(
            "state IN ('pending', 'posted', 'voided', 'expired')", name="ck_hold_state"
        ),
        sa.CheckConstraint("(state = 'posted') = (entry_id IS NOT NULL)", name="ck_hold_entry"),
    )
    op.create_index(
        "ix_hold_pending",
        "hold",
        ["account_id", "expires_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def _refuse(table: str, changes: str) -> None:
    """Refuse changes of rows, and emptying the table, even for the owner."""
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION forbid_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
    )
