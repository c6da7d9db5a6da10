"""Second factors of the vendor's people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c0002"
down_revision = "c0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and widen those of people and sessions."""
    _authenticator()
    _passkey()
    _passkey_challenge()
    _recovery_code()
    _person()
    _session()


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""


def _authenticator() -> None:
    op.create_table(
        "authenticator",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authenticator")),
        schema="control",
    )
    op.create_index(
        op.f("ix_authenticator_user_id"),
        "authenticator",
        ["user_id"],
        unique=False,
        schema="control",
    )
    op.create_index(
        "uq_authenticator_pending",
        "authenticator",
        ["user_id"],
        unique=True,
        schema="control",
        postgresql_where=sa.text("confirmed_at IS NULL"),
    )


def _passkey() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        schema="control",
    )
    op.create_index(
        op.f("ix_passkey_user_id"), "passkey", ["user_id"], unique=False, schema="control"
    )


def _passkey_challenge() -> None:
    op.create_table(
        "passkey_challenge",
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("bound_to", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_passkey_challenge")),
        schema="control",
    )


def _recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_code")),
        schema="control",
    )


def _person() -> None:
    failures = sa.Column(
        "factor_failures", sa.Integer(), server_default=sa.text("0"), nullable=False
    )
    blocked = sa.Column("factor_blocked_until", sa.DateTime(timezone=True), nullable=True)
    op.add_column("user_account", failures, schema="control")
    op.add_column("user_account", blocked, schema="control")


def _session() -> None:
    for column in (
        sa.Column("stage", sa.String(length=8), server_default=sa.text("'full'"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(length=60), server_default=sa.text("''"), nullable=False),
        sa.Column("address", sa.String(length=45), server_default=sa.text("''"), nullable=False),
    ):
        op.add_column("session", column, schema="control")
    op.create_check_constraint(
        op.f("ck_session_stage"),
        "session",
        "stage IN ('full', 'second', 'enrol')",
        schema="control",
    )
