"""Everything a home can send, good and bad, against a real broker and real records: nothing lost, nothing stalled."""

from __future__ import annotations

import json

import pytest
from fixtures._home_client import eventually, motion, on_air, press
from fixtures.ingest_harness import FailingSeries, IngestHarness
from fixtures.mosquitto import Mosquitto
from sqlalchemy import select

from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_platform.monitoring.models import DetectorSnapshot
from anju_wire.messages import Envelope, Record, Status, encode
from anju_wire.vocabulary import Lane

TEN_YEARS_S = 10 * 365.25 * 86400
ALARM, TELEMETRY = Lane.ALARM, Lane.TELEMETRY


@pytest.fixture(autouse=True)
def last_seen_is_saved_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anju_platform.ingest.telemetry_records.LAST_SEEN_EVERY_S", 0.5)


def quarantined(ingest: IngestHarness) -> list[Quarantine]:
    return ingest.rows(select(Quarantine).order_by(Quarantine.at))


def alerts(ingest: IngestHarness, home: str = "home-01") -> list[Alert]:
    return ingest.rows(select(Alert).where(Alert.home_id == home).order_by(Alert.raised_at))


def steps(ingest: IngestHarness, home: str = "home-01") -> list[str]:
    query = select(AlertEvent).join(Alert).where(Alert.home_id == home).order_by(AlertEvent.at, AlertEvent.number)
    return [one.step for one in ingest.rows(query)]


def test_a_press_is_an_alert_and_then_acknowledged(ingest_everywhere: IngestHarness) -> None:
    at_s = ingest_everywhere.now() - 1
    with on_air(ingest_everywhere.port) as radio:
        radio.send(ALARM, 1, [press(at_s)], sent=ingest_everywhere.now())
        radio.acked(ALARM, 1)
    (alert,) = alerts(ingest_everywhere)
    assert (alert.kind, alert.home_id, alert.happened_at.timestamp()) == ("sos", "home-01", pytest.approx(at_s))
    assert (alert.reason_code, alert.reason_facts) == ("sos_pressed", {"room": "bedroom", "registered": True})
    stored = eventually(
        lambda: ingest_everywhere.series.read_home("home-01", at_s - 1, at_s + 1, ["sos"]),
        what="the press in the series",
    )
    assert [(one.device, one.room, one.value) for one in stored] == [("button-sos", "bedroom", 1.0)]


def test_a_pack_is_stored_and_then_acknowledged(ingest: IngestHarness) -> None:
    start_s = ingest.now() - 20
    pack = [motion(start_s + number, on=number % 2 == 0) for number in range(20)]
    battery = Record(n="motion-living/battery", u="%EL", v=71.0, t=start_s + 19)
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [*pack, battery], sent=ingest.now())
        radio.acked(TELEMETRY, 1)
    stored = ingest.series.read_home("home-01", start_s - 1, start_s + 30, ["occupancy"])
    assert [(one.room, one.value) for one in stored] == [("living", float(number % 2 == 0)) for number in range(20)]
    device = eventually(lambda: ingest.one(select(Device).where(Device.home_id == "home-01", Device.battery == 71.0)))
    assert device.id == "motion-living"


def test_a_backlog_is_marked_for_a_restart_before_it_is_acknowledged(ingest: IngestHarness) -> None:
    """A restart looks six hours back by itself; a gateway that is acknowledged will not send it again."""
    assert ingest.monitoring is not None
    ingest.monitoring.save_snapshot()
    old_s = ingest.now() - 30 * 3600.0
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [motion(old_s)], sent=ingest.now())
        radio.acked(TELEMETRY, 1)
        (mark,) = ingest.rows(select(DetectorSnapshot).where(DetectorSnapshot.name == "inactivity/late"))
    assert mark.at.timestamp() == pytest.approx(old_s, abs=0.001)


