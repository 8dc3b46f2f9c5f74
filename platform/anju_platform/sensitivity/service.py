"""A community's choice of how often the detectors may be wrong. Each change is stored, and published once committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from anju_core.actor import Actor
from anju_core.events import SensitivityChanged
from anju_platform.accounts.errors import OutOfScope
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_community
from anju_platform.residents.errors import CommunityNotFound
from anju_platform.residents.records import CommunityRecord
from anju_platform.residents.service import ResidentService
from anju_platform.sensitivity.errors import SensitivityChangedMeanwhile, SensitivityOutOfRange
from anju_platform.sensitivity.models import SensitivityChange
from anju_platform.sensitivity.repository import SensitivityRepository
from anju_platform.sensitivity.targets import FalseAlertTarget, TargetChange

FALSE_ALERTS = 0.1, 30.0
"""Least and most false alerts of inactivity per home and month that a community may choose.

The detectors go further (0.01 to 100). One false alert in ten months already waits many hours longer, and more than one
a day teaches people to look away. Ours.
"""
ROUTINE_CHANGES = 0.02, 5.0
"""The same of unfounded changes of routine. Ours."""


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Who chooses: a signed-in person, or a name that the command line was given."""

    name: str
    account_id: UUID | None = None


class SensitivityService:
    """Reads and changes the false-alert targets of communities."""

    def __init__(self, residents: ResidentService) -> None:
        self._residents = residents

    def find_target(self, work: UnitOfWork, community_id: str) -> FalseAlertTarget:
        """Return a community's target; raises `CommunityNotFound`."""
        community = find_community(work, community_id)
        if community is None:
            raise CommunityNotFound(community_id)
        return target_of(community)

    def list_changes(self, work: UnitOfWork, community_id: str, limit: int) -> Sequence[TargetChange]:
        """Return a community's last changes, the newest first."""
        return [_change(row) for row in SensitivityRepository(work.session).list_changes(community_id, limit)]

    def check_target(self, wanted: FalseAlertTarget) -> None:
        """Raise `SensitivityOutOfRange` where no detector could keep to the target."""
        for name, value, (least, most) in (
            ("false alerts", wanted.false_alerts, FALSE_ALERTS),
            ("changes of routine", wanted.routine_changes, ROUTINE_CHANGES),
        ):
            if not least <= value <= most:
                raise SensitivityOutOfRange(name, value, least, most)

    def choose_target(
        self,
        work: UnitOfWork,
        actor: Actor,
        community_id: str,
        wanted: FalseAlertTarget,
        seen: FalseAlertTarget | None = None,
    ) -> None:
        """Change the target of a community of the actor's scope.

        seen: the target that the page showed when the actor chose.
        Raises `OutOfScope`, `SensitivityOutOfRange`, `SensitivityChangedMeanwhile`.
        """
        if not actor.may_see(community_id, None):
            raise OutOfScope
        try:
            self.set_target(work, community_id, ChangedBy(actor.name, actor.account_id), wanted, seen)
        except CommunityNotFound:
            raise OutOfScope from None

    def set_target(
        self,
        work: UnitOfWork,
        community_id: str,
        by: ChangedBy,
        wanted: FalseAlertTarget,
        seen: FalseAlertTarget | None = None,
    ) -> None:
        """Change the target of any community.

        Raises `CommunityNotFound`, `SensitivityOutOfRange`, `SensitivityChangedMeanwhile`; then nothing is changed.
        """
        community = self._residents.lock_community(work, community_id)
        if community is None:
            raise CommunityNotFound(community_id)
        before = target_of(community)
        self.check_target(wanted)
        if wanted == before:
            return
        if seen is not None and seen != before:
            raise SensitivityChangedMeanwhile(before.false_alerts, before.routine_changes)
        self._residents.set_targets(
            work, community_id, false_alerts=wanted.false_alerts, routine_changes=wanted.routine_changes
        )
        change = SensitivityChange(id=work.new_id(), community_id=community_id, at=work.clock.now())
        change.account_id, change.by_name = by.account_id, by.name
        change.false_alerts_before, change.false_alerts = before.false_alerts, wanted.false_alerts
        change.routine_changes_before, change.routine_changes = before.routine_changes, wanted.routine_changes
        SensitivityRepository(work.session).add_change(change)
        work.record(SensitivityChanged(at=change.at, community_id=community_id))


def target_of(community: CommunityRecord) -> FalseAlertTarget:
    """Return what a community lets the detectors be wrong."""
    return FalseAlertTarget(
        false_alerts=community.false_alerts_per_month, routine_changes=community.routine_changes_per_month
    )


def _change(row: SensitivityChange) -> TargetChange:
    return TargetChange(
        at=row.at,
        by_name=row.by_name,
        before=FalseAlertTarget(false_alerts=row.false_alerts_before, routine_changes=row.routine_changes_before),
        after=FalseAlertTarget(false_alerts=row.false_alerts, routine_changes=row.routine_changes),
    )
