"""The listeners of the embedded broker: each judges a connection by its first packet, before anything else does."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.connect import ConnectPacket

from anju_cli.broker_access import AccessRules

_CONNECT_S = 10.0
"""Longest wait for a connection's first packet, s: until then it holds a place and has said nothing."""
_MQTT_3_1_1 = 4
_LONGEST_READ = 270_336
"""Bytes: `max_packet_size` of the shipped Mosquitto."""


class PacketTooLong(ValueError):
    """A client announced more bytes than any message of ours has."""


class AfterConnect(ReaderAdapter):  # type: ignore[misc]  # amqtt has no types
    """A connection's bytes from its beginning, of which `first` were read already; raises `PacketTooLong`."""

    def __init__(self, first: bytes, rest: ReaderAdapter) -> None:
        self._first, self._rest = first, rest

    async def read(self, n: int = -1) -> bytes:
        """Return `n` bytes."""
        if n > _LONGEST_READ:
            raise PacketTooLong
        if not self._first:
            return bytes(await self._rest.read(n))
        read, self._first = self._first[:n], self._first[n:]
        return read

    def feed_eof(self) -> None:
        """Note the end of the connection."""
        self._rest.feed_eof()


@dataclass(slots=True)
class Door:
    """A listener, who may come in by it (None: everybody), how many at most, and how many are in."""

    port: int
    access: AccessRules | None
    most: int
    inside: int = 0

    async def read_connect(self, reader: ReaderAdapter, writer: WriterAdapter) -> ConnectPacket | None:
        """Return a connection's first packet with the client id that it may have; None where it is refused.

        A will is published in the client's name when it goes: its topic must be the client's too.
        """
        try:
            async with asyncio.timeout(_CONNECT_S):
                connect = await ConnectPacket.from_stream(AfterConnect(b"", reader))
        except Exception:  # noqa: BLE001 - whatever a stranger sends ends its own connection and nothing else
            return None
        if self.access is None or connect.proto_level != _MQTT_3_1_1:  # amqtt answers those that speak another version
            return connect
        user = connect.username or ""
        known = self.access.authenticate(user, connect.password)
        if not known or (connect.will_flag and not self.access.may_publish(user, connect.will_topic or "")):
            with contextlib.suppress(OSError):
                await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            return None
        if self.access.bind_ids:
            connect.client_id = user
        return connect
