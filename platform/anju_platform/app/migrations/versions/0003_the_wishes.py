"""Who changed what a community wishes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wish_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.String(length=63), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=100), nullable=False),
        sa.Column("false_alerts_before", sa.Double(), nullable=False),
        sa.Column("false_alerts", sa.Double(), nullable=False),
        sa.Column("routine_changes_before", sa.Double(), nullable=False),
        sa.Column("routine_changes", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_wish_change_account_id_account")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_wish_change_community_id_community")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wish_change")),
    )
    op.create_index("ix_wish_change_community_at", "wish_change", ["community_id", "at"])


def downgrade() -> None:
    op.drop_index("ix_wish_change_community_at", table_name="wish_change")
    op.drop_table("wish_change")
