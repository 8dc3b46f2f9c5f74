from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from anju_platform.devices.cache import GatewayFacts
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Rejected, open_plain, read, refusal
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.bounds import LARGEST_COUNT, LATEST_EPOCH, MAX_ALARM_RECORDS
from anju_wire.messages import MAX_MESSAGE_BYTES, Envelope, Header, Record, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

NOW_S = 1_790_000_000.0
MOTION = Record(n="motion-living/occupancy", t=NOW_S - 1, vb=True)
PRESS = Record(n="button-sos/sos", t=NOW_S - 1, vb=True)
HOMES = {
    "gw-home-01": GatewayFacts("gw-home-01", "home-01", "anning"),
    "gw-home-02": GatewayFacts("gw-home-02", "home-02", "anning"),
}


class FewGateways:
    """As much of `Book` as reading a message asks for."""

    def find_gateway(self, gateway_id: str, _home_id: str) -> GatewayFacts | None:
        return HOMES.get(gateway_id)


def envelope(*pack: Record, **changes: object) -> bytes:
    whole = Envelope(gateway="gw-home-01", epoch=1, seq=7, base=1, sent=NOW_S, pack=list(pack))
    return json.dumps(json.loads(encode(whole)) | changes).encode()


def read_payload(payload: bytes, topic: str = "anju/v1/anning/home-01/telemetry") -> Incoming | Rejected:
    return read(RawMessage(topic, payload, NOW_S), FewGateways(), Clocks())  # type: ignore[arg-type]


def rejected(payload: bytes, topic: str = "anju/v1/anning/home-01/telemetry") -> Rejected:
    found = read_payload(payload, topic)
    assert isinstance(found, Rejected)
    return found


