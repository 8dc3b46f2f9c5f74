"""Rules of the routes of the simulator's panel; none is connected here."""

from __future__ import annotations

from fixtures.route_rules import TESTER, Rule

RULES: dict[str, Rule] = {
    "POST /api/v1/tester/actions": Rule(TESTER, (409,), json={"home": "{home}", "action": "press"}),
    "GET /api/v1/tester/events": Rule(TESTER),
    "GET /api/v1/tester/scenario": Rule(TESTER),
    "POST /api/v1/tester/deadlines": Rule(TESTER, json={"home": "{home}", "life": [], "ends": [1.0]}),
    "GET /tester": Rule(TESTER),
    "GET /tester/lines": Rule(TESTER),
    "POST /tester/actions": Rule(TESTER, (303,), form={"home": "{home}", "action": "press"}),
}
