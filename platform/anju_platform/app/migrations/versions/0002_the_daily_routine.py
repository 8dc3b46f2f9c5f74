"""The daily routine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("community") as table:
        table.add_column(sa.Column("routine_changes_per_month", sa.Double(), nullable=False, server_default="0.1"))
    with op.batch_alter_table("community") as table:
        table.alter_column("routine_changes_per_month", existing_type=sa.Double(), server_default=None)
    op.create_table(
        "routine_day",
        sa.Column("home_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("sleep_h", sa.Double(), nullable=True),
        sa.Column("wake_h", sa.Double(), nullable=True),
        sa.Column("night_bathroom", sa.Double(), nullable=True),
        sa.Column("night_active_min", sa.Double(), nullable=True),
        sa.Column("out_h", sa.Double(), nullable=True),
        sa.Column("rooms", sa.JSON(), nullable=False),
        sa.Column("active_h", sa.Double(), nullable=True),
        sa.Column("day_rest_h", sa.Double(), nullable=True),
        sa.Column("words_zh", sa.Text(), nullable=False),
        sa.Column("words_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_routine_day_home_id_home")),
        sa.PrimaryKeyConstraint("home_id", "day", name=op.f("pk_routine_day")),
    )
    op.create_table(
        "routine_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("measure", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("recent", sa.Double(), nullable=False),
        sa.Column("usual", sa.Double(), nullable=False),
        sa.Column("p", sa.Double(), nullable=False),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_by", sa.Uuid(), nullable=True),
        sa.Column("read_by_name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_routine_note_home_id_home")),
        sa.ForeignKeyConstraint(["read_by"], ["account.id"], name=op.f("fk_routine_note_read_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routine_note")),
        sa.UniqueConstraint("home_id", "day", "measure", name=op.f("uq_routine_note_home_id_day_measure")),
    )
    op.create_index("ix_routine_note_unread", "routine_note", ["read_at"])


def downgrade() -> None:
    op.drop_index("ix_routine_note_unread", table_name="routine_note")
    op.drop_table("routine_note")
    op.drop_table("routine_day")
    with op.batch_alter_table("community") as table:
        table.drop_column("routine_changes_per_month")