def bad_payloads(ingest: IngestHarness) -> dict[str, tuple[bytes, str]]:
    """Each bad message as number 1 of the telemetry lane, and the path that its quarantine must name."""
    good = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=ingest.now(), pack=[motion(ingest.now())])
    raw = encode(good)
    plain = json.loads(raw)
    return {
        "malformed": (raw[:-3], "$"),
        "wrong type": (json.dumps(plain | {"sent": "now"}).encode(), "$.sent"),
        "wrong type inside": (raw.replace(b'"vb":true', b'"vb":"yes"'), "$.pack[0].vb"),
        "nan": (raw.replace(b'"vb":true', b'"v":NaN'), "$"),
        "wrong field": (raw.replace(b'"vb":true', b'"v":1.0'), "$.pack[0].vb"),
        "ten megabytes": (raw.replace(b'"pack"', b'"fill":"' + b"x" * 10_000_000 + b'","pack"'), "$"),
    }


KINDS = ("malformed", "wrong type", "wrong type inside", "nan", "wrong field", "ten megabytes")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_message_is_kept_refused_by_number_and_passed_by(ingest: IngestHarness, kind: str) -> None:
    payload, path = bad_payloads(ingest)[kind]
    with on_air(ingest.port) as radio:
        radio.raw(radio.topic(TELEMETRY), payload)
        radio.send(TELEMETRY, 2, [motion(ingest.now())], sent=ingest.now())
        radio.acked(TELEMETRY, 2)
        (refusal,) = eventually(radio.refused)
    assert (refusal.seq, refusal.path) == (1, path)
    (kept,) = quarantined(ingest)
    assert (kept.path, kept.size, kept.topic) == (path, len(payload), "anju/v1/anning/home-01/telemetry")
    assert kept.reason
    assert payload.startswith(kept.payload)
    assert len(kept.payload) == len(payload) or len(payload) > 256 * 1024


def test_a_reading_of_a_clock_that_was_not_set_is_stored_as_of_its_arrival(ingest: IngestHarness) -> None:
    began_s = ingest.now()
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [motion(17.0)], sent=ingest.now())
        radio.acked(TELEMETRY, 1)
        assert not radio.refused()
    assert quarantined(ingest) == []
    (stored,) = ingest.series.read_home("home-01", began_s - 1, ingest.now() + 1, ["occupancy"])
    assert began_s <= stored.at_s <= ingest.now()


@pytest.mark.parametrize("payload", [b"", b"not json", b"[1, 2]", b"\xff\xfe\x00", b'{"seq": 1}'])
def test_what_has_no_number_is_kept_and_passed_by(ingest: IngestHarness, payload: bytes) -> None:
    with on_air(ingest.port) as radio:
        radio.raw(radio.topic(ALARM), payload or b" ")
        radio.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
        radio.acked(ALARM, 1)
        assert not radio.refused()
    assert len(quarantined(ingest)) == 1
    assert len(alerts(ingest)) == 1


def test_an_unreadable_alarm_is_a_call_for_help(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as radio:
        good = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=ingest.now(), pack=[press(ingest.now())])
        radio.raw(radio.topic(ALARM), encode(good).replace(b'"vb":true', b'"vb":1'))
        radio.acked(ALARM, 1)
        (refusal,) = eventually(radio.refused)
    assert refusal.seq == 1
    assert [one.kind for one in alerts(ingest)] == ["sos"]
    assert len(quarantined(ingest)) == 1


