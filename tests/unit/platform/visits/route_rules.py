"""Rules of the routes of visits, over the API and on the pages of carers and providers."""

from __future__ import annotations

from fixtures.route_rules import CARER, CONCERNED, DONE, NOT_FOUND, PROVIDER, SEEN_OTHER, STAFF, Rule

from anju_core.vocabulary import Role

TASK = {"task": "look", "done": True}
REPORT = {"condition": "fine", "summary": "好", "elder": "confirmed"}
ASSIGNMENT = {"carer_id": "{carer}", "reason": "nearer"}
VISIT = "/api/v1/visits/{visit_id}"
CARER_VISIT = "/carer/visits/{visit_id}"
AT_THE_DOOR = Rule(STAFF | {Role.CARER}, (200, 403, 409, 422))
CODE = {"code": "1"}

RULES: dict[str, Rule] = {
    "GET /api/v1/visits": Rule(CONCERNED),
    "GET /api/v1/visits/stream": Rule(CARER | PROVIDER),
    f"GET {VISIT}": Rule(CONCERNED),
    f"POST {VISIT}/accept": Rule(CARER, DONE, NOT_FOUND),
    f"POST {VISIT}/decline": Rule(CARER, DONE, NOT_FOUND, json={"reason": "busy"}),
    f"POST {VISIT}/assign": Rule(PROVIDER, DONE, NOT_FOUND, json=ASSIGNMENT),
    f"POST {VISIT}/check-in": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json=CODE),
    f"POST {VISIT}/code": Rule(AT_THE_DOOR.roles, (204, 403, 404, 409)),
    f"POST {VISIT}/tasks": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json=TASK),
    f"POST {VISIT}/help": Rule(AT_THE_DOOR.roles, (200, 403), json={"task": ""}),
    f"POST {VISIT}/check-out": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json={"report": REPORT}),
    f"POST {VISIT}/confirm": Rule(STAFF, DONE),
    f"POST {VISIT}/cancel": Rule(STAFF, DONE),
    "GET /carer": Rule(CARER),
    "GET /carer/manifest.json": Rule(CARER),
    "GET /carer/notices": Rule(CARER),
    f"GET {CARER_VISIT}": Rule(CARER),
    f"POST {CARER_VISIT}/accept": Rule(CARER, SEEN_OTHER, NOT_FOUND, form={"eta": "10"}),
    f"POST {CARER_VISIT}/decline": Rule(CARER, SEEN_OTHER, NOT_FOUND, form={"reason": "busy"}),
    f"POST {CARER_VISIT}/check-in": Rule(CARER, (303, 403, 409, 422), form=CODE),
    f"POST {CARER_VISIT}/code": Rule(CARER, (303, 403, 404, 409)),
    f"POST {CARER_VISIT}/tasks": Rule(CARER, (303, 403, 404, 409, 422), form=TASK),
    f"POST {CARER_VISIT}/help": Rule(CARER, (303, 403), form={"task": "conscious"}),
    f"POST {CARER_VISIT}/check-out": Rule(CARER, (303, 403, 409), form=REPORT),
    "GET /provider": Rule(PROVIDER),
    "POST /provider/visits/{visit_id}/assign": Rule(PROVIDER, SEEN_OTHER, NOT_FOUND, form=ASSIGNMENT),
}
