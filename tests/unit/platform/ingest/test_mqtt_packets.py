"""The reader of MQTT packets agrees with paho, whatever is published and however the network cuts it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from anju_platform.ingest.mqtt_packets import (
    CONNACK,
    PINGRESP,
    PUBLISH,
    MalformedPacket,
    Publication,
    encode_connect,
    encode_subscribe,
    packet_size,
    read_packet,
    split_publications,
)

CONNACK_PACKET, END = b"\x20\x02\x00\x00", b"end"
TOPICS = st.text(st.characters(exclude_characters="#+\0", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)
PAYLOADS = st.one_of(st.binary(max_size=300), st.sampled_from([0, 127, 128, 16_383, 16_384, 70_000]).map(bytes))
MESSAGES = st.lists(st.tuples(TOPICS, PAYLOADS, st.sampled_from([0, 1])), max_size=8)
PATIENCE_S = 20.0


def encode_publish(topic: bytes, payload: bytes, qos: int, number: int = 1) -> bytes:
    """As a broker sends it (MQTT 3.1.1 §3.3)."""
    body = struct.pack("!H", len(topic)) + topic + (struct.pack("!H", number) if qos else b"") + payload
    length, left = bytearray(), len(body)
    while True:
        length.append(left % 128 | (128 if left > 127 else 0))
        left //= 128
        if not left:
            return bytes([0x30 | qos << 1]) + bytes(length) + body


def read_all(pieces: list[bytes]) -> tuple[list[Publication], bytes, bytes]:
    """What comes out of a stream in pieces: publications, answers, and what is left."""
    data, found, answers = b"", [], b""
    for piece in pieces:
        data += piece
        more, answer, place = split_publications(data, 0)
        found, answers, data = found + more, answers + bytes(answer), data[place:]
    return found, answers, data


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    return [*pieces, stream]


@contextmanager
def broker_side() -> Iterator[tuple[paho.Client, socket.socket]]:
    """A paho client that is connected, and the other end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="paho", protocol=paho.MQTTv311)
        connected = threading.Event()
        client.on_connect = lambda *_: connected.set()
        client.connect_async("127.0.0.1", server.getsockname()[1])
        client.loop_start()
        link, _ = server.accept()
        with link:
            link.settimeout(PATIENCE_S)
            link.recv(1000)
            link.sendall(CONNACK_PACKET)
            assert connected.wait(PATIENCE_S)
            yield client, link
            client.disconnect()
        client.loop_stop()


