"""Judges what an elder was last told, second by second, against what the alerts' histories say was so.

Written apart from the platform: it knows no sentence, only their kinds, and whether a person had promised to come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from anju_sim.timeline import EventTimeline, parse_time
from anju_wire.simulation import SimAction
from anju_wire.vocabulary import Announcement

PATIENCE_S = 5.0
"""So long after a change people may still have been told what was before, s."""
UNSENT_S = 20.0
"""Whoever calls for help without reaching the platform knows so after this, s."""
SILENCE_S = 60.0
"""Who calls for help and has nobody yet hears something at least so often, s."""
_SPOKEN = frozenset({"sos", "fall", "smoke", "gas", "carbon_monoxide", "device_alarm", "leak", "inactivity"})
_HELP = frozenset({"sos", "fall", "smoke", "gas", "carbon_monoxide", "device_alarm"})
_UNTAKEN = frozenset({Announcement.HEARD, Announcement.BACKUP_LINE, Announcement.NOT_REACHED, Announcement.SEEN})
_TAKEN = frozenset({Announcement.COMING, Announcement.VISIT_CODE})
_OVER = frozenset({Announcement.CLOSED, Announcement.CANCELLED})
_UNSENT = frozenset({Announcement.NOT_REACHED, Announcement.BACKUP_LINE})
_OWN = frozenset({Announcement.HEARD, Announcement.BACKUP_LINE, Announcement.NOT_REACHED})
"""What a home says by itself, before the platform can have said what is so."""


class Truth(StrEnum):
    """What holds in a home."""

    NOTHING = "nothing was raised"
    WAITING = "nobody had taken it"
    PERSON = "a person had taken it"
    THERE = "a person was there"
    OVER = "it was over"


_MAY_BE_LAST = {Truth.WAITING: _UNTAKEN, Truth.PERSON: _TAKEN, Truth.OVER: _OVER}
"""What may have been said last while it holds; an absent truth allows everything."""
_PEOPLE = frozenset({"acknowledged", "en_route", "arrived"})
_CALLS = frozenset({SimAction.PRESS, SimAction.FALL})
_AFTER = {
    "raised": Truth.WAITING,
    "unacknowledged": Truth.WAITING,
    "acknowledged": Truth.PERSON,
    "en_route": Truth.PERSON,
    "arrived": Truth.THERE,
    "resolved": Truth.OVER,
}
_COUNT = frozenset({*_AFTER, "withdrawn", "repeated"})
"""The steps on which a truth rests. What the elder was told is dated when it was heard, also before an alert."""


@dataclass(slots=True)
class ElderRecord:
    """What happened in one home: announcements (Unix s, kind) and the steps of its alerts (Unix s, step, alert).

    called: when somebody called for help there, Unix s. people: who took an alert, set out or arrived (Unix s, name,
    alert).
    """

    announced: list[tuple[float, str]] = field(default_factory=list)
    steps: list[tuple[float, str, str]] = field(default_factory=list)
    help_wanted: bool = False
    called: list[float] = field(default_factory=list)
    people: list[tuple[float, str, str]] = field(default_factory=list)

    def truth_at(self, at_s: float) -> Truth:
        """Return what held at a time: of several alerts, the one for which a person had come farthest."""
        states = self.truths_at(at_s).values()
        order = (Truth.THERE, Truth.PERSON, Truth.WAITING, Truth.OVER)
        return next((truth for truth in order if truth in states), Truth.NOTHING)

    def truths_at(self, at_s: float) -> dict[str, Truth]:
        """Return what held at a time of each alert that there was."""
        states: dict[str, Truth] = {}
        for when_s, step, alert in self.steps:
            if when_s <= at_s:
                before = states.get(alert, Truth.WAITING)
                withdrawn = step == "withdrawn" and before is Truth.WAITING
                states[alert] = Truth.OVER if withdrawn else _AFTER.get(step, before)
        return states

    def settled_at(self, at_s: float) -> dict[str, Truth] | None:
        """Return what held of each alert at a time and for `PATIENCE_S` before; None while something changed."""
        truths = self.truths_at(at_s)
        held = all(self.truths_at(at_s - ago) == truths for ago in (PATIENCE_S, PATIENCE_S / 2))
        return truths if held else None


def read_records(timelines: Iterable[EventTimeline]) -> dict[str, ElderRecord]:
    """Return the records of homes, from the timelines of the events in them."""
    records: dict[str, ElderRecord] = {}
    for line in timelines:
        record = records.setdefault(line.home, ElderRecord())
        record.announced = sorted({*record.announced, *line.heard})
        if line.origin_s is not None and line.event.action in _CALLS:
            record.called.append(line.origin_s)
        known = {alert for _, _, alert in record.steps}
        for alert_id, alert in line.alerts.items():
            kind, history = str(alert.get("kind")), alert.get("history")
            if kind in _SPOKEN and alert_id not in known and isinstance(history, list):
                record.help_wanted |= kind in _HELP
                steps = [(parse_time(one["at"]) or 0.0, str(one["step"]), one) for one in history]
                record.steps += [(at_s, step, alert_id) for at_s, step, _ in steps if step in _COUNT]
                record.people += [
                    (at_s, str(one.get("by_name", "")), alert_id) for at_s, step, one in steps if step in _PEOPLE
                ]
        record.steps.sort(key=lambda step: step[0])
        record.people.sort()
    return records


def find_untruths(record: ElderRecord, until_s: float) -> list[str]:
    """Return in words the first second at which what was last said was untrue, and each at which silence began."""
    found = _find_unsent(record, until_s)
    if not record.steps:
        return found
    silent, began_s = False, record.steps[0][0]
    for second in range(int(until_s - began_s) + 1):
        at_s = began_s + second
        truth, last = record.truth_at(at_s), _last_before(record.announced, at_s)
        settled = all(record.truth_at(at_s - ago) is truth for ago in (PATIENCE_S, PATIENCE_S / 2))
        allowed = _allowed(record.truths_at(at_s).values())
        answered = last is None or last[1] not in _OWN or at_s - last[0] >= PATIENCE_S
        if settled and answered and allowed is not None and (last is None or last[1] not in allowed):
            told = "nothing" if last is None else f"“{last[1]}”"
            return [*found, f"{second} s after the alarm {truth}, and the last that was said was {told}"]
        unheard_s = at_s - (began_s if last is None else last[0])
        quiet = record.help_wanted and truth is Truth.WAITING and unheard_s > SILENCE_S + PATIENCE_S
        if quiet and not silent:
            found.append(f"{second} s after the alarm {truth}, and nothing was said for {unheard_s:.0f} s")
        silent = quiet
    return found


def _allowed(truths: Collection[Truth]) -> frozenset[Announcement] | None:
    """Return what may have been said last where these hold of a home's alerts; None: everything."""
    open_ones: set[Truth] = {truth for truth in truths if truth is not Truth.OVER}
    found = frozenset[Announcement]()
    for truth in open_ones or set[Truth](truths) or {Truth.NOTHING}:
        kinds = _MAY_BE_LAST.get(truth)
        if kinds is None:
            return None
        found |= kinds
    return found


def _find_unsent(record: ElderRecord, until_s: float) -> list[str]:
    """Return in words where somebody called for help that did not reach the platform, and was not told so."""
    raised_s = [at_s for at_s, step, _ in record.steps if step in {"raised", "repeated"}]
    for called_s in record.called:
        stored_s = min((at_s for at_s in raised_s if at_s >= called_s - PATIENCE_S), default=until_s)
        last = _last_before(record.announced, min(stored_s, until_s))
        if stored_s - called_s > UNSENT_S and (last is None or last[1] not in _UNSENT):
            told = "nothing" if last is None else f"“{last[1]}”"
            return [f"a call was not stored for {stored_s - called_s:.0f} s, and the last that was said was {told}"]
    return []


def _last_before(announced: Sequence[tuple[float, str]], at_s: float) -> tuple[float, str] | None:
    return next((one for one in reversed(announced) if one[0] <= at_s), None)