def test_a_good_message_is_read() -> None:
    found = read_payload(envelope(MOTION, gone="tomorrow's field"))
    assert isinstance(found, Incoming)
    assert (found.stream, found.seq, found.source) == (
        ("gw-home-01", 1, Lane.TELEMETRY),
        7,
        "gw-home-01/1/telemetry/7",
    )
    assert [(one.device, one.quantity, one.truth) for one in found.readings] == [("motion-living", "occupancy", True)]


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (envelope(MOTION, sent="yesterday"), "$.sent"),
        (envelope(MOTION, seq="seven"), "$.seq"),
        (envelope(MOTION, pack={}), "$.pack"),
        (envelope(MOTION, pack=[{"n": "motion-living/occupancy", "t": NOW_S, "vb": "yes"}]), "$.pack[0].vb"),
        (envelope(MOTION, pack=[{"n": "t/temperature", "t": NOW_S, "v": "warm"}]), "$.pack[0].v"),
        (envelope(Record(n="t/temperature", t=NOW_S, vb=True)), "$.pack[0].v"),
        (envelope(Record(n="nameless", t=NOW_S, v=1.0)), "$.pack[0].n"),
        (envelope(MOTION, base=8), "$.base"),
        (envelope(MOTION, seq=0, base=0), "$.seq"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(payload: bytes, path: str) -> None:
    assert rejected(payload).path == path


@pytest.mark.parametrize(
    "payload",
    [
        envelope(MOTION).replace(b'"vb": true', b'"v": NaN'),
        envelope(MOTION).replace(b'"vb": true', b'"v": Infinity'),
        envelope(MOTION)[:-20],
        envelope(MOTION).replace(b"occupancy", b"\xff\xfe"),
        envelope(Record(n="a/announced", t=NOW_S, vs="x" * MAX_MESSAGE_BYTES)),
    ],
    ids=["nan", "infinity", "torn", "not utf-8", "too long"],
)
def test_what_cannot_be_parsed_is_still_refused_by_its_number(payload: bytes) -> None:
    found = rejected(payload)
    assert found.header is not None
    assert (found.stream, found.header.seq) == (("gw-home-01", 1, Lane.TELEMETRY), 7)


@pytest.mark.parametrize("payload", [b"", b"{", b"null", b"[]", b'{"gateway": 7}', b"\x00" * 100])
def test_what_has_no_number_is_only_kept(payload: bytes) -> None:
    assert rejected(payload).stream is None


@pytest.mark.parametrize(
    ("topic", "changes"),
    [
        ("anju/v1/anning/home-02/telemetry", {}),
        ("anju/v1/elsewhere/home-01/telemetry", {}),
        ("anju/v1/anning/home-01/telemetry", {"gateway": "gw-stranger"}),
        ("anju/v1/anning/home-02/telemetry", {"pack": "broken too"}),
    ],
)
def test_a_gateway_that_does_not_belong_here_is_never_answered(topic: str, changes: dict[str, object]) -> None:
    """An ack names no gateway: it would clear the spool of the topic's own."""
    assert rejected(envelope(MOTION, **changes), topic).stream is None


@pytest.mark.parametrize("topic", ["anju/v1/anning/home-01", "anju/v1/anning/home-01/ack", "anju/v1/an ning/h/alarm"])
def test_a_wrong_topic(topic: str) -> None:
    assert rejected(envelope(MOTION), topic).path == "topic"


def test_a_clock_ten_years_off_is_put_right() -> None:
    behind = 10 * 365.25 * 86400
    found = read_payload(
        envelope(Record(n="motion-living/occupancy", t=NOW_S - behind - 3, vb=True), sent=NOW_S - behind)
    )
    assert isinstance(found, Incoming)
    assert found.readings[0].at_s == pytest.approx(NOW_S - 3)
    assert not found.undated


@pytest.mark.parametrize("at_s", [12.0, NOW_S * 1000, NOW_S + 5000])
def test_a_press_whose_time_means_nothing_happened_now(at_s: float) -> None:
    found = read_payload(envelope(Record(n="button-sos/sos", t=at_s, vb=True)), "anju/v1/anning/home-01/alarm")
    assert isinstance(found, Incoming)
    assert [(one.quantity, one.at_s) for one in found.readings] == [("sos", NOW_S)]
    assert found.undated, "so that a cancel of such a time is known for one"


@pytest.mark.parametrize("lane", ["alarm", "telemetry"])
@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0, 10 * 365.25 * 86400.0, -10 * 365.25 * 86400.0, 121.0, -119.0])
def test_a_platform_whose_clock_is_wrong_refuses_nothing(lane: str, ahead_s: float) -> None:
    clocks, topic = Clocks(), f"anju/v1/anning/home-01/{lane}"
    record = PRESS if lane == "alarm" else MOTION
    for number, wrong_s in enumerate((0.0, ahead_s, ahead_s, 0.0), start=1):
        arrived_s = NOW_S + wrong_s
        message = RawMessage(topic, envelope(record, seq=number), arrived_s)
        found = read(message, FewGateways(), clocks)  # type: ignore[arg-type]
        assert isinstance(found, Incoming)
        assert abs(found.readings[0].at_s - arrived_s) <= 121.0, "a time by the platform's clock, as it is then"


NUMBERS = {"gateway": "gw-home-01", "epoch": 1, "seq": 7, "base": 3}


