"""Choosing how often the detectors may be wrong, and what a choice may be expected to bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.events import SensitivityChanged
from anju_core.vocabulary import Outcome
from anju_detect.inactivity import expected_outcome
from anju_platform.accounts.errors import OutOfScope
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.models import Community
from anju_platform.sensitivity.errors import SensitivityChangedMeanwhile, SensitivityOutOfRange, UnknownCommunity
from anju_platform.sensitivity.models import SensitivityChange
from anju_platform.sensitivity.repository import SensitivityRepository
from anju_platform.sensitivity.views import Changed, CommunitySensitivity, FalseAlertTarget, Forecast, RecentOutcomes

FALSE_ALERTS = 0.01, 100.0
ROUTINE_CHANGES = 0.01, 5.0
"""What the detectors take, per home and month."""
FALSE_ALERT_STEPS = 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0
ROUTINE_STEPS = 0.05, 0.1, 0.2, 0.5, 1.0
"""What a person is offered; of false alerts only what was measured."""
LATELY_DAYS = 30
MOST_CHANGES = 20
_REAL = frozenset({Outcome.REAL_HELPED.value, Outcome.REAL_AMBULANCE.value})


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Who chooses: a signed-in person, or a name that the command line was given."""

    name: str
    account_id: UUID | None = None


class SensitivityService:
    """What communities wish. Each change is kept, and passed to monitoring once it is committed."""

    def all(self, work: UnitOfWork, actor: Actor) -> Sequence[CommunitySensitivity]:
        """The communities of the asker's scope, by name, without their histories."""
        repository = SensitivityRepository(work.session)
        homes = repository.homes()
        return [_view(work, row, homes.get(row.id, 0)) for row in repository.communities(actor.community_id)]

    def one(self, work: UnitOfWork, actor: Actor, community_id: str) -> CommunitySensitivity:
        """A community with what came of its wish and how it changed. Raises `OutOfScope`."""
        repository = SensitivityRepository(work.session)
        row = repository.community(community_id)
        if row is None or not actor.may_see(row.id, None):
            raise OutOfScope
        changes = [_changed(change) for change in repository.changes(row.id, MOST_CHANGES)]
        return _view(work, row, repository.homes().get(row.id, 0), changes)

    def present(self, work: UnitOfWork, community_id: str) -> FalseAlertTarget:
        """What any community wishes now. Raises `UnknownCommunity`."""
        return _wish(_known(work, community_id))

    def every(self, work: UnitOfWork) -> Sequence[tuple[str, str, FalseAlertTarget]]:
        """Id, name and wish of all communities."""
        return [(row.id, row.name, _wish(row)) for row in SensitivityRepository(work.session).communities(None)]

    def check(self, wanted: FalseAlertTarget) -> None:
        """Raises `SensitivityOutOfRange` where no detector could keep to it."""
        for name, value, (least, most) in (
            ("false alerts", wanted.false_alerts, FALSE_ALERTS),
            ("changes of routine", wanted.routine_changes, ROUTINE_CHANGES),
        ):
            if not least <= value <= most:
                raise SensitivityOutOfRange(name, value, least, most)

    def choose(
        self,
        work: UnitOfWork,
        actor: Actor,
        community_id: str,
        wanted: FalseAlertTarget,
        seen: FalseAlertTarget | None = None,
    ) -> None:
        """Choose for a community of the actor's scope.

        seen: the values that the page showed when she chose.
        Raises `OutOfScope`, `SensitivityOutOfRange`, `SensitivityChangedMeanwhile`.
        """
        if not actor.may_see(community_id, None):
            raise OutOfScope
        try:
            self.decide(work, community_id, ChangedBy(actor.name, actor.account_id), wanted, seen)
        except UnknownCommunity:
            raise OutOfScope from None

    def decide(
        self,
        work: UnitOfWork,
        community_id: str,
        by: ChangedBy,
        wanted: FalseAlertTarget,
        seen: FalseAlertTarget | None = None,
    ) -> None:
        """The same for whoever may do anything. Raises `UnknownCommunity` and the rest; then nothing is changed."""
        row = _known(work, community_id, locked=True)
        before = _wish(row)
        self.check(wanted)
        if wanted == before:
            return
        if seen is not None and seen != before:
            raise SensitivityChangedMeanwhile(before.false_alerts, before.routine_changes)
        row.false_alerts_per_month, row.routine_changes_per_month = wanted.false_alerts, wanted.routine_changes
        change = SensitivityChange(id=work.new_id(), community_id=row.id, at=work.clock.now(), account_id=by.account_id)
        change.by_name = by.name
        change.false_alerts_before, change.false_alerts = before.false_alerts, wanted.false_alerts
        change.routine_changes_before, change.routine_changes = before.routine_changes, wanted.routine_changes
        SensitivityRepository(work.session).keep(change)
        work.record(SensitivityChanged(at=change.at, community_id=row.id))


def _known(work: UnitOfWork, community_id: str, *, locked: bool = False) -> Community:
    row = SensitivityRepository(work.session).community(community_id, locked=locked)
    if row is None:
        raise UnknownCommunity(community_id)
    return row


def forecast(false_alerts: float, homes: int) -> Forecast:
    """What a wish may bring to so many homes."""
    brought = expected_outcome(false_alerts)
    delay_h, night_h = (None, None) if brought is None else (brought.delay_h, brought.night_h)
    return Forecast(false_alerts=false_alerts, alerts_a_month=false_alerts * homes, delay_h=delay_h, night_h=night_h)


def _wish(row: Community) -> FalseAlertTarget:
    return FalseAlertTarget(false_alerts=row.false_alerts_per_month, routine_changes=row.routine_changes_per_month)


def _view(work: UnitOfWork, row: Community, homes: int, changes: Sequence[Changed] = ()) -> CommunitySensitivity:
    wish = _wish(row)
    return CommunitySensitivity(
        community_id=row.id,
        name=row.name,
        homes=homes,
        wish=wish,
        forecast=forecast(wish.false_alerts, homes),
        choices=[forecast(step, homes) for step in FALSE_ALERT_STEPS],
        lately=_lately(work, row.id),
        changes=changes,
    )


def _lately(work: UnitOfWork, community_id: str) -> RecentOutcomes:
    repository = SensitivityRepository(work.session)
    since = work.clock.now() - timedelta(days=LATELY_DAYS)
    found = repository.found(community_id, since)
    false, unknown = found.get(Outcome.FALSE_ALARM.value, 0), found.get(None, 0)
    real = sum(count for outcome, count in found.items() if outcome in _REAL)
    raised = sum(found.values())
    return RecentOutcomes(
        days=LATELY_DAYS,
        raised=raised,
        false=false,
        real=real,
        other=raised - false - real - unknown,
        unknown=unknown,
        notes=repository.notes(community_id, since),
    )


def _changed(row: SensitivityChange) -> Changed:
    return Changed(
        at=row.at,
        by_name=row.by_name,
        before=FalseAlertTarget(false_alerts=row.false_alerts_before, routine_changes=row.routine_changes_before),
        after=FalseAlertTarget(false_alerts=row.false_alerts, routine_changes=row.routine_changes),
    )
