"""Count a quarantined message to its home alone, whatever community its topic names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_quarantine = sa.table("quarantine", sa.column("home"), sa.column("topic"), sa.column("id"))


def upgrade() -> None:
    connection = op.get_bind()
    named = sa.select(_quarantine.c.home).where(_quarantine.c.home.contains("/")).distinct()
    for home in connection.execute(named).scalars().all():
        _rename(home, home.rpartition("/")[2])


def downgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(_quarantine.c.topic, _quarantine.c.home).distinct()).all()
    for topic, home in rows:
        where = (_quarantine.c.topic == topic) & (_quarantine.c.home == home)
        connection.execute(_quarantine.update().where(where).values(home=topic.rpartition("/")[0]))


def _rename(old: str, new: str) -> None:
    op.get_bind().execute(_quarantine.update().where(_quarantine.c.home == old).values(home=new))
