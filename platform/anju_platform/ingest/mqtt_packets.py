"""The few MQTT 3.1.1 control packets that a receiver of telemetry needs, as bytes. Pure; sections are of the standard.

paho asks the kernel for each message's parts, makes five objects of it and answers it by itself, which costs more than
everything that is then done with its readings. Here many PUBLISH packets are taken out of one buffer together.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

CONNACK, PUBLISH, SUBACK, PINGRESP = 2, 3, 9, 13
"""Packet types (§2.2.1)."""
PINGREQ_PACKET, DISCONNECT_PACKET = b"\xc0\x00", b"\xe0\x00"
_QOS_1, _QOS_2 = 0x02, 0x04
_PUBLISH_BITS, _TYPE_AND_QOS_2 = 0x30, 0xF0 | _QOS_2
_PUBACK = b"\x40\x02"
_CLEAN, _PASSWORD, _USERNAME = 0x02, 0x40, 0x80
_LONGEST_LENGTH = 4
"""Bytes of a remaining length (§2.2.3)."""
_MORE = 0x80
"""The bit that says that another byte of a length follows."""

Publication = tuple[bytes, bytes]
"""Topic and payload of a PUBLISH, as they came."""


class MalformedPacket(ValueError):
    """Bytes that are no MQTT packet, or none that a receiver may get."""

    def __init__(self, why: str) -> None:
        super().__init__(f"MQTT: {why}")
        self.why = why


class Packet(NamedTuple):
    """A whole packet: its type, its body, and where the next one begins."""

    kind: int
    body: bytes
    stop: int


def encode_connect(client_id: str, username: str, password: str, keepalive_s: int) -> bytes:
    """Return a CONNECT with a clean session (§3.1); without a user name it carries no credential."""
    flags = _CLEAN | (_USERNAME | _PASSWORD if username else 0)
    head = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", keepalive_s)
    return _packet(0x10, head + _text(client_id) + (_text(username) + _text(password) if username else b""))


def encode_subscribe(number: int, topics: Sequence[str]) -> bytes:
    """Return a SUBSCRIBE to these filters at QoS 1 (§3.8)."""
    return _packet(0x82, struct.pack("!H", number) + b"".join(_text(topic) + b"\x01" for topic in topics))


def split_publications(data: bytes, place: int) -> tuple[list[Publication], bytearray, int]:
    """Take the PUBLISH packets of QoS 0 and 1 that are next.

    Returns them, the PUBACKs that answer them, and where something else, or a packet that is not whole yet, begins.
    """
    found: list[Publication] = []
    answers = bytearray()
    while (body := _publish_body(data, place)) is not None:
        start, stop = body
        rest = start + 2 + (data[start] << 8 | data[start + 1])
        topic = data[start + 2 : rest]
        if data[place] & _QOS_1:
            if rest + 2 > stop:
                break
            answers += _PUBACK + data[rest : rest + 2]
            rest += 2
        elif rest > stop:
            break
        found.append((topic, data[rest:stop]))
        place = stop
    return found, answers, place


def read_packet(data: bytes, place: int) -> Packet | None:
    """Return the packet at `place`; None while it is not whole. Raises `MalformedPacket` for an endless length."""
    size = _size(data, place)
    if size is None:
        if len(data) - place > _LONGEST_LENGTH:
            raise MalformedPacket("a remaining length of more than four bytes")
        return None
    start, stop = size
    return None if stop > len(data) else Packet(data[place] >> 4, data[start:stop], stop)


def packet_size(data: bytes, place: int) -> int:
    """Return how many bytes the packet at `place` has in all; 0 while its length is not known yet."""
    size = _size(data, place)
    return 0 if size is None else size[1] - place


def _publish_body(data: bytes, place: int) -> tuple[int, int] | None:
    """Where the body of a whole PUBLISH at `place` starts and stops; None for anything else."""
    if place >= len(data) or data[place] & _TYPE_AND_QOS_2 != _PUBLISH_BITS:
        return None
    size = _size(data, place)
    return size if size is not None and size[0] + 2 <= size[1] <= len(data) else None


def _size(data: bytes, place: int) -> tuple[int, int] | None:
    """Where the body of the packet at `place` starts, and where it will stop; None while its length is not whole."""
    length = shift = 0
    for start, low in enumerate(data[place + 1 : place + 1 + _LONGEST_LENGTH], place + 2):
        length |= (low & ~_MORE) << shift
        if low < _MORE:
            return start, start + length
        shift += 7
    return None


def _packet(head: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, low = divmod(left, _MORE)
        length.append(low | (_MORE if left else 0))
        if not left:
            return bytes([head]) + bytes(length) + body


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw
