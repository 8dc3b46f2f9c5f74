"""Homes that want maintenance: no data is received, by cause, or a battery is to be replaced; with repair visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from anju_core.errors import DomainError
from anju_core.events import VisitRequested
from anju_core.vocabulary import Role, VisitCategory
from anju_platform.accounts.guards import require
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.devices.status import DeviceStatus
from anju_platform.i18n.addresses import address
from anju_platform.i18n.reasons import describe_cause
from anju_platform.i18n.translation import Words
from anju_platform.read_models.homes.overview import BatteryHomeView, HomeOverviewService, OfflineHomeView
from anju_platform.residents.service import ResidentService
from anju_platform.web.errors import status_of

router = APIRouter(prefix="/homes", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineHomeRow:
    """A home from which no data is received; `repair` is the state of a repair visit under way, or empty."""

    home_id: str
    name: str
    phone: str
    address: str
    since: datetime
    zone: ZoneInfo
    alert_id: UUID | None
    repair: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryRow:
    """A home where batteries are to be replaced; `repair` is the state of a repair visit under way, or empty."""

    home_id: str
    name: str
    address: str
    devices: Sequence[DeviceStatus]
    repair: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Homes that are offline for one reason."""

    cause: str
    rows: Sequence[OfflineHomeRow]


@router.get("", name="homes")
def show_offline_homes(page: PageContextDep) -> Response:
    """Show the homes by cause, the longest offline first."""
    return _show(page)


@router.post("/{home_id}/repair")
def ask_repair(home_id: str, page: PageContextDep) -> Response:
    """Request a repair visit, unless one is under way."""
    try:
        with page.work() as work:
            home = page.service(ResidentService).find_home(work, page.actor, home_id)
            if page.service(HomeOverviewService).find_repair(work, home.id) is None:
                work.record(
                    VisitRequested(
                        at=work.clock.now(),
                        alert_id=None,
                        home_id=home.id,
                        category=VisitCategory.REPAIR,
                        by_account=page.actor.account_id,
                        by_name=page.actor.name,
                        note="",
                    )
                )
    except DomainError as refusal:
        return _show(page, explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/homes?supervision=lost", status_code=303)


def _show(page: PageContext, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        found = page.service(HomeOverviewService).list_offline_homes(work, page.actor)
        weak = page.service(HomeOverviewService).list_battery_homes(work, page.actor)
    causes: dict[str, list[OfflineHomeRow]] = defaultdict(list)
    for home in found:
        causes[describe_cause(home.reason, page.words)].append(_shown(home, page.words))
    groups = [Cause(cause, rows) for cause, rows in causes.items()]
    batteries = [_battery_row(home, page.words) for home in weak]
    return page.render("homes.html", "homes", status=status, groups=groups, batteries=batteries, problem=problem)


def _battery_row(home: BatteryHomeView, words: Words) -> BatteryRow:
    return BatteryRow(
        home_id=home.home_id,
        name=home.name,
        address=address(words, home.estate, home.building, home.unit, home.room),
        devices=home.devices,
        repair=home.repair or "",
    )


def _shown(home: OfflineHomeView, words: Words) -> OfflineHomeRow:
    return OfflineHomeRow(
        home_id=home.home_id,
        name=home.name,
        phone=home.phone,
        address=address(words, home.estate, home.building, home.unit, home.room),
        since=home.since,
        zone=ZoneInfo(home.timezone),
        alert_id=home.alert_id,
        repair=home.repair or "",
    )
