"""Which homes are blind, and which are seen again."""

from __future__ import annotations

import pytest
from fixtures.monitoring_harness import DEVICES, HOMES, Ward

from anju_platform.devices.models import Gateway
from anju_platform.ingest.ports import LastSeen
from anju_wire.messages import Status

HOME, OTHER = HOMES


def say(ward: Ward, online: bool, **more: str | float) -> None:  # noqa: FBT001 - the fact itself
    status = Status(gateway=f"gw-{HOME}", online=online, at=ward.now(), version="1.0", spooled={"alarm": 2}, **more)  # type: ignore[arg-type]
    with ward.work() as work:
        ward.devices.status(work, f"gw-{HOME}", status, ward.now())


def test_a_silent_gateway_makes_its_home_blind_and_only_its_home(ward: Ward) -> None:
    ward.silent.add(HOME)
    last_s = ward.now()
    ward.live(299, step_s=60)
    assert ward.raised("blind") == []
    ward.live(10, step_s=5)
    (alert,) = ward.raised("blind")
    assert alert.home_id == HOME
    sight = ward.sight(HOME)
    assert sight.blind_since is not None
    assert sight.blind_since.timestamp() == pytest.approx(last_s, abs=0.01)
    assert "网关" in sight.reason_zh
    assert "gateway" in sight.reason_en
    assert ward.sight(OTHER).blind_since is None if ward.row(type(sight), OTHER) else True


def test_a_home_that_is_heard_is_seen_again(ward: Ward) -> None:
    ward.silent.add(HOME)
    ward.live(400, step_s=100)
    ward.silent.clear()
    ward.live(60, step_s=30)
    assert ward.sight(HOME).blind_since is None
    (alert,) = ward.raised("blind")
    assert alert.closed_at is not None


def test_a_blind_home_raises_no_silence(ward: Ward) -> None:
    ward.life(HOME)
    ward.silent.add(HOME)
    ward.live(30 * 3600)
    assert [alert.kind for alert in ward.raised() if alert.home_id == HOME] == ["blind"]


def test_the_silence_of_an_outage_that_nobody_watched_counts_anew(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live((due_s - ward.now()) * 0.8)
    ward.silent.add(HOME)
    ward.live(due_s - ward.now() + 600, step_s=300)
    ward.silent.clear()
    ward.live(120, step_s=5)
    assert ward.raised("inactivity") == []
    assert ward.watch.explain(HOME, ward.now()).deadline_s > ward.now() + 600


def test_an_outage_of_the_line_alone_forgets_no_silence(ward: Ward) -> None:
    began_s = ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live((due_s - ward.now()) * 0.8)
    ward.silent.add(HOME)
    cut_s = ward.now()
    ward.live(due_s - ward.now() + 600, step_s=300)
    ward.silent.clear()
    # The spool held the heartbeats of the time in between.
    beats = [(float(at_s), "other", "heartbeat") for at_s in range(int(cut_s), int(ward.now()), 60)]
    ward.take(HOME, *beats)
    ward.live(30, step_s=1)
    (alert,) = ward.raised("inactivity")
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)


def test_a_last_will_makes_blind_sooner_unless_the_gateway_is_back(ward: Ward) -> None:
    say(ward, online=False)
    ward.clock.forward(100)
    ward.check_in(OTHER)
    ward.sweep()
    assert ward.raised("blind") == []
    ward.clock.forward(30)
    ward.check_in(OTHER)
    ward.sweep()
    assert [alert.home_id for alert in ward.raised("blind")] == [HOME]
    assert "掉线" in ward.sight(HOME).reason_zh
    say(ward, online=True, dropped=7)
    ward.check_in(HOME)
    ward.sweep()
    assert ward.sight(HOME).blind_since is None
    gateway = ward.row(Gateway, f"gw-{HOME}")
    assert (gateway.online, gateway.dropped, gateway.spooled, gateway.version) == (True, 7, 2, "1.0")


def test_a_gateway_that_goes_on_speaking_is_not_gone(ward: Ward) -> None:
    say(ward, online=False)
    ward.live(240, step_s=60)
    assert ward.raised("blind") == []


def test_a_silent_motion_sensor_blinds_its_home(ward: Ward) -> None:
    for _ in range(int(4.2 * 3600 / 600)):
        ward.clock.forward(600)
        ward.check_in(OTHER)
        ward.watch.heard({(HOME, f"gw-{HOME}"): LastSeen(ward.now())}, ward.now())
        ward.sweep()
    (alert,) = ward.raised("blind")
    assert (alert.home_id, "人体感应" in alert.reason_zh) == (HOME, True)


def test_a_clock_that_is_ahead_hides_no_silence(ward: Ward) -> None:
    key = (HOME, f"gw-{HOME}")
    ward.watch.heard({key: LastSeen(ward.now() + 1e6)}, ward.now())
    ward.silent.add(HOME)
    ward.live(400, step_s=100)
    assert [alert.home_id for alert in ward.raised("blind")] == [HOME]


