"""Records of gateways, devices and quarantine, and what the API says of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fixtures.alert_harness import ManualClock
from fixtures.monitoring_harness import DEVICES, HOMES, MonitoringHarness, populate
from fixtures.web_harness import WebHarness
from sqlalchemy import select

from anju_core.vocabulary import Role
from anju_platform.accounts.models import AuditEvent
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices import cache
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_platform.devices.quarantine import QuarantineLimits
from anju_platform.devices.roster import DeviceRoster
from anju_platform.devices.service import MOST_UNREGISTERED, UNREGISTERED, DeviceService
from anju_wire.messages import MAX_MESSAGE_BYTES, Status

HOME = HOMES[0]
GATEWAY = f"gw-{HOME}"
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NOW_S = NOW.timestamp()


@pytest.fixture
def records(database_url: str) -> Iterator[WorkFactory]:
    """Two homes, once on each database."""
    engine = make_engine(database_url)
    sessions, clock = make_sessions(engine), ManualClock(NOW)
    with UnitOfWork(sessions, EventDispatcher(), clock) as work:
        populate(work)
    yield lambda: UnitOfWork(sessions, EventDispatcher(), clock)
    engine.dispose()


def see(records: WorkFactory, **devices: LastSeen) -> None:
    with records() as work:
        DeviceService().record_last_seen(work, {(HOME, name.replace("_", "-")): one for name, one in devices.items()})


def device(records: WorkFactory, name: str = "motion-living") -> Device | None:
    with records() as work:
        return work.session.get(Device, (HOME, name))


def test_the_newest_word_of_a_device_is_kept(records: WorkFactory) -> None:
    see(records, motion_living=LastSeen(NOW_S - 60, 80.0, 0.5))
    see(records, motion_living=LastSeen(NOW_S - 7200, 90.0, 0.9))
    see(records, motion_living=LastSeen(NOW_S - 30))
    row = device(records)
    assert row is not None
    assert row.last_seen_at is not None
    assert (row.last_seen_at.timestamp(), row.battery, row.link_quality) == (NOW_S - 30, 80.0, 0.5)


def test_what_is_not_known_yet_is_taken_from_an_old_word(records: WorkFactory) -> None:
    see(records, motion_living=LastSeen(NOW_S))
    see(records, motion_living=LastSeen(NOW_S - 7200, 90.0, float("nan")))
    row = device(records)
    assert row is not None
    assert (row.battery, row.link_quality) == (90.0, None)


def test_a_clock_that_is_ahead_is_not_believed(records: WorkFactory) -> None:
    see(records, motion_living=LastSeen(NOW_S + 86400))
    row = device(records)
    assert row is not None
    assert row.last_seen_at == NOW


def test_a_stranger_is_registered_as_one(records: WorkFactory) -> None:
    see(records, kettle=LastSeen(NOW_S - 5, 70.0))
    row = device(records, "kettle")
    assert row is not None
    assert (row.known, row.kind, row.room, row.battery) == (False, UNREGISTERED, "other", 70.0)


def test_a_gateway_is_not_a_device(records: WorkFactory) -> None:
    with records() as work:
        DeviceService().record_last_seen(work, {(HOME, GATEWAY): LastSeen(NOW_S - 1)})
    with records() as work:
        gateway = work.session.get(Gateway, GATEWAY)
        assert gateway is not None
        assert gateway.last_seen_at is not None
        assert gateway.last_seen_at.timestamp() == NOW_S - 1
        assert work.session.get(Device, (HOME, GATEWAY)) is None


@pytest.mark.parametrize("name", ["x" * 64, "a\0b", "", "line\nbreak"])
def test_a_name_that_no_record_can_hold_disturbs_nobody(records: WorkFactory, name: str) -> None:
    with records() as work:
        DeviceService().record_last_seen(
            work, {(HOME, name): LastSeen(NOW_S), (HOME, "motion-living"): LastSeen(NOW_S)}
        )
    assert device(records) is not None
    with records() as work:
        assert len(work.session.scalars(select(Device).where(Device.home_id == HOME)).all()) == len(DEVICES)


def test_a_home_that_is_gone_disturbs_nobody(records: WorkFactory) -> None:
    with records() as work:
        DeviceService().record_last_seen(
            work, {("home-99", "kettle"): LastSeen(NOW_S), (HOME, "kettle"): LastSeen(NOW_S)}
        )
    assert device(records, "kettle") is not None


def test_invented_names_do_not_fill_the_records(records: WorkFactory) -> None:
    for start in (0, 40):
        with records() as work:
            DeviceService().record_last_seen(work, {(HOME, f"ghost-{start + n}"): LastSeen(NOW_S) for n in range(40)})
    with records() as work:
        strangers = work.session.scalars(select(Device).where(Device.known.is_(False))).all()
    assert len(strangers) == MOST_UNREGISTERED


def test_status_is_kept_and_passed_on(records: WorkFactory) -> None:
    told: list[tuple[str, bool, float]] = []
    service = DeviceService(lambda *one: told.append(one))
    up = Status(gateway=GATEWAY, online=True, at=NOW_S, version="1" * 60, spooled={"alarm": 1, "clip": 2}, dropped=3)
    with records() as work:
        service.update_status(work, GATEWAY, up, NOW_S)
        service.set_clock_offset(work, GATEWAY, -3600.0)
    with records() as work:
        row = work.session.get(Gateway, GATEWAY)
        assert row is not None
        assert (row.online, row.spooled, row.dropped, row.clock_offset_s) == (True, 3, 3, -3600.0)
        service.update_status(work, GATEWAY, Status(gateway=GATEWAY, online=False, at=NOW_S), NOW_S + 9)
        assert (row.online, row.spooled, row.dropped) == (False, 3, 3)
    assert told == [(HOME, True, NOW_S), (HOME, False, NOW_S + 9)]


def test_status_of_a_gateway_out_of_service_changes_nothing(records: WorkFactory) -> None:
    told: list[object] = []
    service = DeviceService(lambda *one: told.append(one))
    with records() as work:
        row = work.session.get(Gateway, GATEWAY)
        assert row is not None
        row.retired_at = NOW
        service.update_status(work, GATEWAY, Status(gateway=GATEWAY, online=True, at=NOW_S), NOW_S)
        service.update_status(work, "gw-unknown", Status(gateway="gw-unknown", online=True, at=NOW_S), NOW_S)
        service.set_clock_offset(work, "gw-unknown", 5.0)
        assert row.online is False
    assert told == []


def test_quarantine_keeps_a_bad_message_once(records: WorkFactory) -> None:
    service = DeviceService()
    long = b"x" * (MAX_MESSAGE_BYTES + 1)
    with records() as work:
        for _ in range(3):
            service.quarantine_message(work, "anju/v1/a/b/alarm", "$.pack[0].v", "a \0 reason", b"\xff\0bad")
        service.quarantine_message(work, "t" * 400, "$", "too long", long)
        service.quarantine_message(work, "other", "$", "the same payload, elsewhere", b"\xff\0bad")
    with records() as work:
        rows = work.session.scalars(select(Quarantine)).all()
    kept = {row.topic[:5]: row for row in rows}
    assert len(rows) == 3
    assert kept["anju/"].payload == b"\xff\0bad"
    assert "\0" not in kept["anju/"].reason
    assert (kept["ttttt"].size, len(kept["ttttt"].payload)) == (len(long), 64 * 1024)


def set_aside(service: DeviceService, work: UnitOfWork, topic: str, payload: bytes) -> None:
    """Store a bad message, a moment after the one before."""
    assert isinstance(work.clock, ManualClock)
    work.clock.forward(0.01)
    service.quarantine_message(work, topic, "$", "bad", payload)


def test_a_home_fills_its_own_share_of_the_quarantine_and_the_oldest_go_first(records: WorkFactory) -> None:
    service = DeviceService(quarantine=QuarantineLimits(of_home=3, home_bytes=20, in_all=9, all_bytes=60))
    with records() as work:
        for number in range(10):
            set_aside(service, work, "anju/v1/a/flood/alarm", b"%d" % number)
        set_aside(service, work, "anju/v1/a/other/alarm", b"x")
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
        assert [(row.home[-5:], row.payload) for row in rows] == [
            ("flood", b"7"),
            ("flood", b"8"),
            ("flood", b"9"),
            ("other", b"x"),
        ]
        assert sum(row.dropped for row in rows) == 7
        for number in range(9):
            set_aside(service, work, "anju/v1/a/long/telemetry", b"%d" % number * 9)
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
        assert [row.payload for row in rows if row.home.endswith("long")] == [b"7" * 9, b"8" * 9]
        assert sum(row.dropped for row in rows if row.home.endswith("long")) == 7


def test_the_quarantine_as_a_whole_is_bounded_at_the_cost_of_the_fullest(records: WorkFactory) -> None:
    service = DeviceService(quarantine=QuarantineLimits(of_home=9, home_bytes=99, in_all=6, all_bytes=99))
    with records() as work:
        for number in range(6):
            set_aside(service, work, "anju/v1/a/flood/alarm", b"%d" % number)
        for home in ("one", "two", "three"):
            set_aside(service, work, f"anju/v1/a/{home}/alarm", b"x")
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
    assert [row.home.rpartition("/")[2] for row in rows] == ["flood"] * 3 + ["one", "two", "three"]
    assert [row.dropped for row in rows] == [0, 0, 3, 0, 0, 0]


def test_invented_names_of_gateways_are_forgotten(
    monitoring: MonitoringHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_UNKNOWN", 10)
    device_cache = DeviceCache(monitoring.work, monitoring.clock.time)
    for number in range(100):
        assert device_cache.find_gateway(f"invented-{number}") is None
    assert len(device_cache._gateways) == 10 + len(HOMES)
    assert device_cache.find_gateway(GATEWAY) is not None


def test_quarantine_is_read_in_pages(web: WebHarness) -> None:
    with web.platform.work() as work:
        for number in range(5):
            web.platform.devices.quarantine_message(work, "topic", "$", f"reason {number}", b"%d" % number)
    headers = web.login(Role.TESTER)
    seen: list[str] = []
    before = ""
    for _ in range(3):
        answer = web.client.get(f"/api/v1/devices/quarantine?limit=2{before}", headers=headers)
        assert answer.status_code == 200, answer.text
        seen += [message["reason"] for message in answer.json()["messages"]]
        before = f"&before={answer.json()['next']}"
    assert sorted(seen) == [f"reason {number}" for number in range(5)]
    assert answer.json()["next"] is None
    assert web.client.get("/api/v1/devices/quarantine", headers=web.login(Role.WORKER)).status_code == 403


def test_devices_of_a_home_are_shown_within_scope_and_the_look_is_logged(web: WebHarness) -> None:
    with web.platform.work() as work:
        work.session.add(Gateway(id="gw-home-01", home_id="home-01", dropped=4, last_seen_at=None, retired_at=None))
        web.platform.devices.record_last_seen(work, {("home-01", "kettle"): LastSeen(NOW_S, 55.0)})
    headers = web.login(Role.WORKER)
    shown = web.client.get("/api/v1/homes/home-01/devices", headers=headers).json()
    assert [one["dropped"] for one in shown["gateways"]] == [4]
    assert [(one["id"], one["known"], one["battery"]) for one in shown["devices"]] == [("kettle", False, 55.0)]
    with web.platform.work() as work:
        assert [look.what for look in work.session.scalars(select(AuditEvent))].count("devices") == 1
    for home in ("home-99", "nowhere"):
        answer = web.client.get(f"/api/v1/homes/{home}/devices", headers=headers)
        assert (answer.status_code, answer.json()["type"].endswith("home-not-found")) == (404, True)


def test_a_roster_knows_of_every_sensor_what_a_book_knows(monitoring: MonitoringHarness) -> None:
    device_cache, roster = DeviceCache(monitoring.work, monitoring.clock.time), DeviceRoster(monitoring.work)
    asked = [
        (home, device, quantity)
        for home in (*HOMES, "home-99")
        for device in (f"gw-{home}", "stranger", *(one for one, _, _ in DEVICES))
        for quantity in ("occupancy", "contact", "heartbeat", "battery", "available")
    ]
    for one in asked:
        known, told = device_cache.find_sensor(*one), roster.find_sensor(*one)
        assert (told.room, told.life, told.life_when_false) == (known.room, known.life, known.life_when_false), one
    assert {roster.find_sensor(*one).life for one in asked} > {-1}
