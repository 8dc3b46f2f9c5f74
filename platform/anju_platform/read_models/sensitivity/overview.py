"""What a community's false-alert target means there: what it may bring, and what came of it, read from many slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from anju_core.actor import Actor
from anju_core.vocabulary import INACTIVITY_KINDS, Outcome
from anju_detect.inactivity import expected_outcome
from anju_platform.accounts.errors import OutOfScope
from anju_platform.alerts.summaries import AlertSummaries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import count_homes, find_community, list_communities
from anju_platform.residents.records import CommunityRecord
from anju_platform.routine.service import RoutineService
from anju_platform.sensitivity.service import SensitivityService, target_of
from anju_platform.sensitivity.targets import FalseAlertTarget, TargetChange

FALSE_ALERT_STEPS = 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0
"""False alerts per home and month that are offered: only what was measured."""
ROUTINE_STEPS = 0.05, 0.1, 0.2, 0.5, 1.0
"""Unfounded changes of routine per home and month that are offered."""
RECENT_DAYS = 30
MOST_CHANGES = 20
_REAL = frozenset({Outcome.REAL_HELPED, Outcome.REAL_AMBULANCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a target may be expected to bring to a community; delays are None where nothing was measured."""

    false_alerts: float
    alerts_a_month: float
    """False ones, in all its homes together."""
    delay_h: float | None
    """From a collapse to the alert, mean, h."""
    night_h: float | None
    """The same by night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentOutcomes:
    """What came of the last `days` days: alerts of inactivity by what was found, and notes on routines."""

    days: int
    raised: int
    false: int
    """Found to be false alerts."""
    real: int
    other: int
    """Away, a test, a fault, or withdrawn: neither."""
    unknown: int
    """Not closed yet."""
    notes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySensitivity:
    """A community, its target, and what that means there."""

    community_id: str
    name: str
    homes: int
    target: FalseAlertTarget
    forecast: Forecast
    choices: Sequence[Forecast]
    """What is offered."""
    recent: RecentOutcomes
    changes: Sequence[TargetChange]
    """The newest first."""


class SensitivityOverviewService:
    """Reads within the asker's scope."""

    def __init__(self, sensitivity: SensitivityService, routine: RoutineService) -> None:
        self._sensitivity = sensitivity
        self._routine = routine

    def list_communities(self, work: UnitOfWork, actor: Actor) -> Sequence[CommunitySensitivity]:
        """Return the communities of the actor's scope, by name, without their changes."""
        homes = count_homes(work)
        return [self._describe(work, one, homes.get(one.id, 0), ()) for one in list_communities(work, actor.scope)]

    def describe_community(self, work: UnitOfWork, actor: Actor, community_id: str) -> CommunitySensitivity:
        """Return a community with what came of its target and how it changed; raises `OutOfScope`."""
        community = find_community(work, community_id)
        if community is None or not actor.may_see(community.id, None):
            raise OutOfScope
        changes = self._sensitivity.list_changes(work, community.id, MOST_CHANGES)
        return self._describe(work, community, count_homes(work).get(community.id, 0), changes)

    def _describe(
        self, work: UnitOfWork, community: CommunityRecord, homes: int, changes: Sequence[TargetChange]
    ) -> CommunitySensitivity:
        target = target_of(community)
        return CommunitySensitivity(
            community_id=community.id,
            name=community.name,
            homes=homes,
            target=target,
            forecast=forecast(target.false_alerts, homes),
            choices=[forecast(step, homes) for step in FALSE_ALERT_STEPS],
            recent=self._recent(work, community.id),
            changes=changes,
        )

    def _recent(self, work: UnitOfWork, community_id: str) -> RecentOutcomes:
        since = work.clock.now() - timedelta(days=RECENT_DAYS)
        found = AlertSummaries(work.session).count_outcomes(community_id, INACTIVITY_KINDS, since)
        false, unknown = found.get(Outcome.FALSE_ALARM, 0), found.get(None, 0)
        real = sum(count for outcome, count in found.items() if outcome in _REAL)
        raised = sum(found.values())
        return RecentOutcomes(
            days=RECENT_DAYS,
            raised=raised,
            false=false,
            real=real,
            other=raised - false - real - unknown,
            unknown=unknown,
            notes=self._routine.count_notes(work, community_id, since),
        )


def forecast(false_alerts: float, homes: int) -> Forecast:
    """Return what a rate of false alerts per home and month may bring to so many homes."""
    brought = expected_outcome(false_alerts)
    delay_h, night_h = (None, None) if brought is None else (brought.delay_h, brought.night_h)
    return Forecast(false_alerts=false_alerts, alerts_a_month=false_alerts * homes, delay_h=delay_h, night_h=night_h)
