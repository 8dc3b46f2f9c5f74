"""Which silences become alerts, and which must wait."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from fixtures.monitoring_harness import BEAT, DEVICES, HOMES, STEP_S, Ward

from anju_core.events import AlertResolved, SensitivityChanged
from anju_core.vocabulary import AlertKind, Outcome
from anju_detect.inactivity import LifeBatch
from anju_platform.ingest.ports import LastSeen
from anju_platform.monitoring.backlog import BacklogTracker
from anju_platform.monitoring.errors import MonitoringFailed, UnwatchedHome
from anju_platform.monitoring.repository import MonitoringRepository
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.residents.models import Absence, Community

HOME, OTHER = HOMES


def silence(ward: Ward) -> float:
    """The first home falls silent; returns its deadline, just passed."""
    ward.life(OTHER)
    ward.life(HOME)
    return ward.until_due(HOME)


def test_a_silence_is_raised_once_with_its_reason_and_its_deadline(ward: Ward) -> None:
    began_s = ward.now()
    due_s = silence(ward)
    ward.live(20 * STEP_S)
    (alert,) = [alert for alert in ward.raised("inactivity") if alert.home_id == HOME]
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)
    assert alert.due_since.timestamp() == pytest.approx(due_s, abs=0.01)
    assert 0 <= (alert.raised_at - alert.due_since).total_seconds() <= STEP_S
    assert alert.reason_zh
    assert alert.reason_en
    assert alert.facts["room"] == "living"
    assert alert.score is not None


def wish(ward: Ward, false_alerts: float) -> None:
    with ward.work() as work:
        work.session.get_one(Community, "anning").false_alerts_per_month = false_alerts


def test_a_new_wish_is_asked_at_the_next_sweep_about_silences_under_way(ward: Ward) -> None:
    ward.life(OTHER)
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live(due_s - ward.now() - 300.0)
    assert ward.raised() == []
    wish(ward, 20.0)
    ward.clock.forward(1)
    ward.sweep()
    assert ward.raised() == [], "nothing was said of it, and the minute is not over"
    ward.watch.wish_changed(SensitivityChanged(at=ward.clock.now(), community_id="anning"))
    ward.sweep()
    assert HOME in {alert.home_id for alert in ward.raised("inactivity")}


def test_a_wish_that_could_not_be_read_is_read_at_the_sweep_after(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.life(HOME)
    wish(ward, 20.0)
    ward.watch.wish_changed(SensitivityChanged(at=ward.clock.now(), community_id="anning"))
    before = ward.watch.explain(HOME, ward.now()).deadline_s
    with monkeypatch.context() as broken:
        broken.setattr(MonitoringRepository, "places", Mock(side_effect=OSError("the database is away")))
        with pytest.raises(OSError, match="away"):
            ward.sweep()
    ward.sweep()
    assert ward.watch.explain(HOME, ward.now()).deadline_s < before


def test_life_ends_a_silence_before_it_is_due(ward: Ward) -> None:
    ward.life(HOME)
    for _ in range(20):
        ward.live(STEP_S)
        ward.life(HOME)
        ward.life(OTHER)
    assert ward.raised() == []


def test_a_silence_that_could_not_be_stored_is_tried_again(ward: Ward) -> None:
    ward.life(HOME)
    ward.alerts.broken = True
    with pytest.raises(MonitoringFailed):
        ward.until_due(HOME)
    assert ward.raised() == []
    ward.alerts.broken = False
    ward.sweep()
    assert [alert.home_id for alert in ward.raised("inactivity")] == [HOME]


def test_a_silence_that_could_not_be_stored_is_forgotten_when_life_returns(ward: Ward) -> None:
    ward.life(HOME)
    ward.alerts.broken = True
    with pytest.raises(MonitoringFailed):
        ward.until_due(HOME)
    ward.alerts.broken = False
    ward.life(HOME)
    ward.sweep()
    assert ward.raised() == []


def test_a_backlog_that_still_comes_in_raises_nothing(ward: Ward) -> None:
    now = ward.now()
    for hours in range(60, 1, -1):
        ward.clock.forward(1)
        ward.check_in(*HOMES)
        ward.take(HOME, (now - hours * 3600, "living", "motion"))
        ward.sweep()
    assert ward.raised() == []


def test_once_the_backlog_is_in_its_silence_is_raised(ward: Ward) -> None:
    now = ward.now()
    ward.take(HOME, *((now - hours * 3600, "living", "motion") for hours in range(60, 17, -1)))
    ward.take(HOME, *((now - minutes * 60, "other", "heartbeat") for minutes in range(17 * 60, 30, -1)))
    ward.sweep()
    assert ward.raised() == []
    ward.live(int(MonitoringRules().late_hold_s), step_s=1)
    (alert,) = ward.raised()
    assert alert.happened_at.timestamp() == pytest.approx(now - 18 * 3600, abs=0.01)


def test_a_backlog_that_waited_in_a_queue_is_held_from_when_it_was_worked_through() -> None:
    arrivals, rules = BacklogTracker(MonitoringRules()), MonitoringRules()
    late = LifeBatch(np.zeros(1, np.int64), np.array([1000.0]), np.zeros(1, np.int8), np.zeros(1, np.int8))
    arrivals.note(late, 100_000.0, 100_020.0)
    assert arrivals.catching_up(0, 100_020.0 + rules.late_hold_s - 0.1)
    assert not arrivals.catching_up(0, 100_020.0 + rules.late_hold_s)


def test_a_home_that_is_always_a_little_late_is_judged_as_far_as_it_is_known(ward: Ward) -> None:
    ward.life(HOME)
    for _ in range(60):
        ward.clock.forward(STEP_S)
        ward.check_in(OTHER)
        now = ward.now()
        ward.watch.heard({(HOME, f"gw-{HOME}"): LastSeen(now), (HOME, "motion-living"): LastSeen(now - 400)}, now)
        ward.take(HOME, (now - 400, "other", "heartbeat"))
        ward.sweep()
    assert [alert.home_id for alert in ward.raised("inactivity") if alert.home_id == HOME] == [HOME]


def test_a_told_absence_silences_until_it_ends(ward: Ward) -> None:
    ward.life(HOME)
    now = ward.now()
    ward.watch.absent(HOME, now, now + 20 * 3600)
    ward.live(19 * 3600)
    assert [alert for alert in ward.raised() if alert.home_id == HOME] == []
    ward.live(26 * 3600)
    assert [alert.kind for alert in ward.raised() if alert.home_id == HOME] == ["away_long"]


def test_an_absence_of_the_records_is_found_within_a_minute(ward: Ward) -> None:
    ward.life(HOME)
    start = ward.clock.now()
    with ward.work() as work:
        work.session.add(
            Absence(
                id=work.new_id(),
                home_id=HOME,
                start=start,
                until=ward.clock.forward(86400),
                told_by="女儿",
                ended_at=None,
            )
        )
    ward.clock.forward(-86400 + 61)
    ward.sweep()
    assert ward.watch.explain(HOME, ward.now()).presence == "absent"
    with ward.work() as work:
        for row in work.session.query(Absence):
            row.ended_at = ward.clock.now()
    ward.live(61)
    assert ward.watch.explain(HOME, ward.now()).presence != "absent"


def test_while_the_platform_receives_nothing_no_silence_is_believed(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live(due_s - ward.now() - 100)
    ward.watch.listening(False, ward.now())
    ward.clock.forward(200)
    ward.sweep()
    assert ward.raised("inactivity") == []
    ward.watch.listening(True, ward.now())
    ward.check_in(*HOMES)
    ward.sweep()
    assert ward.raised("inactivity") == []
    ward.live(12, step_s=1)
    assert [alert.home_id for alert in ward.raised("inactivity")] == [HOME]


def test_deadlines_are_rows_in_the_records(ward: Ward) -> None:
    began_s = ward.life(HOME)
    ward.live(1800)
    row = ward.deadline(HOME)
    assert row is not None
    assert row.last_life_at is not None
    assert row.last_life_at.timestamp() == pytest.approx(began_s, abs=0.01)
    assert row.due_at is not None
    assert row.due_at.timestamp() == pytest.approx(ward.watch.explain(HOME, ward.now()).deadline_s, abs=1)
    assert row.explained["last_room"] == "living"


def test_a_home_without_life_has_no_deadline(ward: Ward) -> None:
    ward.live(1800)
    row = ward.deadline(HOME)
    assert row is None or (row.last_life_at is None and row.due_at is None)


def test_outcomes_teach_from_silences_only(ward: Ward) -> None:
    facts: dict[str, Any] = {"alert_id": ward.work().new_id(), "home_id": HOME, "episode": "1", "at": ward.clock.now()}
    ward.watch.alert_resolved(AlertResolved(kind=AlertKind.INACTIVITY, outcome=Outcome.AWAY, **facts))
    ward.watch.alert_resolved(
        AlertResolved(kind=AlertKind.SOS, outcome=Outcome.TEST, **{**facts, "home_id": "nowhere"})
    )


def test_a_home_that_is_not_in_the_records_is_refused(ward: Ward) -> None:
    with pytest.raises(UnwatchedHome, match="home-99"):
        ward.watch.row("home-99")


@pytest.mark.parametrize("cut", [4, 9, 11])
def test_a_backlog_over_two_sweeps_is_due_when_one_that_came_at_once_is(ward: Ward, cut: int) -> None:
    ward.take(OTHER, (ward.life(HOME), "living", "motion"))
    ward.silent = set(HOMES)
    late: list[tuple[float, str, str]] = []
    for step in range(1, 49):
        ward.live(STEP_S / 4)
        late.append((ward.now(), *BEAT))
        if step % 4 == 0:
            late.append((ward.now(), "living", "motion"))
    ward.silent = set()
    whole, split = [late, []], [late[: 5 * cut], late[5 * cut :]]
    for one, other in zip(whole, split, strict=True):
        for home, part in ((HOME, one), (OTHER, other)):
            ids = (f"gw-{home}", *(device for device, _, _ in DEVICES))
            ward.watch.heard({(home, one): LastSeen(ward.now()) for one in ids}, ward.now())
            ward.take(home, *part)
        ward.sweep()
        ward.clock.forward(1)
    ward.live(int(MonitoringRules().late_hold_s) + 1, step_s=1)
    ward.until_due(HOME, margin_s=3600)
    due = {alert.home_id: alert.due_since for alert in ward.raised("inactivity")}
    assert set(due) == {HOME, OTHER}
    assert abs((due[HOME] - due[OTHER]).total_seconds()) < 0.01


def test_a_backlog_in_pieces_says_the_same_as_at_once(ward: Ward) -> None:
    now = ward.now()
    hours = [day * 24 + third / 3 for day in range(14, 0, -1) for third in range(40, 0, -1)]
    past = [(now - ago * 3600, "living", "motion") for ago in (*hours, 1.5)]
    for at in range(0, len(past), 25):
        ward.take(HOME, *past[at : at + 25])
        ward.sweep()
    ward.take(OTHER, *past)
    ward.sweep()
    one, other = (ward.watch.explain(home, now) for home in HOMES)
    assert (one.last_life_s, one.deadline_s) == (other.last_life_s, other.deadline_s)
    assert other.deadline_s < other.last_life_s + 24 * 3600, "the longest that is waited for any home says nothing"
    assert ward.raised("inactivity") == []


def test_what_a_home_kept_while_it_was_cut_off_teaches_as_if_it_had_come_at_once(ward: Ward) -> None:
    ward.take(OTHER, (ward.life(HOME), "living", "motion"))
    ward.silent = {OTHER}
    late: list[tuple[float, str, str]] = []
    for step in range(1, 49):
        ward.live(STEP_S / 4)
        late.append((ward.now(), *BEAT))
        if step % 4 == 0:
            late.append((ward.life(HOME), "living", "motion"))
    ward.silent = set()
    ids = (f"gw-{OTHER}", *(device for device, _, _ in DEVICES))
    for part in (late[:20], late[20:]):
        ward.watch.heard({(OTHER, one): LastSeen(ward.now()) for one in ids}, ward.now())
        ward.take(OTHER, *part)
        ward.sweep()
        ward.clock.forward(1)
    ward.live(int(MonitoringRules().late_hold_s) + 1, step_s=1)
    due = [ward.watch.explain(home, ward.now()).deadline_s for home in HOMES]
    assert due[0] == due[1]
