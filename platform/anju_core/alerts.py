"""The life of an alert as a table: what each command does in each state, who may give it, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from anju_core.actor import Actor
from anju_core.errors import Conflict, NotFound
from anju_core.evidence import MAX_CARERS, MAX_DISPATCHES, MAX_HOLDS, AlertEvidence
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome, Role


class AlertCommand(StrEnum):
    """A command on an alert, given by a person or by the system."""

    CONFIRM = "confirm"
    REPEAT = "repeat"
    WITHDRAW = "withdraw"
    NOTIFY = "notify"
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    RECORD_CONTACT = "record_contact"
    DISPATCH = "dispatch"
    EN_ROUTE = "en_route"
    DEPART = "depart"
    """A provider's carer accepted the visit."""
    ARRIVE = "arrive"
    VISITED = "visited"
    VISIT_FAILED = "visit_failed"
    NOTE = "note"
    RESOLVE = "resolve"


class AlertNotFound(NotFound):
    """There is no such alert, or it is out of the asker's scope."""

    def __init__(self, alert_id: UUID) -> None:
        super().__init__(f"there is no alert {alert_id}")
        self.alert_id = alert_id


class AlertAlreadyAcknowledged(Conflict):
    """Somebody else has acknowledged the alert; `by` is their name."""

    def __init__(self, alert_id: UUID, by: str) -> None:
        super().__init__(f"alert {alert_id} was already taken by {by}")
        self.alert_id = alert_id
        self.by = by


class AlertNotAcknowledged(Conflict):
    """The command needs a named person to have acknowledged the alert first."""

    def __init__(self, alert_id: UUID, command: AlertCommand) -> None:
        super().__init__(f"alert {alert_id} must be taken before {command.value}")
        self.alert_id = alert_id
        self.command = command


class AlertClosed(Conflict):
    """The alert is resolved; only notes can be added."""

    def __init__(self, alert_id: UUID, outcome: Outcome | None) -> None:
        super().__init__(f"alert {alert_id} is closed ({outcome or 'no outcome'})")
        self.alert_id = alert_id
        self.outcome = outcome


class AlertStepNotPossible(Conflict):
    """The command does not exist in the alert's state."""

    def __init__(self, alert_id: UUID, state: AlertState, command: AlertCommand) -> None:
        super().__init__(f"alert {alert_id} is {state.value}: {command.value} is not possible")
        self.alert_id = alert_id
        self.state = state
        self.command = command


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """The part of an alert that decisions rest on."""

    alert_id: UUID
    kind: AlertKind
    state: AlertState
    suspected: bool = False
    late: bool = False
    acknowledged_by: UUID | None = None
    acknowledged_by_name: str = ""
    acknowledged_at: datetime | None = None
    contacted: bool = False
    visit_open: bool = False
    """A visit was requested and has not ended."""
    visited: bool = False
    outcome: Outcome | None = None
    evidence: AlertEvidence = field(default_factory=AlertEvidence)


