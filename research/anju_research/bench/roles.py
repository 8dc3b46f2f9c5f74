"""Processes of the benchmarks of ingest and alarms: the publisher, the bare receiver, the platform, who answers pings.

A receiver of the ingest benchmark prints `ready`, receives the warm-up messages, prints `warm`, receives the others,
and prints one line of JSON: CPU and wall seconds since `warm`, messages, readings.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from anju_research.bench.stopwatch import HOST, PATIENCE_S, report, say
from anju_research.bench.traffic import load
from anju_wire.topics import subscription
from anju_wire.vocabulary import Lane

IN_FLIGHT = 200
PING, PONG = "anju-bench/ping", "anju-bench/pong"


def publish(port: int, traffic: Path, rate: float | None = None) -> None:
    """Publish all messages with QoS 1, so many a second, or as fast as the broker accepts them."""
    prepared = load(traffic)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-publisher")
    client.max_inflight_messages_set(IN_FLIGHT)
    room = threading.Semaphore(IN_FLIGHT)
    client.on_publish = lambda *_: room.release()
    client.connect(HOST, port)
    client.loop_start()
    begun = time.monotonic()
    for number, (topic, payload) in enumerate(prepared):
        if rate is not None:
            time.sleep(max(begun + number / rate - time.monotonic(), 0.0))
        room.acquire()
        client.publish(topic, payload, qos=1)
    for _ in range(IN_FLIGHT):
        room.acquire()
    client.disconnect()
    client.loop_stop()


def bare(port: int, warm: int, count: int) -> None:
    """Receive and parse only: the yardstick."""
    done = {warm: threading.Event(), warm + count: threading.Event()}
    received = [0, 0]

    def count_message(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        received[0] += 1
        received[1] += len(orjson.loads(message.payload)["pack"])
        if received[0] in done:
            done[received[0]].set()

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-bare")
    client.on_message = count_message
    _subscribe(client, port, subscription(Lane.TELEMETRY))
    say("ready")
    _wait(done[warm], received)
    before = received[1]
    stopwatch = say("warm")
    _wait(done[warm + count], received)
    report(stopwatch.read_cost(count, received[1] - before))
    client.disconnect()
    client.loop_stop()


def _wait(event: threading.Event, received: list[int]) -> None:
    if not event.wait(PATIENCE_S):
        sys.exit(f"only {received[0]} messages came")


def _subscribe(client: paho.Client, port: int, topic: str) -> None:
    subscribed = threading.Event()
    client.on_connect = lambda *_: client.subscribe(topic, 1) and None
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(HOST, port)
    client.loop_start()
    if not subscribed.wait(PATIENCE_S):
        sys.exit("the broker does not answer")


def send_at_once(_client: paho.Client, _userdata: object, opened: Any) -> None:  # noqa: ANN401 - paho's own type of socket
    """Switch off Nagle's algorithm, as the platform does: it holds every second of two small messages back by 40 ms."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def answer(port: int) -> None:
    """Answer each ping at QoS 0, as the platform acknowledges a press, but store nothing; until it is ended."""

    def send_back(client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        client.publish(PONG, message.payload, 0)

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-answers")
    client.on_socket_open = send_at_once
    client.on_message = send_back
    _subscribe(client, port, PING)
    say("ready")
    threading.Event().wait()


def whole(port: int, warm: int, count: int, size: int, homes: int, *, place: Path) -> None:
    """Receive with the platform's own ingest, on SQLite and DuckDB."""
    from anju_research.bench.platform_ingest import ingest_all  # noqa: PLC0415 - the other roles load none of the platform

    report(ingest_all(port, warm, count, size, homes, place))


ROLES: dict[str, Callable[[list[str]], None]] = {
    "publish": lambda words: publish(int(words[0]), Path(words[1]), *map(float, words[2:])),
    "bare": lambda words: bare(int(words[0]), int(words[1]), int(words[2])),
    "answer": lambda words: answer(int(words[0])),
    "whole": lambda words: whole(*(int(word) for word in words[:5]), place=Path(words[5])),
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](sys.argv[2:])
