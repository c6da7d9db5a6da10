"""Templates for SMS, documents and sections of the public site; messages that are SMS."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('subject', 'html', 'text', 'sms', 'pdf_block', 'landing')"


def upgrade() -> None:
    """Allow more kinds and channels."""
    op.drop_constraint("ck_message_channel", "message", type_="check")
    op.create_check_constraint(op.f("ck_message_channel"), "message", "channel IN ('mail', 'sms')")
    op.add_column(
        "message",
        sa.Column("reference", sa.String(length=80), server_default=sa.text("''"), nullable=False),
    )
    op.drop_constraint("ck_tenant_template_kind", "tenant_template", type_="check")
    op.alter_column("tenant_template", "kind", type_=sa.String(length=12))
    op.create_check_constraint(op.f("ck_tenant_template_kind"), "tenant_template", _KINDS)
    op.add_column("tenant_template", sa.Column("rendered", sa.Text(), nullable=True))


def downgrade() -> None:
    """Versions only go forward: a correction is a new revision."""
