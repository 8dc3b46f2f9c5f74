"""Answers "is mother fine?" from alerts, sight, signs of life and visits, as far as the elder agreed to share it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.vocabulary import AlertKind, VisitState
from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.models import Alert
from anju_platform.console.family.sentence import FamilyState, Known, called, tell
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.models import Home, Resident
from anju_platform.residents.queries import absence_view, agreed, visit_brief
from anju_platform.residents.repository import ResidentRepository
from anju_platform.residents.views import AbsenceView, VisitBrief
from anju_platform.visits.models import VisitTask
from anju_wire.profiles import LIFE_QUANTITIES, QUANTITIES, Quantity

_POLLED = timedelta(minutes=10)
_LOOKS = 20
_DAY_BEGINS = time(4)
"""Movement before four is not yet "she rose"."""
_ABOUT_A_DEVICE = frozenset({AlertKind.HOME_OFFLINE.value})
_SIGHTS = {
    FamilyState.PRIVATE: "dark",
    FamilyState.CHECKING: "way",
    FamilyState.HOME_OFFLINE: "dark",
    FamilyState.AWAY: "fine",
    FamilyState.FINE: "fine",
}


class Sign(Protocol):
    """As much of a reading as is needed."""

    @property
    def at_s(self) -> float:
        """Event time, Unix seconds."""
        ...

    @property
    def quantity(self) -> str:
        """What was read."""
        ...

    @property
    def value(self) -> float | None:
        """A truth is 0 or 1."""
        ...


class Signs(Protocol):
    """As much of the series as is needed."""

    def read_home(
        self, home: str, start_s: float, end_s: float, quantities: Collection[str] | None = None
    ) -> Sequence[Sign]:
        """Readings of a home in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class LookView:
    """Somebody looked."""

    at: datetime
    by_name: str
    role: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySummary:
    """What a family sees; what the elder did not agree to share is empty."""

    home_id: str
    name: str
    called: str
    state: FamilyState
    sight: str
    zh: str
    en: str
    detail_zh: str
    detail_en: str
    last_life_at: datetime | None
    rose_at: datetime | None
    last_visit: VisitBrief | None
    next_visit: VisitBrief | None
    with_her: str
    """Who is at the home now."""
    phone: str
    duty_phone: str
    absences: Sequence[AbsenceView]
    shared: Sequence[str]
    looks: Sequence[LookView]


class FamilyService:
    """Reads for one relative's own home."""

    def __init__(self, access: AccountService, series: Signs) -> None:
        self._access = access
        self._series = series

    def summary(self, work: UnitOfWork, actor: Actor) -> FamilySummary:
        """The state of the asker's home; raises `OutOfScope` for who has none."""
        repository = ResidentRepository(work.session)
        home = repository.home(actor.home_id) if actor.home_id else None
        if home is None or not home.residents or not actor.may_see(home.community_id, home.id):
            raise OutOfScope
        self._access.log_look(work, actor, "family_summary", home.id, once_in=_POLLED)
        consents = repository.consents(person.id for person in home.residents)
        shared = agreed(consents, "family_summary")
        now, elder = work.clock.now(), home.residents[0]
        alerts, visit = repository.open_alerts([home.id]), repository.next_visit(home.id)
        known = self._known(repository, home, alerts, visit, shared=shared, now=now)
        name = called(_relation(elder, actor.name), elder.gender, elder.name)
        said = tell(known, name, now)
        return FamilySummary(
            home_id=home.id,
            name=elder.name,
            called=name.zh,
            state=said.state,
            sight=_SIGHTS[said.state],
            zh=said.zh,
            en=said.en,
            detail_zh=said.detail_zh,
            detail_en=said.detail_en,
            last_life_at=known.last_life_at if shared else None,
            rose_at=self._rose_at(home, now) if shared else None,
            last_visit=visit_brief(repository.last_visit(home.id)) if shared else None,
            next_visit=visit_brief(visit) if shared else None,
            with_her=_present(visit) if shared else "",
            phone=elder.phone,
            duty_phone=home.community.phone,
            absences=[absence_view(row) for row in repository.absences(home.id, now)],
            shared=sorted({row.scope for row in consents if row.withdrawn_at is None}),
            looks=[
                LookView(look.at, look.by_name, look.role, look.what)
                for look in self._access.looks_of(work, home.id, _LOOKS)
            ],
        )

    def _known(
        self,
        repository: ResidentRepository,
        home: Home,
        alerts: Sequence[Alert],
        visit: VisitTask | None,
        *,
        shared: bool,
        now: datetime,
    ) -> Known:
        supervision = repository.supervision_of([home.id]).get(home.id)
        silence = repository.deadlines([home.id]).get(home.id)
        urgent = [alert for alert in alerts if alert.kind not in _ABOUT_A_DEVICE]
        running = [row.until for row in repository.absences(home.id, now) if row.start <= now]
        return Known(
            shared=shared,
            urgent=bool(urgent),
            helper=_present(visit) or next(filter(None, (one.acknowledged_by_name for one in urgent)), ""),
            offline_since=_offline_since(alerts, supervision.offline_since if supervision else None),
            last_life_at=silence.last_life_at if silence else None,
            deadline_at=silence.due_at if silence else None,
            absent_until=max(running, default=None),
        )

    def _rose_at(self, home: Home, now: datetime) -> datetime | None:
        """The first sign of life of the day there; one time, and no room."""
        local = now.astimezone(ZoneInfo(home.community.timezone))
        begins = datetime.combine(local.date(), _DAY_BEGINS, local.tzinfo)
        if begins >= now:
            return None
        for sign in self._series.read_home(home.id, begins.timestamp(), now.timestamp(), LIFE_QUANTITIES):
            if QUANTITIES[Quantity(sign.quantity)].shows_life(sign.value):
                return datetime.fromtimestamp(sign.at_s, UTC)
        return None


def _relation(elder: Resident, relative: str) -> str:
    return next((contact.relation for contact in elder.contacts if contact.name == relative), "")


def _present(visit: VisitTask | None) -> str:
    return visit.carer_name if visit is not None and visit.state == VisitState.CHECKED_IN.value else ""


def _offline_since(alerts: Sequence[Alert], since: datetime | None) -> datetime | None:
    offline = [alert.happened_at for alert in alerts if alert.kind == AlertKind.HOME_OFFLINE.value]
    return min([*offline, *([since] if since else [])], default=None)
