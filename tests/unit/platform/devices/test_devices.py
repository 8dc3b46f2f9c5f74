"""Records of gateways, devices and quarantine, and what the API says of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from fixtures.alert_harness import ManualClock
from fixtures.monitoring_harness import DEVICES, HOMES, MonitoringHarness, populate
from fixtures.web_harness import WebHarness
from sqlalchemy import event, select

from anju_core.vocabulary import Role
from anju_platform.accounts.models import AuditEvent
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices import cache
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_platform.devices.quarantine import QuarantineLimits, RejectedMessage
from anju_platform.devices.repository import QuarantineRepository
from anju_platform.devices.roster import DeviceRoster
from anju_platform.devices.service import MOST_UNREGISTERED, UNREGISTERED, DeviceService
from anju_platform.devices.status import list_refused, list_weak_batteries
from anju_wire.messages import MAX_MESSAGE_BYTES, RefusedKey, Status

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


def test_what_a_gateway_refuses_is_kept_and_a_last_will_changes_nothing(records: WorkFactory) -> None:
    keys = [
        RefusedKey(device="motion-living", key="smoke", count=4, why="'purple'"),
        RefusedKey(device="x", key="y", count=1),
    ]
    up = Status(gateway=GATEWAY, online=True, at=NOW_S, refused=5, refused_keys=keys)
    with records() as work:
        DeviceService().update_status(work, GATEWAY, up, NOW_S)
        DeviceService().update_status(work, GATEWAY, Status(gateway=GATEWAY, online=False, at=NOW_S), NOW_S)
    with records() as work:
        assert work.session.get_one(Gateway, GATEWAY).refused == 5
        refused = list_refused(work, HOME)
    assert [(one.name, one.kind, one.key, one.count, one.why) for one in refused] == [
        ("motion-living", "motion", "smoke", 4, "'purple'"),
        ("x", "", "y", 1, ""),
    ]


def test_a_battery_that_only_says_low_and_one_of_three_per_cent_are_to_be_replaced(records: WorkFactory) -> None:
    see(
        records,
        motion_living=LastSeen(NOW_S - 60, battery_low=True),
        door_entrance=LastSeen(NOW_S - 60, 3.0),
        kettle=LastSeen(NOW_S - 60, 80.0, battery_low=False),
    )
    with records() as work:
        weak = list_weak_batteries(work, {HOME})
        assert {one.id for one in weak[HOME]} == {"motion-living", "door-entrance"}
        assert not list_weak_batteries(work, set())
    see(records, motion_living=LastSeen(NOW_S, battery_low=False), door_entrance=LastSeen(NOW_S, 100.0))
    with records() as work:
        assert not list_weak_batteries(work, {HOME})


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


def test_what_was_not_kept_of_a_home_is_counted_with_its_newest_message(records: WorkFactory) -> None:
    service = DeviceService()
    with records() as work:
        for payload in (b"1", b"2"):
            set_aside(service, work, "anju/v1/a/flood/alarm", payload)
        service.note_dropped(work, {"flood": 5})
        service.note_dropped(work, {"flood": 2, "nobody": 7})
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
        assert [row.dropped for row in rows] == [0, 7]


def test_the_quarantine_as_a_whole_is_bounded_at_the_cost_of_the_fullest(records: WorkFactory) -> None:
    service = DeviceService(quarantine=QuarantineLimits(of_home=9, home_bytes=99, in_all=6, all_bytes=99))
    with records() as work:
        for number in range(6):
            set_aside(service, work, f"anju/v1/c-{number}/flood/alarm", b"%d" % number)
        for home in ("one", "two", "three"):
            set_aside(service, work, f"anju/v1/a/{home}/alarm", b"x")
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
    assert [row.home for row in rows] == ["flood"] * 3 + ["one", "two", "three"]
    assert [row.dropped for row in rows] == [0, 0, 3, 0, 0, 0]


def bad(home: str, count: int, length: int = 5) -> list[RejectedMessage]:
    """Return bad messages of a home, each another."""
    return [RejectedMessage(f"anju/v1/a/{home}/telemetry", "$", "bad", b"%0*d" % (length, n)) for n in range(count)]


def test_a_batch_of_bad_messages_costs_a_few_statements(records: WorkFactory) -> None:
    service, said = DeviceService(), 0
    with records() as work:
        service.quarantine_messages(work, bad("flood", 190))
        connection = work.session.connection()

        def count(*_: object) -> None:
            nonlocal said
            said += 1

        event.listen(connection, "before_cursor_execute", count)
        service.quarantine_messages(work, bad("flood", 400)[150:] + bad("other", 150))
        assert said < 20
        event.remove(connection, "before_cursor_execute", count)
        rows = work.session.scalars(select(Quarantine)).all()
    assert len([row for row in rows if row.home.endswith("other")]) == 150
    flood = [row for row in rows if row.home.endswith("flood")]
    assert len(flood) == 200
    assert {row.payload for row in flood} <= {b"%05d" % n for n in range(190, 400)}
    assert sum(row.dropped for row in flood) == 200


class Statements:
    """What a connection is told while it is listened to."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.session.connection()
        self.said: list[tuple[str, Any]] = []

    def _hear(self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        self.said.append((statement, parameters))

    def __enter__(self) -> Self:
        event.listen(self._connection, "before_cursor_execute", self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._connection, "before_cursor_execute", self._hear)

    def plans(self) -> list[str]:
        """Return SQLite's plan of each query."""
        queries = [(text, values) for text, values in self.said if text.startswith("SELECT")]
        explained = [self._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values) for text, values in queries]
        return [str(row[3]) for plan in explained for row in plan]


