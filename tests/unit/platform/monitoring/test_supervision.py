"""Which homes are offline, and which are received again."""

from __future__ import annotations

import pytest
from fixtures.monitoring_harness import BEAT, DEVICES, HOMES, MonitoringHarness

from anju_detect.rhythm import LEARNT_AFTER_S
from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.models import Gateway
from anju_wire.messages import Status

HOME, OTHER = HOMES
HOUR = 3600.0


def say(monitoring: MonitoringHarness, online: bool, **more: str | float) -> None:  # noqa: FBT001 - the fact itself
    status = Status(
        gateway=f"gw-{HOME}", online=online, at=monitoring.now(), version="1.0", spooled={"alarm": 2}, **more
    )  # type: ignore[arg-type]
    with monitoring.work() as work:
        monitoring.devices.update_status(work, f"gw-{HOME}", status, monitoring.now())


def test_a_silent_gateway_takes_its_home_offline_and_only_its_home(monitoring: MonitoringHarness) -> None:
    monitoring.silent.add(HOME)
    last_s = monitoring.now()
    monitoring.live(299, step_s=60)
    assert monitoring.raised("home_offline") == []
    monitoring.live(10, step_s=5)
    (alert,) = monitoring.raised("home_offline")
    assert alert.home_id == HOME
    supervision = monitoring.supervision_of(HOME)
    assert supervision.offline_since is not None
    assert supervision.offline_since.timestamp() == pytest.approx(last_s, abs=0.01)
    assert (supervision.reason_code, supervision.reason_facts["kind"]) == ("device_silent", "gateway")
    assert supervision.reason_facts["silence_s"] == pytest.approx(305.0, abs=6.0)
    assert monitoring.supervision_of(OTHER).offline_since is None if monitoring.row(type(supervision), OTHER) else True


def test_a_home_that_is_heard_is_seen_again(monitoring: MonitoringHarness) -> None:
    monitoring.silent.add(HOME)
    monitoring.live(400, step_s=100)
    monitoring.silent.clear()
    monitoring.live(60, step_s=30)
    assert monitoring.supervision_of(HOME).offline_since is None
    (alert,) = monitoring.raised("home_offline")
    assert alert.closed_at is not None


