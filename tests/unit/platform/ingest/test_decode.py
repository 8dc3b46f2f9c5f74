from __future__ import annotations

import json

import pytest

from anju_platform.devices.cache import GatewayFacts
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Rejected, read
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import MAX_MESSAGE_BYTES, Envelope, Record, encode
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

    def find_gateway(self, gateway_id: str) -> GatewayFacts | None:
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
        (envelope(MOTION, Record(n="t/temperature", t=NOW_S, vb=True)), "$.pack[1].v"),
        (envelope(MOTION, Record(n="nameless", t=NOW_S, v=1.0)), "$.pack[1].n"),
        (envelope(MOTION, base=8), "$.base"),
        (envelope(MOTION, seq=0, base=0), "$.seq"),
        (envelope(Record(n="motion-living/occupancy", t=NOW_S + 1000, vb=True)), "$.pack[0].t"),
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


@pytest.mark.parametrize("at_s", [12.0, NOW_S * 1000, NOW_S + 5000])
def test_a_press_whose_time_means_nothing_happened_now(at_s: float) -> None:
    found = read_payload(envelope(Record(n="button-sos/sos", t=at_s, vb=True)), "anju/v1/anning/home-01/alarm")
    assert isinstance(found, Incoming)
    assert [(one.quantity, one.at_s) for one in found.readings] == [("sos", NOW_S)]


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
