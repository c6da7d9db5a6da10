"""The whole chart of accounts, closed periods, rates of conversions, and a quicker book.

Balances carry the key of their account, so that an entry finds and locks them in one statement.
Some accounts may be forced below zero by what has already happened (a trading account after a
stop-out, a partner's wallet after a chargeback); clients' wallets never.

Most entries are pairs: two lines of one currency. Both stand in the entry's own row, other entries
have theirs in posting, and the view entry_line shows all of them. Entries are added up at commit,
once each; a trigger of the statement that writes lines sees that they come together with their
entry: that is cheaper than a foreign key and a trigger for each line. A repeated key is compared
with what stands in the book, so that no entry pays for a hash of its request.

New errors: MQ006 no such entry, MQ007 closed period, MQ008 lines that no rebuilding can mend,
MQ009 a period that can't be closed or opened like this.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(28, 8)
_RATE = sa.Numeric(28, 12)
_NOW = sa.text("now()")
_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0025_ledger.sql"

# code, what owns an account of it, never below zero, but by force
_CODES = (
    ("asset.psp_reserve", "psp", False, False),
    ("asset.lp_margin", "lp", False, False),
    ("asset.platform_settlement", "server", False, False),
    ("asset.client_receivable", "client", False, False),
    ("asset.suspense", "house", False, False),
    ("liability.withdrawals_pending", "client", True, False),
    ("liability.manager_wallet", "manager", True, True),
    ("liability.bonus", "account", True, False),
    ("liability.tax", "house", False, False),
    ("income.b_book", "house", False, False),
    ("income.performance_fee", "house", False, False),
    ("expense.lp_cost", "house", False, False),
    ("expense.negative_balance", "house", False, False),
    ("expense.bonus", "house", False, False),
    ("expense.chargeback", "house", False, False),
)
_REPLACED = (
    (
        "post(text, text, text, text, timestamptz, text, text[], text[], text[], text[], numeric[],"
        " uuid, uuid)"
    ),
    "reverse_entry(uuid, text, text, text)",
    "apply_lines(uuid[], int[], uuid[], numeric[], text[], uuid[], numeric[])",
    (
        "entry_hash(text, text, text, timestamptz, text[], text[], text[], text[], numeric[], uuid,"
        " uuid)"
    ),
)
_TRIGGERS = (
    (
        "CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON entry"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_balances()"
    ),
    (
        "CREATE TRIGGER posting_has_entry AFTER INSERT ON posting REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION check_lines_are_new()"
    ),
)
# The two lines of a pair: account, its version and balance after the line, and the amount.
_PAIR = (
    ("account_1", sa.Uuid()),
    ("account_2", sa.Uuid()),
    ("version_1", sa.BigInteger()),
    ("version_2", sa.BigInteger()),
    ("amount_1", _MONEY),
    ("amount_2", _MONEY),
    ("after_1", _MONEY),
    ("after_2", _MONEY),
    ("currency", sa.String(8)),
)
_KEY = (("code", 60), ("currency", 8), ("owner_kind", 10), ("owner_id", 60))


def upgrade() -> None:
    """Complete the chart, widen balances and entries, and put the functions in their place."""
    _complete_the_chart()
    _give_balances_their_keys()
    _create_tables()
    _let_entries_hold_pairs()
    for column in ("external_reference", "reverses_id"):
        op.drop_constraint(f"uq_entry_{column}", "entry", type_="unique")
        op.create_index(
            f"uq_entry_{column}",
            "entry",
            [column],
            unique=True,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.drop_constraint("fk_posting_entry_id", "posting", type_="foreignkey")
    op.drop_constraint("ck_posting_amount", "posting", type_="check")
    op.execute("DROP TRIGGER posting_balances ON posting")
    for function in _REPLACED:
        op.execute(f"DROP FUNCTION {function}")
    for statement in _FUNCTIONS.read_text().split("$$;\n")[:-1]:
        op.execute(f"{statement}$$")
    for trigger in _TRIGGERS:
        op.execute(trigger)
    _open_new_accounts()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _let_entries_hold_pairs() -> None:
    op.drop_column("entry", "request_hash")
    # The check at commit looks for what a reversal undoes: a key costs all the other entries too.
    op.drop_constraint("fk_entry_reverses_id", "entry", type_="foreignkey")
    op.add_column(
        "entry", sa.Column("forced", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("entry", sa.Column("hold_id", sa.Uuid(), nullable=True))
    for name, kind in _PAIR:
        op.add_column("entry", sa.Column(name, kind, nullable=True))
    for one in (1, 2):
        op.create_unique_constraint(
            f"uq_entry_account_{one}", "entry", [f"account_{one}", f"version_{one}"]
        )
    lines = " UNION ALL ".join(
        f"SELECT id AS entry_id, {one} AS line, account_{one} AS account_id,"
        f" version_{one} AS account_version, amount_{one} AS amount, after_{one} AS balance_after,"
        f" currency FROM entry WHERE account_{one} IS NOT NULL"
        for one in (1, 2)
    )
    op.execute(
        f"CREATE VIEW entry_line AS {lines} UNION ALL SELECT entry_id, line, account_id,"
        " account_version, amount, balance_after, currency FROM posting"
    )


def _complete_the_chart() -> None:
    codes = sa.table(
        "account_code", sa.column("code"), sa.column("owner_kind"), sa.column("guarded"),
        sa.column("forcible"),
    )  # fmt: skip
    op.add_column(
        "account_code",
        sa.Column("forcible", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        "UPDATE account_code SET forcible = true"
        " WHERE code IN ('liability.trading_account', 'liability.partner_wallet')"
    )
    op.bulk_insert(
        codes,
        [
            {"code": code, "owner_kind": owner, "guarded": guarded, "forcible": forcible}
            for code, owner, guarded, forcible in _CODES
        ],
    )
    # A brokerage has several banks; what it had so far is its main one.
    op.execute("UPDATE account_code SET owner_kind = 'bank' WHERE code LIKE 'asset.bank%'")
    op.execute("ALTER TABLE ledger_account DISABLE TRIGGER ledger_account_append_only")
    op.execute(
        "UPDATE ledger_account SET owner_kind = 'bank', owner_id = 'main'"
        " WHERE code LIKE 'asset.bank%'"
    )
    op.execute("ALTER TABLE ledger_account ENABLE TRIGGER ledger_account_append_only")


def _give_balances_their_keys() -> None:
    for name, size in _KEY:
        op.add_column("balance", sa.Column(name, sa.String(size), nullable=True))
    op.add_column(
        "balance", sa.Column("forcible", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("balance", sa.Column("ceiling", _MONEY, nullable=True))
    op.execute(
        "UPDATE balance b SET code = a.code, currency = a.currency, owner_kind = a.owner_kind,"
        " owner_id = a.owner_id, forcible = c.forcible,"
        " ceiling = CASE WHEN c.guarded AND NOT c.forcible THEN 0 END"
        " FROM ledger_account a JOIN account_code c ON c.code = a.code WHERE a.id = b.account_id"
    )
    for name, _ in _KEY:
        op.alter_column("balance", name, nullable=False)
    op.create_unique_constraint(
        "uq_balance_owner_id", "balance", ["owner_id", "code", "currency", "owner_kind"]
    )
    # One short constraint, because PostgreSQL reads the text of each anew at every statement:
    # the ceiling is 0 for accounts that nothing takes below zero, and missing for others.
    op.drop_constraint("ck_balance_held", "balance", type_="check")
    op.drop_constraint("ck_balance_never_negative", "balance", type_="check")
    op.create_check_constraint(
        "ck_balance_never_negative",
        "balance",
        "held >= 0 AND amount + held <= ceiling",
    )


def _create_tables() -> None:
    op.create_table(
        "entry_rate",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("currency_from", sa.String(8), nullable=False),
        sa.Column("currency_to", sa.String(8), nullable=False),
        sa.Column("rate", _RATE, nullable=False),
        sa.Column("rate_mid", _RATE, nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_entry_rate"),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_entry_rate_entry_id"),
        sa.CheckConstraint("rate > 0 AND rate_mid > 0", name="ck_entry_rate_positive"),
    )
    op.create_table(
        "period_lock",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("closed_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_period_lock"),
        sa.CheckConstraint("act IN ('close', 'reopen')", name="ck_period_lock_act"),
        sa.CheckConstraint("act = 'close' OR reason <> ''", name="ck_period_lock_reason"),
    )
    op.create_table(
        "balance_repair",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("old_amount", _MONEY, nullable=True),
        sa.Column("old_held", _MONEY, nullable=True),
        sa.Column("old_version", sa.BigInteger(), nullable=True),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("held", _MONEY, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_balance_repair"),
    )
    for table in ("entry_rate", "period_lock", "balance_repair"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION forbid_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
        )


def _open_new_accounts() -> None:
    """Open the new accounts of the house where the first ones stand, in the same currency."""
    op.execute(
        "INSERT INTO ledger_account (code, currency, owner_kind, owner_id)"
        " SELECT c.code, a.currency, 'house', 'house' FROM account_code c, ledger_account a"
        " WHERE a.code = 'equity.opening' AND c.owner_kind = 'house'"
        " ON CONFLICT DO NOTHING"
    )
