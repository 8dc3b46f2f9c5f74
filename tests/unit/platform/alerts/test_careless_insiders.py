"""A careless click never ends the care about an alert: what is closed, awaited or arrived at rests on evidence."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from fixtures.alert_harness import CODE, AlertHarness

from anju_core.dispatch import MAX_WRONG_CODES
from anju_core.errors import Conflict, DomainError
from anju_core.evidence import DANGERS, FOUND_REAL, ClosingNoteMissing, ContactMissing
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Channel, Outcome, VisitCategory
from anju_platform.alerts.errors import NoMoreArrivalCodes, WrongArrivalCode
from anju_platform.alerts.repository import AlertRepository
from anju_wire.vocabulary import AnnouncementKey

DISMISSALS = [outcome for outcome in Outcome if outcome not in FOUND_REAL]
SENTENCE = "孙子来玩时按着玩的"


def acknowledged(harness: AlertHarness, kind: AlertKind = AlertKind.SOS) -> UUID:
    alert_id = harness.raise_alert(kind)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    return alert_id


@pytest.mark.parametrize("kind", sorted(DANGERS))
def test_danger_is_not_dismissed_before_somebody_was_reached(harness: AlertHarness, kind: AlertKind) -> None:
    alert_id = acknowledged(harness, kind)
    for _ in range(2):
        for outcome in DISMISSALS:
            with pytest.raises(ContactMissing):
                harness.do("resolve_alert", alert_id, harness.wang, outcome=outcome, note=SENTENCE)
        harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    harness.do("record_contact_attempt", alert_id, harness.wang, who="女儿", outcome=CallOutcome.REACHED_OK)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.AWAY)
    assert harness.alert(alert_id).outcome == Outcome.AWAY


@pytest.mark.parametrize("kind", sorted(set(AlertKind) - DANGERS))
def test_other_alerts_are_not_dismissed_without_a_call_or_a_sentence(harness: AlertHarness, kind: AlertKind) -> None:
    alert_id = acknowledged(harness, kind)
    for note in ("", "  ", "误报", "啊啊啊啊啊啊", "ok", "................"):
        for outcome in DISMISSALS:
            with pytest.raises(ClosingNoteMissing):
                harness.do("resolve_alert", alert_id, harness.wang, outcome=outcome, note=note)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.AWAY, note=SENTENCE)
    assert harness.alert(alert_id).state == AlertState.RESOLVED


def test_a_note_that_was_added_before_counts_and_so_does_a_call(harness: AlertHarness) -> None:
    noted, called = acknowledged(harness, AlertKind.LEAK), acknowledged(harness, AlertKind.INACTIVITY)
    harness.do("add_note", noted, harness.wang, SENTENCE)
    harness.do("record_contact_attempt", called, harness.wang, who="elder", outcome=CallOutcome.REACHED_OK)
    for alert_id in (noted, called):
        harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.FALSE_ALARM)
        assert harness.alert(alert_id).state == AlertState.RESOLVED


def test_a_second_person_dismisses_danger_with_a_sentence_only(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    with pytest.raises(ClosingNoteMissing):
        harness.do("resolve_alert", alert_id, harness.zhao, outcome=Outcome.FALSE_ALARM, note="误报")
    harness.do("resolve_alert", alert_id, harness.zhao, outcome=Outcome.FALSE_ALARM, note=SENTENCE)
    with harness.work() as work:
        last = AlertRepository(work.session).list_events(alert_id)[-1]
    assert (last.by_name, last.detail) == ("赵主任", {"outcome": "false_alarm", "note": SENTENCE})


def test_a_supervisor_who_took_it_over_is_no_second_person(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("acknowledge_alert", alert_id, harness.zhao)
    with pytest.raises(ContactMissing):
        harness.do("resolve_alert", alert_id, harness.zhao, outcome=Outcome.FALSE_ALARM, note=SENTENCE)


def test_a_call_before_a_new_press_says_nothing_about_it(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.REACHED_OK)
    harness.clock.forward(60)
    assert harness.raise_alert() == alert_id
    with pytest.raises(ContactMissing):
        harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.FALSE_ALARM, note=SENTENCE)


def test_real_help_wants_a_deed_or_a_second_persons_word(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    with pytest.raises(ContactMissing):
        harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED, note=SENTENCE)
    with pytest.raises(ClosingNoteMissing):
        harness.do("resolve_alert", alert_id, harness.zhao, outcome=Outcome.REAL_HELPED)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="120", outcome=CallOutcome.NO_ANSWER)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED)


def test_a_refused_closing_leaves_the_escalation_running(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    due = harness.alert(alert_id).next_due_at
    with pytest.raises(ContactMissing):
        harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.FALSE_ALARM)
    assert harness.alert(alert_id).next_due_at == due


def _call(harness: AlertHarness, alert_id: UUID) -> None:
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.NO_ANSWER)


def _send_and_call_off(harness: AlertHarness, alert_id: UUID) -> None:
    harness.do("dispatch_carer", alert_id, harness.wang, category=VisitCategory.EMERGENCY)
    with harness.work() as work:
        visit = harness.visits.queries.list_of_alert(work, alert_id)[0]
    harness.visit("cancel_visit", visit.id, harness.wang, "")


def _go_and_send_and_call_off(harness: AlertHarness, alert_id: UUID) -> None:
    harness.do("mark_en_route", alert_id, harness.wang)
    _send_and_call_off(harness, alert_id)


def _arrive(harness: AlertHarness, alert_id: UUID) -> None:
    harness.do("mark_arrived", alert_id, harness.wang)


@pytest.mark.parametrize("word", [_call, _send_and_call_off, _go_and_send_and_call_off, _arrive])
def test_words_do_not_keep_an_alert_quiet_for_ever(
    harness: AlertHarness, word: Callable[[AlertHarness, UUID], None]
) -> None:
    alert_id = acknowledged(harness)
    for _ in range(16):
        harness.tick(240)
        for act in (lambda: harness.do("acknowledge_alert", alert_id, harness.wang), lambda: word(harness, alert_id)):
            try:
                act()
            except Conflict:
                continue
    assert harness.told(harness.liu) > 3
    assert harness.told(harness.zhao) > 3
    assert harness.told(harness.daughter) > 0


def test_the_record_says_which_call_did_not_extend_the_wait(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    for _ in range(4):
        harness.clock.forward(100)
        _call(harness, alert_id)
    assert [step.get("exhausted", False) for step in harness.history(alert_id, AlertStep.CONTACT_ATTEMPTED)] == [
        False,
        False,
        True,
        True,
    ]
    with harness.work() as work:
        assert harness.alerts.queries.get_alert(work, alert_id, harness.wang).waits_left == 0
        assert harness.alerts.queries.get_alert(work, alert_id, harness.liu).waits_left == 3
    harness.tick(101)
    assert harness.alert(alert_id).state == AlertState.NOTIFIED
    assert harness.told(harness.liu) == 1


def test_taking_it_again_after_the_waits_are_used_up_does_not_stop_the_escalation(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    for _ in range(3):
        _call(harness, alert_id)
    harness.tick(301)
    told = harness.told(harness.zhao)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick(400, every=10)
    assert harness.told(harness.zhao) > told


def test_another_person_has_waits_of_her_own(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    for _ in range(4):
        _call(harness, alert_id)
    harness.tick(301)
    harness.do("acknowledge_alert", alert_id, harness.liu)
    harness.tick(290)
    assert harness.alert(alert_id).acknowledged_by_name == "小刘"


def test_an_unproven_arrival_is_told_to_others_after_minutes_not_hours(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("mark_en_route", alert_id, harness.wang)
    harness.do("mark_arrived", alert_id, harness.wang)
    with harness.work() as work:
        assert harness.alerts.queries.get_alert(work, alert_id, harness.wang).arrival_proven is False
    before = harness.told(harness.zhao)
    harness.tick(301)
    assert harness.told(harness.zhao) == before + 1
    (escalated,) = harness.history(alert_id, AlertStep.ESCALATED)
    assert escalated["why"] == "no_outcome"
    with pytest.raises(ContactMissing):
        harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.FALSE_ALARM, note=SENTENCE)


@pytest.mark.parametrize("before", [True, False])
def test_the_code_that_the_home_says_proves_the_arrival_also_afterwards(harness: AlertHarness, *, before: bool) -> None:
    alert_id = acknowledged(harness)
    if before:
        harness.do("mark_en_route", alert_id, harness.wang)
    else:
        harness.do("mark_arrived", alert_id, harness.wang)
    said = [row.body for row in harness.messages(Channel.HOME)]
    assert said.count(AnnouncementKey.VISIT_CODE) == 1
    harness.do("mark_arrived", alert_id, harness.wang, code=f" {CODE} ")
    with harness.work() as work:
        assert harness.alerts.queries.get_alert(work, alert_id, harness.wang).arrival_proven is True
    assert harness.history(alert_id, AlertStep.ARRIVED)[-1] == {"proof": "code"}
    harness.tick(7100)
    assert not harness.alert(alert_id).late
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.FALSE_ALARM)


def test_a_wrong_code_is_counted_and_after_five_none_is_looked_at(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("mark_en_route", alert_id, harness.wang)
    for left in reversed(range(MAX_WRONG_CODES)):
        with pytest.raises(WrongArrivalCode) as refused:
            harness.do("mark_arrived", alert_id, harness.wang, code="000000")
        assert refused.value.facts() == {"alert_id": str(alert_id), "tries_left": left}
    for code in (CODE, "000000"):
        with pytest.raises(NoMoreArrivalCodes):
            harness.do("mark_arrived", alert_id, harness.wang, code=code)
    assert harness.alert(alert_id).state == AlertState.EN_ROUTE


def test_an_empty_code_of_an_alert_that_has_none_proves_nothing(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("mark_arrived", alert_id, harness.wang, code="")
    with harness.work() as work:
        assert harness.alerts.queries.get_alert(work, alert_id, harness.wang).arrival_proven is False


def test_a_second_person_attests_the_arrival_the_first_does_not(harness: AlertHarness) -> None:
    mine = harness.raise_alert()
    harness.do("acknowledge_alert", mine, harness.zhao)
    harness.do("mark_arrived", mine, harness.zhao)
    assert harness.history(mine, AlertStep.ARRIVED) == [{}]
    other = acknowledged(harness, AlertKind.FALL)
    harness.do("mark_arrived", other, harness.zhao)
    assert harness.history(other, AlertStep.ARRIVED) == [{"proof": "attested"}]


def test_the_code_stands_in_no_history_and_no_refusal(harness: AlertHarness) -> None:
    alert_id = acknowledged(harness)
    harness.do("mark_en_route", alert_id, harness.wang)
    with pytest.raises(DomainError) as refused:
        harness.do("mark_arrived", alert_id, harness.wang, code="135790")
    harness.do("mark_arrived", alert_id, harness.wang, code=CODE)
    with harness.work() as work:
        shown = repr(harness.alerts.queries.get_alert(work, alert_id, harness.wang))
    assert CODE not in shown
    assert "135790" not in f"{refused.value} {refused.value.facts()} {shown}"
