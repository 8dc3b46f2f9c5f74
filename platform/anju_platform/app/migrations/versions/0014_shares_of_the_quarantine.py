"""Say of each message in quarantine whose it is and how much it takes, so that a home can be held to its share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("quarantine") as batch_op:
        batch_op.add_column(sa.Column("home", sa.String(length=255), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("kept", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("dropped", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE quarantine SET kept = length(payload)")
    with op.batch_alter_table("quarantine") as batch_op:
        for column in ("home", "kept", "dropped"):
            batch_op.alter_column(column, server_default=None)
        batch_op.create_index(op.f("ix_quarantine_home"), ["home"])


def downgrade() -> None:
    with op.batch_alter_table("quarantine") as batch_op:
        batch_op.drop_index(op.f("ix_quarantine_home"))
        for column in ("dropped", "kept", "home"):
            batch_op.drop_column(column)