class Timer(StrEnum):
    """The timer that runs after a move; the escalation policy says for how long."""

    NOW = "now"
    """Nobody has acknowledged it: the next step of the policy is due at once."""
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    UNPROVEN = "unproven"
    """Somebody says that they are there, and nothing proves it."""
    VISITED = "visited"
    SAME = "same"
    """The timer that runs already goes on."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Move:
    """The effect of a command: the state after it, the step for the history (None: nothing changes), and the timer.

    exhausted: the timer that runs goes on although the command would start it anew: it did so often enough.
    """

    state: AlertState
    step: AlertStep | None
    timer: Timer = Timer.SAME
    exhausted: bool = False


_UNACKNOWLEDGED = (AlertState.RAISED, AlertState.NOTIFIED)
ACKNOWLEDGED_STATES = (AlertState.ACKNOWLEDGED, AlertState.EN_ROUTE, AlertState.ARRIVED)
"""The states in which a named person sees to the alert, in their usual order."""


def _table() -> dict[tuple[AlertState, AlertCommand], Move]:
    moves: dict[tuple[AlertState, AlertCommand], Move] = {}
    for state in (*_UNACKNOWLEDGED, *ACKNOWLEDGED_STATES):
        moves[state, AlertCommand.REPEAT] = Move(state, AlertStep.REPEATED)
        moves[state, AlertCommand.NOTE] = Move(state, AlertStep.NOTED)
        moves[state, AlertCommand.VISITED] = Move(state, AlertStep.VISITED)
    for state in _UNACKNOWLEDGED:
        moves[state, AlertCommand.CONFIRM] = Move(state, AlertStep.CONFIRMED, Timer.NOW)
        moves[state, AlertCommand.VISIT_FAILED] = Move(state, AlertStep.VISIT_FAILED, Timer.NOW)
        moves[state, AlertCommand.WITHDRAW] = Move(AlertState.RESOLVED, AlertStep.WITHDRAWN, Timer.NONE)
        moves[state, AlertCommand.NOTIFY] = Move(AlertState.NOTIFIED, AlertStep.NOTIFIED)
        moves[state, AlertCommand.ACKNOWLEDGE] = Move(
            AlertState.ACKNOWLEDGED, AlertStep.ACKNOWLEDGED, Timer.ACKNOWLEDGED
        )
        # The carer of a visit can be there before a worker has taken the alert again.
        moves[state, AlertCommand.DEPART] = Move(AlertState.EN_ROUTE, AlertStep.EN_ROUTE, Timer.EN_ROUTE)
        moves[state, AlertCommand.ARRIVE] = Move(AlertState.ARRIVED, AlertStep.ARRIVED, Timer.ARRIVED)
    for state in ACKNOWLEDGED_STATES:
        moves[state, AlertCommand.CONFIRM] = Move(state, AlertStep.CONFIRMED)
        moves[state, AlertCommand.WITHDRAW] = Move(state, AlertStep.WITHDRAWN)
        moves[state, AlertCommand.NOTIFY] = Move(state, AlertStep.NOTIFIED)
        moves[state, AlertCommand.ACKNOWLEDGE] = Move(state, AlertStep.ACKNOWLEDGED)
        moves[state, AlertCommand.RECORD_CONTACT] = Move(state, AlertStep.CONTACT_ATTEMPTED)
        moves[state, AlertCommand.DISPATCH] = Move(state, AlertStep.DISPATCHED)
        moves[state, AlertCommand.ARRIVE] = Move(AlertState.ARRIVED, AlertStep.ARRIVED, Timer.ARRIVED)
        moves[state, AlertCommand.DEPART] = Move(AlertState.EN_ROUTE, AlertStep.EN_ROUTE, Timer.EN_ROUTE)
        moves[state, AlertCommand.EN_ROUTE] = Move(AlertState.EN_ROUTE, AlertStep.EN_ROUTE, Timer.EN_ROUTE)
        moves[state, AlertCommand.RESOLVE] = Move(AlertState.RESOLVED, AlertStep.RESOLVED, Timer.NONE)
    acknowledged, under_way, arrived = ACKNOWLEDGED_STATES
    moves[acknowledged, AlertCommand.ACKNOWLEDGE] = Move(acknowledged, AlertStep.ACKNOWLEDGED, Timer.ACKNOWLEDGED)
    moves[acknowledged, AlertCommand.UNACKNOWLEDGE] = Move(AlertState.NOTIFIED, AlertStep.UNACKNOWLEDGED, Timer.NOW)
    moves[acknowledged, AlertCommand.RECORD_CONTACT] = Move(
        acknowledged, AlertStep.CONTACT_ATTEMPTED, Timer.ACKNOWLEDGED
    )
    moves[acknowledged, AlertCommand.DISPATCH] = Move(acknowledged, AlertStep.DISPATCHED, Timer.DISPATCHED)
    moves[under_way, AlertCommand.EN_ROUTE] = Move(under_way, None)
    moves[acknowledged, AlertCommand.VISIT_FAILED] = Move(acknowledged, AlertStep.VISIT_FAILED, Timer.ACKNOWLEDGED)
    moves[under_way, AlertCommand.VISIT_FAILED] = Move(acknowledged, AlertStep.VISIT_FAILED, Timer.ACKNOWLEDGED)
    moves[arrived, AlertCommand.VISIT_FAILED] = Move(arrived, AlertStep.VISIT_FAILED)
    moves[arrived, AlertCommand.VISITED] = Move(arrived, AlertStep.VISITED, Timer.VISITED)
    for command in (AlertCommand.ARRIVE, AlertCommand.DEPART, AlertCommand.EN_ROUTE):
        moves[arrived, command] = Move(arrived, None)
    moves[AlertState.RESOLVED, AlertCommand.NOTE] = Move(AlertState.RESOLVED, AlertStep.NOTED)
    moves[AlertState.RESOLVED, AlertCommand.VISITED] = Move(AlertState.RESOLVED, AlertStep.VISITED)
    return moves


TRANSITIONS = _table()
"""The effect of each command in each state; a pair that is absent is refused."""
_STATE_AFTER = {(state, move.step): move.state for (state, _), move in TRANSITIONS.items() if move.step is not None}
"""The state after each step that can be taken in a state: whatever command led to it, it is the same."""

_OF_WHO_ACKNOWLEDGED = frozenset(
    {
        AlertCommand.UNACKNOWLEDGE,
        AlertCommand.RECORD_CONTACT,
        AlertCommand.DISPATCH,
        AlertCommand.EN_ROUTE,
        AlertCommand.ARRIVE,
        AlertCommand.RESOLVE,
    }
)
"""Commands that only the person who acknowledged the alert may give, and a supervisor."""


def decide(facts: AlertFacts, command: AlertCommand, actor: Actor | None = None, *, proven: bool = False) -> Move:
    """Return the effect of a command now; `actor` is None when the system gives it.

    proven: an arrival is shown by the home's code or attested by a second person; only then does it quiet the alert.
    Raises `AlertClosed`, `AlertAlreadyAcknowledged`, `AlertNotAcknowledged` or `AlertStepNotPossible`.
    """
    move = TRANSITIONS.get((facts.state, command))
    if move is None:
        raise _refusal(facts, command)
    if actor is not None:
        move = _decide_for(facts, command, move, actor)
        if command is AlertCommand.ARRIVE:
            move = _arrive(facts, move, proven=proven)
    by = None if actor is None else actor.account_id
    if move.timer in _STARTED_BY and count_left(facts, move.timer, by) <= 0:
        return replace(move, timer=Timer.SAME, exhausted=True)
    return move


_STARTED_BY = {
    Timer.ACKNOWLEDGED: (AlertStep.ACKNOWLEDGED, AlertStep.CONTACT_ATTEMPTED, AlertStep.VISIT_FAILED),
    Timer.DISPATCHED: (AlertStep.DISPATCHED,),
    Timer.EN_ROUTE: (AlertStep.EN_ROUTE,),
}
"""The steps that start a timer whose starts are counted: otherwise words alone would keep an alert quiet for ever."""
_MOST_STARTS = {Timer.ACKNOWLEDGED: MAX_HOLDS, Timer.DISPATCHED: MAX_DISPATCHES, Timer.EN_ROUTE: 1}


def count_left(facts: AlertFacts, timer: Timer, by: UUID | None) -> int:
    """Return how often a person's word can still start a counted timer; `by` is None for the system and for carers."""
    most = MAX_CARERS if by is None else _MOST_STARTS[timer]
    return most - facts.evidence.count_starts(by, *_STARTED_BY[timer])


