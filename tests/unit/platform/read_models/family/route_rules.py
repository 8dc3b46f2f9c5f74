"""Rules of the routes of a family's page and summary."""

from __future__ import annotations

from fixtures.route_rules import FAMILY, NOT_FOUND, SEEN_OTHER, Rule

RULES: dict[str, Rule] = {
    "GET /api/v1/family": Rule(FAMILY, admin=NOT_FOUND),
    "GET /family": Rule(FAMILY, admin=NOT_FOUND),
    "POST /family/absences": Rule(FAMILY, (303,), NOT_FOUND, form={"until": "{tomorrow_local}"}),
    "POST /family/absences/{absence_id}/end": Rule(FAMILY, SEEN_OTHER, (303, 404)),
}
