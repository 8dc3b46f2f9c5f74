"""Keep when the elder is told again that nobody has taken an alert; open alerts that nobody has are due at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("elder_due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_alert_elder_due", "alert", ["elder_due_at"])
    op.execute(
        "UPDATE alert SET elder_due_at = raised_at WHERE closed_at IS NULL AND level > 0"
        " AND state IN ('raised', 'notified') AND kind IN ('sos', 'fall', 'smoke', 'leak')"
    )


def downgrade() -> None:
    op.drop_index("ix_alert_elder_due", "alert")
    op.drop_column("alert", "elder_due_at")