def test_a_platform_that_receives_nothing_shows_no_home_as_fine(ward: Ward) -> None:
    ward.watch.listening(False, ward.now())
    ward.silent.update(HOMES)
    ward.live(250, step_s=50)
    assert ward.raised("blind") == []
    ward.live(100, step_s=10)
    assert {alert.home_id for alert in ward.raised("blind")} == set(HOMES)
    assert "平台" in ward.sight(HOME).reason_zh
    ward.watch.listening(True, ward.now())
    ward.silent.clear()
    ward.live(5, step_s=1)
    assert ward.sight(HOME).blind_since is None


def test_a_restart_makes_no_home_blind(ward: Ward) -> None:
    ward.clock.forward(7200)
    ward.restart()
    ward.live(250, step_s=50)
    assert ward.raised("blind") == []


def test_a_home_that_was_blind_stays_blind_over_a_restart_until_it_is_heard(ward: Ward) -> None:
    ward.silent.add(HOME)
    ward.live(400, step_s=100)
    since = ward.sight(HOME).blind_since
    ward.clock.forward(600)
    ward.restart()
    ward.live(120, step_s=30)
    assert ward.sight(HOME).blind_since == since
    ward.silent.clear()
    ward.live(30, step_s=10)
    assert ward.sight(HOME).blind_since is None
    assert len(ward.raised("blind")) == 1


def test_restarts_do_not_hide_a_dead_sensor(ward: Ward) -> None:
    for _ in range(5):
        for _ in range(6):
            ward.clock.forward(600)
            ward.check_in(OTHER)
            ward.watch.heard({(HOME, f"gw-{HOME}"): LastSeen(ward.now())}, ward.now())
            ward.sweep()
        with ward.work() as work:
            for home, seen in ((OTHER, True), (HOME, False)):
                names = [f"gw-{home}", *(name for name, _, _ in DEVICES if seen)]
                ward.devices.seen(work, {(home, name): LastSeen(ward.now()) for name in names})
            first = {(HOME, name): LastSeen(ward.now() - 20000) for name, _, _ in DEVICES}
            ward.devices.seen(work, first)
        ward.restart()
    assert {alert.home_id for alert in ward.raised("blind")} == {HOME}


@pytest.mark.parametrize(
    ("cause", "word"), [("zigbee2mqtt", "zigbee2mqtt"), ("bus", "连接断了"), ("other", "收不到传感器")]
)
def test_a_gateway_that_hears_no_sensors_makes_blind_within_minutes_and_says_why(
    ward: Ward, cause: str, word: str
) -> None:
    since_s = ward.now()
    for _ in range(2):
        say(ward, online=True, deaf=cause, deaf_since=since_s)
        ward.live(40, step_s=20)
    assert ward.raised("blind") == []
    say(ward, online=True, deaf=cause, deaf_since=since_s)
    ward.live(40, step_s=20)
    assert [alert.home_id for alert in ward.raised("blind")] == [HOME]
    sight = ward.sight(HOME)
    assert word in sight.reason_zh
    assert sight.blind_since is not None
    assert sight.blind_since.timestamp() == pytest.approx(since_s, abs=0.01)
    say(ward, online=True)
    ward.live(60, step_s=20)
    assert ward.sight(HOME).blind_since is None


def test_sensors_that_are_heard_again_soon_make_nobody_blind(ward: Ward) -> None:
    say(ward, online=True, deaf="zigbee2mqtt", deaf_since=ward.now())
    ward.live(60, step_s=20)
    say(ward, online=True)
    ward.live(240, step_s=60)
    assert ward.raised("blind") == []


def test_sensors_are_not_held_against_for_what_their_gateway_did_not_hear(ward: Ward) -> None:
    say(ward, online=True, deaf="zigbee2mqtt", deaf_since=ward.now())
    for _ in range(60):
        ward.clock.forward(300)
        ward.watch.heard({(HOME, f"gw-{HOME}"): LastSeen(ward.now())}, ward.now())
        ward.check_in(OTHER)
        ward.sweep()
    say(ward, online=True)
    ward.sweep()
    assert ward.sight(HOME).blind_since is None
    assert [alert.closed_at is not None for alert in ward.raised("blind")] == [True]


def test_a_silence_that_nobody_could_hear_counts_anew(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live((due_s - ward.now()) * 0.8)
    say(ward, online=True, deaf="bus", deaf_since=ward.now())
    ward.live(due_s - ward.now() + 600, step_s=60)
    say(ward, online=True)
    ward.live(120, step_s=5)
    assert ward.raised("inactivity") == []
    assert ward.watch.explain(HOME, ward.now()).deadline_s > ward.now() + 600


def test_a_gateway_whose_clock_is_off_is_deaf_since_it_said_so(ward: Ward) -> None:
    status = Status(gateway=f"gw-{HOME}", online=True, at=1.0, deaf="bus", deaf_since=1.0)
    with ward.work() as work:
        ward.devices.status(work, f"gw-{HOME}", status, ward.now())
    ward.live(60, step_s=20)
    assert ward.raised("blind") == []
