"""Tables of the mirror of trading servers, and the function that adds a month to the deals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.schemas.grants import revoke_writes, script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The tenant's role may not create tables; the function's owner may. It finds its own schema,
# because a schema is renamed when it is claimed from the pool, and trusts no search path.
_PARTITION = """
CREATE FUNCTION deal_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    routine oid;
    home text;
    first date := make_date(extract(year FROM month)::int, extract(month FROM month)::int, 1);
    following date := (first + interval '1 month')::date;
    child text := 'deal_' || to_char(first, 'YYYY_MM');
BEGIN
    IF first < date '2000-01-01' OR first > date '2100-01-01' THEN
        RAISE EXCEPTION 'no deals are kept for this month' USING ERRCODE = '22008';
    END IF;
    GET DIAGNOSTICS routine = PG_ROUTINE_OID;
    SELECT n.nspname INTO STRICT home
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = routine;
    IF to_regclass(format('%I.%I', home, child)) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I.%I PARTITION OF %I.deal FOR VALUES FROM (%L) TO (%L)',
            home, child, home, first::text || ' 00:00:00+00', following::text || ' 00:00:00+00'
        );
    END IF;
END $$
"""


def upgrade() -> None:
    """Create the room's tables."""
    _account_type()
    _platform_group()
    _platform_symbol()
    _trading_account()
    _platform_operation()
    _operation_step()
    _deal()
    _deal_version()
    _deal_rejection()
    _open_position()
    _sync_watermark()
    op.execute(_PARTITION)
    script(revoke_writes("operation_step"))
    script(revoke_writes("deal_version"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _account_type() -> None:
    op.create_table(
        "account_type",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("leverage_max", sa.Integer(), nullable=False),
        sa.Column("minimum_deposit", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("markup_note", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_type")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_account_type_code_version")),
    )
    op.create_index(
        "uq_account_type_active",
        "account_type",
        ["code"],
        unique=True,
        postgresql_where=sa.text("active"),
    )


def _platform_group() -> None:
    op.create_table(
        "platform_group",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.Column("margin_call", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("margin_stop_out", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("spread_diffs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("spread_rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("commissions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("server_id", "name", name=op.f("pk_platform_group")),
    )


def _platform_symbol() -> None:
    op.create_table(
        "platform_symbol",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("path", sa.String(length=160), nullable=False),
        sa.Column("description", sa.String(length=120), nullable=False),
        sa.Column("currency_base", sa.String(length=12), nullable=False),
        sa.Column("currency_profit", sa.String(length=12), nullable=False),
        sa.Column("currency_margin", sa.String(length=12), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("point", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("spread", sa.Integer(), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_value", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots_min", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots_max", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots_step", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("swap_long", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("swap_short", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("server_id", "name", name=op.f("pk_platform_symbol")),
    )


def _trading_account() -> None:
    op.create_table(
        "trading_account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.BigInteger(), nullable=True),
        sa.Column("account_type_id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("open_token", sa.String(length=20), nullable=False),
        sa.Column("nickname", sa.String(length=40), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "balance",
            sa.Numeric(precision=28, scale=8),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "equity", sa.Numeric(precision=28, scale=8), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "credit", sa.Numeric(precision=28, scale=8), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "margin", sa.Numeric(precision=28, scale=8), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "margin_free",
            sa.Numeric(precision=28, scale=8),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "floating",
            sa.Numeric(precision=28, scale=8),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("passwords_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'open' OR login IS NOT NULL", name=op.f("ck_trading_account_login")
        ),
        sa.CheckConstraint(
            "state IN ('opening', 'open', 'unknown', 'failed', 'closed')",
            name=op.f("ck_trading_account_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trading_account")),
        sa.UniqueConstraint("open_token", name=op.f("uq_trading_account_open_token")),
        sa.UniqueConstraint("reference", name=op.f("uq_trading_account_reference")),
        sa.UniqueConstraint("server_id", "login", name=op.f("uq_trading_account_server_id_login")),
    )
    op.create_index(
        op.f("ix_trading_account_client_id"), "trading_account", ["client_id"], unique=False
    )


def _platform_operation() -> None:
    op.create_table(
        "platform_operation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=28, scale=8), nullable=True),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("token", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), server_default=sa.text("'ready'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("searches", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("external_ticket", sa.BigInteger(), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("error", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind = 'open_account' OR amount > 0", name=op.f("ck_platform_operation_amount")
        ),
        sa.CheckConstraint(
            "kind = 'open_account' OR login IS NOT NULL", name=op.f("ck_platform_operation_login")
        ),
        sa.CheckConstraint(
            "kind IN ('deposit', 'withdrawal', 'credit', 'open_account')",
            name=op.f("ck_platform_operation_kind"),
        ),
        sa.CheckConstraint(
            "state <> 'done' OR external_ticket IS NOT NULL",
            name=op.f("ck_platform_operation_ticket"),
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'sending', 'unknown', 'done', 'frozen', 'failed')",
            name=op.f("ck_platform_operation_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_operation")),
        sa.UniqueConstraint("token", name=op.f("uq_platform_operation_token")),
    )
    op.create_index(
        op.f("ix_platform_operation_account_id"), "platform_operation", ["account_id"], unique=False
    )
    op.create_index(
        "ix_platform_operation_pending",
        "platform_operation",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('ready', 'sending', 'unknown')"),
    )
    op.create_index(
        "uq_platform_operation_in_flight",
        "platform_operation",
        ["server_id", "login"],
        unique=True,
        postgresql_where=sa.text("state IN ('sending', 'unknown')"),
    )


def _operation_step() -> None:
    op.create_table(
        "operation_step",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fact", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_step")),
    )
    op.create_index(
        "ix_operation_step_operation_id", "operation_step", ["operation_id", "id"], unique=False
    )


def _deal() -> None:
    op.create_table(
        "deal",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "synced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("login", sa.BigInteger(), nullable=False),
        sa.Column("dealer", sa.BigInteger(), nullable=False),
        sa.Column("order_ticket", sa.BigInteger(), nullable=False),
        sa.Column("position_ticket", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.SmallInteger(), nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("digits_currency", sa.SmallInteger(), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots_closed", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_position", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_stop_loss", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_take_profit", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("profit", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("profit_raw", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("storage", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("fee", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("rate_profit", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("rate_margin", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_value", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_bid", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_ask", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_last", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.String(length=80), nullable=False),
        sa.Column("expert_id", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("flags", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("modify_flags", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("time_raw_milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("server_offset_seconds", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "profit + profit_raw + storage + commission + fee + price + lots + lots_closed"
            " + contract_size + rate_profit + rate_margin + market_bid + market_ask <> 'NaN'",
            name=op.f("ck_deal_numbers"),
        ),
        sa.PrimaryKeyConstraint("server_id", "ticket", "time_utc", name=op.f("pk_deal")),
        postgresql_partition_by="RANGE (time_utc)",
    )
    op.create_index("ix_deal_login_time", "deal", ["server_id", "login", "time_utc"], unique=False)


def _deal_version() -> None:
    op.create_table(
        "deal_version",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "replaced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("login", sa.BigInteger(), nullable=False),
        sa.Column("dealer", sa.BigInteger(), nullable=False),
        sa.Column("order_ticket", sa.BigInteger(), nullable=False),
        sa.Column("position_ticket", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.SmallInteger(), nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("digits_currency", sa.SmallInteger(), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lots_closed", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_position", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_stop_loss", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_take_profit", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("profit", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("profit_raw", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("storage", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("fee", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("rate_profit", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("rate_margin", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_value", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_bid", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_ask", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("market_last", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.String(length=80), nullable=False),
        sa.Column("expert_id", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("flags", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("modify_flags", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("time_raw_milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("server_offset_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "ticket", "version", name=op.f("pk_deal_version")),
    )


def _deal_rejection() -> None:
    op.create_table(
        "deal_rejection",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=2000), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("server_id", "digest", name=op.f("pk_deal_rejection")),
    )


def _open_position() -> None:
    op.create_table(
        "open_position",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("side", sa.String(length=4), nullable=False),
        sa.Column("lots", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_open", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_current", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_stop_loss", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price_take_profit", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("profit", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("storage", sa.Numeric(precision=28, scale=8), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "synced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("server_id", "ticket", name=op.f("pk_open_position")),
    )
    op.create_index("ix_open_position_login", "open_position", ["server_id", "login"], unique=False)


def _sync_watermark() -> None:
    op.create_table(
        "sync_watermark",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("scanned_raw", sa.BigInteger(), nullable=False),
        sa.Column("scanned_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_max", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("deals_total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_deal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "lag_seconds",
            sa.Numeric(precision=12, scale=3),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("states_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("server_id", name=op.f("pk_sync_watermark")),
    )