def _arrive(facts: AlertFacts, move: Move, *, proven: bool) -> Move:
    """An unproven arrival waits shortly, once; the proof may follow."""
    if not proven:
        return move if move.step is None else replace(move, timer=Timer.UNPROVEN)
    if move.step is None and not facts.evidence.there:
        return Move(AlertState.ARRIVED, AlertStep.ARRIVED, Timer.ARRIVED)
    return move


def is_held_by_another(facts: AlertFacts, actor: Actor) -> bool:
    """Return whether somebody else sees to the alert and does so in time: to take it then is to take it from her."""
    other = facts.acknowledged_by is not None and facts.acknowledged_by != actor.account_id
    return other and facts.state in ACKNOWLEDGED_STATES and not facts.late


def _decide_for(facts: AlertFacts, command: AlertCommand, move: Move, actor: Actor) -> Move:
    others = (
        facts.acknowledged_by is not None
        and facts.acknowledged_by != actor.account_id
        and facts.state in ACKNOWLEDGED_STATES
    )
    if command is AlertCommand.ACKNOWLEDGE:
        return _acknowledge(facts, move, actor, others=others)
    if command in _OF_WHO_ACKNOWLEDGED:
        if facts.state in _UNACKNOWLEDGED:
            raise AlertNotAcknowledged(facts.alert_id, command)
        if others and actor.role is not Role.SUPERVISOR:
            raise AlertAlreadyAcknowledged(facts.alert_id, facts.acknowledged_by_name)
    return move


def _refusal(facts: AlertFacts, command: AlertCommand) -> Conflict:
    if facts.state is AlertState.RESOLVED:
        return AlertClosed(facts.alert_id, facts.outcome)
    if facts.state in _UNACKNOWLEDGED:
        return AlertNotAcknowledged(facts.alert_id, command)
    return AlertStepNotPossible(facts.alert_id, facts.state, command)


def _acknowledge(facts: AlertFacts, move: Move, actor: Actor, *, others: bool) -> Move:
    if facts.acknowledged_by == actor.account_id and facts.state in ACKNOWLEDGED_STATES and not facts.late:
        return Move(facts.state, None)
    if others and not facts.late and actor.role is not Role.SUPERVISOR:
        raise AlertAlreadyAcknowledged(facts.alert_id, facts.acknowledged_by_name)
    return move


def replay(steps: Iterable[AlertStep]) -> AlertState:
    """Return the state that a history, in order, leads to; a step that says nothing of the state leaves it."""
    state = AlertState.RAISED
    for step in steps:
        state = _STATE_AFTER.get((state, step), state)
    return state
