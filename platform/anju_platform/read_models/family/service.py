"""Answers "is mother fine?" from alerts, supervision, signs of life and visits, as far as the elder shares it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Protocol

from anju_core.actor import Actor
from anju_core.family_sentence import DAY, FamilyState, HomeEvent, Known, state_family
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, VisitState
from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.looks import record_looks
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.summaries import AlertSummaries, OpenAlert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.family_sentences import FamilyReader
from anju_platform.i18n.translation import Words
from anju_platform.monitoring.status import NEVER_SEEN, ONLINE, HomeStatusReader, Inactivity, SupervisionView
from anju_platform.read_models.family.kinship import kinship_name
from anju_platform.residents.directory import find_home, list_absences
from anju_platform.residents.records import AbsenceView, HomeRecord, ResidentRecord
from anju_platform.visits.summaries import VisitBrief, VisitSummaries
from anju_wire.profiles import LIFE_QUANTITIES, QUANTITIES, Quantity

_AUDIT_ENTRIES = 20
_DAY_BEGINS = time(4)
"""Movement before this local time does not count as getting up."""
_STATUSES = {
    FamilyState.PRIVATE: "dark",
    FamilyState.CHECKING: "way",
    FamilyState.AMBULANCE: "way",
    FamilyState.HOME_OFFLINE: "dark",
    FamilyState.AWAY: "fine",
    FamilyState.SAFE: "fine",
    FamilyState.FINE: "fine",
}


class LifeReading(Protocol):
    """The part of a reading that is needed."""

    @property
    def at_s(self) -> float:
        """Event time, Unix seconds."""
        ...

    @property
    def quantity(self) -> str:
        """The quantity."""
        ...

    @property
    def value(self) -> float | None:
        """The number; a truth value is 1 or 0."""
        ...


class Signs(Protocol):
    """The part of a series store that is needed."""

    def read_home(
        self, home: str, start_s: float, end_s: float, quantities: Collection[str] | None = None
    ) -> Sequence[LifeReading]:
        """Return the readings of a home in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Somebody read the home's data."""

    at: datetime
    by_name: str
    role: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySummary:
    """What a family sees, in the reader's language; what the elder did not agree to share is empty.

    kin: how the reader calls the elder. detail: all `lines` as one text.
    happened: what is open, or was last told, in short; empty where nothing is. open_kinds: kinds of the alerts that are
    open.
    """

    home_id: str
    timezone: str
    name: str
    kin: str
    state: FamilyState
    status: str
    sentence: str
    detail: str
    lines: Sequence[str]
    happened: str
    open_kinds: Sequence[AlertKind]
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
    audit: Sequence[AuditEntry]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the records say of the home now."""

    alerts: Sequence[OpenAlert]
    events: Sequence[HomeEvent]
    supervision: SupervisionView
    inactivity: Inactivity
    visit: VisitBrief | None
    absences: Sequence[AbsenceView]


class FamilyService:
    """Reads for a relative about the own home."""

    def __init__(self, accounts: AccountService, series: Signs) -> None:
        self._accounts = accounts
        self._series = series

    def summarize_home(self, work: UnitOfWork, actor: Actor, words: Words) -> FamilySummary:
        """Return the state of the asker's home; raises `OutOfScope` for who has none."""
        home = find_home(work, actor.home_id) if actor.home_id else None
        if home is None or not home.residents or not actor.may_see(home.community_id, home.id):
            raise OutOfScope
        record_looks(work, actor, "family_summary", [home.id])
        now, elder = work.clock.now(), home.residents[0]
        shared = any(person.agreed_to("family_summary") for person in home.residents)
        facts = _read_facts(work, home.id, now)
        known = _known(facts, shared=shared, now=now)
        statement, kin = state_family(known, now), kinship_name(_relation(elder, actor.name), elder.gender, elder.name)
        reader = FamilyReader(words, kin, now, home.timezone)
        lines = reader.lines(statement)
        return FamilySummary(
            home_id=home.id,
            timezone=home.timezone.key,
            name=elder.name,
            kin=words(kin),
            state=statement.state,
            status=_STATUSES[statement.state],
            sentence=reader.headline(statement.state),
            detail=" ".join(lines),
            lines=lines,
            happened=next((reader.phrase(line[0]) for line in statement.lines if "kind" in line[0].facts), ""),
            open_kinds=sorted({AlertKind(one.kind) for one in facts.alerts} - TECHNICAL_KINDS) if shared else [],
            last_life_at=known.last_life_at if shared else None,
            rose_at=self._rose_at(home, now) if shared else None,
            last_visit=VisitSummaries(work.session).find_last(home.id) if shared else None,
            next_visit=facts.visit if shared else None,
            with_her=_present(facts.visit) if shared else "",
            phone=elder.phone,
            duty_phone=home.community_phone,
            absences=facts.absences,
            shared=_shared_scopes(home),
            audit=self._list_audit(work, home.id),
        )

    def _list_audit(self, work: UnitOfWork, home_id: str) -> list[AuditEntry]:
        found = self._accounts.list_audit_events(work, home_id, _AUDIT_ENTRIES)
        return [AuditEntry(event.at, event.by_name, event.role, event.what) for event in found]

    def _rose_at(self, home: HomeRecord, now: datetime) -> datetime | None:
        """Return the time of the first sign of life of the day there, without its room."""
        local = now.astimezone(home.timezone)
        begins = datetime.combine(local.date(), _DAY_BEGINS, local.tzinfo)
        if begins >= now:
            return None
        for sign in self._series.read_home(home.id, begins.timestamp(), now.timestamp(), LIFE_QUANTITIES):
            if QUANTITIES[Quantity(sign.quantity)].shows_life(sign.value):
                return datetime.fromtimestamp(sign.at_s, UTC)
        return None


