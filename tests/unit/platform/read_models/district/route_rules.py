"""Rules of the routes of the district's figures, of the wall screen and of the reports behind the figures."""

from __future__ import annotations

from fixtures.route_rules import OVERSEERS, STAFF, Rule

from anju_core.vocabulary import Role

PERIOD = {"from": "{yesterday}", "until": "{tomorrow}"}

RULES: dict[str, Rule] = {
    "GET /api/v1/district/kpis": Rule(OVERSEERS, query=PERIOD),
    "GET /district": Rule(OVERSEERS),
    "GET /district/export": Rule(OVERSEERS),
    "GET /district/cases": Rule(OVERSEERS, query={"kpi": "false_alerts"}),
    "GET /wall": Rule(STAFF | {Role.DISTRICT}),
    "GET /wall/now": Rule(STAFF | {Role.DISTRICT}),
    "GET /reports/alerts/{alert_id}": Rule(STAFF | {Role.DISTRICT}),
    "GET /reports/visits/{visit_id}": Rule(STAFF | {Role.DISTRICT}),
}
