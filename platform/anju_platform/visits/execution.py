"""What is done at the home: arrive, answer the checklist, leave.

Steps on a phone may come late and twice: `step_id` (the phone's own) makes each count once, `phone_at` says when it
happened by the phone's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.dispatch import (
    CATEGORIES,
    MAX_WRONG_CODES,
    Arrival,
    Place,
    believed_time,
    is_dangerous,
    prove_arrival,
)
from anju_core.events import HelpWanted
from anju_core.visits import NotYourVisit, TasksUnanswered, UnknownTask, VisitCommand, VisitNotFound, VisitStep, decide
from anju_core.vocabulary import Role, VisitCategory, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_homes
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.errors import ArrivalNotProven, TooManyCodes
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.models import VisitTask
from anju_platform.visits.repository import VisitRepository

HELP = "help"
"""The report's condition that says: the elder needs help now."""
STAFF = frozenset({Role.WORKER, Role.SUPERVISOR, Role.ADMIN})
"""Roles that may act on a visit for the community."""


class VisitExecution:
    """Carries out the steps at the door and behind it; each raises `VisitNotFound`, `NotYourVisit`."""

    def __init__(self, announcements: VisitAnnouncements) -> None:
        self._announcements = announcements

    def repeat_code(self, work: UnitOfWork, visit_id: UUID, actor: Actor) -> None:
        """Have the home say the code once more, for a carer who stands at the door; raises `VisitStepNotPossible`."""
        visit = lock_visit(work, visit_id)
        _is_staff_acting(visit, actor)
        decide(visit_id, VisitState(visit.state), VisitCommand.CHECK_IN)
        self._announcements.repeat_code(work, visit)

    def check_in(
        self,
        work: UnitOfWork,
        visit_id: UUID,
        actor: Actor,
        *,
        code: str | None = None,
        place: Place | None = None,
        phone_at: datetime | None = None,
        step_id: str | None = None,
    ) -> None:
        """Write down the arrival, proven by the home's code or attested by staff; the phone's place corroborates.

        Raises `ArrivalNotProven`, which counts a wrong code and has the home say the right one again, and
        `TooManyCodes` after `MAX_WRONG_CODES`.
        """
        visit = lock_visit(work, visit_id)
        attested = _is_staff_acting(visit, actor)
        if _is_counted(work, visit, step_id):
            return
        after = decide(visit_id, VisitState(visit.state), VisitCommand.CHECK_IN)
        try:
            arrival = _prove(work, visit, code, place, attested=attested)
        except ArrivalNotProven as refusal:
            if refusal.wrong_code:
                self._announcements.repeat_code(work, visit)
            raise
        at = believed_time(phone_at, work.clock.now(), visit.accepted_at or visit.created_at)
        visit.check_in_proof = _proof(arrival, place, phone_at)
        visit.state, visit.checked_in_at = after.value, at
        visit.next_due_at = at + timedelta(seconds=CATEGORIES[VisitCategory(visit.category)].stay_s)
        source = _source(visit, step_id)
        history.append(work, visit, VisitStep.CHECKED_IN, at, actor=actor, detail=visit.check_in_proof, source=source)
        work.session.flush()

    def answer_tasks(
        self,
        work: UnitOfWork,
        visit_id: UUID,
        actor: Actor,
        done: Mapping[str, bool],
        *,
        phone_at: datetime | None = None,
        step_id: str | None = None,
    ) -> None:
        """Answer items of the checklist, by their ids; a dangerous answer calls for help. Raises `UnknownTask`."""
        visit = lock_visit(work, visit_id)
        _is_staff_acting(visit, actor)
        if _is_counted(work, visit, step_id):
            return
        decide(visit_id, VisitState(visit.state), VisitCommand.CHECK)
        tasks = _tasks(visit)
        unknown = [name for name in done if name not in tasks]
        if unknown:
            raise UnknownTask(visit_id, unknown[0])
        danger = next(
            (name for name in done if is_dangerous(name, done[name]) and done[name] != tasks[name]["done"]), ""
        )
        visit.tasks = [{**task, "done": done.get(name, task["done"])} for name, task in tasks.items()]
        at = believed_time(phone_at, work.clock.now(), visit.checked_in_at or visit.created_at)
        detail: dict[str, object] = dict(done)
        source = _source(visit, step_id)
        history.append(work, visit, VisitStep.CHECKED, at, actor=actor, detail=detail, source=source)
        if danger:
            _call_for_help(work, visit, actor, danger, at=at, step_id=step_id)
        work.session.flush()

    def call_for_help(
        self,
        work: UnitOfWork,
        visit_id: UUID,
        actor: Actor,
        *,
        task: str = "",
        phone_at: datetime | None = None,
        step_id: str | None = None,
    ) -> None:
        """Call for help in whatever state the visit is; `task` is the item that was answered dangerously, or empty.

        `step_id` is that of the answer, where there is one: the answer itself then calls no second time.
        """
        visit = lock_visit(work, visit_id)
        _is_staff_acting(visit, actor)
        at = believed_time(phone_at, work.clock.now(), visit.accepted_at or visit.created_at)
        known = task if task in _tasks(visit) else ""
        _call_for_help(work, visit, actor, known, at=at, step_id=step_id)
        work.session.flush()

    def check_out(
        self,
        work: UnitOfWork,
        visit_id: UUID,
        actor: Actor,
        report: Mapping[str, object],
        *,
        phone_at: datetime | None = None,
        step_id: str | None = None,
    ) -> None:
        """Write down the end of the visit with its report; raises `TasksUnanswered`.

        A report whose condition is `HELP` records `HelpWanted`.
        """
        visit = lock_visit(work, visit_id)
        _is_staff_acting(visit, actor)
        if _is_counted(work, visit, step_id):
            return
        after = decide(visit_id, VisitState(visit.state), VisitCommand.CHECK_OUT)
        open_tasks = tuple(name for name, task in _tasks(visit).items() if task["done"] is None)
        if open_tasks:
            raise TasksUnanswered(visit_id, open_tasks)
        at = believed_time(phone_at, work.clock.now(), visit.checked_in_at or visit.created_at)
        visit.state, visit.checked_out_at, visit.report = after.value, at, dict(report)
        visit.next_due_at = None
        source = _source(visit, step_id)
        history.append(work, visit, VisitStep.CHECKED_OUT, at, actor=actor, detail=report, source=source)
        if report.get("condition") == HELP:
            _record_help_wanted(work, visit, actor, str(report.get("summary", "")))
        work.session.flush()