FULL = QuarantineLimits(of_home=20, home_bytes=10_000, in_all=1000, all_bytes=10**6)


@pytest.mark.parametrize("limits", [FULL, QuarantineLimits(20, 10_000, 10_000, 5000)], ids=["rows", "bytes"])
def test_a_quarantine_that_is_full_costs_a_batch_no_more_statements(
    records: WorkFactory, limits: QuarantineLimits
) -> None:
    service = DeviceService(quarantine=limits)
    with records() as work:
        for number in range(50):
            service.quarantine_messages(work, bad(f"home-{number}", 20))
    for _ in range(3):
        with records() as work:
            came = [one for number in range(100) for one in bad(f"home-{number}", 7, 6)]
            with Statements(work) as statements:
                service.quarantine_messages(work, came)
            assert len(statements.said) < 20
        with records() as work:
            found, kept = QuarantineRepository(work.session).measure_kept()
            assert limits.in_all * 8 // 10 <= found or limits.all_bytes * 8 // 10 <= kept
            assert found <= limits.in_all
            assert kept <= limits.all_bytes


def test_what_bounds_the_quarantine_reads_no_message(records: WorkFactory) -> None:
    service = DeviceService(quarantine=FULL)
    with records() as work:
        for number in range(51):
            service.quarantine_messages(work, bad(f"home-{number}", 20))
        with Statements(work) as statements:
            service.quarantine_messages(work, [*bad("home-50", 30, 7), *bad("other", 20), *bad("home-1", 15, 8)])
            service.note_dropped(work, {"anju/v1/a/home-1": 3, "anju/v1/a/other": 4})
        if work.session.connection().dialect.name == "sqlite":
            plans = statements.plans()
            assert len(plans) > 3
            assert [one for one in plans if "SCAN quarantine" in one and "COVERING INDEX" not in one] == []


def test_none_that_is_deleted_to_make_room_is_forgotten(records: WorkFactory) -> None:
    service = DeviceService(quarantine=QuarantineLimits(of_home=30, home_bytes=10_000, in_all=100, all_bytes=10**6))
    with records() as work:
        for turn in range(4):
            for home, count in (("one", 30), ("two", 25), ("three", 20), ("four", 15), ("five", 12)):
                service.quarantine_messages(work, bad(home, count, 5 + turn))
    with records() as work:
        rows = work.session.scalars(select(Quarantine)).all()
    assert len(rows) <= 100
    assert len(rows) + sum(row.dropped for row in rows) == 4 * (30 + 25 + 20 + 15 + 12)


