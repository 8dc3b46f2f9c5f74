"""The states of a visit as a table: the state after each command, and the refusals."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from anju_core.errors import Conflict, Invalid, NotFound, Refused
from anju_core.vocabulary import OfferState, VisitState


class VisitCommand(StrEnum):
    """A command on a visit, given by a person or by the system."""

    OFFER = "offer"
    ACCEPT = "accept"
    LAPSE = "lapse"
    """The last open offer was declined or timed out."""
    GIVE_UP = "give_up"
    """Nobody is left to ask."""
    HAND_BACK = "hand_back"
    """The carer who had accepted cannot come after all."""
    ASSIGN = "assign"
    """The dispatcher of a provider chooses who is asked."""
    CHECK_IN = "check_in"
    CHECK = "check"
    CHECK_OUT = "check_out"
    CONFIRM = "confirm"
    CANCEL = "cancel"


class VisitStep(StrEnum):
    """Every kind of entry in a visit's history."""

    REQUESTED = "requested"
    OFFERED = "offered"
    DECLINED = "offer_declined"
    TIMED_OUT = "offer_timed_out"
    UNREACHED = "offer_unreached"
    """The offer could not be delivered; it stays open for a carer who looks by herself."""
    WITHDRAWN = "offer_withdrawn"
    """The carer need not go; `detail` says why."""
    ACCEPTED = "accepted"
    HANDED_BACK = "handed_back"
    ASSIGNED = "assigned"
    """A dispatcher chose who is asked; `detail` says whom, and from whom she took it."""
    LATE = "late"
    CHECKED_IN = "checked_in"
    CHECKED = "checked"
    HELP_WANTED = "help_wanted"
    """The carer asked for help at once: a dangerous answer, or her own word."""
    OVERDUE = "overdue"
    CHECKED_OUT = "checked_out"
    CONFIRMED = "confirmed"
    UNFILLED = "unfilled"
    CANCELLED = "cancelled"


class VisitNotFound(NotFound):
    """There is no such visit, or it is out of the asker's scope."""

    def __init__(self, visit_id: UUID) -> None:
        super().__init__(f"there is no visit {visit_id}")
        self.visit_id = visit_id


class VisitAlreadyRequested(Conflict):
    """Somebody is already being sent because of the same alert."""

    def __init__(self, visit_id: UUID, state: VisitState) -> None:
        super().__init__(f"visit {visit_id} is already {state.value} for this alert")
        self.visit_id = visit_id
        self.state = state


class VisitAlreadyAccepted(Conflict):
    """Another carer has accepted the visit; `by` is her name."""

    def __init__(self, visit_id: UUID, by: str) -> None:
        super().__init__(f"visit {visit_id} was already accepted by {by}")
        self.visit_id = visit_id
        self.by = by


class OfferLapsed(Conflict):
    """The offer is no longer open to this carer."""

    def __init__(self, visit_id: UUID, state: OfferState) -> None:
        super().__init__(f"the offer of visit {visit_id} is {state.value}")
        self.visit_id = visit_id
        self.state = state


class CarerBusy(Conflict):
    """She has accepted another visit that is not over: nobody is booked twice."""

    def __init__(self, carer: str, other_visit_id: UUID) -> None:
        super().__init__(f"{carer} is still on visit {other_visit_id}")
        self.carer = carer
        self.other_visit_id = other_visit_id


class NotYourVisit(Refused):
    """The visit is another carer's."""

    def __init__(self, visit_id: UUID) -> None:
        super().__init__(f"visit {visit_id} is another carer's")
        self.visit_id = visit_id


class UnknownTask(Invalid):
    """The checklist has no such item."""

    def __init__(self, visit_id: UUID, task: str) -> None:
        super().__init__(f"visit {visit_id} has no task {task!r}")
        self.visit_id = visit_id
        self.task = task


class TasksUnanswered(Conflict):
    """Items of the checklist are not answered yet; each needs a yes or a no before the check-out."""

    def __init__(self, visit_id: UUID, tasks: tuple[str, ...]) -> None:
        super().__init__(f"visit {visit_id}: not answered: {', '.join(tasks)}")
        self.visit_id = visit_id
        self.tasks = tasks


