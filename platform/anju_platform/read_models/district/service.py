"""Computes the indicators of a period, with trend, communities and providers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from anju_core.actor import Actor
from anju_core.errors import Invalid, NotFound
from anju_core.scope import Scope
from anju_core.vocabulary import OfferState
from anju_platform.accounts.looks import record_looks
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.summaries import AlertSummaries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.read_models.district.catalogue import KPIS, KpiDefinition
from anju_platform.read_models.district.kpis import Case, Happened, Period, Sum
from anju_platform.residents.directory import list_communities, read_homes
from anju_platform.residents.enrolment import Enrolment, list_enrolments
from anju_platform.residents.records import HomeRecord
from anju_platform.visits.summaries import VisitSummaries, VisitTimeline

LONGEST_PERIOD = timedelta(days=400)
MOST_CASES = 200


class InvalidPeriod(Invalid):
    """A period for which no indicators can be computed."""

    def __init__(self, start: datetime, until: datetime, why: str) -> None:
        super().__init__(f"from {start.isoformat()} until {until.isoformat()}: {why}")
        self.start = start
        self.until = until
        self.why = why


class KpiNotFound(NotFound):
    """No indicator has this id."""

    def __init__(self, kpi_id: str) -> None:
        super().__init__(f"indicator {kpi_id!r}")
        self.kpi_id = kpi_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One indicator; `value` is None where nothing was measured, `previous` is the value of the period before.

    met: whether the target is reached; None also where the denominator is below `least` and says too little.
    """

    id: str
    name: str
    """As a message in Chinese, as are the meaning and the source of the target."""
    meaning: str
    unit: str
    numerator: float
    numerator_name: str
    denominator: float
    denominator_name: str
    """What the two count, as messages."""
    least: float
    value: float | None
    previous: float | None
    target: float
    target_source: str
    higher_is_better: bool
    met: bool | None
    cases: Sequence[Case]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One provider's period. `on_time` of the `visits` that were made; `fee_fen` of those confirmed."""

    id: str
    name: str
    offered: int
    accepted: int
    declined: int
    timed_out: int
    visits: int
    on_time: int
    median_arrival_min: float | None
    """From acceptance to the door."""
    fee_fen: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with what it was computed from; None where nothing was measured."""

    value: float | None
    numerator: float
    denominator: float


@dataclass(frozen=True, slots=True)
class CommunityRow:
    """One community's figures, by indicator."""

    id: str
    name: str
    values: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The figures of one week or month, by indicator."""

    start: datetime
    until: datetime
    values: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class NamedCase:
    """A case with who lives there and where: the home's id and nothing for those who see no names."""

    case: Case
    name: str
    home: HomeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseList:
    """The cases behind one indicator: those that fell short (for counts: that were counted), and the others."""

    kpi: Kpi
    short: Sequence[NamedCase]
    others: Sequence[NamedCase]
    left_out: int
    """How many more there are than are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictReport:
    """A period's indicators. `not_enrolled`: of the `homes`, those without a consent to monitoring: not counted."""

    start: datetime
    until: datetime
    homes: int
    not_enrolled: int
    kpis: Sequence[Kpi]
    providers: Sequence[ProviderRow]
    communities: Sequence[CommunityRow]


class DistrictService:
    """Computes reports; they name homes by their id. Only the list of cases names people, to those who may know."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    def compute_report(
        self, work: UnitOfWork, actor: Actor, start: datetime, until: datetime, *, look: str = "kpis"
    ) -> DistrictReport:
        """Return the indicators of the asker's scope from `start` up to and without `until`; written down as `look`.

        Raises `InvalidPeriod`.
        """
        period, scope = _period(work, start, until), actor.scope
        self._accounts.audit_read(work, actor, look, None, f"{start.date()}/{until.date()}")
        happened = _read(work, period, scope)
        before = _read(work, _before(period), scope, happened.homes)
        places = list_communities(work, scope)
        communities = [CommunityRow(row.id, row.name, _figures(_only(happened, row.id))) for row in places]
        found = [_kpi(row, row.compute(happened), before) for row in KPIS]
        record_looks(work, actor, "kpi_cases", {case.home_id for one in found for case in one.cases})
        visits = VisitSummaries(work.session)
        providers, offers = visits.list_provider_names(), visits.count_offers(start, until, scope)
        return DistrictReport(
            start=start,
            until=until,
            homes=len(happened.homes),
            not_enrolled=sum(home.start is None for home in happened.homes.values()),
            kpis=found,
            providers=[_provider(provider, name, offers, happened.visits) for provider, name in providers.items()],
            communities=communities,
        )

    def compute_trend(self, work: UnitOfWork, actor: Actor, edges: Sequence[datetime]) -> Sequence[TrendPoint]:
        """Return the indicators of the asker's scope for each time between two edges, the earliest first."""
        now, homes = work.clock.now(), list_enrolments(work, actor.scope)
        return [
            TrendPoint(start, until, _figures(_read(work, Period(start, until, now), actor.scope, homes)))
            for start, until in pairwise(edges)
            if start < now
        ]

    def list_cases(
        self, work: UnitOfWork, actor: Actor, kpi_id: str, *, start: datetime, until: datetime, why: str = ""
    ) -> CaseList:
        """Return the cases behind one indicator; the look at each home is audited.

        why: for what an overseer of the district, who sees homes' ids only, reads the names.
        Raises `KpiNotFound`, `InvalidPeriod`.
        """
        row = next((one for one in KPIS if one.id == kpi_id), None)
        if row is None:
            raise KpiNotFound(kpi_id)
        period = _period(work, start, until)
        done = row.compute(_read(work, period, actor.scope))
        short, others = done.cases[:MOST_CASES], done.others[:MOST_CASES]
        ids = {case.home_id for case in (*short, *others)}
        homes = read_homes(work, actor, ids, "kpi_cases", why.strip(), named=actor.opens_case(why))
        return CaseList(
            kpi=_kpi(row, done, _read(work, _before(period), actor.scope)),
            short=[NamedCase(case, homes[case.home_id].resident_names, homes[case.home_id]) for case in short],
            others=[NamedCase(case, homes[case.home_id].resident_names, homes[case.home_id]) for case in others],
            left_out=len(done.cases) + len(done.others) - len(short) - len(others),
        )


