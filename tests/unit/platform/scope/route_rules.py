"""Rules of the routes of the application itself: nobody's data."""

from __future__ import annotations

from fixtures.route_rules import EVERYBODY, OPEN, Rule

RULES: dict[str, Rule] = {
    "GET /api/v1/openapi.json": Rule(OPEN),
    "GET /api/v1/health": Rule(OPEN, (200, 503)),
    "GET /api/v1/metrics": Rule(OPEN, (404,)),
    "GET /metrics": Rule(OPEN, (404,)),
    "GET /carer/sw.js": Rule(OPEN),
    "MOUNT /static": Rule(OPEN, (307,)),
    "GET /": Rule(EVERYBODY, (303,)),
}
