"""Rules of the routes of signing in and out."""

from __future__ import annotations

from fixtures.route_rules import EVERYBODY, OPEN, Rule

RULES: dict[str, Rule] = {
    "POST /api/v1/sessions": Rule(OPEN, (401,), json={"login": "nobody", "password": "wrong"}),
    "GET /login": Rule(OPEN),
    "POST /login": Rule(OPEN, (401,), form={"login": "nobody", "password": "wrong"}),
    "GET /api/v1/me": Rule(EVERYBODY),
    "DELETE /api/v1/sessions/current": Rule(EVERYBODY, (204,)),
    "POST /logout": Rule(EVERYBODY, (303,)),
}
