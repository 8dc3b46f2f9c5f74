"""Finds residents, shows their homes to those who may see them, and keeps what is told about absences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.events import AbsenceChanged
from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.service import AccountService
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import AbsenceEnded, InvalidAbsence, NoDoorCode, ReasonMissing
from anju_platform.residents.models import Absence, Home
from anju_platform.residents.queries import HomeReader
from anju_platform.residents.repository import ResidentRepository
from anju_platform.residents.search import parse
from anju_platform.residents.views import Found, HomeDetail, OfflineHome, SearchResult, age_on

LONGEST_ABSENCE = timedelta(days=92)
_POLLED = timedelta(minutes=10)
"""A page that refreshes itself is one look in this time."""
_TAKEN = frozenset({"acknowledged", "on_the_way", "arrived"})


class ResidentService:
    """Reads of personal data; each is logged."""

    def __init__(self, access: AccountService) -> None:
        self._access = access

    def search(self, work: UnitOfWork, actor: Actor, text: str, limit: int = 50) -> SearchResult:
        """Residents of the asker's scope by name, pinyin, estate, building or room; an empty text lists them all."""
        repository = ResidentRepository(work.session)
        people = repository.find(parse(text), actor.community_id, limit + 1)
        homes = {person.home_id for person in people}
        supervised, deadlines = repository.supervision_of(homes), repository.deadlines(homes)
        alerts = repository.open_alerts(homes)
        rows = []
        for person in people[:limit]:
            home, supervision, silence = person.home, supervised.get(person.home_id), deadlines.get(person.home_id)
            states = [alert.state for alert in alerts if alert.home_id == person.home_id]
            rows.append(
                Found(
                    home_id=home.id,
                    community_id=home.community_id,
                    resident_id=person.id,
                    name=person.name,
                    age=age_on(person.born, _today(work, home)),
                    estate=home.estate,
                    building=home.building,
                    unit=home.unit,
                    room=home.room,
                    offline_since=supervision.offline_since if supervision else None,
                    last_life_at=silence.last_life_at if silence else None,
                    open_alerts=len(states),
                    way=bool(states) and all(state in _TAKEN for state in states),
                )
            )
        self._access.log_look(work, actor, "search", None, f"{len(rows)} residents", once_in=_POLLED)
        return SearchResult(rows, len(people) > limit)

    def home(self, work: UnitOfWork, actor: Actor, home_id: str) -> HomeDetail:
        """A home with all that its page shows; raises `OutOfScope`."""
        home = self.seen_home(work, actor, home_id)
        self._access.log_look(work, actor, "home", home_id, once_in=_POLLED)
        return HomeReader(work).detail(home, _today(work, home))

    def door_code(self, work: UnitOfWork, actor: Actor, home_id: str, why: str) -> str:
        """The code, for a reason that is logged; raises `OutOfScope`, `NoDoorCode`, `ReasonMissing`."""
        home = self.seen_home(work, actor, home_id)
        if not why.strip():
            raise ReasonMissing("door code")
        if not home.door_code:
            raise NoDoorCode(home_id)
        self._access.log_look(work, actor, "door_code", home_id, why.strip())
        return home.door_code

    def find_offline_homes(self, work: UnitOfWork, actor: Actor) -> list[OfflineHome]:
        """Homes of the asker's scope that cannot be seen, the longest first."""
        self._access.log_look(work, actor, "offline_homes", None, once_in=_POLLED)
        return HomeReader(work).find_offline_homes(actor.community_id)

    def tell_absence(
        self, work: UnitOfWork, actor: Actor, home_id: str, until: datetime, start: datetime | None = None
    ) -> Absence:
        """Keep that nobody will be at home; raises `OutOfScope`, `InvalidAbsence`."""
        home = self.seen_home(work, actor, home_id)
        now = work.clock.now()
        start = now if start is None else start
        if until <= max(now, start):
            raise InvalidAbsence(start, until, "it ends before it begins or in the past")
        if until - min(now, start) > LONGEST_ABSENCE:
            raise InvalidAbsence(start, until, f"it is longer than {LONGEST_ABSENCE.days} days")
        absence = Absence(id=work.new_id(), home_id=home.id, start=start, until=until, told_by=actor.name)
        work.session.add(absence)
        work.session.flush()
        work.record(AbsenceChanged(at=now, home_id=home.id, start=start, until=until))
        return absence

    def end_absence(self, work: UnitOfWork, actor: Actor, absence_id: UUID) -> Absence:
        """They are back earlier than told; raises `OutOfScope`, `AbsenceEnded`."""
        absence = ResidentRepository(work.session).absence(absence_id)
        if absence is None:
            raise OutOfScope
        self.seen_home(work, actor, absence.home_id)
        now = work.clock.now()
        if absence.ended_at is not None or absence.until <= now:
            raise AbsenceEnded(absence.ended_at or absence.until)
        absence.ended_at = now
        work.session.flush()
        work.record(AbsenceChanged(at=now, home_id=absence.home_id, start=min(absence.start, now), until=now))
        return absence

    def absences(self, work: UnitOfWork, home_id: str) -> Sequence[Absence]:
        """Absences that run or are to come; for monitoring and for pages that already asked for the home."""
        return ResidentRepository(work.session).absences(home_id, work.clock.now())

    def seen_home(self, work: UnitOfWork, actor: Actor, home_id: str) -> Home:
        """The home, where it is within the asker's scope; raises `OutOfScope`."""
        home = ResidentRepository(work.session).home(home_id)
        if home is None or not actor.may_see(home.community_id, home.id):
            raise OutOfScope
        return home


def _today(work: UnitOfWork, home: Home) -> datetime:
    return work.clock.now().astimezone(ZoneInfo(home.community.timezone))
