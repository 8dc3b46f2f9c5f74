"""The life of an alert as a table: what each command does in each state, who may give it, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from anju_core.actor import Actor
from anju_core.errors import Conflict, Invalid, NotFound
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome, Role

UNDO_S = 10.0
"""For how long taking an alert can be undone as if it had not happened, seconds."""


class AlertCommand(StrEnum):
    """What can be done to an alert, by a person or by the system."""

    CONFIRM = "confirm"
    REPEAT = "repeat"
    WITHDRAW = "withdraw"
    NOTIFY = "notify"
    TAKE = "take"
    RELEASE = "release"
    CONTACT = "contacted"
    DISPATCH = "dispatch"
    GO = "go"
    DEPART = "depart"
    """A provider's carer accepted the visit."""
    ARRIVE = "arrive"
    VISITED = "visited"
    VISIT_FAILED = "visit_failed"
    NOTE = "note"
    RESOLVE = "resolve"


class AlertNotFound(NotFound):
    """No such alert, or not for the asker to see."""

    def __init__(self, alert_id: UUID) -> None:
        super().__init__(f"there is no alert {alert_id}")
        self.alert_id = alert_id


class AlertAlreadyTaken(Conflict):
    """Somebody else has it."""

    def __init__(self, alert_id: UUID, by: str) -> None:
        super().__init__(f"alert {alert_id} was already taken by {by}")
        self.alert_id = alert_id
        self.by = by


class AlertNotTaken(Conflict):
    """It must be taken by a named person first."""

    def __init__(self, alert_id: UUID, command: AlertCommand) -> None:
        super().__init__(f"alert {alert_id} must be taken before {command.value}")
        self.alert_id = alert_id
        self.command = command


class AlertClosed(Conflict):
    """It was resolved; only notes can be added."""

    def __init__(self, alert_id: UUID, outcome: Outcome | None) -> None:
        super().__init__(f"alert {alert_id} is closed ({outcome or 'no outcome'})")
        self.alert_id = alert_id
        self.outcome = outcome


class AlertStepNotPossible(Conflict):
    """The command makes no sense in the alert's state."""

    def __init__(self, alert_id: UUID, state: AlertState, command: AlertCommand) -> None:
        super().__init__(f"alert {alert_id} is {state.value}: {command.value} is not possible")
        self.alert_id = alert_id
        self.state = state
        self.command = command


class InvalidSignal(Invalid):
    """An alarm that cannot be raised as it was given."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"alert signal: {what} {why}")
        self.what = what
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSignal:
    """Something that needs a person, as ingest or the watch saw it.

    happened_at: event time (the press, the impact, the last sign of life).
    due_since: from when the delay counts (the press, the impact, or the deadline that silence crossed).
    episode: what makes this one occurrence; the same `(home, kind, episode)` is one alert, however often it is sent.
    score: how sure, 0 to 1, where the detector says so.
    facts: what the sentence rests on (room, gap, usual range, device, fall id); plain JSON values.
    suspected: not confirmed yet: shown at once, but people are paged on confirmation or when nothing withdraws it.
    source: `<gateway>/<epoch>/<lane>/<seq>/<index>`; a reading that was sent again counts once.
    """

    kind: AlertKind
    home_id: str
    community_id: str
    episode: str
    happened_at: datetime
    due_since: datetime
    reason_zh: str
    reason_en: str
    score: float | None = None
    facts: dict[str, object] = field(default_factory=dict)
    suspected: bool = False
    source: str | None = None

    def __post_init__(self) -> None:
        for name in ("home_id", "community_id", "episode"):
            if not getattr(self, name):
                raise InvalidSignal(name, "is empty")
        for name in ("happened_at", "due_since"):
            if getattr(self, name).tzinfo is None:
                raise InvalidSignal(name, "has no time zone")
        if self.score is not None and not 0 <= self.score <= 1:
            raise InvalidSignal("score", f"is {self.score!r}, not within 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """As much of an alert as a decision needs."""

    alert_id: UUID
    kind: AlertKind
    state: AlertState
    suspected: bool = False
    late: bool = False
    taken_by: UUID | None = None
    taken_by_name: str = ""
    taken_at: datetime | None = None
    contacted: bool = False
    visit_open: bool = False
    """Somebody was asked to go there and has not yet left again."""
    visited: bool = False
    outcome: Outcome | None = None


class Timer(StrEnum):
    """Which clock runs after a move; the escalation policy says how long."""

    NOW = "now"
    """Nobody has it: the next step of the policy at once, the others after it."""
    TAKEN = "taken"
    DISPATCHED = "dispatched"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    VISITED = "visited"
    SAME = "same"
    """The clock that runs already."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Move:
    """What a command does: the state after it, the step to write down (None: it was already so), and the clock."""

    state: AlertState
    step: AlertStep | None
    clock: Timer = Timer.SAME


