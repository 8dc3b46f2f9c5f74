"""Escalation policies (whom an alert is told, after how many seconds) and the step that is due next.

The seconds are ours; they are set against the TSA quality standards (97.5 % of alarm calls answered within 60 s, 99 %
within 180 s), so the second step comes at 60 s and everybody is told by 180 s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from anju_core.alerts import Timer
from anju_core.errors import Invalid
from anju_core.vocabulary import AlertKind

MAX_STEPS = 20
_LIMITS = ("repeat_s", "acknowledged_s", "dispatched_s", "en_route_s", "arrived_s", "unproven_s", "visited_s")


class Audience(StrEnum):
    """A group of people that a step notifies; who belongs to it is resolved when the step is taken."""

    DUTY_FIRST = "duty_first"
    DUTY_SECOND = "duty_second"
    COMMUNITY = "community"
    """Every worker of the community."""
    SUPERVISOR = "supervisor"
    FAMILY = "family"
    """Family members with an account; there are accounts only where the elder agreed."""


class InvalidPolicy(Invalid):
    """An escalation policy that is not valid; `where` names the part."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"escalation policy, {where}: {why}")
        self.where = where
        self.why = why


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """Notify these audiences when nobody has acknowledged the alert for `after_s` seconds."""

    after_s: float
    tell: tuple[Audience, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The steps until somebody acknowledges the alert, and how long each later state may last. All in seconds.

    suspected_s: how long an unconfirmed alert waits for its withdrawal before the first step.
    repeat_s: after the last step everybody is notified again so often, until somebody acknowledges it.
    acknowledged_s: from the acknowledgement (or from a call) to the next action.
    dispatched_s: from asking for a visit to somebody being on the way.
    en_route_s: to the door; 45 min is where a UK responder service promises nine of ten arrivals.
    arrived_s: from the arrival to the report. unproven_s: the same, where nothing proves the arrival: long enough to
    read the code off the home's speaker. visited_s: from the report to the outcome.
    """

    steps: tuple[PolicyStep, ...]
    suspected_s: float = 45.0
    repeat_s: float = 300.0
    acknowledged_s: float = 300.0
    dispatched_s: float = 600.0
    en_route_s: float = 45 * 60.0
    arrived_s: float = 2 * 3600.0
    unproven_s: float = 300.0
    visited_s: float = 1800.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= MAX_STEPS:
            raise InvalidPolicy("steps", f"{len(self.steps)} of them; want 1 to {MAX_STEPS}")
        before = -1.0
        for number, step in enumerate(self.steps):
            if not before < step.after_s < float("inf"):
                raise InvalidPolicy(f"step {number}", f"after {step.after_s!r} s does not follow {before!r} s")
            if not step.tell:
                raise InvalidPolicy(f"step {number}", "tells nobody")
            before = step.after_s
        for name in _LIMITS:
            if not 1 <= getattr(self, name) < float("inf"):
                raise InvalidPolicy(name, f"{getattr(self, name)!r} s is not at least 1")
        if not 0 <= self.suspected_s < float("inf"):
            raise InvalidPolicy("suspected_s", f"{self.suspected_s!r} s is not at least 0")

    def with_steps(self, steps: tuple[PolicyStep, ...]) -> Policy:
        """Return the policy with other steps; raises `InvalidPolicy`."""
        return replace(self, steps=steps)

    def limit_s(self, timer: Timer) -> float | None:
        """Return for how many seconds a timer may run; None for a timer without a limit of its own."""
        limits = {
            Timer.ACKNOWLEDGED: self.acknowledged_s,
            Timer.DISPATCHED: self.dispatched_s,
            Timer.EN_ROUTE: self.en_route_s,
            Timer.ARRIVED: self.arrived_s,
            Timer.UNPROVEN: self.unproven_s,
            Timer.VISITED: self.visited_s,
        }
        return limits.get(timer)


@dataclass(frozen=True, slots=True)
class Due:
    """The steps that are due: the audiences to notify, the level after them, and when the next step is due."""

    tell: tuple[Audience, ...]
    level: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class EscalationProgress:
    """How far the escalation of an alert has come: since when its seconds count, and how many steps were taken."""

    since: datetime
    level: int = 0
    suspected: bool = False


def next_due_at(policy: Policy, progress: EscalationProgress) -> datetime:
    """Return when the next step is due."""
    wait = policy.suspected_s if progress.suspected else 0.0
    last = len(policy.steps) - 1
    again = max(progress.level - last, 0) * policy.repeat_s
    return progress.since + timedelta(seconds=wait + policy.steps[min(progress.level, last)].after_s + again)


def bound_progress(policy: Policy, progress: EscalationProgress, now: datetime) -> EscalationProgress:
    """Return the progress with a beginning that is possible at `now`: not after it, nor after the steps it has taken.

    A beginning in the future was written by a clock that was ahead: the last step counts as taken just now.
    """
    if progress.since <= now:
        return progress
    begun = replace(progress, level=max(progress.level - 1, 0))
    elapsed = next_due_at(policy, begun) - progress.since if progress.level else timedelta()
    return replace(progress, since=now - elapsed)


def latest_due_at(policy: Policy, progress: EscalationProgress, now: datetime) -> datetime:
    """Return the latest time at which the next step can be due; `progress` as `bound_progress` returns it."""
    again = timedelta(seconds=policy.repeat_s) if progress.level >= len(policy.steps) else timedelta()
    return max(next_due_at(policy, progress), now + again)


def advance_escalation(policy: Policy, progress: EscalationProgress, now: datetime, *, at_once: bool = False) -> Due:
    """Take every step that is due by `now` together, each audience once; with `at_once` at least one step.

    A platform that was down for long so catches up with one message to each person, never with a storm. After the last
    step everybody is told again each `repeat_s`, counted from `now` when steps were missed.
    """
    tell: dict[Audience, None] = {}
    level = progress.level
    steps = len(policy.steps)
    while level < steps and (
        at_once or next_due_at(policy, EscalationProgress(progress.since, level, progress.suspected)) <= now
    ):
        tell.update(dict.fromkeys(policy.steps[level].tell))
        level += 1
        at_once = False
    if level == progress.level and (at_once or next_due_at(policy, progress) <= now):
        tell.update(dict.fromkeys(list_audiences(policy)))
        level += 1
    next_at = next_due_at(policy, replace(progress, level=level))
    floor = now + timedelta(seconds=policy.repeat_s) if level >= steps and tell else now
    return Due(tuple(tell), level, max(next_at, floor) if tell else next_at)


def list_audiences(policy: Policy) -> tuple[Audience, ...]:
    """Return every audience of the policy, in its order."""
    return tuple(dict.fromkeys(audience for step in policy.steps for audience in step.tell))


_A = Audience
_URGENT = Policy(
    steps=(
        PolicyStep(0, (_A.DUTY_FIRST,)),
        PolicyStep(60, (_A.DUTY_SECOND,)),
        PolicyStep(180, (_A.COMMUNITY, _A.SUPERVISOR)),
        PolicyStep(300, (_A.COMMUNITY, _A.SUPERVISOR, _A.FAMILY)),
    ),
    repeat_s=120,
)
_SOON = Policy(
    steps=(
        PolicyStep(0, (_A.DUTY_FIRST,)),
        PolicyStep(300, (_A.DUTY_SECOND,)),
        PolicyStep(900, (_A.COMMUNITY, _A.SUPERVISOR)),
    ),
    repeat_s=900,
    acknowledged_s=900,
    dispatched_s=1200,
)
_TODAY = Policy(
    steps=(
        PolicyStep(0, (_A.DUTY_FIRST,)),
        PolicyStep(1800, (_A.DUTY_SECOND,)),
        PolicyStep(2 * 3600, (_A.SUPERVISOR,)),
    ),
    repeat_s=4 * 3600,
    acknowledged_s=2 * 3600,
    dispatched_s=4 * 3600,
    en_route_s=4 * 3600,
)

DEFAULT_POLICIES: Mapping[AlertKind, Policy] = {
    AlertKind.SOS: _URGENT,
    AlertKind.FALL: _URGENT,
    AlertKind.SMOKE: _URGENT,
    AlertKind.GAS: _URGENT,
    AlertKind.CARBON_MONOXIDE: _URGENT,
    AlertKind.DEVICE_ALARM: _URGENT,
    AlertKind.LEAK: _SOON,
    AlertKind.INACTIVITY: _SOON,
    AlertKind.AWAY_LONG: _TODAY,
    AlertKind.HOME_OFFLINE: _TODAY,
    AlertKind.GATEWAY_FLOODING: _TODAY,
}
"""The policies of communities that have none of their own."""


def parse_steps(rows: Iterable[object]) -> tuple[PolicyStep, ...]:
    """Read `[{"after_s": 0, "tell": "duty_first"}, {"after_s": 60, "tell": ["family"]}]`; raises `InvalidPolicy`."""
    return tuple(_parse_step(number, row) for number, row in enumerate(rows))


def _parse_step(number: int, row: object) -> PolicyStep:
    where = f"step {number}"
    if not isinstance(row, Mapping):
        raise InvalidPolicy(where, f"{row!r} is not an object")
    after_s, tell = row.get("after_s"), row.get("tell")
    if isinstance(after_s, bool) or not isinstance(after_s, int | float):
        raise InvalidPolicy(where, f"after_s {after_s!r} is not a number of seconds")
    names = [tell] if isinstance(tell, str) else tell
    if not isinstance(names, list):
        raise InvalidPolicy(where, f"tell {tell!r} is neither a name nor a list of names")
    unknown = [name for name in names if name not in list(Audience)]
    if unknown:
        raise InvalidPolicy(where, f"unknown audience {unknown[0]!r}")
    return PolicyStep(float(after_s), tuple(Audience(name) for name in names))
