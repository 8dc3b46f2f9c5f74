"""Homes within the asker's scope, door codes, absences that are told, and the targets of communities."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.events import AbsenceChanged
from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.service import AccountService
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import absence_view, community_record, find_home
from anju_platform.residents.errors import AbsenceEnded, InvalidAbsence, NoDoorCode, ReasonMissing
from anju_platform.residents.models import Absence
from anju_platform.residents.records import AbsenceView, CommunityRecord, HomeRecord
from anju_platform.residents.repository import ResidentRepository

LONGEST_ABSENCE = timedelta(days=31)
"""From now, so that it is renewed by telling it again: a longer one is a month in which nobody asks. Ours."""


class ResidentService:
    """Reads of a door code are audited."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    def find_home(self, work: UnitOfWork, actor: Actor, home_id: str) -> HomeRecord:
        """Return a home of the actor's scope; raises `OutOfScope`."""
        home = find_home(work, home_id)
        if home is None or not actor.may_see(home.community_id, home.id):
            raise OutOfScope
        return home

    def show_door_code(self, work: UnitOfWork, actor: Actor, home_id: str, why: str) -> str:
        """Return the door code; the reason is audited.

        Raises `OutOfScope`, `ReasonMissing`, and `NoDoorCode` also where a resident withdrew the consent to show it.
        """
        home = self.find_home(work, actor, home_id)
        if not why.strip():
            raise ReasonMissing("door code")
        if not home.has_door_code:
            raise NoDoorCode(home_id)
        self._accounts.audit_read(work, actor, "door_code", home_id, why.strip())
        return ResidentRepository(work.session).find_door_code(home_id)

    def tell_absence(
        self, work: UnitOfWork, actor: Actor, home_id: str, until: datetime, start: datetime | None = None
    ) -> AbsenceView:
        """Store that nobody will be at home, from now on unless a start is given.

        Raises `OutOfScope`, `InvalidAbsence`.
        """
        home = self.find_home(work, actor, home_id)
        now = work.clock.now()
        start = now if start is None else start
        if until <= max(now, start):
            raise InvalidAbsence(start, until, "it ends before it begins or in the past")
        if until - min(now, start) > LONGEST_ABSENCE:
            raise InvalidAbsence(start, until, f"it is longer than {LONGEST_ABSENCE.days} days")
        absence = Absence(id=work.new_id(), home_id=home.id, start=start, until=until, told_by=actor.name)
        ResidentRepository(work.session).add_absence(absence)
        work.record(AbsenceChanged(at=now, home_id=home.id, start=start, until=until, by_name=actor.name))
        return absence_view(absence)

    def end_absence(self, work: UnitOfWork, actor: Actor, absence_id: UUID) -> AbsenceView:
        """End an absence earlier than told; raises `OutOfScope`, `AbsenceEnded`."""
        absence = ResidentRepository(work.session).lock_absence(absence_id)
        if absence is None:
            raise OutOfScope
        self.find_home(work, actor, absence.home_id)
        now = work.clock.now()
        if absence.ended_at is not None or absence.until <= now:
            raise AbsenceEnded(absence.ended_at or absence.until)
        absence.ended_at = now
        work.session.flush()
        start = min(absence.start, now)
        work.record(AbsenceChanged(at=now, home_id=absence.home_id, start=start, until=now, by_name=actor.name))
        return absence_view(absence)

    def lock_community(self, work: UnitOfWork, community_id: str) -> CommunityRecord | None:
        """Return a community, locked until the end of the transaction: of two who change it, the second waits."""
        row = ResidentRepository(work.session).lock_community(community_id)
        return None if row is None else community_record(row)

    def set_targets(
        self, work: UnitOfWork, community_id: str, *, false_alerts: float, routine_changes: float
    ) -> CommunityRecord | None:
        """Set how often the detectors may be wrong, per home and month; None when there is no such community."""
        row = ResidentRepository(work.session).lock_community(community_id)
        if row is None:
            return None
        row.false_alerts_per_month, row.routine_changes_per_month = false_alerts, routine_changes
        work.session.flush()
        return community_record(row)
