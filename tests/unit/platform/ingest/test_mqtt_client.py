"""The buffer under paho: what homes publish comes out whole, in order, and answered, however the network cuts it."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest.mqtt_client import Buffered, Publication

PINGRESP = b"\xd0\x00"
SIZES = st.sampled_from([0, 1, 100, 127, 128, 1500, 16_384])


class Wire:
    """A socket whose every read and write is told beforehand."""

    def __init__(self, pieces: Iterable[bytes | OSError]) -> None:
        self.pieces = list(pieces)
        self.sent = bytearray()
        self.full = False

    def recv(self, size: int, /) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else BlockingIOError()
        if isinstance(piece, OSError):
            raise piece
        assert len(piece) <= size
        return piece

    def send(self, data: bytes | bytearray, /) -> int:
        if self.full:
            raise ssl.SSLWantWriteError
        self.sent += data[:3]
        return min(len(data), 3)

    def close(self) -> None:
        self.pieces.clear()

    def fileno(self) -> int:
        return 7

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - the socket's own form
        assert not flag


def publish(topic: bytes, payload: bytes, qos: int, number: int = 1) -> bytes:
    body = struct.pack("!H", len(topic)) + topic + (struct.pack("!H", number) if qos else b"") + payload
    length, left = bytearray(), len(body)
    while True:
        length.append(left % 128 | (128 if left > 127 else 0))
        left //= 128
        if not left:
            return bytes([0x30 | qos << 1]) + bytes(length) + body


def drained(line: Buffered, wire: Wire) -> tuple[list[Publication], bool]:
    found: list[Publication] = []
    while True:
        more, other = line.publications()
        found += more
        if other or not (wire.pieces or more):
            return found, other


@given(st.lists(st.tuples(SIZES, st.sampled_from([0, 1])), max_size=12), st.lists(st.integers(1, 4000), max_size=20))
def test_publications_come_whole_in_order_and_answered(shapes: list[tuple[int, int]], cuts: list[int]) -> None:
    wanted = [(b"anju/v1/anning/home-01/telemetry", bytes([n]) * size) for n, (size, _) in enumerate(shapes)]
    stream = b"".join(publish(*one, shapes[n][1], n + 1) for n, one in enumerate(wanted))
    pieces, start = [], 0
    for cut in [*cuts, *[60_000] * 10]:
        pieces.append(stream[start : start + cut])
        start += cut
    wire = Wire(piece for piece in pieces if piece)
    line = Buffered(wire)
    found, other = drained(line, wire)
    assert found == wanted
    assert not other
    assert line.pending() == 0
    assert wire.sent == b"".join(b"\x40\x02" + struct.pack("!H", n + 1) for n, (_, qos) in enumerate(shapes) if qos)


def test_half_a_publication_is_waited_for_without_asking_again_and_again() -> None:
    packet = publish(b"a/b", b"x" * 300, 1)
    wire = Wire([packet[:1]])
    line = Buffered(wire)
    assert line.publications() == ([], False)
    assert line.pending() == 0
    wire.pieces = [packet[1:200], packet[200:]]
    assert line.publications() == ([], False)
    assert line.pending() == 0
    assert line.publications() == ([(b"a/b", b"x" * 300)], False)


@pytest.mark.parametrize(
    "other",
    [PINGRESP, publish(b"a/b", b"twice", 2), publish(b"a/b", b"x" * 70_000, 1)[:60_000], b"\x32\xff\xff\xff\xff\x01"],
)
def test_what_is_something_else_is_left_to_paho(other: bytes) -> None:
    first = publish(b"a/b", b"1", 1)
    line = Buffered(Wire([first + other]))
    assert line.publications() == ([(b"a/b", b"1")], True)
    assert line.pending() == len(other)
    assert line.recv(1) + line.recv(100_000) == other


@pytest.mark.parametrize("end", [b"", ConnectionResetError()])
def test_the_end_of_a_connection_is_left_to_paho_with_what_was_begun(end: bytes | OSError) -> None:
    packet = publish(b"a/b", b"x" * 30, 1)
    line = Buffered(Wire([packet[:10], end, b""]))
    assert line.publications() == ([], False)
    assert line.publications() == ([], True)
    assert line.recv(1) + line.recv(100) == packet[:10]
    assert line.recv(1) == b""


def test_a_publication_that_contradicts_itself_is_left_to_paho() -> None:
    broken = b"\x32\x04\x00\x03a/"
    assert Buffered(Wire([broken])).publications() == ([], True)


def test_answers_wait_where_the_line_takes_nothing_and_are_not_lost() -> None:
    wire = Wire([publish(b"a/b", b"1", 1, 258)])
    wire.full = True
    line = Buffered(wire)
    line.publications()
    assert line.pending() == 0
    assert not wire.sent
    wire.full = False
    line.flush()
    assert wire.sent == b"\x40\x02\x01\x02"


def test_paho_is_held_off_while_too_much_waits() -> None:
    wire = Wire([])
    wire.full = True
    line = Buffered(wire)
    assert line.send(b"x" * 65_537) == 65_537
    with pytest.raises(BlockingIOError):
        line.send(b"y")
