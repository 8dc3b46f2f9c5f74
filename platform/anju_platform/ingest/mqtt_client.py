"""paho's client with a buffer at its socket, and with what homes publish taken out of that buffer many at a time.

paho asks the kernel for each message's parts, makes five objects of it, and answers it by itself; that costs more than
everything that is then done with its readings. Whatever is not an ordinary PUBLISH goes paho's own way.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

_READ_BYTES = 64 * 1024
_HELD_BYTES = 64 * 1024
_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PUBLISH, _TYPE, _QOS_1, _QOS_2 = 0x30, 0xF0, 0x02, 0x04
_PUBACK = b"\x40\x02"
_LONGEST_LENGTH = 4
"""Bytes of a remaining length (MQTT 3.1.1 §2.2.3)."""

Publication = tuple[bytes, bytes]
"""Topic and payload, as they came."""


class RawSocket(Protocol):
    """As much of a socket as paho uses."""

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes; raises `BlockingIOError` where there are none."""

    def send(self, data: bytes | bytearray, /) -> int:
        """How much of `data` was taken."""

    def close(self) -> None:
        """Let go."""

    def fileno(self) -> int:
        """For `select`."""

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - the socket's own form
        """Whether calls wait."""


class Buffered:
    """A socket that reads ahead, and holds back what is to be sent until there is nothing left to read.

    paho asks `pending` before each wait, which is when what was held back goes out. Used by paho's own thread.
    """

    def __init__(self, raw: RawSocket) -> None:
        self._raw = raw
        self._read, self._place = b"", 0
        self._short = False
        self._held = bytearray()

    def recv(self, size: int) -> bytes:
        """From what was read ahead, else from the socket."""
        if self._place >= len(self._read):
            self._read, self._place = self._raw.recv(max(size, _READ_BYTES)), 0
        part = self._read[self._place : self._place + size]
        self._place += len(part)
        self._short = False
        return part

    def publications(self) -> tuple[list[Publication], bool]:
        """All whole publications of QoS 0 and 1 that are next, read and answered; and whether paho is to read now.

        That is so where what comes next is something else, or too long to be waited for, or the connection has ended.
        """
        ended = self._read_on()
        found, answers, self._place = split(self._read, self._place)
        self._held += answers
        left = len(self._read) - self._place
        self._short = bool(left) and _waits(self._read, self._place)
        return found, ended or (left > 0 and not self._short)

    def _read_on(self) -> bool:
        """Add to what was read ahead; whether there was nothing to read because the connection has ended."""
        if self._place < len(self._read) and not self._short:
            return False
        try:
            more = self._raw.recv(_READ_BYTES)
        except _NOT_NOW:
            return False
        except OSError:
            return True
        self._read, self._place = self._read[self._place :] + more, 0
        return not more

    def send(self, data: bytes | bytearray) -> int:
        """Hold it back; raises `BlockingIOError` while too much is held back already."""
        if len(self._held) > _HELD_BYTES:
            self.flush()
            if len(self._held) > _HELD_BYTES:
                raise BlockingIOError
        self._held += data
        return len(data)

    def pending(self) -> int:
        """Bytes that were read ahead and can be used; where there are none, what was held back is sent."""
        left = 0 if self._short else len(self._read) - self._place
        if left:
            return left
        self.flush()
        more = getattr(self._raw, "pending", None)  # a TLS socket reads ahead by itself
        return int(more()) if more is not None else 0

    def flush(self) -> None:
        """Send what is held back, as far as it goes."""
        while self._held:
            try:
                del self._held[: self._raw.send(self._held)]
            except _NOT_NOW:
                return
            except OSError:
                self._held.clear()  # the connection is gone, which paho learns from its next read

    def close(self) -> None:
        """Send what is held back as far as it goes, and close."""
        self.flush()
        self._raw.close()

    def fileno(self) -> int:
        """Of the socket behind."""
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket's own form
        """Of the socket behind."""
        self._raw.setblocking(flag)


class BufferedClient(mqtt.Client):
    """paho's client over a buffered socket, for MQTT 3.1.1.

    on_publications: is given what came, in order, by paho's thread, many at a time; what is of QoS 2 or longer than the
    buffer comes through `on_message` as ever. Without it everything does.
    gather_s: after publications came, others are waited for so long before they are read together.
    """

    on_publications: Callable[[list[Publication]], None] | None = None
    gather_s = 0.0

    def _create_socket(self) -> Buffered:
        """Called by paho at each connection."""
        made = super()._create_socket()
        if isinstance(made, socket.socket):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Buffered(made)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Called by paho where there is something to read."""
        line, take = self._sock, self.on_publications
        begun = self._in_packet["command"] != 0
        if begun or take is None or not isinstance(line, Buffered) or self._protocol != mqtt.MQTTv311:
            return super().loop_read(max_packets)
        found, other = line.publications()
        if found:
            take(found)
            if self.gather_s and not other:
                line.flush()
                time.sleep(self.gather_s)
        return super().loop_read(max_packets) if other else MQTTErrorCode.MQTT_ERR_SUCCESS


def split(data: bytes, place: int) -> tuple[list[Publication], bytearray, int]:
    """Whole publications of QoS 0 and 1 from `place` on, the answers to them, and where something else begins."""
    found: list[Publication] = []
    answers = bytearray()
    while (body := _body(data, place)) is not None:
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


def _body(data: bytes, place: int) -> tuple[int, int] | None:
    """Where the body of a whole publication at `place` starts and stops; None for anything else."""
    size = _size(data, place)
    if size is None:
        return None
    start, stop = size
    return size if start + 2 <= stop <= len(data) else None


def _size(data: bytes, place: int) -> tuple[int, int] | None:
    """The same for one that need not be whole yet; None too where its length itself is not."""
    end = min(len(data), place + 1 + _LONGEST_LENGTH)
    if place >= end or data[place] & _TYPE != _PUBLISH or data[place] & _QOS_2:
        return None
    length = shift = 0
    for at in range(place + 1, end):
        length |= (data[at] & 127) << shift
        if data[at] < 128:  # noqa: PLR2004 - the bit that says that another byte follows
            return at + 1, at + 1 + length
        shift += 7
    return None


def _waits(data: bytes, place: int) -> bool:
    """Whether what begins at `place` is a publication whose rest will come, and will fit into the buffer."""
    size = _size(data, place)
    if size is None:
        ordinary = data[place] & _TYPE == _PUBLISH and not data[place] & _QOS_2
        return ordinary and len(data) - place <= _LONGEST_LENGTH
    return size[1] > len(data) and size[1] - place <= _READ_BYTES