def torn(changes: dict[str, object], before: str = "", comma: str = ", ") -> bytes:
    """The beginning of a message whose rest was lost."""
    held = {key: value for key, value in (NUMBERS | changes).items() if value is not None}
    return ("{" + before + comma.join(f'"{key}" : {json.dumps(value)}' for key, value in held.items()) + comma).encode()


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, (1, 7, 3)),
        ({"epoch": 0}, (0, 7, 3)),
        ({"epoch": LATEST_EPOCH}, (LATEST_EPOCH, 7, 3)),
        ({"seq": 1, "base": 1}, (1, 1, 1)),
        ({"seq": LARGEST_COUNT}, (1, LARGEST_COUNT, 3)),
        ({"base": 7}, (1, 7, 7)),
        ({"base": 8}, (1, 7, 1)),
        ({"base": 0}, (1, 7, 1)),
        ({"base": None}, (1, 7, 1)),
    ],
)
def test_the_numbers_of_a_torn_message_are_those_that_can_be(
    changes: dict[str, object], numbers: tuple[int, int, int]
) -> None:
    for comma in (", ", ","):
        header = rejected(torn(changes, comma=comma)).header
        assert header is not None
        assert (header.gateway, header.epoch, header.seq, header.base) == ("gw-home-01", *numbers)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": LATEST_EPOCH + 1},
        {"epoch": None},
        {"seq": 0},
        {"seq": LARGEST_COUNT + 1},
        {"seq": 10**17},
        {"seq": None},
        {"seq": "seven"},
    ],
)
def test_a_torn_message_without_numbers_that_can_be_is_still_its_gateways(changes: dict[str, object]) -> None:
    found = rejected(torn(changes))
    assert (found.facts, found.header, found.stream) == (HOMES["gw-home-01"], None, None)
    assert found.source == f"gw-home-01/~{found.digest}", "named by its content"


@pytest.mark.parametrize("gateway", [None, "", "x" * 64, "gw home", "gw-home-02", 3])
def test_a_torn_message_of_nobody_here_is_nobodys(gateway: object) -> None:
    found = rejected(torn({"gateway": gateway}))
    assert (found.facts, found.header, found.source) == (None, None, None)


@pytest.mark.parametrize(("padding", "is_found"), [(4000, True), (4090, False)])
def test_numbers_are_looked_for_in_the_beginning_only(padding: int, is_found: bool) -> None:  # noqa: FBT001 - a row of the table
    payload = torn({}, before='"x": "' + "y" * padding + '", ')
    assert (rejected(payload).facts is not None) is is_found


@pytest.mark.parametrize("lane", [Lane.ALARM, Lane.TELEMETRY])
def test_a_message_has_one_name_whether_it_can_be_read_or_not(lane: Lane) -> None:
    topic = f"anju/v1/anning/home-01/{lane}"
    good, bad = read_payload(envelope(PRESS), topic), rejected(envelope(PRESS, pack=[{"n": 3}]), topic)
    assert isinstance(good, Incoming)
    assert good.source == bad.source == f"gw-home-01/1/{lane}/7"
    for one in (good, bad):
        other = replace(one, number_taken=True, digest="ab12")
        assert other.source == f"gw-home-01/1/{lane}/7~ab12", "its number is another message's"
    assert good.stream == bad.stream == ("gw-home-01", 1, lane)
    assert (good.base, good.arrived_s, good.facts) == (1, NOW_S, HOMES["gw-home-01"])


def test_only_an_alarm_has_a_digest_and_it_is_of_its_readings() -> None:
    digests = []
    for lane, changes in (("alarm", {}), ("alarm", {"sent": NOW_S + 3, "base": 2}), ("alarm", {"seq": 8})):
        found = read_payload(envelope(PRESS, **changes), f"anju/v1/anning/home-01/{lane}")
        assert isinstance(found, Incoming)
        digests.append(found.digest)
    assert len(digests[0]) == 32
    assert len(set(digests)) == 1, "sent again, or under another number, it is the same content"
    other = read_payload(envelope(MOTION), "anju/v1/anning/home-01/alarm")
    plain = read_payload(envelope(PRESS))
    assert isinstance(other, Incoming)
    assert isinstance(plain, Incoming)
    assert other.digest not in {*digests, ""}
    assert plain.digest == ""


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"n": "t/temperature", "t": NOW_S, "vb": True}, "$.pack[1].v"),
        ({"n": "t/temperature", "t": NOW_S, "v": "warm"}, "$.pack[1]"),
        ({"n": "t/temperature", "t": "now", "v": 20}, "$.pack[1]"),
        ({"n": "t/temperature", "t": NOW_S, "v": 900.0}, "$.pack[1].v"),
        ({"n": "nameless", "t": NOW_S, "v": 1.0}, "$.pack[1].n"),
        ({"n": "x/note", "t": NOW_S}, "$.pack[1]"),
        (["no", "record"], "$.pack[1]"),
        (None, "$.pack[1]"),
    ],
)
def test_a_bad_record_among_readings_costs_only_itself(bad: object, path: str) -> None:
    good = json.loads(envelope(MOTION))["pack"]
    found = read_payload(envelope(pack=[*good, bad, {**good[0], "t": NOW_S + 1}]))
    assert isinstance(found, Incoming)
    assert [one.at_s - NOW_S for one in found.readings] == [-1, 1]
    assert [fault.path for fault in found.faults] == [path]
    assert (found.stream, found.seq, list(found.undated_readings)) == (("gw-home-01", 1, Lane.TELEMETRY), 7, [])


