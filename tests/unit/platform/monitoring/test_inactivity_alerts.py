"""Which silences become alerts, and which must wait."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from fixtures.monitoring_harness import BEAT, DEVICES, HOMES, STEP_S, MonitoringHarness

from anju_core.events import AlertResolved, SensitivityChanged
from anju_core.vocabulary import AlertKind, Outcome
from anju_detect.inactivity import LifeBatch
from anju_platform.devices.last_seen import LastSeen
from anju_platform.monitoring.backlog import BacklogTracker
from anju_platform.monitoring.errors import MonitoringFailed, UnwatchedHome
from anju_platform.monitoring.homes import HomeRegister
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.residents.models import Absence, Community

HOME, OTHER = HOMES


def silence(monitoring: MonitoringHarness) -> float:
    """The first home falls silent; returns its deadline, just passed."""
    monitoring.life(OTHER)
    monitoring.life(HOME)
    return monitoring.until_due(HOME)


def test_a_silence_is_raised_once_with_its_reason_and_its_deadline(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.now()
    due_s = silence(monitoring)
    monitoring.live(20 * STEP_S)
    (alert,) = [alert for alert in monitoring.raised("inactivity") if alert.home_id == HOME]
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)
    assert alert.due_since.timestamp() == pytest.approx(due_s, abs=0.01)
    assert 0 <= (alert.raised_at - alert.due_since).total_seconds() <= STEP_S
    assert (alert.reason_code, alert.reason_facts["room"]) == ("silence", alert.facts["room"])
    assert alert.facts["room"] == "living"
    assert alert.score is not None


def set_target(monitoring: MonitoringHarness, false_alerts: float) -> None:
    with monitoring.work() as work:
        work.session.get_one(Community, "anning").false_alerts_per_month = false_alerts


def test_a_new_target_is_applied_at_the_next_sweep_about_silences_under_way(monitoring: MonitoringHarness) -> None:
    monitoring.life(OTHER)
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 300.0)
    assert monitoring.raised() == []
    set_target(monitoring, 20.0)
    monitoring.clock.forward(1)
    monitoring.sweep()
    assert monitoring.raised() == [], "nothing was said of it, and the minute is not over"
    monitoring.service.on_sensitivity_changed(SensitivityChanged(at=monitoring.clock.now(), community_id="anning"))
    monitoring.sweep()
    assert HOME in {alert.home_id for alert in monitoring.raised("inactivity")}


def test_a_target_that_could_not_be_read_is_read_at_the_sweep_after(
    monitoring: MonitoringHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring.life(HOME)
    set_target(monitoring, 20.0)
    monitoring.service.on_sensitivity_changed(SensitivityChanged(at=monitoring.clock.now(), community_id="anning"))
    before = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    with monkeypatch.context() as broken:
        broken.setattr(HomeRegister, "list_places", Mock(side_effect=OSError("the database is away")))
        with pytest.raises(OSError, match="away"):
            monitoring.sweep()
    monitoring.sweep()
    assert monitoring.service.explain_home(HOME, monitoring.now()).deadline_s < before


def test_life_ends_a_silence_before_it_is_due(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    for _ in range(20):
        monitoring.live(STEP_S)
        monitoring.life(HOME)
        monitoring.life(OTHER)
    assert monitoring.raised() == []


def test_a_silence_that_could_not_be_stored_is_tried_again(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.alerts.broken = True
    with pytest.raises(MonitoringFailed):
        monitoring.until_due(HOME)
    assert monitoring.raised() == []
    monitoring.alerts.broken = False
    monitoring.sweep()
    assert [alert.home_id for alert in monitoring.raised("inactivity")] == [HOME]


def test_a_silence_that_could_not_be_stored_is_forgotten_when_life_returns(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.alerts.broken = True
    with pytest.raises(MonitoringFailed):
        monitoring.until_due(HOME)
    monitoring.alerts.broken = False
    monitoring.life(HOME)
    monitoring.sweep()
    assert monitoring.raised() == []


def test_a_backlog_that_still_comes_in_raises_nothing(monitoring: MonitoringHarness) -> None:
    now = monitoring.now()
    for hours in range(60, 1, -1):
        monitoring.clock.forward(1)
        monitoring.check_in(*HOMES)
        monitoring.store_signs(HOME, (now - hours * 3600, "living", "motion"))
        monitoring.sweep()
    assert monitoring.raised() == []


def test_once_the_backlog_is_in_its_silence_is_raised(monitoring: MonitoringHarness) -> None:
    now = monitoring.now()
    monitoring.store_signs(HOME, *((now - hours * 3600, "living", "motion") for hours in range(60, 17, -1)))
    monitoring.store_signs(HOME, *((now - minutes * 60, "other", "heartbeat") for minutes in range(17 * 60, 30, -1)))
    monitoring.sweep()
    assert monitoring.raised() == []
    monitoring.live(int(MonitoringRules().late_hold_s), step_s=1)
    (alert,) = monitoring.raised()
    assert alert.happened_at.timestamp() == pytest.approx(now - 18 * 3600, abs=0.01)


def test_a_backlog_that_waited_in_a_queue_is_held_from_when_it_was_worked_through() -> None:
    arrivals, rules = BacklogTracker(MonitoringRules()), MonitoringRules()
    late = LifeBatch(np.zeros(1, np.int64), np.array([1000.0]), np.zeros(1, np.int8), np.zeros(1, np.int8))
    arrivals.note_batch(late, 100_000.0, 100_020.0)
    assert arrivals.catching_up(0, 100_020.0 + rules.late_hold_s - 0.1)
    assert not arrivals.catching_up(0, 100_020.0 + rules.late_hold_s)


def test_a_home_that_is_always_a_little_late_is_judged_as_far_as_it_is_known(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    for _ in range(60):
        monitoring.clock.forward(STEP_S)
        monitoring.check_in(OTHER)
        now = monitoring.now()
        monitoring.service.record_last_seen(
            {(HOME, f"gw-{HOME}"): LastSeen(now), (HOME, "motion-living"): LastSeen(now - 400)}, now
        )
        monitoring.store_signs(HOME, (now - 400, "other", "heartbeat"))
        monitoring.sweep()
    assert [alert.home_id for alert in monitoring.raised("inactivity") if alert.home_id == HOME] == [HOME]


def test_a_told_absence_silences_until_it_ends(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    now = monitoring.now()
    monitoring.service.set_absence(HOME, now, now + 20 * 3600)
    monitoring.live(19 * 3600)
    assert [alert for alert in monitoring.raised() if alert.home_id == HOME] == []
    monitoring.live(26 * 3600)
    assert [alert.kind for alert in monitoring.raised() if alert.home_id == HOME] == ["away_long"]


def test_an_absence_of_the_records_is_found_within_a_minute(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    start = monitoring.clock.now()
    with monitoring.work() as work:
        work.session.add(
            Absence(
                id=work.new_id(),
                home_id=HOME,
                start=start,
                until=monitoring.clock.forward(86400),
                told_by="女儿",
                ended_at=None,
            )
        )
    monitoring.clock.forward(-86400 + 61)
    monitoring.sweep()
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence == "absent"
    with monitoring.work() as work:
        for row in work.session.query(Absence):
            row.ended_at = monitoring.clock.now()
    monitoring.live(61)
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence != "absent"


def test_while_the_platform_receives_nothing_no_silence_is_believed(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 100)
    monitoring.service.set_receiving(False, monitoring.now())
    monitoring.clock.forward(200)
    monitoring.sweep()
    assert monitoring.raised("inactivity") == []
    monitoring.service.set_receiving(True, monitoring.now())
    monitoring.check_in(*HOMES)
    monitoring.sweep()
    assert monitoring.raised("inactivity") == []
    monitoring.live(12, step_s=1)
    assert [alert.home_id for alert in monitoring.raised("inactivity")] == [HOME]


def test_deadlines_are_rows_in_the_records(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.life(HOME)
    monitoring.live(1800)
    row = monitoring.deadline(HOME)
    assert row is not None
    assert row.last_life_at is not None
    assert row.last_life_at.timestamp() == pytest.approx(began_s, abs=0.01)
    assert row.due_at is not None
    assert row.due_at.timestamp() == pytest.approx(
        monitoring.service.explain_home(HOME, monitoring.now()).deadline_s, abs=1
    )
    assert row.explained["last_room"] == "living"


def test_a_home_without_life_has_no_deadline(monitoring: MonitoringHarness) -> None:
    monitoring.live(1800)
    row = monitoring.deadline(HOME)
    assert row is None or (row.last_life_at is None and row.due_at is None)


def test_outcomes_teach_from_silences_only(monitoring: MonitoringHarness) -> None:
    facts: dict[str, Any] = {
        "alert_id": monitoring.work().new_id(),
        "home_id": HOME,
        "episode": "1",
        "at": monitoring.clock.now(),
    }
    row = monitoring.service.find_row(HOME)
    learnt = monitoring.service._detector.state["taint_until_s"]
    monitoring.service.on_alert_resolved(AlertResolved(kind=AlertKind.SOS, outcome=Outcome.AWAY, **facts))
    assert learnt[row] < monitoring.now()
    monitoring.service.on_alert_resolved(AlertResolved(kind=AlertKind.INACTIVITY, outcome=Outcome.AWAY, **facts))
    assert learnt[row] == monitoring.now(), "the silence of somebody who was away is not learnt from"


def test_a_home_that_is_not_in_the_records_is_refused(monitoring: MonitoringHarness) -> None:
    with pytest.raises(UnwatchedHome, match="home-99"):
        monitoring.service.find_row("home-99")


@pytest.mark.parametrize("cut", [4, 9, 11])
def test_a_backlog_over_two_sweeps_is_due_when_one_that_came_at_once_is(
    monitoring: MonitoringHarness, cut: int
) -> None:
    monitoring.store_signs(OTHER, (monitoring.life(HOME), "living", "motion"))
    monitoring.silent = set(HOMES)
    late: list[tuple[float, str, str]] = []
    for step in range(1, 49):
        monitoring.live(STEP_S / 4)
        late.append((monitoring.now(), *BEAT))
        if step % 4 == 0:
            late.append((monitoring.now(), "living", "motion"))
    monitoring.silent = set()
    whole, split = [late, []], [late[: 5 * cut], late[5 * cut :]]
    for one, other in zip(whole, split, strict=True):
        for home, part in ((HOME, one), (OTHER, other)):
            ids = (f"gw-{home}", *(device for device, _, _ in DEVICES))
            monitoring.service.record_last_seen(
                {(home, one): LastSeen(monitoring.now()) for one in ids}, monitoring.now()
            )
            monitoring.store_signs(home, *part)
        monitoring.sweep()
        monitoring.clock.forward(1)
    monitoring.live(int(MonitoringRules().late_hold_s) + 1, step_s=1)
    monitoring.until_due(HOME, margin_s=3600)
    due = {alert.home_id: alert.due_since for alert in monitoring.raised("inactivity")}
    assert set(due) == {HOME, OTHER}
    assert abs((due[HOME] - due[OTHER]).total_seconds()) < 0.01


def test_a_backlog_in_pieces_says_the_same_as_at_once(monitoring: MonitoringHarness) -> None:
    now = monitoring.now()
    hours = [day * 24 + third / 3 for day in range(14, 0, -1) for third in range(40, 0, -1)]
    past = [(now - ago * 3600, "living", "motion") for ago in (*hours, 1.5)]
    for at in range(0, len(past), 25):
        monitoring.store_signs(HOME, *past[at : at + 25])
        monitoring.sweep()
    monitoring.store_signs(OTHER, *past)
    monitoring.sweep()
    one, other = (monitoring.service.explain_home(home, now) for home in HOMES)
    assert (one.last_life_s, one.deadline_s) == (other.last_life_s, other.deadline_s)
    assert other.deadline_s < other.last_life_s + 24 * 3600, "the longest that is waited for any home says nothing"
    assert monitoring.raised("inactivity") == []


def test_what_a_home_kept_while_it_was_cut_off_teaches_as_if_it_had_come_at_once(monitoring: MonitoringHarness) -> None:
    monitoring.store_signs(OTHER, (monitoring.life(HOME), "living", "motion"))
    monitoring.silent = {OTHER}
    late: list[tuple[float, str, str]] = []
    for step in range(1, 49):
        monitoring.live(STEP_S / 4)
        late.append((monitoring.now(), *BEAT))
        if step % 4 == 0:
            late.append((monitoring.life(HOME), "living", "motion"))
    monitoring.silent = set()
    ids = (f"gw-{OTHER}", *(device for device, _, _ in DEVICES))
    for part in (late[:20], late[20:]):
        monitoring.service.record_last_seen({(OTHER, one): LastSeen(monitoring.now()) for one in ids}, monitoring.now())
        monitoring.store_signs(OTHER, *part)
        monitoring.sweep()
        monitoring.clock.forward(1)
    monitoring.live(int(MonitoringRules().late_hold_s) + 1, step_s=1)
    due = [monitoring.service.explain_home(home, monitoring.now()).deadline_s for home in HOMES]
    assert due[0] == due[1]