def _prove(work: UnitOfWork, visit: VisitTask, code: str | None, place: Place | None, *, attested: bool) -> Arrival:
    """The proof of an arrival; a refusal is counted, so that the code cannot be guessed."""
    home = find_homes(work, [visit.home_id])[visit.home_id]
    there = Place.known(home.latitude, home.longitude)
    tries = int(str(visit.check_in_proof.get("wrong_codes", 0)))
    usable = code if tries < MAX_WRONG_CODES else None
    arrival = prove_arrival(code=usable, expected=visit.arrival_code, phone=place, home=there, attested=attested)
    if arrival.proof is not None:
        return arrival
    if code is not None and usable is None:
        raise TooManyCodes(visit.id, tries)
    wrong_code = arrival.code_matches is False
    visit.check_in_proof = {"wrong_codes": tries + wrong_code}
    work.session.flush()
    raise ArrivalNotProven(visit.id, arrival.distance_m, wrong_code=wrong_code)


def _call_for_help(
    work: UnitOfWork, visit: VisitTask, actor: Actor, task: str, *, at: datetime, step_id: str | None
) -> None:
    """Write down a call for help and record `HelpWanted`, once for each step of a phone."""
    source = f"{visit.id}/help/{step_id}" if step_id else None
    if source is not None and VisitRepository(work.session).has_step(source):
        return
    history.append(work, visit, VisitStep.HELP_WANTED, at, actor=actor, detail={"task": task}, source=source)
    _record_help_wanted(work, visit, actor, "", task)


def _record_help_wanted(work: UnitOfWork, visit: VisitTask, actor: Actor, note: str, task: str = "") -> None:
    work.record(
        HelpWanted(
            at=work.clock.now(),
            visit_id=visit.id,
            alert_id=visit.alert_id,
            home_id=visit.home_id,
            community_id=visit.community_id,
            by_name=actor.name,
            note=note,
            task=task,
        )
    )


def _is_staff_acting(visit: VisitTask, actor: Actor) -> bool:
    """Whether staff act for the carer; raises `NotYourVisit` or `VisitNotFound` where it is neither."""
    if visit.carer_id == actor.account_id:
        return False
    if actor.role in STAFF and actor.may_see(visit.community_id, visit.home_id):
        return True
    known = any(offer.carer_id == actor.account_id for offer in visit.offers)
    raise NotYourVisit(visit.id) if known else VisitNotFound(visit.id)


def _is_counted(work: UnitOfWork, visit: VisitTask, step_id: str | None) -> bool:
    source = _source(visit, step_id)
    return source is not None and VisitRepository(work.session).has_step(source)


def _tasks(visit: VisitTask) -> dict[str, dict[str, object]]:
    return {str(task["id"]): task for task in visit.tasks if isinstance(task, dict)}


def _source(visit: VisitTask, step_id: str | None) -> str | None:
    return f"{visit.id}/{step_id}" if step_id else None


def _proof(arrival: Arrival, place: Place | None, phone_at: datetime | None) -> dict[str, object]:
    return {
        "by": arrival.proof,
        "code": arrival.code_matches,
        "latitude": None if place is None else place.latitude,
        "longitude": None if place is None else place.longitude,
        "distance_m": arrival.distance_m,
        "near": arrival.near,
        "phone_at": None if phone_at is None else phone_at.isoformat(),
    }
