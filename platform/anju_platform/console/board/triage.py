"""The order of the board, and which alerts are one: a flood must not hide who is in danger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind
from anju_platform.alerts.queries import AlertSummary
from anju_platform.i18n.display_names import DisplayStatus, alert_status
from anju_platform.i18n.reasons import describe_cause
from anju_platform.i18n.translation import Words
from anju_platform.residents.records import HomeRecord

GROUP_FROM = 3
"""So many homes that cannot be seen for one cause are one line."""
_LATEST = datetime.max.replace(tzinfo=UTC)
_STATUS = {DisplayStatus.NOW: 0, DisplayStatus.DARK: 1, DisplayStatus.WAY: 2, DisplayStatus.FINE: 3}
_DANGER = {
    AlertKind.SMOKE: 0,
    AlertKind.GAS: 0,
    AlertKind.CARBON_MONOXIDE: 0,
    AlertKind.FALL: 0,
    AlertKind.SOS: 1,
    AlertKind.DEVICE_ALARM: 1,
    AlertKind.INACTIVITY: 3,
    AlertKind.LEAK: 3,
    AlertKind.AWAY_LONG: 4,
}
_SUSPECTED_FALL, _LEAST = 2, 5


def sort_by_urgency(alerts: Sequence[AlertSummary]) -> list[AlertSummary]:
    """Return alerts with those first that nobody has taken; within them by danger, then by the time left.

    Somebody who fell and did not get up may be unable to speak or press: that stands above a press.
    """
    return sorted(alerts, key=lambda one: (_status(one), _danger(one), _due(one)))


def _status(one: AlertSummary) -> int:
    return _STATUS[alert_status(one.kind, one.state, late=one.late)]


def _danger(one: AlertSummary) -> int:
    if one.late:
        return 0
    if one.kind is AlertKind.FALL and one.suspected:
        return _SUSPECTED_FALL
    return _DANGER.get(one.kind, _LEAST)


def _due(one: AlertSummary) -> datetime:
    return one.next_due_at or _LATEST


def group_by_cause(
    alerts: Sequence[AlertSummary], homes: Mapping[str, HomeRecord], words: Words
) -> dict[str, list[AlertSummary]]:
    """Return the alerts about homes that cannot be seen, those of one cause together, by what the cause is called.

    One building is narrower than one estate, and that than the whole: the narrowest that holds `GROUP_FROM` homes is
    the cause. An alert that somebody has taken stays in its group until it is over.
    """
    rest = [one for one in alerts if one.kind in TECHNICAL_KINDS]
    groups: dict[str, list[AlertSummary]] = {}
    for place in (_building, _estate, _anywhere):
        found: dict[str, list[AlertSummary]] = defaultdict(list)
        for one in rest:
            where, why = place(homes.get(one.home_id), words), describe_cause(one.reason, words)
            found[words("%(where)s · %(why)s", where=where, why=why) if where else why].append(one)
        groups |= {cause: members for cause, members in found.items() if len(members) >= GROUP_FROM}
        rest = [one for members in found.values() if len(members) < GROUP_FROM for one in members]
    return groups


def _building(home: HomeRecord | None, words: Words) -> str:
    if home is None or not home.building:
        return ""
    return words("%(estate)s %(building)s 号楼", estate=home.estate, building=home.building)


def _estate(home: HomeRecord | None, _words: Words) -> str:
    return "" if home is None else home.estate


def _anywhere(_home: HomeRecord | None, _words: Words) -> str:
    return ""
