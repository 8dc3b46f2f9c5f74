"""The district's indicators as pure sums over what happened: each with its numerator, denominator, target and cases.

Nothing is stored: a figure is computed anew from the events of its period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from anju_core.evidence import DANGERS
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, Outcome
from anju_platform.alerts.summaries import AlertTimeline
from anju_platform.residents.enrolment import Enrolment
from anju_platform.visits.summaries import VisitTimeline

ANSWERED_KINDS = DANGERS
"""Alarms to which a person waits for an answer."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to and without `until`; `now` bounds what can have happened yet."""

    start: datetime
    until: datetime
    now: datetime

    @property
    def end(self) -> datetime:
        """The end of the period, or the present if that is earlier."""
        return min(self.until, self.now)


@dataclass(frozen=True, slots=True)
class Happened:
    """What a period's indicators are computed from. `homes`: since when each is enrolled, by its id."""

    period: Period
    homes: Mapping[str, Enrolment]
    alerts: Sequence[AlertTimeline]
    visits: Sequence[VisitTimeline]

    @property
    def home_time(self) -> timedelta:
        """How long all homes together were enrolled within the period so far."""
        parts = (home.clip(self.period.start, self.period.end) for home in self.homes.values())
        return sum((part[1] - part[0] for part in parts if part is not None), timedelta())

    def was_enrolled(self, home_id: str, at: datetime) -> bool:
        """Tell whether a home was enrolled at this moment."""
        home = self.homes.get(home_id)
        return home is not None and home.clip(at, at + timedelta(microseconds=1)) is not None


@dataclass(frozen=True, slots=True)
class Case:
    """One case behind an indicator. `value` in `unit`: `s`, `h`, or none. `kept`: it counts for the target."""

    id: str
    kind: str
    at: datetime
    home_id: str
    community_id: str
    what: str
    value: float | None
    unit: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """The two numbers of an indicator, and its cases: those that fell short (for counts: that were counted), others."""

    numerator: float
    denominator: float
    cases: Sequence[Case]
    others: Sequence[Case] = ()

    @property
    def ratio(self) -> float | None:
        """The value, or None where the denominator is 0."""
        return self.numerator / self.denominator if self.denominator else None


def answered_within(limit: timedelta) -> Callable[[Happened], Sum]:
    """Make the share of alarms acknowledged by a person within the limit; one that still can be is not counted."""

    def compute(happened: Happened) -> Sum:
        waiting = [alert for alert in happened.alerts if alert.kind in ANSWERED_KINDS and not _fell_away(alert)]
        return _in_time(
            ((alert, alert.waits_since, alert.answered_at) for alert in waiting), limit, happened.period.now
        )

    return compute


def arrived_within(limit: timedelta) -> Callable[[Happened], Sum]:
    """Make the share of alarms with somebody at the door within the limit, of those to which somebody was sent."""

    def compute(happened: Happened) -> Sum:
        sent = [alert for alert in happened.alerts if alert.sent_at is not None and alert.kind not in TECHNICAL_KINDS]
        ended = [alert for alert in sent if alert.arrived_at is not None or alert.closed_at is None]
        return _in_time(((alert, alert.waits_since, alert.arrived_at) for alert in ended), limit, happened.period.now)

    return compute


def home_offline_share(happened: Happened) -> Sum:
    """Return the share of enrolled hours in which homes were offline; overlapping alerts of a home count once."""
    period, cases, hours = happened.period, list[Case](), 0.0
    by_home: dict[str, list[AlertTimeline]] = {}
    for alert in happened.alerts:
        if alert.kind is AlertKind.HOME_OFFLINE and alert.home_id in happened.homes:
            by_home.setdefault(alert.home_id, []).append(alert)
    for home_id, alerts in by_home.items():
        enrolled = happened.homes[home_id].clip(period.start, period.end)
        if enrolled is None:
            continue
        upto, last = enrolled
        for alert in sorted(alerts, key=lambda each: each.happened_at):
            begin, end = max(alert.happened_at, upto), min(alert.closed_at or last, last)
            if end > begin:
                dark = (end - begin) / HOUR
                hours, upto = hours + dark, end
                cases.append(_case(alert, dark, "h"))
    cases.sort(key=lambda case: -(case.value or 0))
    return Sum(hours, happened.home_time / HOUR, cases)


def false_alerts(happened: Happened) -> Sum:
    """Return the false alerts of enrolled homes per 100 home-days of enrolment; tests are not counted."""
    wrong = [alert for alert in happened.alerts if alert.outcome in {Outcome.FALSE_ALARM, Outcome.AWAY}]
    wrong = [alert for alert in wrong if happened.period.start <= alert.waits_since < happened.period.until]
    wrong = [alert for alert in wrong if happened.was_enrolled(alert.home_id, alert.waits_since)]
    return Sum(len(wrong), happened.home_time / DAY / 100, [_case(alert, None, "") for alert in wrong])


def planned_kept(happened: Happened) -> Sum:
    """Return the share of planned visits that are due and whose carer arrived in time."""
    period = happened.period
    due = [visit for visit in happened.visits if visit.planned and not visit.cancelled and visit.arrive_by < period.end]
    due = [visit for visit in due if visit.arrive_by >= period.start]
    cases = [_visit_case(visit) for visit in due]
    missed, kept = [case for case in cases if not case.kept], [case for case in cases if case.kept]
    return Sum(len(kept), len(due), missed, kept)


def _fell_away(alert: AlertTimeline) -> bool:
    """Tell whether the elder withdrew the alert before anybody could answer, or it was a test."""
    withdrawn = alert.outcome is Outcome.WITHDRAWN and alert.answered_at is None
    return withdrawn or alert.outcome is Outcome.TEST


def _in_time(rows: Iterable[tuple[AlertTimeline, datetime, datetime | None]], limit: timedelta, now: datetime) -> Sum:
    kept, late = list[Case](), list[Case]()
    for alert, since, at in rows:
        took = (at or alert.closed_at or now) - since
        if at is None and alert.closed_at is None and took <= limit:
            continue
        in_time = at is not None and took <= limit
        case = replace(_case(alert, took.total_seconds() if at else None, "s"), kept=in_time)
        (kept if in_time else late).append(case)
    for cases in (late, kept):
        cases.sort(key=lambda case: -(case.value if case.value is not None else float("inf")))
    return Sum(len(kept), len(kept) + len(late), late, kept)


def _case(alert: AlertTimeline, value: float | None, unit: str) -> Case:
    what = alert.kind.value if alert.outcome is None else f"{alert.kind.value}:{alert.outcome.value}"
    return Case(alert.id, "alert", alert.waits_since, alert.home_id, alert.community_id, what, value, unit)


def _visit_case(visit: VisitTimeline) -> Case:
    late = None if visit.checked_in_at is None else (visit.checked_in_at - visit.arrive_by).total_seconds()
    what = "missed" if late is None else "late" if late > 0 else "on_time"
    kept = what == "on_time"
    at = visit.arrive_by
    return Case(visit.id, "visit", at, visit.home_id, visit.community_id, what, None if kept else late, "s", kept=kept)
