"""Have one index hold what the quarantine's limits ask for, so that they read no payload."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_quarantine_shares", "quarantine", ["home", "id", "kept", "dropped"])
    op.drop_index("ix_quarantine_home", "quarantine")


def downgrade() -> None:
    op.create_index("ix_quarantine_home", "quarantine", ["home"])
    op.drop_index("ix_quarantine_shares", "quarantine")
