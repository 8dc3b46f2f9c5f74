"""Rules of the addresses of earlier releases: they say where a page is, and the page asks who wants to see it."""

from __future__ import annotations

from fixtures.route_rules import OPEN, Rule

RULES: dict[str, Rule] = {
    "GET /blind": Rule(OPEN, (308,)),
    "GET /wishes": Rule(OPEN, (308,)),
    "GET /wishes/{community_id}": Rule(OPEN, (308,)),
}
