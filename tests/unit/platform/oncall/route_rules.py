"""Rules of the routes of the rota and of handovers."""

from __future__ import annotations

from uuid import UUID

from fixtures.route_rules import NOT_FOUND, STAFF, SUPERVISOR, Rule
from fixtures.tenants import Tenant

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.oncall.models import Handover

NOTE = {"note": "一句话"}
SHIFT = {"community_id": "{community}", "account_id": "{worker}", "start": "{yesterday}", "end": "{tomorrow}"}

RULES: dict[str, Rule] = {
    "GET /api/v1/shifts/current": Rule(STAFF, query={"community_id": "{community}"}),
    "GET /api/v1/shifts/changes": Rule(STAFF, query={"community_id": "{community}"}),
    "POST /api/v1/shifts": Rule(SUPERVISOR, (201,), json=SHIFT),
    "DELETE /api/v1/shifts/{shift_id}": Rule(SUPERVISOR, (204,), (204, 404)),
    "POST /api/v1/handovers": Rule(STAFF, (201,), json={**NOTE, "community_id": "{community}"}),
    "POST /api/v1/handovers/{handover_id}/read": Rule(STAFF),
    "GET /shift": Rule(STAFF),
    "POST /shift": Rule(STAFF, (303,), NOT_FOUND, form=NOTE),
    "POST /shift/rota/{shift_id}/remove": Rule(SUPERVISOR, (303, 404), (303, 404), form={"why": "换班"}),
    "POST /shift/presence": Rule(STAFF, (204,), form={"audible": "true"}),
    "POST /shift/{handover_id}/read": Rule(STAFF, (303,)),
}


def add_rows(work: UnitOfWork, tenant: Tenant) -> dict[str, UUID]:
    handover = Handover(id=work.new_id(), community_id=tenant.community, at=work.clock.now(), by_name="王姐")
    handover.note = f"请多看看 {tenant.home}"
    work.session.add(handover)
    return {"handover_id": handover.id}