_S, _C, _T, _W = AlertState, AlertCommand, AlertStep, Timer
_UNTAKEN = (_S.RAISED, _S.NOTIFIED)
_TAKEN = (_S.ACKNOWLEDGED, _S.ON_THE_WAY, _S.ARRIVED)


def _table() -> dict[tuple[AlertState, AlertCommand], Move]:
    moves: dict[tuple[AlertState, AlertCommand], Move] = {}
    for state in (*_UNTAKEN, *_TAKEN):
        moves[state, _C.REPEAT] = Move(state, _T.REPEATED)
        moves[state, _C.NOTE] = Move(state, _T.NOTED)
        moves[state, _C.VISITED] = Move(state, _T.VISITED)
    for state in _UNTAKEN:
        moves[state, _C.CONFIRM] = Move(state, _T.CONFIRMED, _W.NOW)
        moves[state, _C.VISIT_FAILED] = Move(state, _T.VISIT_FAILED, _W.NOW)
        moves[state, _C.WITHDRAW] = Move(_S.RESOLVED, _T.WITHDRAWN, _W.NONE)
        moves[state, _C.NOTIFY] = Move(_S.NOTIFIED, _T.NOTIFIED)
        moves[state, _C.TAKE] = Move(_S.ACKNOWLEDGED, _T.TAKEN, _W.TAKEN)
        # The carer of a visit can be there before a worker has taken the alert again.
        moves[state, _C.DEPART] = Move(_S.ON_THE_WAY, _T.ON_THE_WAY, _W.ON_THE_WAY)
        moves[state, _C.ARRIVE] = Move(_S.ARRIVED, _T.ARRIVED, _W.ARRIVED)
    for state in _TAKEN:
        moves[state, _C.CONFIRM] = Move(state, _T.CONFIRMED)
        moves[state, _C.WITHDRAW] = Move(state, _T.WITHDRAWN)
        moves[state, _C.NOTIFY] = Move(state, _T.NOTIFIED)
        moves[state, _C.TAKE] = Move(state, _T.TAKEN)
        moves[state, _C.CONTACT] = Move(state, _T.CONTACTED)
        moves[state, _C.DISPATCH] = Move(state, _T.DISPATCHED)
        moves[state, _C.ARRIVE] = Move(_S.ARRIVED, _T.ARRIVED, _W.ARRIVED)
        moves[state, _C.DEPART] = Move(_S.ON_THE_WAY, _T.ON_THE_WAY, _W.ON_THE_WAY)
        moves[state, _C.GO] = Move(_S.ON_THE_WAY, _T.ON_THE_WAY, _W.ON_THE_WAY)
        moves[state, _C.RESOLVE] = Move(_S.RESOLVED, _T.RESOLVED, _W.NONE)
    acknowledged, under_way, arrived = _TAKEN
    moves[acknowledged, _C.TAKE] = Move(acknowledged, _T.TAKEN, _W.TAKEN)
    moves[acknowledged, _C.RELEASE] = Move(_S.NOTIFIED, _T.RELEASED, _W.NOW)
    moves[acknowledged, _C.CONTACT] = Move(acknowledged, _T.CONTACTED, _W.TAKEN)
    moves[acknowledged, _C.DISPATCH] = Move(acknowledged, _T.DISPATCHED, _W.DISPATCHED)
    moves[under_way, _C.GO] = Move(under_way, None)
    moves[acknowledged, _C.VISIT_FAILED] = Move(acknowledged, _T.VISIT_FAILED, _W.TAKEN)
    moves[under_way, _C.VISIT_FAILED] = Move(acknowledged, _T.VISIT_FAILED, _W.TAKEN)
    moves[arrived, _C.VISIT_FAILED] = Move(arrived, _T.VISIT_FAILED)
    moves[arrived, _C.VISITED] = Move(arrived, _T.VISITED, _W.VISITED)
    for command in (_C.ARRIVE, _C.DEPART, _C.GO):
        moves[arrived, command] = Move(arrived, None)
    moves[_S.RESOLVED, _C.NOTE] = Move(_S.RESOLVED, _T.NOTED)
    moves[_S.RESOLVED, _C.VISITED] = Move(_S.RESOLVED, _T.VISITED)
    return moves


TRANSITIONS = _table()
"""What each command does in each state; a pair that is absent is refused."""

_OF_THE_TAKER = frozenset({_C.RELEASE, _C.CONTACT, _C.DISPATCH, _C.GO, _C.ARRIVE, _C.RESOLVE})
"""Commands that, given by a person, are for who has taken the alert (and for a supervisor)."""

