"""The way from the spool to the platform: two MQTT sessions, so that an alarm never waits behind telemetry.

The spool is cleared only by the platform's own `Ack`; no broker's PUBACK means "on disk". Until then a message is sent
again: when the line or the platform comes back, and when its ack is overdue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Protocol

import msgspec
import structlog

from anju_gateway.mqtt import Endpoint, Event, MqttSession, Token, Will
from anju_gateway.sending import PARAMETERS, LaneSender, SendingParameters
from anju_gateway.spool import Spool, Stored
from anju_wire.messages import Ack, Record, Status, encode
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import SPOOLED_LANES, DownLane, Lane

ALARM_SESSION, TELEMETRY_SESSION = "alarm", "telemetry"
SESSION_OF = {Lane.ALARM: ALARM_SESSION, Lane.CLIP: ALARM_SESSION, Lane.TELEMETRY: TELEMETRY_SESSION}
_BATCH = 16
"""Messages read from the spool at once."""


class Line(Enum):
    """How an alarm can leave the home now."""

    MAIN = auto()
    BACKUP = auto()
    NONE = auto()


class Session(Protocol):
    """As much of `MqttSession` as the uplink needs."""

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""

    @property
    def heard_at(self) -> float:
        """When the broker last answered, monotonic seconds."""

    def start(self) -> None:
        """Begin to connect."""

    def stop(self, last: tuple[str, bytes] | None = None) -> None:
        """Disconnect, after a last retained message."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message over; False without a connection."""

    def settle(self, token: Token) -> None:
        """Acknowledge a received message to the broker."""

    def drop(self) -> None:
        """Give the connection up and make a new one."""


class _Sending(msgspec.Struct, frozen=True):
    """`anju_wire.messages.Envelope` around a pack that is encoded already."""

    gateway: str
    epoch: int
    seq: int
    base: int
    sent: float
    pack: msgspec.Raw


_decode_pack = msgspec.json.Decoder(list[Record]).decode


def records_of(stored: Stored) -> list[Record]:
    """The records of a spooled message."""
    return _decode_pack(stored.pack)


