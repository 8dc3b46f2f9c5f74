"""Let several offers of a visit stand side by side, each with its own fee and whether it reached the carer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("offer", sa.Column("fee_fen", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("offer", sa.Column("unreached_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE offer SET fee_fen = (SELECT fee_fen FROM visit_task WHERE visit_task.id = offer.visit_id)")
    with op.batch_alter_table("offer") as offer:
        offer.alter_column("fee_fen", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("offer") as offer:
        offer.drop_column("unreached_at")
        offer.drop_column("fee_fen")
