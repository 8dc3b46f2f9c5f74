"""Rules of the routes of homes and who lives there."""

from __future__ import annotations

from fixtures.route_rules import DONE, STAFF, Rule

from anju_core.vocabulary import Role

UNTIL = {"until": "{tomorrow}"}

RULES: dict[str, Rule] = {
    "GET /api/v1/residents": Rule(STAFF | {Role.TESTER}),
    "GET /residents": Rule(STAFF),
    "GET /api/v1/homes/{home_id}": Rule(STAFF | {Role.TESTER}),
    "GET /homes/{home_id}": Rule(STAFF),
    "GET /api/v1/homes/{home_id}/activity": Rule(STAFF | {Role.TESTER}),
    "GET /api/v1/homes/{home_id}/door-code": Rule(STAFF, query={"why": "nobody answers"}),
    "POST /api/v1/homes/{home_id}/absences": Rule(STAFF | {Role.FAMILY}, (201,), json=UNTIL),
    "POST /api/v1/absences/{absence_id}/end": Rule(STAFF | {Role.FAMILY}, DONE),
}
