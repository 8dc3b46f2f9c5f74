"""The list of alerts in the reader's words: most urgent first, a flood of one cause as one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_core.vocabulary import AlertState
from anju_platform.alerts.queries import AlertSummary
from anju_platform.console.board import triage
from anju_platform.console.board.view_models import AlertLine, Board, OfflineGroup
from anju_platform.i18n.addresses import translate_address
from anju_platform.i18n.display_names import DisplayStatus, alert_status, display_name
from anju_platform.i18n.reasons import Reader, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.residents.records import HomeRecord

FLOOD = 10
"""More alerts than this in ten minutes are a flood for one operator (ISA-18.2)."""
_NIGHT = (6, 21)
_UNTAKEN = frozenset({DisplayStatus.NOW, DisplayStatus.DARK})
_WAITING = (AlertState.RAISED, AlertState.NOTIFIED)


def show_board(
    rows: Sequence[AlertSummary],
    places: Mapping[str, HomeRecord],
    words: Words,
    now: datetime,
    *,
    load: int,
    homes: int,
    offline: int,
) -> Board:
    """Return the list, most urgent first; many homes that cannot be seen for one cause become one line.

    places: the homes of the alerts. now: by the reader's clock. load: alerts of the last ten minutes. homes, offline:
    how many there are.
    """
    by_cause = triage.group_by_cause(rows, places, words)
    groups = [_group(cause, members, words, now) for cause, members in by_cause.items()]
    grouped = {one.id for members in by_cause.values() for one in members}
    drawn = [describe_line(one, words, now) for one in triage.sort_by_urgency(rows) if one.id not in grouped]
    hour = now.hour
    return Board(
        rows=drawn,
        waiting=[one for one in drawn if one.status is DisplayStatus.NOW],
        untaken=sum(one.status in _UNTAKEN for one in drawn) + sum(bool(group.untaken) for group in groups),
        groups=groups,
        load=load,
        flood=load > FLOOD,
        homes=homes,
        offline=offline,
        night=not _NIGHT[0] <= hour < _NIGHT[1],
    )


def _group(cause: str, members: Sequence[AlertSummary], words: Words, now: datetime) -> OfflineGroup:
    takers = sorted({one.acknowledged_by_name for one in members if one.acknowledged_by_name})
    return OfflineGroup(
        cause=cause,
        rows=[describe_line(one, words, now) for one in members],
        untaken=[one.id for one in members if one.state in _WAITING],
        acknowledged_by=words("、").join(takers),
        since=min(one.happened_at for one in members),
    )


def show_waiting(rows: Sequence[AlertSummary], words: Words, now: datetime) -> Sequence[AlertLine]:
    """Return those of these alerts that need a person now, most urgent first."""
    drawn = (describe_line(one, words, now) for one in triage.sort_by_urgency(rows))
    return [line for line in drawn if line.status is DisplayStatus.NOW]


def describe_line(one: AlertSummary, words: Words, now: datetime) -> AlertLine:
    """Return one alert of the list."""
    kind, address = display_name(words, "kind", one.kind), translate_address(words, one.address)
    return AlertLine(
        id=one.id,
        home_id=one.home_id,
        status=alert_status(one.kind, one.state, late=one.late),
        kind=one.kind,
        suspected=one.suspected,
        name=one.name,
        age=one.age,
        address=address,
        reason=describe_reason(one.reason, Reader(words, now, ZoneInfo(one.timezone))),
        happened_at=one.happened_at,
        due_from=one.due_from,
        due_at=one.next_due_at,
        late=one.late,
        progress=_progress(one, words),
        said=words("%(name)s，%(kind)s，%(address)s", name=one.name, kind=kind, address=address),
    )


def _progress(one: AlertSummary, words: Words) -> str:
    if one.late:
        name = one.acknowledged_by_name
        return words("需要马上支援 · %(name)s 已接手", name=name) if name else words("需要马上支援")
    if one.state in _WAITING:
        text = display_name(words, "status", alert_status(one.kind, one.state))
        return words.counted("%(state)s，已升级 %(n)s 次", one.level, state=text) if one.level > 1 else text
    if one.state is AlertState.ACKNOWLEDGED:
        return words("%(name)s 正在处理", name=one.acknowledged_by_name)
    return display_name(words, "state", one.state)