def _period(work: UnitOfWork, start: datetime, until: datetime) -> Period:
    now = work.clock.now()
    if not start < until or start >= now:
        raise InvalidPeriod(start, until, "it ends before it begins, or begins in the future")
    if until - start > LONGEST_PERIOD:
        raise InvalidPeriod(start, until, f"it is longer than {LONGEST_PERIOD.days} days")
    return Period(start, until, now)


def _before(period: Period) -> Period:
    return Period(period.start - (period.end - period.start), period.start, period.now)


def _read(work: UnitOfWork, period: Period, scope: Scope, homes: Mapping[str, Enrolment] | None = None) -> Happened:
    return Happened(
        period,
        list_enrolments(work, scope) if homes is None else homes,
        AlertSummaries(work.session).list_timelines(period.start, period.until, scope),
        VisitSummaries(work.session).list_timelines(period.start, period.until, scope),
    )


def _kpi(row: KpiDefinition, done: Sum, before: Happened) -> Kpi:
    value = done.ratio
    met: bool | None = None
    if value is not None and done.denominator >= row.least:
        met = value >= row.target if row.higher_is_better else value <= row.target
    return Kpi(
        id=row.id,
        name=row.name,
        meaning=row.meaning,
        unit=row.unit,
        numerator=done.numerator,
        numerator_name=row.numerator_name,
        denominator=done.denominator,
        denominator_name=row.denominator_name,
        least=row.least,
        value=value,
        previous=row.compute(before).ratio,
        target=row.target,
        target_source=row.target_source,
        higher_is_better=row.higher_is_better,
        met=met,
        cases=done.cases[:MOST_CASES],
    )


def _figures(happened: Happened) -> dict[str, Figure]:
    sums = {row.id: row.compute(happened) for row in KPIS}
    return {name: Figure(done.ratio, done.numerator, done.denominator) for name, done in sums.items()}


def _only(happened: Happened, community_id: str) -> Happened:
    return replace(
        happened,
        homes={home: one for home, one in happened.homes.items() if one.community_id == community_id},
        alerts=[alert for alert in happened.alerts if alert.community_id == community_id],
        visits=[visit for visit in happened.visits if visit.community_id == community_id],
    )


def _provider(
    provider_id: str, name: str, offers: Mapping[tuple[str, OfferState], int], visits: Sequence[VisitTimeline]
) -> ProviderRow:
    made = [visit for visit in visits if visit.provider_id == provider_id and visit.checked_in_at is not None]
    ways = [
        (visit.checked_in_at - visit.accepted_at).total_seconds() / 60
        for visit in made
        if visit.checked_in_at is not None and visit.accepted_at is not None
    ]
    on_time = [visit for visit in made if visit.checked_in_at is not None and visit.checked_in_at <= visit.arrive_by]
    return ProviderRow(
        id=provider_id,
        name=name,
        offered=sum(count for (provider, _state), count in offers.items() if provider == provider_id),
        accepted=offers.get((provider_id, OfferState.ACCEPTED), 0),
        declined=offers.get((provider_id, OfferState.DECLINED), 0),
        timed_out=offers.get((provider_id, OfferState.TIMED_OUT), 0),
        visits=len(made),
        on_time=len(on_time),
        median_arrival_min=median(ways) if ways else None,
        fee_fen=sum(visit.fee_fen for visit in made if visit.confirmed_at is not None),
    )
