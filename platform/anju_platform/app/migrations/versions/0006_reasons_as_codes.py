"""Reasons as a code with facts; what was written before stays as it was written.

Downgrading keeps written sentences and puts the code where a sentence was never made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("alert", "home_supervision", "routine_note")


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    make_object = sa.func.json_object if sqlite else sa.func.json_build_object
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("reason_code", sa.String(length=40), nullable=False, server_default=""))
            table.add_column(sa.Column("reason_facts", sa.JSON(), nullable=False, server_default="{}"))
        rows = _table(name)
        written = make_object("zh", rows.c.reason_zh, "en", rows.c.reason_en)
        op.execute(rows.update().where(rows.c.reason_zh != "").values(reason_code="written", reason_facts=written))
        with op.batch_alter_table(name) as table:
            table.alter_column("reason_code", existing_type=sa.String(length=40), server_default=None)
            table.alter_column("reason_facts", existing_type=sa.JSON(), server_default=None)
            table.drop_column("reason_zh")
            table.drop_column("reason_en")
    with op.batch_alter_table("routine_day") as table:
        table.drop_column("words_zh")
        table.drop_column("words_en")


def downgrade() -> None:
    with op.batch_alter_table("routine_day") as table:
        table.add_column(sa.Column("words_zh", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("words_en", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("routine_day") as table:
        table.alter_column("words_zh", existing_type=sa.Text(), server_default=None)
        table.alter_column("words_en", existing_type=sa.Text(), server_default=None)
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("reason_zh", sa.Text(), nullable=False, server_default=""))
            table.add_column(sa.Column("reason_en", sa.Text(), nullable=False, server_default=""))
        rows = _table(name)
        op.execute(
            rows.update().values(
                reason_zh=sa.func.coalesce(rows.c.reason_facts["zh"].as_string(), rows.c.reason_code),
                reason_en=sa.func.coalesce(rows.c.reason_facts["en"].as_string(), rows.c.reason_code),
            )
        )
        with op.batch_alter_table(name) as table:
            table.alter_column("reason_zh", existing_type=sa.Text(), server_default=None)
            table.alter_column("reason_en", existing_type=sa.Text(), server_default=None)
            table.drop_column("reason_code")
            table.drop_column("reason_facts")


def _table(name: str) -> sa.TableClause:
    columns = (sa.column(text, sa.Text()) for text in ("reason_zh", "reason_en", "reason_code"))
    return sa.table(name, *columns, sa.column("reason_facts", sa.JSON()))
