"""How many leads there are of each stage, country and owner, kept as they change.

A list that counts its leads at each look is slow where they are many. Every statement that
writes leads adds what it changed as rows of its own, so that two writers never wait for each
other; the sum is exact in every snapshot, and a job adds the rows up now and then.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_FUNCTIONS = Path(__file__).parent.parent / "functions" / "0024_lead_tally.sql"
_TRIGGERS = (
    (
        "CREATE TRIGGER lead_tally_new AFTER INSERT ON lead"
        " REFERENCING NEW TABLE AS after_it"
        " FOR EACH STATEMENT EXECUTE FUNCTION tally_new_leads()"
    ),
    (
        "CREATE TRIGGER lead_tally_changed AFTER UPDATE ON lead"
        " REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it"
        " FOR EACH STATEMENT EXECUTE FUNCTION tally_changed_leads()"
    ),
    (
        "CREATE TRIGGER lead_tally_gone AFTER DELETE ON lead"
        " REFERENCING OLD TABLE AS before_it"
        " FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_leads()"
    ),
)


def upgrade() -> None:
    """Create the tally, count what is there, and keep it from now on."""
    op.create_table(
        "lead_tally",
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    for statement in _FUNCTIONS.read_text().split("$$;\n")[:-1]:
        op.execute(f"{statement}$$")
    for trigger in _TRIGGERS:
        op.execute(trigger)
    op.execute(
        "INSERT INTO lead_tally (stage, country, owner_id, number)"
        " SELECT stage, country, owner_id, count(*) FROM lead GROUP BY 1, 2, 3"
    )


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