class VisitStepNotPossible(Conflict):
    """The command does not exist in the visit's state."""

    def __init__(self, visit_id: UUID, state: VisitState, command: VisitCommand) -> None:
        super().__init__(f"visit {visit_id} is {state.value}: {command.value} is not possible")
        self.visit_id = visit_id
        self.state = state
        self.command = command


_S, _C = VisitState, VisitCommand
TRANSITIONS: dict[tuple[VisitState, VisitCommand], VisitState] = {
    (_S.OPEN, _C.OFFER): _S.OFFERED,
    (_S.OPEN, _C.GIVE_UP): _S.UNFILLED,
    (_S.OPEN, _C.ASSIGN): _S.OPEN,
    (_S.OPEN, _C.CANCEL): _S.CANCELLED,
    (_S.OFFERED, _C.OFFER): _S.OFFERED,
    (_S.OFFERED, _C.ACCEPT): _S.ACCEPTED,
    (_S.OFFERED, _C.LAPSE): _S.OPEN,
    (_S.OFFERED, _C.ASSIGN): _S.OFFERED,
    (_S.OFFERED, _C.CANCEL): _S.CANCELLED,
    (_S.ACCEPTED, _C.CHECK_IN): _S.CHECKED_IN,
    (_S.ACCEPTED, _C.HAND_BACK): _S.OPEN,
    (_S.ACCEPTED, _C.ASSIGN): _S.OPEN,
    (_S.ACCEPTED, _C.CANCEL): _S.CANCELLED,
    (_S.CHECKED_IN, _C.CHECK): _S.CHECKED_IN,
    (_S.CHECKED_IN, _C.CHECK_OUT): _S.CHECKED_OUT,
    (_S.CHECKED_OUT, _C.CONFIRM): _S.CONFIRMED,
    (_S.UNFILLED, _C.ASSIGN): _S.OPEN,
    (_S.UNFILLED, _C.CANCEL): _S.CANCELLED,
}
"""The state after each command; a pair that is absent is refused."""

UNDER_WAY = frozenset({_S.OPEN, _S.OFFERED, _S.ACCEPTED, _S.CHECKED_IN})
"""States in which a carer is sought, on the way or there."""
BOOKED = frozenset({_S.ACCEPTED, _S.CHECKED_IN})
"""States that take up a carer."""

_STATE_AFTER = {
    VisitStep.REQUESTED: _S.OPEN,
    VisitStep.OFFERED: _S.OFFERED,
    VisitStep.ACCEPTED: _S.ACCEPTED,
    VisitStep.HANDED_BACK: _S.OPEN,
    VisitStep.CHECKED_IN: _S.CHECKED_IN,
    VisitStep.CHECKED_OUT: _S.CHECKED_OUT,
    VisitStep.CONFIRMED: _S.CONFIRMED,
    VisitStep.UNFILLED: _S.UNFILLED,
    VisitStep.CANCELLED: _S.CANCELLED,
}


def decide(visit_id: UUID, state: VisitState, command: VisitCommand, by: str = "") -> VisitState:
    """Return the state after a command; `by` is the name of the carer who has accepted the visit.

    Raises `VisitAlreadyAccepted` (when it is somebody's) or `VisitStepNotPossible`.
    """
    after = TRANSITIONS.get((state, command))
    if after is not None:
        return after
    if command is VisitCommand.ACCEPT and by:
        raise VisitAlreadyAccepted(visit_id, by)
    raise VisitStepNotPossible(visit_id, state, command)


def replay(steps: Iterable[VisitStep]) -> VisitState:
    """Return the state that a history, in order, leads to: open again once the last of several offers has ended."""
    state, offers = VisitState.OPEN, 0
    for step in steps:
        state = _STATE_AFTER.get(step, state)
        if step is VisitStep.OFFERED:
            offers += 1
        elif step in {VisitStep.DECLINED, VisitStep.TIMED_OUT}:
            offers -= 1
            state = _S.OFFERED if offers else _S.OPEN
        elif step is VisitStep.ASSIGNED and state is not _S.OFFERED:
            state = _S.OPEN
        elif step is VisitStep.WITHDRAWN and offers:
            offers -= 1
        if state not in {_S.OFFERED, _S.OPEN}:
            offers = 0
    return state