_STATE_AFTER = {
    _T.TAKEN: {_S.RAISED: _S.ACKNOWLEDGED, _S.NOTIFIED: _S.ACKNOWLEDGED},
    _T.NOTIFIED: {_S.RAISED: _S.NOTIFIED},
    _T.RELEASED: {_S.ACKNOWLEDGED: _S.NOTIFIED},
    _T.WITHDRAWN: {_S.RAISED: _S.RESOLVED, _S.NOTIFIED: _S.RESOLVED},
    _T.VISIT_FAILED: {_S.ON_THE_WAY: _S.ACKNOWLEDGED},
}
_STATE_ALWAYS = {_T.ON_THE_WAY: _S.ON_THE_WAY, _T.ARRIVED: _S.ARRIVED, _T.RESOLVED: _S.RESOLVED}


def decide(facts: AlertFacts, command: AlertCommand, actor: Actor | None = None) -> Move:
    """What `command` does now; `actor` is None when the system gives it.

    Raises `AlertClosed`, `AlertAlreadyTaken`, `AlertNotTaken` or `AlertStepNotPossible`.
    """
    move = TRANSITIONS.get((facts.state, command))
    if move is None:
        raise _refusal(facts, command)
    if actor is None:
        return move
    others = facts.taken_by is not None and facts.taken_by != actor.account_id and facts.state in _TAKEN
    if command is AlertCommand.TAKE:
        return _take(facts, move, actor, others=others)
    if command in _OF_THE_TAKER:
        if facts.state in _UNTAKEN:
            raise AlertNotTaken(facts.alert_id, command)
        if others and actor.role is not Role.SUPERVISOR:
            raise AlertAlreadyTaken(facts.alert_id, facts.taken_by_name)
    return move


def _refusal(facts: AlertFacts, command: AlertCommand) -> Conflict:
    if facts.state is AlertState.RESOLVED:
        return AlertClosed(facts.alert_id, facts.outcome)
    if facts.state in _UNTAKEN:
        return AlertNotTaken(facts.alert_id, command)
    return AlertStepNotPossible(facts.alert_id, facts.state, command)


def _take(facts: AlertFacts, move: Move, actor: Actor, *, others: bool) -> Move:
    if facts.taken_by == actor.account_id and facts.state in _TAKEN:
        return Move(facts.state, None)
    if others and not facts.late and actor.role is not Role.SUPERVISOR:
        raise AlertAlreadyTaken(facts.alert_id, facts.taken_by_name)
    return move


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done about an alert since it was last taken."""

    contacted: bool = False
    visit_open: bool = False
    visited: bool = False


_PROGRESS = {
    _T.CONTACTED: {"contacted": True},
    _T.RELEASED: {"contacted": False},
    _T.DISPATCHED: {"visit_open": True, "visited": False},
    _T.VISIT_FAILED: {"visit_open": False},
    _T.VISITED: {"visit_open": False, "visited": True},
}


def progress(steps: Iterable[AlertStep]) -> Progress:
    """What a history says has been done."""
    done = Progress()
    for step in steps:
        done = replace(done, **_PROGRESS.get(step, {}))
    return done


def undo_until(facts: AlertFacts) -> datetime | None:
    """Until when taking the alert can be undone quietly; None where it cannot."""
    if facts.state is not AlertState.ACKNOWLEDGED or facts.taken_at is None or facts.contacted or facts.visit_open:
        return None
    return facts.taken_at + timedelta(seconds=UNDO_S)


_MAIN = {
    _S.RAISED: _C.TAKE,
    _S.NOTIFIED: _C.TAKE,
    _S.ACKNOWLEDGED: _C.CONTACT,
    _S.ON_THE_WAY: _C.ARRIVE,
    _S.ARRIVED: _C.RESOLVE,
}


def main_command(facts: AlertFacts) -> AlertCommand | None:
    """What the one main button does next: take → contacted / dispatch → arrive → resolve; None when closed."""
    if facts.visited and facts.state in _TAKEN:
        return AlertCommand.RESOLVE
    if facts.state is AlertState.ACKNOWLEDGED and facts.contacted:
        return AlertCommand.RESOLVE if facts.visit_open else AlertCommand.DISPATCH
    return _MAIN.get(facts.state)


def commands(facts: AlertFacts, actor: Actor) -> tuple[AlertCommand, ...]:
    """Everything this person could do to the alert now, in the order of a life."""
    offered = (_C.TAKE, _C.RELEASE, _C.CONTACT, _C.DISPATCH, _C.GO, _C.ARRIVE, _C.NOTE, _C.RESOLVE)
    return tuple(command for command in offered if _possible(facts, command, actor))


def _possible(facts: AlertFacts, command: AlertCommand, actor: Actor) -> bool:
    if command is AlertCommand.DISPATCH and facts.visit_open:
        return False
    try:
        return decide(facts, command, actor).step is not None
    except Conflict:
        return False


def replay(steps: Iterable[AlertStep]) -> AlertState:
    """The state that a history leads to."""
    state = AlertState.RAISED
    for step in steps:
        state = _STATE_ALWAYS.get(step) or _STATE_AFTER.get(step, {}).get(state, state)
    return state
