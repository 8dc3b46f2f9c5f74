"""Rules of the routes of homes that cannot be seen, devices and what they sent in vain."""

from __future__ import annotations

from fixtures.route_rules import STAFF, Rule

from anju_core.vocabulary import Role

RULES: dict[str, Rule] = {
    "GET /api/v1/homes": Rule(STAFF | {Role.TESTER}, query={"supervision": "lost"}),
    "GET /homes": Rule(STAFF),
    "GET /api/v1/homes/{home_id}/devices": Rule(STAFF | {Role.TESTER}),
    "POST /homes/{home_id}/repair": Rule(STAFF, (303,)),
    "GET /api/v1/devices/quarantine": Rule(frozenset({Role.SUPERVISOR, Role.TESTER})),
}