@pytest.mark.parametrize("base", [{"bn": "motion-living/", "bt": "then"}, {"bn": 7}])
def test_a_bad_record_that_others_are_based_on_costs_the_pack(base: dict[str, object]) -> None:
    found = rejected(envelope(pack=[base, {"n": "occupancy", "t": NOW_S, "vb": True}]))
    assert found.header is not None


def test_base_fields_hold_for_the_records_behind_a_bad_one() -> None:
    pack = [{"bn": "motion-living/", "bt": NOW_S - 60, "n": "occupancy", "vb": True}, {"n": "occupancy", "v": "x"}]
    found = read_payload(envelope(pack=[*pack, {"n": "occupancy", "t": 5, "vb": False}]))
    assert isinstance(found, Incoming)
    assert [(one.device, one.at_s - NOW_S, one.truth) for one in found.readings] == [
        ("motion-living", -60, True),
        ("motion-living", -55, False),
    ]


@pytest.mark.parametrize("times", [(60.0, 75.0), (NOW_S + 1000, NOW_S + 1015), (0.0, 15.0)])
def test_readings_of_a_clock_that_was_not_set_are_kept_without_a_time_of_their_own(
    times: tuple[float, float],
) -> None:
    pack = [Record(n="motion-living/occupancy", t=at_s, vb=True) for at_s in times]
    found = read_payload(envelope(MOTION, *pack))
    assert isinstance(found, Incoming)
    assert [one.at_s for one in found.readings] == [NOW_S - 1]
    assert [one.at_s - NOW_S for one in found.undated_readings] == [-15, 0], "in their order, none after its arrival"
    assert not found.faults


def test_readings_of_two_wrong_clocks_stay_within_a_day() -> None:
    pack = [Record(n="motion-living/occupancy", t=at_s, vb=True) for at_s in (60.0, NOW_S + 1000)]
    found = read_payload(envelope(*pack))
    assert isinstance(found, Incoming)
    assert [one.at_s - NOW_S for one in found.undated_readings] == [-86400, 0]


@pytest.mark.parametrize(("ahead_s", "is_refused"), [(120.0, False), (120.5, True)])
def test_a_clip_of_the_future_is_refused_by_the_record(ahead_s: float, is_refused: bool) -> None:  # noqa: FBT001 - a row of the table
    late = Record(n="motion-living/occupancy", t=NOW_S + ahead_s, vb=True)
    found = read_payload(envelope(MOTION, late, MOTION), "anju/v1/anning/home-01/clip")
    assert isinstance(found, Rejected) is is_refused
    if isinstance(found, Rejected):
        assert (found.path, found.header is not None) == ("$.pack[1].t", True)
        assert repr(NOW_S + ahead_s) in found.reason


def test_an_alarm_of_many_records_is_refused_by_its_number() -> None:
    topic, most = "anju/v1/anning/home-01/alarm", [PRESS] * MAX_ALARM_RECORDS
    assert isinstance(read_payload(envelope(*most), topic), Incoming)
    found = rejected(envelope(*most, PRESS), topic)
    assert (found.path, found.stream) == ("$.pack", ("gw-home-01", 1, Lane.ALARM))
    assert isinstance(read_payload(envelope(*most, PRESS)), Incoming), "telemetry may have more"


