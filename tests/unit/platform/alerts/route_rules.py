"""Rules of the routes of alerts, over the API and on the board."""

from __future__ import annotations

from fixtures.route_rules import DONE, STAFF, WATCHERS, Rule

NOTE = {"note": "一句话"}
ALERT = "/api/v1/alerts/{alert_id}"
CALL = {"who": "elder", "outcome": "no_answer"}

RULES: dict[str, Rule] = {
    "GET /api/v1/alerts": Rule(WATCHERS),
    "GET /api/v1/alerts/stream": Rule(WATCHERS),
    f"GET {ALERT}": Rule(WATCHERS),
    f"POST {ALERT}/acknowledge": Rule(STAFF, DONE),
    f"POST {ALERT}/unacknowledge": Rule(STAFF, DONE),
    f"POST {ALERT}/contact-attempts": Rule(STAFF, DONE, json=CALL),
    f"POST {ALERT}/dispatch": Rule(STAFF, DONE),
    f"POST {ALERT}/en-route": Rule(STAFF, DONE),
    f"POST {ALERT}/arrive": Rule(STAFF, DONE),
    f"POST {ALERT}/note": Rule(STAFF, DONE, json=NOTE),
    f"POST {ALERT}/resolve": Rule(STAFF, (*DONE, 422), json={"outcome": "test", "note": "试"}),
    "GET /closed": Rule(STAFF),
    "GET /closed/export": Rule(STAFF),
    "GET /board": Rule(STAFF),
    "GET /board/list": Rule(STAFF),
    "GET /board/alarms": Rule(STAFF),
    "POST /board/groups/acknowledge": Rule(STAFF, (200, 303), form={"alert_ids": "{alert_id}"}),
    "GET /board/{alert_id}": Rule(STAFF),
    **{f"POST /board/{{alert_id}}/{verb}": Rule(STAFF, (200, 303)) for verb in ("acknowledge", "unacknowledge")},
    **{f"POST /board/{{alert_id}}/{verb}": Rule(STAFF, (200, 303)) for verb in ("en-route", "arrive", "door-code")},
    "POST /board/{alert_id}/attest": Rule(STAFF, (200, 303)),
    "POST /board/{alert_id}/contact-attempts": Rule(STAFF, (200, 303), form=CALL),
    "POST /board/{alert_id}/dispatch": Rule(STAFF, (200, 303)),
    "POST /board/{alert_id}/note": Rule(STAFF, (200, 303), form=NOTE),
    "POST /board/{alert_id}/resolve": Rule(STAFF, (200, 303), form={"outcome": "test", "note": "试"}),
}