class Uplink:
    """Sends what the spool holds; used by one thread.

    `now` is the monotonic clock in seconds everywhere; `wall` reads Anju's clock for the stamps on messages.
    """

    def __init__(
        self,
        *,
        gateway: str,
        topics: dict[Lane, Topic],
        spool: Spool,
        sessions: dict[str, Session],
        wall: Callable[[], float],
        parameters: dict[Lane, SendingParameters] | None = None,
    ) -> None:
        self._gateway, self._topics, self._spool, self._sessions, self._wall = gateway, topics, spool, sessions, wall
        self._senders = {lane: LaneSender((parameters or PARAMETERS)[lane]) for lane in SPOOLED_LANES}
        self._platform_online: bool | None = None
        self._endpoint: Endpoint | None = None
        self._unreachable_since: float | None = None
        self._log = structlog.get_logger("anju.uplink").bind(gateway=gateway)

    def begin(self, now: float) -> None:
        """Start to connect."""
        self._unreachable_since = now
        for session in self._sessions.values():
            session.start()

    def line_up(self, session: str, endpoint: Endpoint, now: float) -> None:
        """A session is connected: all its unacknowledged messages are due again."""
        if session == ALARM_SESSION:
            self._endpoint = endpoint
            self._judge_reach(now)
        self._restart(session)

    def line_down(self, session: str, now: float) -> None:
        """A session lost its connection."""
        if session == ALARM_SESSION:
            self._endpoint = None
            self._judge_reach(now)

    def platform_is(self, *, online: bool, now: float) -> None:
        """The platform's retained status."""
        if online != self._platform_online:
            self._log.info("platform online" if online else "platform offline")
        came_back = online and self._platform_online is False
        self._platform_online = online
        self._judge_reach(now)
        if came_back:
            for session in self._sessions:
                self._restart(session)

    def _restart(self, session: str) -> None:
        for lane, sender in self._senders.items():
            if SESSION_OF[lane] == session:
                sender.restart()

    def _judge_reach(self, now: float) -> None:
        reachable = self._endpoint is not None and self._platform_online is not False
        if reachable:
            self._unreachable_since = None
        elif self._unreachable_since is None:
            self._unreachable_since = now

    def line(self, now: float, grace_s: float) -> Line:
        """How an alarm can leave now; a break shorter than `grace_s` does not count yet."""
        if self._unreachable_since is not None and now - self._unreachable_since > grace_s:
            return Line.NONE
        return Line.BACKUP if self._endpoint is not None and self._endpoint.backup else Line.MAIN

    def acked(self, ack: Ack, now: float) -> int | None:
        """Clear what the platform has stored; up to which seq, or None where the ack is not about this spool's life."""
        for refusal in ack.refused:
            self._log.error("refused", lane=ack.lane, seq=refusal.seq, path=refusal.path, reason=refusal.reason)
        following = self._spool.state(ack.lane).next if ack.lane in self._senders else 0
        if ack.epoch != self._spool.epoch or ack.upto >= following:
            self._log.warning("ack ignored", epoch=ack.epoch, lane=ack.lane, upto=ack.upto)
            return None
        if self._spool.ack(ack.lane, ack.upto):
            self._senders[ack.lane].acked(self._spool.state(ack.lane), now)
        return ack.upto

    def pump(self, now: float) -> None:
        """Send what is due, alarms first; a lane whose session is down waits."""
        for lane, sender in self._senders.items():
            session = self._sessions[SESSION_OF[lane]]
            if not session.connected:
                continue
            sent_at = sender.sent_at
            if sender.expired(now):
                self._log.info("ack overdue", lane=lane, base=self._spool.state(lane).base)
                if session.heard_at < sent_at:
                    session.drop()
                    continue
            if lane is Lane.ALARM or self._platform_online is not False:
                self._send(lane, sender, session, now)

    def _send(self, lane: Lane, sender: LaneSender, session: Session, now: float) -> None:
        due = sender.due(self._spool.state(lane))
        topic = str(self._topics[lane])
        while due:
            batch = self._spool.pending(lane, due.start, min(_BATCH, len(due)))
            for stored in batch:
                if not session.publish(topic, self._envelope(lane, stored)):
                    return
                sender.sent(stored.seq, now, urgent=lane is Lane.ALARM)
            if not batch:
                return
            due = range(batch[-1].seq + 1, due.stop)

    def _envelope(self, lane: Lane, stored: Stored) -> bytes:
        base = self._spool.state(lane).base
        pack = msgspec.Raw(stored.pack)
        return encode(_Sending(self._gateway, self._spool.epoch, stored.seq, base, self._wall(), pack))

    def settle(self, token: Token) -> None:
        """A message from the platform has been obeyed."""
        self._sessions[ALARM_SESSION].settle(token)

    def reconnect(self) -> None:
        """Make a new connection, so that the broker delivers again what was not settled."""
        self._sessions[ALARM_SESSION].drop()

    def say_status(self, status: Status) -> None:
        """Publish the gateway's retained status."""
        self._sessions[ALARM_SESSION].publish(str(self._topics[Lane.STATUS]), encode(status), retain=True)

    def stop(self, last: Status) -> None:
        """Say goodbye and disconnect."""
        self._sessions[ALARM_SESSION].stop((str(self._topics[Lane.STATUS]), encode(last)))
        self._sessions[TELEMETRY_SESSION].stop()


def uplink_sessions(
    gateway: str,
    home: tuple[str, str],
    endpoints: Sequence[Endpoint],
    emit: Callable[[Event], None],
    will: Callable[[], Status],
) -> dict[str, Session]:
    """The two sessions of a gateway; `home` is (community, home)."""
    status = str(Topic(*home, Lane.STATUS))
    filters = [str(Topic(*home, DownLane.ACK)), str(Topic(*home, DownLane.COMMAND)), PLATFORM_STATUS]
    alarm = MqttSession(
        ALARM_SESSION,
        f"{gateway}-alarm",
        endpoints,
        emit,
        filters=filters,
        persistent=True,
        will=Will(status, lambda: encode(will())),
    )
    telemetry = MqttSession(TELEMETRY_SESSION, f"{gateway}-telemetry", endpoints, emit, keepalive_s=30)
    return {ALARM_SESSION: alarm, TELEMETRY_SESSION: telemetry}
