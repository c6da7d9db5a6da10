"""The control schema: tenants, hosts, runs, servers, and the vendor's people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c0001"
down_revision = None
branch_labels = ("control",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _audit_entry()
    _cluster()
    _domain()
    _lease()
    _outbox()
    _provisioning_run()
    _provisioning_step()
    _server_tenant()
    _session()
    _tenant()
    _trading_server()
    _user_account()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_label", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("reason", sa.String(length=400), server_default=sa.text("''"), nullable=False),
        sa.Column("request_id", sa.String(length=40), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        schema="control",
    )


def _cluster() -> None:
    op.create_table(
        "cluster",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "kind", sa.String(length=20), server_default=sa.text("'postgres'"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
        sa.UniqueConstraint("name", name=op.f("uq_cluster_name")),
        schema="control",
    )


def _domain() -> None:
    op.create_table(
        "domain",
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("surface", sa.String(length=12), nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "surface IN ('public', 'trader', 'partner', 'staff')", name=op.f("ck_domain_surface")
        ),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_domain")),
        schema="control",
    )
    op.create_index(
        op.f("ix_domain_tenant_id"), "domain", ["tenant_id"], unique=False, schema="control"
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
        schema="control",
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.String(length=120), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        schema="control",
    )


def _provisioning_run() -> None:
    op.create_table(
        "provisioning_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state", sa.String(length=12), server_default=sa.text("'running'"), nullable=False
        ),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_run")),
        schema="control",
    )
    op.create_index(
        op.f("ix_provisioning_run_tenant_id"),
        "provisioning_run",
        ["tenant_id"],
        unique=False,
        schema="control",
    )


def _provisioning_step() -> None:
    op.create_table(
        "provisioning_step",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "state", sa.String(length=12), server_default=sa.text("'waiting'"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("milliseconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("detail", sa.String(length=300), server_default=sa.text("''"), nullable=False),
        sa.Column("error", sa.String(length=300), server_default=sa.text("''"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_provisioning_step")),
        schema="control",
    )


def _server_tenant() -> None:
    op.create_table(
        "server_tenant",
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("group_mask", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "tenant_id", name=op.f("pk_server_tenant")),
        schema="control",
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("surface", sa.String(length=10), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_session")),
        schema="control",
    )
    op.create_index(
        op.f("ix_session_user_id"), "session", ["user_id"], unique=False, schema="control"
    )


def _tenant() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("slug", sa.String(length=31), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("schema_name", sa.String(length=42), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state", sa.String(length=20), server_default=sa.text("'provisioning'"), nullable=False
        ),
        sa.Column(
            "base_currency", sa.String(length=8), server_default=sa.text("'USD'"), nullable=False
        ),
        sa.Column(
            "timezone", sa.String(length=40), server_default=sa.text("'UTC'"), nullable=False
        ),
        sa.Column("language", sa.String(length=8), server_default=sa.text("'en'"), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "schema_head", sa.String(length=12), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("brand", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,30}$'", name=op.f("ck_tenant_slug")),
        sa.CheckConstraint(
            "state IN ('provisioning', 'trial', 'active', 'past_due', 'suspended', 'archived')",
            name=op.f("ck_tenant_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("schema_name", name=op.f("uq_tenant_schema_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_slug")),
        schema="control",
    )


def _trading_server() -> None:
    op.create_table(
        "trading_server",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("manager_login", sa.String(length=40), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "fingerprint", sa.String(length=80), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "state", sa.String(length=12), server_default=sa.text("'active'"), nullable=False
        ),
        sa.Column(
            "lease_holder", sa.String(length=80), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trading_server")),
        sa.UniqueConstraint("name", name=op.f("uq_trading_server_name")),
        schema="control",
    )


def _user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state", sa.String(length=10), server_default=sa.text("'active'"), nullable=False
        ),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        schema="control",
    )
    op.create_index(
        "uq_user_account_kind_email",
        "user_account",
        ["kind", sa.literal_column("lower(email)")],
        unique=True,
        schema="control",
    )
