"""Find what is under way to an address without reading the whole outbox."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_address", "outbox", ["address", "channel", "state", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_outbox_address", table_name="outbox")