@settings(max_examples=25, deadline=None)
@given(MESSAGES, st.lists(st.integers(1, 4000), max_size=20))
def test_what_paho_publishes_is_read_whole_in_order_and_answered(
    messages: list[tuple[str, bytes, int]], cuts: list[int]
) -> None:
    stream = b""
    with broker_side() as (client, link):
        for topic, payload, qos in messages:
            client.publish(topic, payload, qos)
        client.publish("end", END, 0)
        while not stream.endswith(b"\x00\x03end" + END):
            stream += link.recv(65_536)
    found, answers, left = read_all(cut(stream, cuts))
    assert found == [*((topic.encode(), payload) for topic, payload, _ in messages), (b"end", END)]
    assert (answers[::4], len(answers), left) == (b"\x40" * (len(answers) // 4), 4 * sum(m[2] for m in messages), b"")


@settings(max_examples=25, deadline=None)
@given(MESSAGES)
def test_what_a_broker_sends_is_read_and_answered_as_paho_does(messages: list[tuple[str, bytes, int]]) -> None:
    stream = b"".join(
        encode_publish(topic.encode(), payload, qos, number)
        for number, (topic, payload, qos) in enumerate(messages, start=1)
    )
    seen: list[Publication] = []
    done = threading.Event()
    with broker_side() as (client, link):
        client.on_message = lambda _c, _d, m: (
            done.set() if m.topic == "end" else seen.append((m.topic.encode(), m.payload))
        )
        link.sendall(stream + encode_publish(b"end", END, 0))
        assert done.wait(PATIENCE_S)
        wanted, answers = 4 * sum(qos for _, _, qos in messages), b""
        while len(answers) < wanted:
            answers += link.recv(65_536)
    found, mine, left = read_all([stream])
    assert (found, mine, left) == (seen, answers, b"")


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_read_twice_or_beyond_their_end(data: bytes) -> None:
    found, _, place = split_publications(data, 0)
    assert 0 <= place <= len(data)
    assert sum(len(topic) + len(payload) for topic, payload in found) <= place
    try:
        packet = read_packet(data, place)
    except MalformedPacket:
        return
    assert packet is None or place < packet.stop <= len(data)


@pytest.mark.parametrize(
    "other",
    [b"\xd0\x00", encode_publish(b"a/b", b"twice", 2), encode_publish(b"a/b", b"x" * 70_000, 1)[:60_000]],
)
def test_what_is_something_else_or_not_whole_is_left(other: bytes) -> None:
    first = encode_publish(b"a/b", b"1", 1)
    found, _, place = split_publications(first + other, 0)
    assert (found, place) == ([(b"a/b", b"1")], len(first))


def test_a_packet_is_read_once_it_is_whole() -> None:
    whole = encode_publish(b"a/b", b"x" * 300, 1)
    assert [packet_size(whole[:n], 0) for n in (0, 1, 2, 3, 100)] == [0, 0, 0, len(whole), len(whole)]
    assert read_packet(whole[:-1], 0) is None
    assert read_packet(b"\xd0\x00", 0) == (PINGRESP, b"", 2)
    assert read_packet(CONNACK_PACKET, 0) == (CONNACK, b"\x00\x00", 4)


@given(MESSAGES, st.binary(max_size=20), st.integers(0, 400))
def test_what_is_read_is_the_same_wherever_it_stands(
    messages: list[tuple[str, bytes, int]], before: bytes, cut_off: int
) -> None:
    stream = b"".join(encode_publish(topic.encode(), payload, qos) for topic, payload, qos in messages)
    stream = stream[: max(0, len(stream) - cut_off)]
    found, answers, place = split_publications(stream, 0)
    assert split_publications(before + stream, len(before)) == (found, answers, len(before) + place)
    assert packet_size(before + stream, len(before) + place) == packet_size(stream, place)
    assert read_packet(before + stream, len(before) + place) is None is read_packet(stream, place)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x05a/b", b"\x00\x03a/b\x00"])
def test_a_publication_without_a_whole_topic_or_number_is_not_taken_from_what_follows(body: bytes) -> None:
    short = bytes([0x32, len(body)]) + body
    assert split_publications(short + encode_publish(b"a/b", b"1", 1), 0) == ([], bytearray(), 0)
    packet = read_packet(short, 0)
    assert packet is not None
    assert (packet.kind, packet.body, packet.stop) == (PUBLISH, body, len(short))


def test_publications_may_be_empty() -> None:
    stream = b"\x30\x02\x00\x00" + b"\x32\x04\x00\x00\x00\x07"
    assert split_publications(stream, 0) == ([(b"", b""), (b"", b"")], bytearray(b"\x40\x02\x00\x07"), len(stream))


def text(value: str) -> bytes:
    return struct.pack("!H", len(value.encode())) + value.encode()


@pytest.mark.parametrize("length", [0, 1, 110, 111, 112, 116, 117, 16_000, 16_367, 16_368, 16_369, 60_000])
def test_packets_of_any_length_are_read_back(length: int) -> None:
    long, head = "名" * (length // 3) + "x" * (length % 3), text("MQTT") + b"\x04"
    for made, kind, body in (
        (encode_connect("me", long, "p", 300), 1, head + b"\xc2\x01\x2c" + text("me") + text(long) + text("p")),
        (encode_connect(long, "", "p", 0), 1, head + b"\x02\x00\x00" + text(long)),
        (encode_subscribe(513, [long, "b/+"]), 8, b"\x02\x01" + text(long) + b"\x01" + text("b/+") + b"\x01"),
    ):
        if kind == 1 and not length:
            continue  # without a user name it carries no credential, and a client has a name
        packet = read_packet(made, 0)
        assert packet is not None
        assert (packet.kind, packet.body, packet.stop) == (kind, body, len(made))


@pytest.mark.parametrize(("length", "is_whole"), [(b"\xff\xff\xff\x7f", True), (b"\xff\xff\xff", False), (b"", False)])
def test_a_length_is_known_once_its_last_byte_is(length: bytes, is_whole: bool) -> None:  # noqa: FBT001 - a row of the table
    for before in (b"", b"before"):
        assert packet_size(before + b"\x30" + length, len(before)) == (5 + 268_435_455 if is_whole else 0)
        assert read_packet(before + b"\x30" + length, len(before)) is None


def test_a_publication_that_contradicts_itself_is_not_taken() -> None:
    assert split_publications(b"\x32\x04\x00\x03a/", 0) == ([], bytearray(), 0)


def test_a_length_without_end_is_malformed() -> None:
    with pytest.raises(MalformedPacket):
        read_packet(b"\x32\xff\xff\xff\xff\x01", 0)


def test_connect_and_subscribe_are_what_the_standard_says() -> None:
    assert encode_connect("me", "", "", 20) == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x14\x00\x02me"
    assert encode_connect("me", "u", "pw", 20) == b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x14\x00\x02me\x00\x01u\x00\x02pw"
    assert encode_subscribe(1, ["a/+", "b"]) == b"\x82\x0c\x00\x01\x00\x03a/+\x01\x00\x01b\x01"
