"""Requests that other eyes decide: what is asked, who may not decide, and the decisions.

Triggers keep four eyes, so that no code above can go around them: the maker is never the checker,
by person and not by login; one decision a person; each step asks for its permission; what was
asked is never edited; decisions are appended, and a state follows from them.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.schemas.grants import revoke_writes, script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_UUID7 = sa.text("uuidv7()")
_NOW = sa.text("now()")
# The one kind of array whose codec the driver has without asking the catalogue.
_WORDS = postgresql.ARRAY(sa.Text())
_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0026_approvals.sql"
_TRIGGERS = (
    (
        "approval_opened BEFORE INSERT ON approval FOR EACH ROW"
        " EXECUTE FUNCTION check_approval_opened()"
    ),
    (
        "approval_changed BEFORE UPDATE ON approval FOR EACH ROW"
        " EXECUTE FUNCTION check_approval_changed()"
    ),
    "approval_kept BEFORE DELETE ON approval FOR EACH ROW EXECUTE FUNCTION forbid_change()",
    (
        "approval_whole BEFORE TRUNCATE ON approval FOR EACH STATEMENT"
        " EXECUTE FUNCTION forbid_change()"
    ),
    (
        "approval_decided BEFORE INSERT ON approval_decision FOR EACH ROW"
        " EXECUTE FUNCTION check_approval_decision()"
    ),
    (
        "approval_followed AFTER INSERT ON approval_decision FOR EACH ROW"
        " EXECUTE FUNCTION follow_approval_decision()"
    ),
)


def upgrade() -> None:
    """Create both tables and what keeps them."""
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject_kind", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("summary", sa.String(200), nullable=False),
        sa.Column("permissions", _WORDS, nullable=False),
        sa.Column("step", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("barred", _WORDS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("barred_persons", _WORDS, nullable=False),
        sa.Column("maker_kind", sa.String(10), nullable=False),
        sa.Column("maker_id", sa.Uuid(), nullable=True),
        sa.Column("maker_person", sa.String(64), nullable=True),
        sa.Column("maker_label", sa.String(120), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'open'"), nullable=False),
        sa.Column("reason", sa.String(400), server_default=sa.text("''"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
        sa.CheckConstraint(
            "state IN ('open', 'granted', 'rejected', 'voided')", name="ck_approval_state"
        ),
        sa.CheckConstraint("cardinality(permissions) BETWEEN 1 AND 9", name="ck_approval_chain"),
    )
    op.create_index(
        "uq_approval_open",
        "approval",
        ["kind", "subject_kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_approval_subject", "approval", ["subject_id", "kind", "subject_kind", "number"]
    )
    op.create_index("ix_approval_state", "approval", ["state", "id"])
    op.create_index("ix_approval_maker_id", "approval", ["maker_id", "id"])
    op.create_table(
        "approval_decision",
        sa.Column("id", sa.Uuid(), server_default=_UUID7, nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(400), server_default=sa.text("''"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_decision"),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name="fk_approval_decision_approval_id"
        ),
        sa.UniqueConstraint("approval_id", "step", name="uq_approval_decision_step"),
        sa.UniqueConstraint("approval_id", "person", name="uq_approval_decision_person"),
        sa.CheckConstraint("approve OR reason <> ''", name="ck_approval_decision_reason"),
    )
    for statement in _FUNCTIONS.read_text().split("$$;\n")[:-1]:
        op.execute(f"{statement}$$")
    for trigger in _TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    script(revoke_writes("approval_decision"))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
