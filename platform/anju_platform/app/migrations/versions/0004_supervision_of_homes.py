"""Homes are offline, no longer blind: the table of their supervision, the kind of their alerts, and what looks name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create("home_supervision", "offline_since")
    op.execute(
        "INSERT INTO home_supervision (home_id, offline_since, reason_zh, reason_en) "
        "SELECT home_id, blind_since, reason_zh, reason_en FROM sight"
    )
    op.drop_table("sight")
    op.execute("UPDATE alert SET kind = 'home_offline' WHERE kind = 'blind'")
    op.execute("UPDATE escalation_policy SET kind = 'home_offline' WHERE kind = 'blind'")
    op.execute("UPDATE look SET what = 'offline_homes' WHERE what = 'blind'")


def downgrade() -> None:
    op.execute("UPDATE escalation_policy SET kind = 'blind' WHERE kind = 'home_offline'")
    op.execute("UPDATE look SET what = 'blind' WHERE what = 'offline_homes'")
    op.execute("UPDATE alert SET kind = 'blind' WHERE kind = 'home_offline'")
    _create("sight", "blind_since")
    op.execute(
        "INSERT INTO sight (home_id, blind_since, reason_zh, reason_en) "
        "SELECT home_id, offline_since, reason_zh, reason_en FROM home_supervision"
    )
    op.drop_table("home_supervision")


def _create(table: str, since: str) -> None:
    op.create_table(
        table,
        sa.Column("home_id", sa.String(length=63), nullable=False),
        sa.Column(since, sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f(f"fk_{table}_home_id_home")),
        sa.PrimaryKeyConstraint("home_id", name=op.f(f"pk_{table}")),
    )
