"""Computes the indicators of a period, with trend, communities and providers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from anju_core.actor import Actor
from anju_core.errors import Invalid
from anju_core.scope import Scope
from anju_core.vocabulary import OfferState
from anju_platform.accounts.looks import record_looks
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.summaries import AlertSummaries
from anju_platform.console.district.catalogue import KPIS, KpiDefinition
from anju_platform.console.district.kpis import Case, Happened, Period
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import list_communities, list_home_ids
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One indicator; `value` is None where the denominator is 0, `previous` is the value of the period before."""

    id: str
    name: str
    """As a message in Chinese, as are the meaning and the source of the target."""
    meaning: str
    unit: str
    numerator: float
    denominator: float
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
class CommunityRow:
    """One community's values, by indicator."""

    id: str
    name: str
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictReport:
    """A period's indicators."""

    start: datetime
    until: datetime
    kpis: Sequence[Kpi]
    providers: Sequence[ProviderRow]
    communities: Sequence[CommunityRow]


class DistrictService:
    """Computes reports; cases name homes by their id and never by a person's name."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    def compute_report(self, work: UnitOfWork, actor: Actor, start: datetime, until: datetime) -> DistrictReport:
        """Return the indicators of the asker's scope from `start` up to and without `until`; raises `InvalidPeriod`."""
        now = work.clock.now()
        if not start < until or start >= now:
            raise InvalidPeriod(start, until, "it ends before it begins, or begins in the future")
        if until - start > LONGEST_PERIOD:
            raise InvalidPeriod(start, until, f"it is longer than {LONGEST_PERIOD.days} days")
        self._accounts.audit_read(work, actor, "kpis", None, f"{start.date()}/{until.date()}")
        period, scope = Period(start, until, now), actor.scope
        happened = _read(work, period, scope)
        before = _read(work, Period(start - (period.end - start), start, now), scope)
        communities = [
            CommunityRow(row.id, row.name, _values(_only(happened, row.id))) for row in list_communities(work, scope)
        ]
        found = [_kpi(row, happened, before) for row in KPIS]
        record_looks(work, actor, "kpi_cases", {case.home_id for one in found for case in one.cases})
        visits = VisitSummaries(work.session)
        providers, offers = visits.list_provider_names(), visits.count_offers(start, until, scope)
        return DistrictReport(
            start=start,
            until=until,
            kpis=found,
            providers=[_provider(provider, name, offers, happened.visits) for provider, name in providers.items()],
            communities=communities,
        )


def _read(work: UnitOfWork, period: Period, scope: Scope) -> Happened:
    return Happened(
        period,
        list_home_ids(work, scope),
        AlertSummaries(work.session).list_timelines(period.start, period.until, scope),
        VisitSummaries(work.session).list_timelines(period.start, period.until, scope),
    )


def _kpi(row: KpiDefinition, happened: Happened, before: Happened) -> Kpi:
    done = row.compute(happened)
    value = done.ratio
    met = None if value is None else (value >= row.target if row.higher_is_better else value <= row.target)
    return Kpi(
        id=row.id,
        name=row.name,
        meaning=row.meaning,
        unit=row.unit,
        numerator=done.numerator,
        denominator=done.denominator,
        value=value,
        previous=row.compute(before).ratio,
        target=row.target,
        target_source=row.target_source,
        higher_is_better=row.higher_is_better,
        met=met,
        cases=done.cases[:MOST_CASES],
    )


def _values(happened: Happened) -> dict[str, float | None]:
    return {row.id: row.compute(happened).ratio for row in KPIS}


def _only(happened: Happened, community_id: str) -> Happened:
    return replace(
        happened,
        homes={home: community for home, community in happened.homes.items() if community == community_id},
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