def _read_facts(work: UnitOfWork, home_id: str, now: datetime) -> _Facts:
    status = HomeStatusReader(work.session)
    return _Facts(
        alerts=AlertSummaries(work.session).list_open([home_id]),
        events=_read_events(work, home_id, now),
        supervision=status.find_supervision([home_id]).get(home_id, ONLINE),
        inactivity=status.find_inactivity([home_id]).get(home_id, NEVER_SEEN),
        visit=VisitSummaries(work.session).find_next(home_id),
        absences=list_absences(work, home_id, now),
    )


def _read_events(work: UnitOfWork, home_id: str, now: datetime) -> list[HomeEvent]:
    events = AlertSummaries(work.session).list_events(home_id, now - DAY)
    found = VisitSummaries(work.session).find_findings(events)
    return [replace(event, finding=found.get(alert_id, "")) for alert_id, event in events.items()]


def _known(facts: _Facts, *, shared: bool, now: datetime) -> Known:
    return Known(
        shared=shared,
        events=facts.events,
        offline_since=_offline_since(facts.alerts, facts.supervision.offline_since),
        last_life_at=facts.inactivity.last_life_at,
        deadline_at=facts.inactivity.deadline_at,
        absent_until=max((one.until for one in facts.absences if one.start <= now), default=None),
    )


def _shared_scopes(home: HomeRecord) -> list[str]:
    given = {one.scope for person in home.residents for one in person.consents if one.withdrawn_at is None}
    return sorted(given)


def _relation(elder: ResidentRecord, relative: str) -> str:
    return next((contact.relation for contact in elder.contacts if contact.name == relative), "")


def _present(visit: VisitBrief | None) -> str:
    return visit.carer_name if visit is not None and visit.state == VisitState.CHECKED_IN.value else ""


def _offline_since(alerts: Sequence[OpenAlert], since: datetime | None) -> datetime | None:
    offline = [alert.at for alert in alerts if alert.kind == AlertKind.HOME_OFFLINE.value]
    return min([*offline, *([since] if since else [])], default=None)
