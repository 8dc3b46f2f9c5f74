"""Which commands a page offers for an alert, and which of them comes next."""

from __future__ import annotations

from datetime import datetime, timedelta

from anju_core.actor import Actor
from anju_core.alerts import ACKNOWLEDGED_STATES, AlertCommand, AlertFacts, decide
from anju_core.errors import Conflict
from anju_core.vocabulary import AlertState

UNDO_S = 10.0
"""Within this time of an acknowledgement it can be undone without telling anybody, seconds."""


def undo_until(facts: AlertFacts) -> datetime | None:
    """Return until when the acknowledgement can be undone without telling anybody; None where it cannot."""
    if (
        facts.state is not AlertState.ACKNOWLEDGED
        or facts.acknowledged_at is None
        or facts.contacted
        or facts.visit_open
    ):
        return None
    return facts.acknowledged_at + timedelta(seconds=UNDO_S)


_MAIN = {
    AlertState.RAISED: AlertCommand.ACKNOWLEDGE,
    AlertState.NOTIFIED: AlertCommand.ACKNOWLEDGE,
    AlertState.ACKNOWLEDGED: AlertCommand.RECORD_CONTACT,
    AlertState.EN_ROUTE: AlertCommand.ARRIVE,
    AlertState.ARRIVED: AlertCommand.RESOLVE,
}


def main_command(facts: AlertFacts) -> AlertCommand | None:
    """Return the next command in the usual order, for the main button of a page; None when the alert is closed.

    The order: acknowledge, call the elder, dispatch a carer where that is needed, arrive, resolve.
    """
    if facts.visited and facts.state in ACKNOWLEDGED_STATES:
        return AlertCommand.RESOLVE
    if facts.state is AlertState.ACKNOWLEDGED and facts.contacted:
        return AlertCommand.RESOLVE if facts.visit_open else AlertCommand.DISPATCH
    return _MAIN.get(facts.state)


_OFFERED = (
    AlertCommand.ACKNOWLEDGE,
    AlertCommand.UNACKNOWLEDGE,
    AlertCommand.RECORD_CONTACT,
    AlertCommand.DISPATCH,
    AlertCommand.EN_ROUTE,
    AlertCommand.ARRIVE,
    AlertCommand.NOTE,
    AlertCommand.RESOLVE,
)


def list_commands(facts: AlertFacts, actor: Actor) -> tuple[AlertCommand, ...]:
    """Return the commands that this person could give now, in their usual order."""
    return tuple(command for command in _OFFERED if _possible(facts, command, actor))


def _possible(facts: AlertFacts, command: AlertCommand, actor: Actor) -> bool:
    if command is AlertCommand.DISPATCH and facts.visit_open:
        return False
    try:
        return decide(facts, command, actor).step is not None
    except Conflict:
        return False
