"""Appends to an alert's history: each step is one row and one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from anju_core.actor import Actor
from anju_core.events import AlertChanged
from anju_core.vocabulary import AlertKind, AlertState, AlertStep
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.history import append_step, begin_histories
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import HomeSentence
from anju_wire.vocabulary import Announcement

MOST_FROM_HOME = 10
"""Steps of one kind that a home alone adds to an alert's history; of what its annunciator says, so many of each kind.

The others are counted in the alert's facts: rows are never deleted, and every decision on the alert reads them.
"""


def begin(work: UnitOfWork, begun: Iterable[tuple[Alert, Mapping[str, object], str]], at: datetime) -> None:
    """Begin the histories of new alerts, each with the detail and the source of its first step."""
    events = [(alert, _new_event(alert, AlertStep.RAISED, at, detail, source)) for alert, detail, source in begun]
    begin_histories(work, [event for _, event in events])
    work.record_all([_changed(alert, event) for alert, event in events])


def append(
    work: UnitOfWork,
    alert: Alert,
    step: AlertStep,
    at: datetime,
    *,
    actor: Actor | None = None,
    name: str = "",
    detail: Mapping[str, object] | None = None,
    source: str | None = None,
) -> int:
    """Append a step, record `AlertChanged`, and return the step's number in the history, from 1.

    `name` says who did it where that person has no account of the community's (a provider's carer). A `source` may
    occur once in all histories, so that what is sent twice counts once.
    """
    event = _new_event(alert, step, at, detail, source)
    append_step(work, event, actor, name)
    work.record(_changed(alert, event))
    return event.number


def append_bounded(
    work: UnitOfWork,
    alert: Alert,
    step: AlertStep,
    at: datetime,
    *,
    detail: Mapping[str, object],
    source: str | None = None,
) -> None:
    """Append a step that a home causes, as often as it likes; after `MOST_FROM_HOME` of its kind only count it."""
    if AlertRepository(work.session).count_unnamed(alert.id, step) < MOST_FROM_HOME:
        append(work, alert, step, at, detail=detail, source=source)
    else:
        count_only(alert, step)


def append_sentence(work: UnitOfWork, alert: Alert, at: datetime, said: Announcement, sentence: HomeSentence) -> None:
    """Append a sentence that the platform asked the home to say and that was heard there at `at`: each message once.

    All of them: there are as many as the platform itself has written.
    """
    message = str(sentence.message_id)
    if not AlertRepository(work.session).count_told(alert.id, said, message=message):
        detail = {"said": said.value, "message": message, "key": sentence.key, "facts": dict(sentence.facts)}
        append(work, alert, AlertStep.ELDER_TOLD, at, detail=detail)


def append_told(work: UnitOfWork, alert: Alert, at: datetime, said: Announcement, reference: str) -> None:
    """Append what a home's gateway said by itself and about what, once.

    After `MOST_FROM_HOME` of its kind only count it.
    """
    repository = AlertRepository(work.session)
    if repository.count_told(alert.id, said, reference=reference):
        return
    if repository.count_told(alert.id, said) < MOST_FROM_HOME:
        append(work, alert, AlertStep.ELDER_TOLD, at, detail={"said": said.value, "reference": reference})
    else:
        count_only(alert, AlertStep.ELDER_TOLD)


def count_only(alert: Alert, step: AlertStep) -> None:
    """Count in an alert's facts, `<step>_more`, a step that gets no row of its own."""
    name = f"{step.value}_more"
    known = alert.facts.get(name)
    alert.facts = {**alert.facts, name: (known if isinstance(known, int) else 0) + 1}


def _new_event(
    alert: Alert, step: AlertStep, at: datetime, detail: Mapping[str, object] | None, source: str | None
) -> AlertEvent:
    return AlertEvent(alert_id=alert.id, at=at, step=step.value, detail=dict(detail or {}), source=source)


def _changed(alert: Alert, event: AlertEvent) -> AlertChanged:
    return AlertChanged(
        at=event.at,
        alert_id=alert.id,
        home_id=alert.home_id,
        community_id=alert.community_id,
        kind=AlertKind(alert.kind),
        state=AlertState(alert.state),
        step=event.step,
    )