def test_of_a_batch_only_the_newest_have_room(records: WorkFactory) -> None:
    service = DeviceService(quarantine=QuarantineLimits(of_home=5, home_bytes=100, in_all=8, all_bytes=300))
    with records() as work:
        service.quarantine_messages(work, [*bad("long", 3, 40), *bad("flood", 20, 20), *bad("flood", 20, 20)])
    with records() as work:
        rows = work.session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
        assert {row.payload for row in rows if row.home.endswith("flood")} == {b"%020d" % n for n in range(15, 20)}
        assert [(row.payload[-1:], row.dropped) for row in rows if row.home.endswith("long")] == [(b"1", 0), (b"2", 1)]
        assert sum(row.dropped for row in rows if row.home.endswith("flood")) == 15
        for home in ("one", "two", "three", "four"):
            service.quarantine_messages(work, bad(home, 1, 9))
    with records() as work:
        rows = work.session.scalars(select(Quarantine)).all()
    assert len(rows) == 8
    assert sum(row.dropped for row in rows) == 19


def test_a_home_that_invents_gateways_costs_one_question_now_and_then(
    monitoring: MonitoringHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_ASKED", 10)
    asked: list[float] = []

    def work() -> UnitOfWork:
        asked.append(now_s[0])
        return monitoring.work()

    now_s = [0.0]
    device_cache = DeviceCache(work, lambda: now_s[0])
    known = device_cache.find_gateway(GATEWAY, HOMES[0])
    assert known is not None
    asked.clear()
    for number in range(100):
        assert device_cache.find_gateway(f"invented-{number}", HOMES[0]) is None
        assert device_cache.find_gateway("\0\ud800", HOMES[0]) is None
    assert len(asked) == 1
    with monitoring.work() as writing:
        writing.session.add(Gateway(id="gw-new", home_id=HOMES[0], dropped=0, last_seen_at=None, retired_at=None))
    now_s[0] = cache.FRESH_S + 1.0
    for number in range(100):
        device_cache.find_gateway(f"invented-{number}", HOMES[0])
    assert device_cache.find_gateway("gw-new", HOMES[0]) is not None, "however many names are invented beside it"
    assert len(asked) == 2
    for number in range(100):
        assert device_cache.find_gateway("gw-nobody", f"home-{number}") is None
    assert len(device_cache._asked) == 10
    assert len(device_cache._gateways) == len(HOMES) + 1


def test_a_gateway_that_was_retired_is_forgotten_in_time(monitoring: MonitoringHarness) -> None:
    now_s = [0.0]
    device_cache = DeviceCache(monitoring.work, lambda: now_s[0])
    assert device_cache.find_gateway(GATEWAY, HOMES[1]) is not None, "whichever home asks"
    with monitoring.work() as work:
        work.session.get_one(Gateway, GATEWAY).retired_at = work.clock.now()
    now_s[0] = cache.KNOWN_S + 1.0
    assert device_cache.find_gateway(GATEWAY, HOMES[1]) is None


@pytest.mark.parametrize("known", [True, False])
def test_a_device_that_was_moved_or_registered_is_looked_up_again_in_time(
    monitoring: MonitoringHarness,
    known: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The consumer of alarms asks for devices alone, and not for sensors."""
    now_s, device = [0.0], DEVICES[0][0]
    asked: list[float] = []

    def work() -> UnitOfWork:
        asked.append(now_s[0])
        return monitoring.work()

    with monitoring.work() as writing:
        writing.session.get_one(Device, (HOMES[0], device)).known = known
    device_cache = DeviceCache(work, lambda: now_s[0])
    assert device_cache.find_device(HOMES[0], device).known is known
    with monitoring.work() as writing:
        row = writing.session.get_one(Device, (HOMES[0], device))
        row.known, row.room = True, "kitchen" if row.room != "kitchen" else "bedroom"
    asked.clear()
    age_s = cache.KNOWN_S if known else cache.FRESH_S
    now_s[0] = age_s - 1.0
    before = device_cache.find_device(HOMES[0], device)
    now_s[0] = age_s + 1.0
    found = [device_cache.find_device(HOMES[0], device) for _ in range(9)]
    assert asked == [now_s[0]], "once for all devices of the home"
    assert {(one.known, one.room) for one in found} == {(True, row.room)}
    assert (before.known, before.room) != (True, row.room)


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
