"""However much one home says about its alert, the alert's history and what each message costs stay bounded."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from fixtures._statements import counted
from fixtures.alert_harness import AlertHarness
from sqlalchemy import event

from anju_core.events import ElderTold
from anju_core.vocabulary import AlertKind, AlertStep, Outcome
from anju_platform.alerts.history import MOST_FROM_HOME
from anju_platform.alerts.models import AlertEvent
from anju_wire.vocabulary import Announcement

MESSAGES = 1200


def tell(harness: AlertHarness, said: str, reference: str) -> None:
    with harness.work() as work:
        work.record(ElderTold(at=harness.clock.now(), home_id="home-01", said=said, reference=reference))


def say_announcement(harness: AlertHarness, _: UUID, number: int) -> None:
    tell(harness, [*Announcement][number % len(Announcement)], str(number))


def say_own_words(harness: AlertHarness, _: UUID, number: int) -> None:
    tell(harness, f"x{number}", "")


def cancel(harness: AlertHarness, _: UUID, number: int) -> None:
    given = {"outcome": Outcome.WITHDRAWN, "why": "elder_cancelled", "source": f"c/{number}"}
    harness.withdraw("home-01", AlertKind.SOS, None, **given)


def press_late(harness: AlertHarness, alert_id: UUID, number: int) -> None:
    happened_at = harness.alert(alert_id).happened_at
    harness.raise_alert(episode="press", source=f"late/{number}", happened_at=happened_at)


FLOODS: dict[str, tuple[Callable[[AlertHarness, UUID, int], None], AlertStep, int]] = {
    "announcements": (say_announcement, AlertStep.ELDER_TOLD, MOST_FROM_HOME * len(Announcement)),
    "own words": (say_own_words, AlertStep.ELDER_TOLD, 0),
    "cancels": (cancel, AlertStep.WITHDRAWN, MOST_FROM_HOME),
    "late presses": (press_late, AlertStep.NOTED, MOST_FROM_HOME),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_adds_few_steps_and_its_last_message_costs_what_its_first_did(
    harness: AlertHarness, flood: str
) -> None:
    send, step, most = FLOODS[flood]
    alert_id = harness.raise_alert(episode="press")
    harness.do("acknowledge_alert", alert_id, harness.wang)
    if flood == "late presses":
        harness.clock.forward(60.0)
        harness.dismiss(alert_id, harness.wang)
    before = harness.steps(alert_id).count(step)
    with counted(harness) as first:
        send(harness, alert_id, 0)
    for number in range(1, MESSAGES):
        send(harness, alert_id, number)
    assert harness.steps(alert_id).count(step) == before + most
    assert harness.alert(alert_id).facts.get(f"{step}_more", 0) == (MESSAGES - most if most else 0)
    rows: list[object] = []
    listener = (AlertEvent, "load", lambda row, _: rows.append(row))
    event.listen(*listener)
    try:
        with counted(harness) as last:
            send(harness, alert_id, MESSAGES)
    finally:
        event.remove(*listener)
    assert len(last.statements) <= len(first.statements)
    assert len(rows) <= MOST_FROM_HOME + 5


def test_words_of_a_homes_own_are_no_announcement(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    for said in ("", "HEARD", "heard ", "seen\n" * 90):
        tell(harness, said, str(alert_id))
    assert AlertStep.ELDER_TOLD not in harness.steps(alert_id)


def test_a_withdrawal_that_closes_the_alert_has_its_step_after_any_number_of_others(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    for number in range(MOST_FROM_HOME + 5):
        cancel(harness, alert_id, number)
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    cancel(harness, alert_id, MESSAGES)
    assert harness.alert(alert_id).outcome == Outcome.WITHDRAWN
    assert harness.steps(alert_id).count(AlertStep.WITHDRAWN) == MOST_FROM_HOME + 1
