"""Alerts are acknowledged (before: taken) and en route (on the way), visits overdue, arrivals attested (vouched)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = {
    "taken_by": "acknowledged_by",
    "taken_by_name": "acknowledged_by_name",
    "taken_at": "acknowledged_at",
    "ladder_at": "escalation_started_at",
}
ALERT_STEPS = {
    "taken": "acknowledged",
    "released": "unacknowledged",
    "contacted": "contact_attempted",
    "on_the_way": "en_route",
}
ALERT_STATES = {"on_the_way": "en_route"}
VISIT_STEPS = {"overstayed": "overdue"}
PROOFS = {"vouched": "attested"}

_EVENTS = {
    name: sa.table(name, sa.column("id", sa.Uuid()), sa.column("step", sa.String()), sa.column("detail", sa.JSON()))
    for name in ("alert_event", "visit_event")
}
_VISIT = sa.table("visit_task", sa.column("id", sa.Uuid()), sa.column("check_in_proof", sa.JSON()))


def upgrade() -> None:
    for old, new in COLUMNS.items():
        _rename_column(old, new)
    _rename_states(ALERT_STATES)
    _rename_values(ALERT_STEPS, VISIT_STEPS, PROOFS)


def downgrade() -> None:
    _rename_values(_reverse(ALERT_STEPS), _reverse(VISIT_STEPS), _reverse(PROOFS))
    _rename_states(_reverse(ALERT_STATES))
    for old, new in COLUMNS.items():
        _rename_column(new, old)


def _rename_column(old: str, new: str) -> None:
    # Both databases rename in place; Alembic's batch would copy the whole table on SQLite.
    op.execute(f"ALTER TABLE alert RENAME COLUMN {old} TO {new}")


def _reverse(names: Mapping[str, str]) -> Mapping[str, str]:
    return {new: old for old, new in names.items()}


def _rename_states(names: Mapping[str, str]) -> None:
    alert = sa.table("alert", sa.column("state", sa.String()))
    for old, new in names.items():
        op.execute(alert.update().where(alert.c.state == old).values(state=new))


def _rename_values(alert_steps: Mapping[str, str], visit_steps: Mapping[str, str], proofs: Mapping[str, str]) -> None:
    _rename_steps("alert_event", alert_steps)
    _rename_steps("visit_event", visit_steps)
    _rename_in_json(_EVENTS["alert_event"], "detail", "why", alert_steps, _EVENTS["alert_event"].c.step == "escalated")
    _rename_in_json(_EVENTS["visit_event"], "detail", "by", proofs, _EVENTS["visit_event"].c.step == "checked_in")
    _rename_in_json(_VISIT, "check_in_proof", "by", proofs, sa.true())


def _rename_steps(table: str, names: Mapping[str, str]) -> None:
    steps = _EVENTS[table]
    for old, new in names.items():
        op.execute(steps.update().where(steps.c.step == old).values(step=new))


def _rename_in_json(
    table: sa.TableClause, column: str, key: str, names: Mapping[str, str], where: sa.ColumnElement[bool]
) -> None:
    connection = op.get_bind()
    for row_id, value in connection.execute(sa.select(table.c.id, table.c[column]).where(where)).all():
        if isinstance(value, dict) and value.get(key) in names:
            changed = {**value, key: names[str(value[key])]}
            connection.execute(table.update().where(table.c.id == row_id).values({column: changed}))
