"""Keep which keys a gateway refuses, and which devices say that their battery is nearly empty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gateway", sa.Column("refused", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("gateway", sa.Column("refused_keys", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("device", sa.Column("battery_low", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("device", "battery_low")
    op.drop_column("gateway", "refused_keys")
    op.drop_column("gateway", "refused")
