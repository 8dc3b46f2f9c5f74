"""paho's client with a buffer at its socket: it asks the kernel for each message's parts and answers one by one.

That costs five reads and a write for each message; with the buffer it is one read and one write for many.
"""

from __future__ import annotations

import socket
import ssl
from typing import Protocol

import paho.mqtt.client as mqtt

_READ_BYTES = 64 * 1024
_HELD_BYTES = 64 * 1024


class Raw(Protocol):
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

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._read, self._place = b"", 0
        self._held = bytearray()

    def recv(self, size: int) -> bytes:
        """From what was read ahead, else from the socket."""
        if self._place >= len(self._read):
            self._read, self._place = self._raw.recv(max(size, _READ_BYTES)), 0
        part = self._read[self._place : self._place + size]
        self._place += len(part)
        return part

    def send(self, data: bytes | bytearray) -> int:
        """Hold it back; raises `BlockingIOError` while too much is held back already."""
        if len(self._held) > _HELD_BYTES:
            self._flush()
            if len(self._held) > _HELD_BYTES:
                raise BlockingIOError
        self._held += data
        return len(data)

    def pending(self) -> int:
        """Bytes that were read ahead; where there are none, what was held back is sent."""
        left = len(self._read) - self._place
        if left:
            return left
        self._flush()
        more = getattr(self._raw, "pending", None)  # a TLS socket reads ahead by itself
        return int(more()) if more is not None else 0

    def _flush(self) -> None:
        while self._held:
            try:
                del self._held[: self._raw.send(self._held)]
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self._held.clear()  # the connection is gone, which paho learns from its next read

    def close(self) -> None:
        """Send what is held back as far as it goes, and close."""
        self._flush()
        self._raw.close()

    def fileno(self) -> int:
        """Of the socket behind."""
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket's own form
        """Of the socket behind."""
        self._raw.setblocking(flag)


class BufferedClient(mqtt.Client):
    """paho's client over a buffered socket."""

    def _create_socket(self) -> Buffered:
        """Called by paho at each connection."""
        made = super()._create_socket()
        if isinstance(made, socket.socket):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Buffered(made)