def test_a_neighbours_topic_is_refused_and_clears_nobodys_spool(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as mine, on_air(ingest.port, home="home-02", gateway="gw-home-02") as neighbour:
        neighbour.raw(
            neighbour.topic(ALARM),
            encode(
                Envelope(gateway="gw-home-01", epoch=1, seq=9, base=9, sent=ingest.now(), pack=[press(ingest.now())])
            ),
        )
        for radio in (mine, neighbour):
            radio.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
            radio.acked(ALARM, 1)
            assert (radio.upto(ALARM), radio.refused()) == (1, [])
    (kept,) = quarantined(ingest)
    assert "gw-home-01" in kept.reason
    assert [len(alerts(ingest, home)) for home in ("home-01", "home-02")] == [1, 1]


def test_a_gateway_that_nobody_registered_flows_once_it_is(ingest: IngestHarness) -> None:
    with on_air(ingest.port, home="home-02", gateway="gw-new") as radio:
        radio.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
        eventually(lambda: quarantined(ingest))
        assert not radio.acks
        with ingest.work() as work:
            work.session.add(Gateway(id="gw-new", home_id="home-02"))

        def again() -> bool:
            radio.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
            return radio.upto(ALARM) == 1

        eventually(again, what="an ack after the registration")
    assert len(alerts(ingest, "home-02")) >= 1


@pytest.mark.parametrize("off_s", [TEN_YEARS_S, -TEN_YEARS_S])
def test_a_clock_ten_years_off_is_corrected_and_flagged(ingest: IngestHarness, off_s: float) -> None:
    at_s = ingest.now() - 5
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [motion(at_s - off_s)], sent=ingest.now() - off_s)
        radio.send(ALARM, 1, [press(at_s - off_s)], sent=ingest.now() - off_s)
        radio.acked(TELEMETRY, 1)
        radio.acked(ALARM, 1)
    (stored,) = ingest.series.read_home("home-01", at_s - 60, at_s + 60, ["occupancy"])
    assert stored.at_s == pytest.approx(at_s, abs=3)
    assert alerts(ingest)[0].happened_at.timestamp() == pytest.approx(at_s, abs=3)
    gateway = eventually(lambda: ingest.one(select(Gateway).where(Gateway.clock_offset_s != 0)))
    assert (gateway.id, gateway.clock_offset_s) == ("gw-home-01", pytest.approx(off_s, abs=3))
    assert not quarantined(ingest)


def test_a_press_of_a_gateway_without_a_clock_counts(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as radio:
        radio.send(ALARM, 1, [press(42.0)], sent=ingest.now())
        radio.acked(ALARM, 1)
    assert alerts(ingest)[0].happened_at.timestamp() == pytest.approx(ingest.now(), abs=10)


def test_a_duplicate_counts_once_and_is_acknowledged_again(ingest_everywhere: IngestHarness) -> None:
    at_s = ingest_everywhere.now()
    with on_air(ingest_everywhere.port) as radio:
        for _ in range(3):
            before = len(radio.acks)
            radio.send(ALARM, 1, [press(at_s)], sent=ingest_everywhere.now())
            radio.send(TELEMETRY, 1, [motion(at_s)], sent=ingest_everywhere.now())
            eventually(lambda: len(radio.acks) >= before + 2, what="both acks")  # noqa: B023 - called in this round
    assert len(alerts(ingest_everywhere)) == 1
    assert "repeated" not in steps(ingest_everywhere)
    assert len(ingest_everywhere.series.read_home("home-01", at_s - 1, at_s + 1, ["occupancy"])) == 1


def test_a_second_press_is_never_swallowed(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as radio:
        radio.send(ALARM, 1, [press(ingest.now() - 30)], sent=ingest.now())
        radio.send(ALARM, 2, [press(ingest.now())], sent=ingest.now())
        radio.acked(ALARM, 2)
    assert len(alerts(ingest)) == 2 or steps(ingest).count("repeated") == 1


def test_reordered_packs_are_all_stored_and_acknowledged_in_order(ingest: IngestHarness) -> None:
    start_s = ingest.now() - 100
    with on_air(ingest.port) as radio:
        for seq in (3, 2):
            radio.send(TELEMETRY, seq, [motion(start_s + seq)], sent=ingest.now())
        eventually(lambda: len(ingest.series.read_home("home-01", start_s, start_s + 10, ["occupancy"])) == 2)
        assert radio.upto(TELEMETRY) == 0
        radio.send(TELEMETRY, 1, [motion(start_s + 1)], sent=ingest.now())
        radio.acked(TELEMETRY, 3)
    stored = ingest.series.read_home("home-01", start_s, start_s + 10, ["occupancy"])
    assert [round(one.at_s - start_s) for one in stored] == [1, 2, 3]


def test_a_later_base_says_what_is_gone(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 41, [motion(ingest.now())], sent=ingest.now(), base=41)
        radio.acked(TELEMETRY, 41)


def test_a_new_spool_counts_anew(ingest: IngestHarness) -> None:
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [motion(ingest.now() - 9)], sent=ingest.now())
        radio.send(TELEMETRY, 1, [motion(ingest.now() - 5)], sent=ingest.now(), epoch=2)
        radio.acked(TELEMETRY, 1)
        radio.acked(TELEMETRY, 1, epoch=2)
    assert len(ingest.series.read_home("home-01", ingest.now() - 60, ingest.now(), ["occupancy"])) == 2


def test_an_unknown_device_is_heard_and_listed(ingest_everywhere: IngestHarness) -> None:
    at_s = ingest_everywhere.now()
    with on_air(ingest_everywhere.port) as radio:
        radio.send(ALARM, 1, [press(at_s, device="button-new")], sent=at_s)
        radio.send(TELEMETRY, 1, [motion(at_s, device="motion-new")], sent=at_s)
        radio.acked(ALARM, 1)
        radio.acked(TELEMETRY, 1)
    assert [one.kind for one in alerts(ingest_everywhere)] == ["sos"]
    assert ingest_everywhere.series.read_home("home-01", at_s - 1, at_s + 1, ["occupancy"])[0].room == "other"
    strangers = select(Device).where(Device.known.is_(False))
    eventually(lambda: {one.id for one in ingest_everywhere.rows(strangers)} == {"button-new", "motion-new"})


def test_a_device_that_does_not_answer_is_not_seen(ingest: IngestHarness) -> None:
    at_s = ingest.now()
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [Record(n="motion-kitchen/available", t=at_s, vb=False)], sent=at_s)
        radio.send(TELEMETRY, 2, [motion(at_s)], sent=at_s)
        radio.acked(TELEMETRY, 2)
    eventually(lambda: ingest.device("motion-living").last_seen_at)
    assert ingest.device("motion-kitchen").last_seen_at is None


