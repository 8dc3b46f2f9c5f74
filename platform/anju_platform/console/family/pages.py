"""The family's page: how the elder is, visits, absences, and who read the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from anju_core.errors import DomainError
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.emergency_call import EmergencyCall, emergency_call
from anju_platform.console.error_messages import explain
from anju_platform.console.home_card import card
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.i18n.display_names import DisplayStatus, display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.read_models.family.service import FamilyService, FamilySummary
from anju_platform.residents.records import AbsenceView
from anju_platform.residents.service import ResidentService
from anju_platform.visits.summaries import VisitBrief
from anju_platform.web.errors import status_of

router = APIRouter(prefix="/family", dependencies=[Depends(require(Role.FAMILY))])

_FORM_TIME = "%Y-%m-%dT%H:%M"
_USUAL_STAY = timedelta(days=1)
_READ_NAMES = {
    "alert": N_("报警"),
    "home": N_("住户页"),
    "activity": N_("一天的活动"),
    "door_code": N_("门锁密码"),
    "family_summary": N_("平安一句话"),
    "visit": N_("上门"),
    "export": N_("导出"),
    "routine": N_("作息"),
    "routine_note": N_("作息变化"),
    "alerts": N_("报警列表"),
    "closed_alerts": N_("已结束的报警"),
    "closed_alerts_export": N_("导出已结束的报警"),
    "visits": N_("上门列表"),
    "search": N_("查找"),
    "stream": N_("实时更新"),
    "devices": N_("设备"),
    "quarantine": N_("被拒收的消息"),
    "kpi_cases": N_("统计里的个案"),
}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who read what."""

    at: datetime
    by_name: str
    role: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPage:
    """The whole page; `facts` are a name, a time and a text, either of which may be missing."""

    status: str
    sentence: str
    lines: list[str]
    kin: str
    phone: str
    duty_phone: str
    emergency: EmergencyCall | None
    facts: list[tuple[str, datetime | None, str]]
    absences: list[AbsenceView]
    least_until: str
    usual_until: str
    shared: list[str]
    audit: list[AuditRow]


@router.get("", name="family")
def show_family(page: PageContextDep, told: bool = False) -> Response:  # noqa: FBT001, FBT002 - a flag of the address
    """Show the sentence and its facts."""
    return _show(page, page.words("社区知道了，谢谢您。") if told else "")


@router.post("/absences")
def tell_absence(page: PageContextDep, until: Annotated[str, Form(max_length=40)]) -> Response:
    """Store that nobody is at home until the form's time, which is local."""
    try:
        at = datetime.strptime(until, _FORM_TIME).replace(tzinfo=page.zone)
    except ValueError:
        return _show(page, "", page.words("看不懂这个时间。"), 422)
    try:
        with page.work() as work:
            page.service(ResidentService).tell_absence(work, page.actor, page.actor.home_id or "", at)
    except DomainError as refusal:
        return _show(page, "", explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/family?told=true", status_code=303)


@router.post("/absences/{absence_id}/end")
def end_absence(absence_id: UUID, page: PageContextDep) -> Response:
    """End an absence earlier than told."""
    try:
        with page.work() as work:
            page.service(ResidentService).end_absence(work, page.actor, absence_id)
    except DomainError as refusal:
        return _show(page, "", explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/family?told=true", status_code=303)


def _show(page: PageContext, told: str, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        summary = page.service(FamilyService).summarize_home(work, page.actor, page.words)
        now = work.clock.now()
        home = card(work, summary.home_id, page.words, now)
    what = "" if summary.status == DisplayStatus.FINE else summary.happened or summary.sentence
    call = None if home is None else emergency_call(home, page.words, what, summary.open_kinds)
    shown = _shown(summary, page.words, now.astimezone(page.zone), call)
    return page.render("family.html", "family", status=status, family=shown, told=told, problem=problem)


def _shown(found: FamilySummary, words: Words, local: datetime, call: EmergencyCall | None) -> FamilyPage:
    return FamilyPage(
        status=found.status,
        sentence=found.sentence,
        lines=list(found.lines),
        kin=found.kin,
        phone=found.phone,
        duty_phone=found.duty_phone,
        emergency=call,
        facts=_facts(found, words),
        absences=list(found.absences),
        least_until=local.strftime(_FORM_TIME),
        usual_until=(local + _USUAL_STAY).replace(hour=18, minute=0).strftime(_FORM_TIME),
        shared=list(found.shared),
        audit=[
            AuditRow(event.at, event.by_name, event.role, words(_READ_NAMES.get(event.what, event.what)))
            for event in found.audit
        ],
    )


def _facts(found: FamilySummary, words: Words) -> list[tuple[str, datetime | None, str]]:
    facts: list[tuple[str, datetime | None, str]] = []
    if found.with_her:
        facts.append((words("现在陪着的人"), None, found.with_her))
    if found.last_life_at:
        facts.append((words("最近一次活动"), found.last_life_at, ""))
    if found.rose_at:
        facts.append((words("今天起床"), found.rose_at, ""))
    if found.last_visit:
        facts.append((words("上一次上门"), found.last_visit.at, _visit(found.last_visit, words)))
    if found.next_visit:
        facts.append((words("下一次上门"), found.next_visit.at, _visit(found.next_visit, words)))
    return facts


def _visit(visit: VisitBrief, words: Words) -> str:
    category = display_name(words, "category", visit.category)
    return f"{visit.carer_name} · {category}" if visit.carer_name else category
