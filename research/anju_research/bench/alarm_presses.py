"""Presses buttons over MQTT and notes when the platform says that each is stored, beside answers that store nothing."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from anju_platform.app.fleet import COMMUNITY, gateway_id, home_id
from anju_research.bench.roles import PING, PONG, send_at_once
from anju_research.bench.servers import BenchFailed, stop_process
from anju_research.bench.stopwatch import HOST
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, Record, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.topics import Topic
from anju_wire.vocabulary import DownLane, Lane

ECHO = "anju-bench/echo"
PING_S = 0.05
"""Mean time between two pings, s; it varies, so that presses at a steady rate do not always meet them."""
_BUTTON = "button-sos"
_CLOCK = Clock()


@dataclass
class PressTimes:
    """When each press was sent and when it was stored, s of the monotonic clock, by (home, sequence number)."""

    sent: dict[tuple[str, int], float] = field(default_factory=dict)
    stored: dict[tuple[str, int], float] = field(default_factory=dict)
    broker_trips: list[float] = field(default_factory=list)
    """Of a message to the broker and back at QoS 1, s, while the presses were made: half of the way of a press."""
    round_trips: list[float] = field(default_factory=list)
    """The same of a message that another process answers, as the platform answers a press, but at once."""

    def stored_s(self) -> list[float]:
        """Return how long each press took to be stored."""
        return [at_s - self.sent[key] for key, at_s in self.stored.items() if key in self.sent]


class PressClient:
    """The gateways of all homes in one connection, the round trips in another, and who answers them in a process.

    A context manager.
    """

    def __init__(self, port: int) -> None:
        self.times = PressTimes()
        self._port, self._epoch = port, int(_CLOCK.time())
        self._numbers: dict[int, int] = {}
        self._gateways, self._pings = self._client("bench-gateways"), self._client("bench-pings")
        self._gateways.on_message, self._pings.on_message = self._stored, self._came_back
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ping, daemon=True)

    def __enter__(self) -> Self:
        topic = str(Topic(COMMUNITY, "any", DownLane.ACK)).replace("any", "+")
        for client, wanted in ((self._gateways, [(topic, 1)]), (self._pings, [(ECHO, 1), (PONG, 1)])):
            subscribed = threading.Event()
            client.on_subscribe = lambda *_, done=subscribed: done.set()
            client.connect(HOST, self._port)
            client.loop_start()
            client.subscribe(wanted)
            subscribed.wait(10)
        words = [sys.executable, "-m", "anju_research.bench.roles", "answer", str(self._port)]
        self._answerer = subprocess.Popen(words, stdout=subprocess.PIPE)
        if self._answerer.stdout is None or not self._answerer.stdout.readline():
            raise BenchFailed("who answers pings", "it ended")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        stop_process(self._answerer)
        for client in (self._gateways, self._pings):
            client.disconnect()
            client.loop_stop()

    def press(self, number: int) -> None:
        """Press the button in the n-th home, as its gateway sends it."""
        home = home_id(number)
        seq = self._numbers[number] = self._numbers.get(number, 0) + 1
        now_s = _CLOCK.time()
        record = Record(n=f"{_BUTTON}/{Quantity.SOS}", vb=True, t=now_s)
        envelope = Envelope(gateway=gateway_id(home), epoch=self._epoch, seq=seq, base=1, sent=now_s, pack=[record])
        self.times.sent[home, seq] = time.monotonic()
        self._gateways.publish(str(Topic(COMMUNITY, home, Lane.ALARM)), encode(envelope), 1)

    def _client(self, name: str) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        client.max_inflight_messages_set(1000)
        client.on_socket_open = send_at_once
        return client

    def _stored(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        at_s = time.monotonic()
        ack, home = decode(Ack, bytes(message.payload)), Topic.parse(message.topic).home
        if ack.lane is Lane.ALARM and ack.epoch == self._epoch:
            for seq in range(1, ack.upto + 1):
                self.times.stored.setdefault((home, seq), at_s)

    def _came_back(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        trips = self.times.round_trips if message.topic == PONG else self.times.broker_trips
        trips.append(time.monotonic() - float(message.payload))

    def _ping(self) -> None:
        spread = random.Random(1)
        for topic in itertools.cycle((ECHO, PING)):
            if self._over.wait(spread.uniform(0.5, 1.5) * PING_S):
                return
            self._pings.publish(topic, repr(time.monotonic()).encode(), 1)