POISON = {
    "nul": [Record(n="button\u0000sos/sos", t=0.0, vb=True)],
    "long device": [Record(n=f"{'d' * 300}/sos", t=0.0, vb=True)],
    "score": [Record(n="w/fall", t=0.0, vs="suspected:f-1"), Record(n="w/fall_score", t=0.0, v=7.0)],
    "long fall": [Record(n="w/fall", t=0.0, vs=f"suspected:{'f' * 300}")],
    "no stage": [Record(n="w/fall", t=0.0, vs="")],
    "strange announcement": [Record(n="gw-home-01/announced", t=0.0, vs="\u0000:" + "x" * 500)],
}


@pytest.mark.parametrize("kind", POISON)
def test_an_alarm_that_cannot_be_stored_holds_up_nobody(ingest_everywhere: IngestHarness, kind: str) -> None:
    with (
        on_air(ingest_everywhere.port) as radio,
        on_air(ingest_everywhere.port, home="home-02", gateway="gw-home-02") as neighbour,
    ):
        radio.send(ALARM, 1, POISON[kind], sent=ingest_everywhere.now())
        neighbour.send(ALARM, 1, [press(ingest_everywhere.now())], sent=ingest_everywhere.now())
        neighbour.acked(ALARM, 1)
        radio.acked(ALARM, 1)
        radio.send(ALARM, 2, [press(ingest_everywhere.now())], sent=ingest_everywhere.now())
        radio.acked(ALARM, 2)
    assert alerts(ingest_everywhere, "home-02")
    assert alerts(ingest_everywhere)


@pytest.mark.parametrize("device", ["motion\u0000living", "d" * 300])
def test_a_reading_whose_device_cannot_be_listed_holds_up_nobody(ingest_everywhere: IngestHarness, device: str) -> None:
    with (
        on_air(ingest_everywhere.port) as radio,
        on_air(ingest_everywhere.port, home="home-02", gateway="gw-home-02") as neighbour,
    ):
        radio.send(TELEMETRY, 1, [motion(ingest_everywhere.now(), device=device)], sent=ingest_everywhere.now())
        neighbour.send(TELEMETRY, 1, [motion(ingest_everywhere.now())], sent=ingest_everywhere.now())
        neighbour.acked(TELEMETRY, 1)
        radio.acked(TELEMETRY, 1)
        radio.send(TELEMETRY, 2, [motion(ingest_everywhere.now())], sent=ingest_everywhere.now())
        radio.acked(TELEMETRY, 2)
    eventually(lambda: ingest_everywhere.device("motion-living").last_seen_at)