def test_an_offline_home_raises_no_silence(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.silent.add(HOME)
    monitoring.live(30 * 3600)
    assert [alert.kind for alert in monitoring.raised() if alert.home_id == HOME] == ["home_offline"]


def test_the_silence_of_an_outage_that_nobody_watched_counts_anew(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live((due_s - monitoring.now()) * 0.8)
    monitoring.silent.add(HOME)
    monitoring.live(due_s - monitoring.now() + 600, step_s=300)
    monitoring.silent.clear()
    monitoring.live(120, step_s=5)
    assert monitoring.raised("inactivity") == []
    assert monitoring.service.explain_home(HOME, monitoring.now()).deadline_s > monitoring.now() + 600


def test_an_outage_of_the_line_alone_forgets_no_silence(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live((due_s - monitoring.now()) * 0.8)
    monitoring.silent.add(HOME)
    cut_s = monitoring.now()
    monitoring.live(due_s - monitoring.now() + 600, step_s=300)
    monitoring.silent.clear()
    # The spool held the heartbeats of the time in between.
    beats = [(float(at_s), "other", "heartbeat") for at_s in range(int(cut_s), int(monitoring.now()), 60)]
    monitoring.store_signs(HOME, *beats)
    monitoring.live(30, step_s=1)
    (alert,) = monitoring.raised("inactivity")
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)


def test_a_last_will_makes_a_home_offline_sooner_unless_the_gateway_is_back(monitoring: MonitoringHarness) -> None:
    say(monitoring, online=False)
    monitoring.clock.forward(100)
    monitoring.check_in(OTHER)
    monitoring.sweep()
    assert monitoring.raised("home_offline") == []
    monitoring.clock.forward(30)
    monitoring.check_in(OTHER)
    monitoring.sweep()
    assert [alert.home_id for alert in monitoring.raised("home_offline")] == [HOME]
    assert monitoring.supervision_of(HOME).reason_code == "gateway_offline"
    say(monitoring, online=True, dropped=7)
    monitoring.check_in(HOME)
    monitoring.sweep()
    assert monitoring.supervision_of(HOME).offline_since is None
    gateway = monitoring.row(Gateway, f"gw-{HOME}")
    assert (gateway.online, gateway.dropped, gateway.spooled, gateway.version) == (True, 7, 2, "1.0")


def test_a_gateway_that_goes_on_speaking_is_not_gone(monitoring: MonitoringHarness) -> None:
    say(monitoring, online=False)
    monitoring.live(240, step_s=60)
    assert monitoring.raised("home_offline") == []


def follow(monitoring: MonitoringHarness) -> None:
    """Let every device check in hourly until its rhythm is known."""
    monitoring.live(LEARNT_AFTER_S + HOUR, step_s=HOUR)


def test_a_sensor_that_speaks_each_18_h_is_not_missed_before(monitoring: MonitoringHarness) -> None:
    wait(monitoring, monitoring.now() + 65_000.0, "door-entrance", step_s=HOUR)
    assert monitoring.raised("home_offline") == []
    wait(monitoring, monitoring.now() + 3 * HOUR, "door-entrance", step_s=HOUR)
    assert [alert.home_id for alert in monitoring.raised("home_offline")] == [HOME]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_sensor_that_spoke_hourly_is_missed_after_four(monitoring: MonitoringHarness, *, restarts: bool) -> None:
    follow(monitoring)
    if restarts:
        monitoring.service.save_snapshot()
        monitoring.restart()
    wait(monitoring, monitoring.now() + 3.9 * HOUR, step_s=HOUR / 4)
    assert monitoring.raised("home_offline") == []
    wait(monitoring, monitoring.now() + 0.5 * HOUR, step_s=HOUR / 4)
    assert [alert.home_id for alert in monitoring.raised("home_offline")] == [HOME]


def test_a_silent_motion_sensor_takes_its_home_offline(monitoring: MonitoringHarness) -> None:
    follow(monitoring)
    for _ in range(int(4.2 * 3600 / 600)):
        monitoring.clock.forward(600)
        monitoring.check_in(OTHER)
        monitoring.service.record_last_seen({(HOME, f"gw-{HOME}"): LastSeen(monitoring.now())}, monitoring.now())
        monitoring.sweep()
    (alert,) = monitoring.raised("home_offline")
    assert (alert.home_id, alert.reason_code, alert.reason_facts["kind"]) == (HOME, "device_silent", "motion")


def wait(monitoring: MonitoringHarness, until_s: float, *heard: str, step_s: float = 600.0) -> None:
    """Advance the clock; of the first home only its gateway and these devices are heard."""
    while monitoring.now() < until_s:
        monitoring.clock.forward(min(step_s, until_s - monitoring.now()))
        monitoring.check_in(OTHER)
        seen = {(HOME, one): LastSeen(monitoring.now()) for one in (f"gw-{HOME}", *heard)}
        monitoring.service.record_last_seen(seen, monitoring.now())
        monitoring.store_signs(HOME, (monitoring.now(), *BEAT))
        monitoring.sweep()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_silence_that_was_running_is_raised_though_the_sensors_never_check_in(
    monitoring: MonitoringHarness, *, restarts: bool
) -> None:
    follow(monitoring)
    since_s = monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    wait(monitoring, due_s - 600)
    assert [alert.kind for alert in monitoring.raised()] == ["home_offline"], "blind before the silence is due"
    if restarts:
        with monitoring.work() as work:
            monitoring.devices.record_last_seen(work, {(HOME, f"gw-{HOME}"): LastSeen(monitoring.now())})
        monitoring.service.save_snapshot()
        monitoring.restart()
    wait(monitoring, due_s + 600)
    (alert,) = monitoring.raised("inactivity")
    assert (alert.home_id, alert.episode) == (HOME, str(int(since_s * 1000)))


def test_a_sensor_that_is_heard_again_does_not_make_a_running_silence_begin_anew(
    monitoring: MonitoringHarness,
) -> None:
    follow(monitoring)
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    wait(monitoring, due_s - 1200)
    assert len(monitoring.raised("home_offline")) == 1
    wait(monitoring, due_s - 600, *(device for device, _, _ in DEVICES))
    assert monitoring.supervision_of(HOME).offline_since is None
    wait(monitoring, due_s + 600, *(device for device, _, _ in DEVICES))
    assert len(monitoring.raised("inactivity")) == 1


def test_a_home_with_a_silent_sensor_whose_gateway_falls_silent_too_raises_no_silence(
    monitoring: MonitoringHarness,
) -> None:
    follow(monitoring)
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    wait(monitoring, due_s - 600)
    monitoring.silent.add(HOME)
    monitoring.live(1800, step_s=300)
    assert [alert.kind for alert in monitoring.raised()] == ["home_offline"]


def test_a_clock_that_is_ahead_hides_no_silence(monitoring: MonitoringHarness) -> None:
    key = (HOME, f"gw-{HOME}")
    monitoring.service.record_last_seen({key: LastSeen(monitoring.now() + 1e6)}, monitoring.now())
    monitoring.silent.add(HOME)
    monitoring.live(400, step_s=100)
    assert [alert.home_id for alert in monitoring.raised("home_offline")] == [HOME]


def test_a_platform_that_receives_nothing_shows_no_home_as_fine(monitoring: MonitoringHarness) -> None:
    monitoring.service.set_receiving(False, monitoring.now())
    monitoring.silent.update(HOMES)
    monitoring.live(250, step_s=50)
    assert monitoring.raised("home_offline") == []
    monitoring.live(100, step_s=10)
    assert {alert.home_id for alert in monitoring.raised("home_offline")} == set(HOMES)
    assert monitoring.supervision_of(HOME).reason_code == "platform_offline"
    monitoring.service.set_receiving(True, monitoring.now())
    monitoring.silent.clear()
    monitoring.live(5, step_s=1)
    assert monitoring.supervision_of(HOME).offline_since is None


def test_a_restart_takes_no_home_offline(monitoring: MonitoringHarness) -> None:
    monitoring.clock.forward(7200)
    monitoring.restart()
    monitoring.live(250, step_s=50)
    assert monitoring.raised("home_offline") == []


def test_a_home_that_was_offline_stays_offline_over_a_restart_until_it_is_heard(monitoring: MonitoringHarness) -> None:
    monitoring.silent.add(HOME)
    monitoring.live(400, step_s=100)
    since = monitoring.supervision_of(HOME).offline_since
    monitoring.clock.forward(600)
    monitoring.restart()
    monitoring.live(120, step_s=30)
    assert monitoring.supervision_of(HOME).offline_since == since
    monitoring.silent.clear()
    monitoring.live(30, step_s=10)
    assert monitoring.supervision_of(HOME).offline_since is None
    assert len(monitoring.raised("home_offline")) == 1


def test_restarts_do_not_hide_a_dead_sensor(monitoring: MonitoringHarness) -> None:
    for _ in range(5):
        for _ in range(6):
            monitoring.clock.forward(600)
            monitoring.check_in(OTHER)
            monitoring.service.record_last_seen({(HOME, f"gw-{HOME}"): LastSeen(monitoring.now())}, monitoring.now())
            monitoring.sweep()
        with monitoring.work() as work:
            for home, seen in ((OTHER, True), (HOME, False)):
                names = [f"gw-{home}", *(name for name, _, _ in DEVICES if seen)]
                monitoring.devices.record_last_seen(work, {(home, name): LastSeen(monitoring.now()) for name in names})
            first = {(HOME, name): LastSeen(monitoring.now() - 90000) for name, _, _ in DEVICES}
            monitoring.devices.record_last_seen(work, first)
        monitoring.restart()
    assert {alert.home_id for alert in monitoring.raised("home_offline")} == {HOME}


@pytest.mark.parametrize(
    ("cause", "code"),
    [("zigbee2mqtt", "zigbee2mqtt_stopped"), ("bus", "bus_disconnected"), ("other", "sensors_unheard")],
)
def test_a_gateway_that_hears_no_sensors_makes_a_home_offline_within_minutes_and_says_why(
    monitoring: MonitoringHarness, cause: str, code: str
) -> None:
    since_s = monitoring.now()
    for _ in range(2):
        say(monitoring, online=True, sensor_bus_down=cause, sensor_bus_down_since=since_s)
        monitoring.live(40, step_s=20)
    assert monitoring.raised("home_offline") == []
    say(monitoring, online=True, sensor_bus_down=cause, sensor_bus_down_since=since_s)
    monitoring.live(40, step_s=20)
    assert [alert.home_id for alert in monitoring.raised("home_offline")] == [HOME]
    supervision = monitoring.supervision_of(HOME)
    assert supervision.reason_code == code
    assert supervision.offline_since is not None
    assert supervision.offline_since.timestamp() == pytest.approx(since_s, abs=0.01)
    say(monitoring, online=True)
    monitoring.live(60, step_s=20)
    assert monitoring.supervision_of(HOME).offline_since is None


def test_sensors_that_are_heard_again_soon_take_nobody_offline(monitoring: MonitoringHarness) -> None:
    say(monitoring, online=True, sensor_bus_down="zigbee2mqtt", sensor_bus_down_since=monitoring.now())
    monitoring.live(60, step_s=20)
    say(monitoring, online=True)
    monitoring.live(240, step_s=60)
    assert monitoring.raised("home_offline") == []


def test_sensors_are_not_held_against_for_what_their_gateway_did_not_hear(monitoring: MonitoringHarness) -> None:
    say(monitoring, online=True, sensor_bus_down="zigbee2mqtt", sensor_bus_down_since=monitoring.now())
    for _ in range(60):
        monitoring.clock.forward(300)
        monitoring.service.record_last_seen({(HOME, f"gw-{HOME}"): LastSeen(monitoring.now())}, monitoring.now())
        monitoring.check_in(OTHER)
        monitoring.sweep()
    say(monitoring, online=True)
    monitoring.sweep()
    assert monitoring.supervision_of(HOME).offline_since is None
    assert [alert.closed_at is not None for alert in monitoring.raised("home_offline")] == [True]


def test_a_silence_that_nobody_could_hear_counts_anew(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live((due_s - monitoring.now()) * 0.8)
    say(monitoring, online=True, sensor_bus_down="bus", sensor_bus_down_since=monitoring.now())
    monitoring.live(due_s - monitoring.now() + 600, step_s=60)
    say(monitoring, online=True)
    monitoring.live(120, step_s=5)
    assert monitoring.raised("inactivity") == []
    assert monitoring.service.explain_home(HOME, monitoring.now()).deadline_s > monitoring.now() + 600


def test_a_gateway_whose_clock_is_off_hears_no_sensors_since_it_said_so(monitoring: MonitoringHarness) -> None:
    status = Status(gateway=f"gw-{HOME}", online=True, at=1.0, sensor_bus_down="bus", sensor_bus_down_since=1.0)
    with monitoring.work() as work:
        monitoring.devices.update_status(work, f"gw-{HOME}", status, monitoring.now())
    monitoring.live(60, step_s=20)
    assert monitoring.raised("home_offline") == []
