"""Rules of the routes of false-alert targets."""

from __future__ import annotations

from fixtures.route_rules import OVERSEERS, Rule

TARGET = {"false_alerts": 1.0, "routine_changes": 0.1}

RULES: dict[str, Rule] = {
    "GET /api/v1/communities/sensitivity": Rule(OVERSEERS),
    "GET /api/v1/communities/{community_id}/sensitivity": Rule(OVERSEERS),
    "PUT /api/v1/communities/{community_id}/sensitivity": Rule(OVERSEERS, json=TARGET),
    "GET /sensitivity": Rule(OVERSEERS, (200, 303)),
    "GET /sensitivity/{community_id}": Rule(OVERSEERS),
    "POST /sensitivity/{community_id}": Rule(
        OVERSEERS,
        (303,),
        form={**TARGET, "seen_false_alerts": 1.0, "seen_routine_changes": 0.1},
    ),
}