def test_alarms_go_on_while_the_series_store_is_away(failing_series: tuple[IngestHarness, FailingSeries]) -> None:
    ingest, series = failing_series
    series.away = True
    at_s = ingest.now()
    with on_air(ingest.port) as radio:
        for seq in range(1, 4):
            radio.send(TELEMETRY, seq, [motion(at_s + seq / 10)], sent=ingest.now())
        eventually(lambda: series.refused)
        radio.send(ALARM, 1, [press(at_s)], sent=ingest.now())
        radio.acked(ALARM, 1, patience_s=3)
        assert len(alerts(ingest)) == 1
        assert radio.upto(TELEMETRY) == 0
        series.away = False
        radio.acked(TELEMETRY, 3)
    assert len(ingest.series.read_home("home-01", at_s - 1, at_s + 1, ["occupancy"])) == 3
    assert eventually(lambda: ingest.series.read_home("home-01", at_s - 1, at_s + 1, ["sos"]))


def test_what_the_store_will_never_take_is_set_aside(failing_series: tuple[IngestHarness, FailingSeries]) -> None:
    ingest, series = failing_series
    at_s = ingest.now()
    series.never = at_s - 1000
    with on_air(ingest.port) as radio:
        radio.send(TELEMETRY, 1, [motion(at_s - 2000)], sent=ingest.now())
        radio.send(TELEMETRY, 2, [motion(at_s)], sent=ingest.now())
        radio.acked(TELEMETRY, 2)
    assert len(ingest.series.read_home("home-01", at_s - 3000, at_s + 1, ["occupancy"])) == 1
    assert len(quarantined(ingest)) == 1


def test_a_gateways_state_is_known(ingest: IngestHarness) -> None:
    status = Status(
        gateway="gw-home-01", online=True, at=ingest.now(), epoch=1, version="1.2", spooled={"telemetry": 4}
    )
    with on_air(ingest.port) as radio:
        radio.raw(radio.topic(Lane.STATUS), encode(status), retain=True)
        gateway = eventually(lambda: ingest.one(select(Gateway).where(Gateway.online.is_(True))))
        assert (gateway.id, gateway.spooled, gateway.version) == ("gw-home-01", 4, "1.2")
        gone = Status(gateway="gw-home-01", online=False, at=ingest.now())
        radio.raw(radio.topic(Lane.STATUS), encode(gone), retain=True)
        eventually(lambda: not ingest.rows(select(Gateway).where(Gateway.online.is_(True))))


def test_a_restart_forgets_nothing_and_repeats_nothing(ingest_everywhere: IngestHarness) -> None:
    at_s = ingest_everywhere.now()
    with on_air(ingest_everywhere.port) as radio:
        radio.send(ALARM, 1, [press(at_s)], sent=ingest_everywhere.now())
        radio.send(TELEMETRY, 1, [motion(at_s)], sent=ingest_everywhere.now())
        radio.acked(ALARM, 1)
        radio.acked(TELEMETRY, 1)
        ingest_everywhere.restart()
        before = len(radio.acks)
        radio.send(ALARM, 1, [press(at_s)], sent=ingest_everywhere.now())
        radio.send(TELEMETRY, 1, [motion(at_s)], sent=ingest_everywhere.now())
        eventually(lambda: len(radio.acks) >= before + 2, what="acks of what was stored before")
        radio.send(ALARM, 2, [press(at_s + 1)], sent=ingest_everywhere.now())
        radio.acked(ALARM, 2)
    assert steps(ingest_everywhere).count("raised") + steps(ingest_everywhere).count("repeated") == 2
    assert len(ingest_everywhere.series.read_home("home-01", at_s - 1, at_s + 1, ["occupancy"])) == 1


def test_a_broker_that_was_killed_is_found_again(ingest: IngestHarness, mosquitto: Mosquitto) -> None:
    mosquitto.kill()
    mosquitto.start()
    ingest.wait_ready()
    with on_air(ingest.port) as radio:
        radio.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
        radio.acked(ALARM, 1)
    assert len(alerts(ingest)) == 1
