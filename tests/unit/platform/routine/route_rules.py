"""Rules of the routes of the daily routine."""

from __future__ import annotations

from uuid import UUID

from fixtures.route_rules import STAFF, Rule
from fixtures.tenants import Tenant

from anju_core.reasons import ReasonCode
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.routine.models import RoutineNote

RULES: dict[str, Rule] = {
    "GET /api/v1/homes/{home_id}/routine": Rule(STAFF),
    "GET /api/v1/routine/notes": Rule(STAFF),
    "POST /api/v1/routine/notes/{note_id}/read": Rule(STAFF),
    "POST /routine/notes/{note_id}/read": Rule(STAFF, (303,)),
}


def add_rows(work: UnitOfWork, tenant: Tenant) -> dict[str, UUID]:
    now = work.clock.now()
    note = RoutineNote(
        id=work.new_id(),
        home_id=tenant.home,
        day=now.date(),
        measure="sleep_h",
        kind="shift",
        recent=6.0,
        usual=8.0,
        p=0.01,
        reason_code=ReasonCode.NO_LIFE_YET.value,
        reason_facts={},
        at=now,
    )
    work.session.add(note)
    return {"note_id": note.id}