def test_a_waveform_that_is_none_is_refused_on_its_own_lane() -> None:
    rate = Record(n="watch/sample_rate", t=NOW_S, u="Hz", v=50.0)
    torn_sample = Record(n="watch/acceleration", t=NOW_S, vd=base64.urlsafe_b64encode(b"12345").decode().rstrip("="))
    assert rejected(envelope(rate, torn_sample), "anju/v1/anning/home-01/clip").path == "$.pack"


def test_what_can_never_be_stored_is_refused_as_the_message_it_is() -> None:
    raw = RawMessage("anju/v1/anning/home-01/alarm", envelope(PRESS, base=4), NOW_S)
    message = read(raw, FewGateways(), Clocks())  # type: ignore[arg-type]
    assert isinstance(message, Incoming)
    found = refusal(raw, message, "no\x00 such row")
    assert found.header == Header(gateway="gw-home-01", epoch=1, seq=7, base=4)
    assert (found.path, found.reason, found.source) == ("$.pack", "no\\x00 such row", message.source)
    assert (found.digest, found.raw, found.topic, found.facts) == (message.digest, raw, message.topic, message.facts)


def test_a_refusal_keeps_what_a_database_can_hold() -> None:
    found = Rejected(RawMessage("t", b"", 0.0), "$." + "p" * 400, "r" * 400)
    assert (len(found.path), len(found.reason), found.stream, found.source) == (255, 300, None, None)


@pytest.mark.parametrize(
    ("topic", "gateway", "path", "words"),
    [
        ("home-01", "gw-stranger", "$.gateway", ["gw-stranger"]),
        ("home-02", "gw-home-01", "topic", ["gw-home-01", "home-01", "home-02"]),
    ],
)
def test_who_does_not_belong_here_is_named(topic: str, gateway: str, path: str, words: list[str]) -> None:
    found = rejected(envelope(MOTION, gateway=gateway), f"anju/v1/anning/{topic}/telemetry")
    assert (found.path, found.topic) == (path, Topic("anning", topic, Lane.TELEMETRY))
    assert all(word in found.reason for word in words)


@pytest.mark.parametrize(
    ("topic", "changes", "is_plain"),
    [
        ("anning/home-01/telemetry", {}, True),
        ("anning/home-02/telemetry", {}, False),
        ("elsewhere/home-01/telemetry", {}, False),
        ("anning/home-01/alarm", {}, False),
        ("anning/home-01/clip", {}, False),
        ("anning/home-01/status", {}, False),
        ("anning/home-01/nothing", {}, False),
        ("anning/home-01/telemetry", {"gateway": "gw-stranger"}, False),
        ("anning/home-01/telemetry", {"gateway": "gw-home-02"}, False),
        ("anning/home-01/telemetry", {"base": 8}, False),
        ("anning/home-01/telemetry", {"pack": []}, False),
        ("anning/home-01/telemetry", {"sent": NOW_S - 5000}, False),
        ("anning/home-01/telemetry", {"seq": "7"}, False),
    ],
)
def test_only_telemetry_of_a_gateways_own_home_is_quickly_opened(
    topic: str,
    changes: dict[str, object],
    is_plain: bool,  # noqa: FBT001 - a row of the table
) -> None:
    raw = RawMessage(f"anju/v1/{topic}", envelope(MOTION, **changes), NOW_S)
    plain = open_plain(raw, FewGateways(), Clocks())  # type: ignore[arg-type]
    assert (plain is not None) is is_plain
    if plain is not None:
        assert plain[:6] == (Topic("anning", "home-01", Lane.TELEMETRY), HOMES["gw-home-01"], plain.stream, 7, 1, NOW_S)
        assert plain.stream == ("gw-home-01", 1, Lane.TELEMETRY)
