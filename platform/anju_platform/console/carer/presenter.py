"""What the carer's phone shows of offers and visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.dispatch import DANGEROUS_ANSWERS, is_dangerous
from anju_core.vocabulary import AlertKind, VisitState
from anju_platform.console.board.visit_summary import visit_status
from anju_platform.console.emergency_call import EmergencyCall, emergency_call
from anju_platform.console.home_card import HomeCard
from anju_platform.i18n.addresses import translate_address
from anju_platform.i18n.display_names import LABELS, DisplayStatus, display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.visits.notices import CarerNotice
from anju_platform.visits.queries import OfferedVisit, VisitSummary

STEPS = (
    ("go", N_("路上")),
    ("arrive", N_("到达")),
    ("tasks", N_("要做的事")),
    ("leave", N_("离开")),
    ("done", N_("完成")),
)
"""The steps of a visit as the phone walks through them: key and title."""
_STEP_AT = {
    VisitState.ACCEPTED: "go",
    VisitState.CHECKED_IN: "tasks",
    VisitState.CHECKED_OUT: "done",
    VisitState.CONFIRMED: "done",
}
_GOING = frozenset({VisitState.ACCEPTED, VisitState.CHECKED_IN})
_ETAS = (5, 10, 15, 20, 30, 45)
"""The minutes to the door that a carer can choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShown:
    """One item of the checklist."""

    id: str
    text: str
    done: bool | None
    danger: bool | None
    """The answer that asks for help at once; None where neither does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitShown:
    """A visit as the phone shows it; `step` is one of `STEPS`, or `cancelled`."""

    id: UUID
    name: str
    age: int | None
    address: str
    category: str
    reason: str
    note: str
    step: str
    state: str
    status: DisplayStatus
    arrive_by: datetime
    phone: str
    duty_phone: str
    map_url: str
    fee_fen: int
    door: list[tuple[str, str]]
    tasks: list[TaskShown]
    danger: str
    """What the dangerous answers mean, in words; empty where there is none."""
    emergency: EmergencyCall | None
    """Whom to dial, and what to tell them; None for whoever does not go there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeShown:
    """A visit that is the carer's no longer, in her words: which one, and why she need not go."""

    id: str
    visit_id: UUID
    at: datetime
    category: str
    where: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferShown:
    """An offer: in which community, how far, what, pay, and until when. Who and the address are told on acceptance."""

    visit_id: UUID
    address: str
    distance_m: float | None
    direction: str
    category: str
    reason: str
    arrive_by: datetime
    fee_fen: int
    eta: int
    offered_at: datetime
    expires_at: datetime


def _reason(visit: VisitSummary, words: Words) -> str:
    kind = LABELS["kind"].get(visit.alert_kind or "", "")
    return words(kind) if kind else ""


def show_visit(visit: VisitSummary, home: HomeCard | None, words: Words, carer: Actor) -> VisitShown:
    """Return a visit in the reader's words; without its home the address of the visit stands alone.

    Telephone and notes for the door are shown to the carer who accepted it, until the visit is over.
    """
    goes = visit.carer_id == carer.account_id and visit.state in _GOING
    kinds = [AlertKind(visit.alert_kind)] if visit.alert_kind else []
    danger = words("；").join(
        display_name(words, "danger", task.id) for task in visit.tasks if is_dangerous(task.id, task.done)
    )
    map_url = (
        f"geo:{visit.latitude},{visit.longitude}" if visit.latitude is not None and visit.longitude is not None else ""
    )
    return VisitShown(
        id=visit.id,
        name=visit.name,
        age=home.age if home else None,
        address=home.address if home else translate_address(words, visit.address),
        category=visit.category,
        reason=_reason(visit, words),
        note=visit.note,
        step=_STEP_AT.get(visit.state, "cancelled"),
        state=visit.state,
        status=visit_status(visit.state),
        arrive_by=visit.arrive_by,
        phone=home.phone if home and goes else "",
        duty_phone=home.duty_phone if home else "",
        map_url=map_url,
        fee_fen=visit.fee_fen,
        door=list(home.door) if home and goes else [],
        tasks=[
            TaskShown(
                id=task.id,
                text=display_name(words, "checklist", task.id),
                done=task.done,
                danger=DANGEROUS_ANSWERS.get(task.id),
            )
            for task in visit.tasks
        ],
        danger=danger,
        emergency=emergency_call(home, words, danger or _reason(visit, words), kinds) if home and goes else None,
    )


def show_notice(notice: CarerNotice, words: Words) -> NoticeShown:
    """Return a notice in the reader's words."""
    return NoticeShown(
        id=notice.id,
        visit_id=notice.visit_id,
        at=notice.at,
        category=notice.category,
        where=notice.community_name,
        text=notice.withdrawal.say(words),
    )


def show_offer(offer: OfferedVisit, words: Words) -> OfferShown:
    """Return an offer in the reader's words, with the estimate rounded up to a choice of minutes."""
    guess = offer.eta_minutes or _ETAS[1]
    return OfferShown(
        visit_id=offer.id,
        address=translate_address(words, offer.address),
        distance_m=offer.distance_m,
        direction="" if offer.direction is None else display_name(words, "direction", offer.direction),
        category=offer.category,
        reason=_reason(offer, words),
        arrive_by=offer.arrive_by,
        fee_fen=offer.fee_fen,
        eta=next((one for one in _ETAS if one >= guess), _ETAS[-1]),
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
    )
