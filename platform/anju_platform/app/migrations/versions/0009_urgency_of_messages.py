"""Give each message of the outbox its urgency, by which it is claimed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_HELP, _SOON, _ROUTINE = 0, 1, 2
_CALLS = ("sos", "fall", "smoke")
_CALM = ("inactivity_seen", "closed")


def upgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("urgency", sa.SmallInteger(), nullable=False, server_default=str(_SOON)))
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index("ix_outbox_due", ["state", "channel", "urgency", "due_at"])
    outbox = sa.table("outbox", sa.column("urgency"), sa.column("channel"), sa.column("body"), sa.column("alert_id"))
    alert = sa.table("alert", sa.column("id"), sa.column("kind"))
    calls, offline = (
        outbox.c.alert_id.in_(sa.select(alert.c.id).where(alert.c.kind.in_(kinds)))
        for kinds in (_CALLS, ("home_offline",))
    )
    home = outbox.c.channel == "home"
    for condition, urgency in (
        (sa.and_(~home, calls), _HELP),
        (sa.and_(~home, offline), _ROUTINE),
        (sa.and_(home, outbox.c.body.not_in(_CALM)), _HELP),
    ):
        op.execute(outbox.update().where(condition).values(urgency=urgency))
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.alter_column("urgency", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index("ix_outbox_due", ["state", "due_at"])
        batch_op.drop_column("urgency")
