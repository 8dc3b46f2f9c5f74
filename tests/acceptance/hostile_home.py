"""Gives a home whose gateway is in a stranger's hands: it sends what can stop an alarm line, again and again."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from anju_platform.app.fleet import COMMUNITY, gateway_id
from anju_sim.bus import Credential
from anju_wire.clock import Clock

FLOOD = 1500
"""Presses that it sends at once: in issue reports so many of one home held up the next home's by a minute."""
_CLOCK = Clock()
_FAR = 2**63
_DEEP = 3000
_ROUND_S = 1.0


@dataclass
class HostileHome:
    """Attacks the district's broker in rounds from the moment that it listens; a context manager.

    sent: how many messages of each kind it has handed to the broker.
    """

    home: str
    folder: Path
    sent: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    _seq: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._attack, name="hostile-home", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _attack(self) -> None:
        """Send each kind of message once a second; the flood of presses in the first round alone."""
        while not self._stop.is_set() and (state := self._state()) is None:
            self._stop.wait(0.1)
        if self._stop.is_set():
            return
        user = Credential.from_folder(Path(state["secrets"]), self.home)
        with _connected(state["broker"], f"hostile-{self.home}", user) as client:
            while not self._stop.is_set():
                for what, lane, payload in self._messages():
                    client.publish(f"anju/v1/{COMMUNITY}/{self.home}/{lane}", payload, 1, retain=lane == "status")
                    self.sent[what] += 1
                self._throw_off(state)
                self.rounds += 1
                self._stop.wait(_ROUND_S)

    def _messages(self) -> Iterator[tuple[str, str, bytes]]:
        yield from _poison(self._envelope)
        yield from self._numbers()
        yield from self._strangers()
        if self.rounds == 0:
            for _ in range(FLOOD):
                yield "flood", "alarm", self._envelope([_record("button-sos/sos", vb=True)])

    def _numbers(self) -> Iterator[tuple[str, str, bytes]]:
        """Claim numbers that are still to come, in its own gateway's name and in its neighbours'."""
        for home in (self.home, "home-01", "home-02", "home-03"):
            for seq, base in ((1, 1), (2, 2), (40, 40), (10**6, 10**6), (_FAR - 1, _FAR - 1)):
                numbers = {"gateway": gateway_id(home), "epoch": int(_CLOCK.time()), "seq": seq, "base": base}
                yield "numbers", "alarm", _pack(numbers, [_record("button-sos/sos", vb=True)])
                yield "numbers refused", "alarm", _pack(numbers, [_record("nothing", vs="x")])

    def _strangers(self) -> Iterator[tuple[str, str, bytes]]:
        """Withdraw other homes' alarms, with devices and gateways that nobody knows."""
        for number in range(20):
            stranger = f"stranger-{self.rounds}-{number}"
            held = [_record(f"{stranger}/sos_cancel", vb=True, t=_CLOCK.time() + 30 * number)]
            yield "cancel", "alarm", self._envelope(held)
            numbers = {"gateway": stranger, "epoch": int(_CLOCK.time()) + number, "seq": 1, "base": 1}
            yield "strangers", "alarm", _pack(numbers, [_record("button-sos/sos", vb=True)])
            yield (
                "epochs",
                "telemetry",
                self._envelope([_record(f"{stranger}/motion", vb=True)], int(_CLOCK.time()) + number),
            )

    def _envelope(self, records: list[dict[str, Any]], epoch: int = 1) -> bytes:
        self._seq += 1
        return _pack({"gateway": gateway_id(self.home), "epoch": epoch, "seq": self._seq, "base": 1}, records)

    def _throw_off(self, state: dict[str, Any]) -> None:
        """Connect under the client ids of the platform, which its page of health tells everybody."""
        try:
            process = httpx.get(f"{state['http']}/api/v1/health", timeout=2).json().get("process", "")
        except (httpx.TransportError, ValueError, KeyError):
            return
        known = Credential.from_folder(Path(state["secrets"]), self.home)
        other = Credential(f"{self.home}.telemetry", known.password)
        parts = ("alarm", "telemetry", "publisher")
        for name in (*(f"anju-platform-{part}-{process}" for part in parts), "home-01"):
            for user in (other, Credential()):
                with _connected(state["broker"], name, user):
                    self.sent["client id"] += 1

    def _state(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return state if "http" in state else None


def _poison(envelope: Any) -> Iterator[tuple[str, str, bytes]]:  # noqa: ANN401 - the bound method above
    deep = b"[" * _DEEP + b"]" * _DEEP
    now = _CLOCK.time()
    for lane in ("alarm", "telemetry", "status", "clip"):
        yield "nested", lane, deep
        yield "nested", lane, b'{"gateway":"x","epoch":1,"seq":1,"base":1,"sent":1,"pack":[],"more":' + deep + b"}"
        yield "bytes", lane, b"\xff\x00\xfe{"
        yield (
            "nul",
            lane,
            json.dumps({"gateway": "x\0", "epoch": 1, "seq": 1, "base": 1, "sent": now, "pack": []}).encode(),
        )
        yield "nul", lane, json.dumps({"gateway": "x\0", "online": True, "at": now}).encode()
    yield "fall id", "alarm", envelope([_record("wearable-1/fall", vs="suspected:" + "7" * 60_000)])
    yield "fall id", "alarm", envelope([_record("wearable-1/fall", vs="suspected:" + "\0%_" * 10)])
    yield "epoch", "alarm", envelope([_record("button-sos/sos", vb=True)], _FAR)
    yield "epoch", "telemetry", envelope([_record("motion-living/motion", vb=True)], _FAR - 1)
    yield "clip", "clip", envelope([_record("wearable-1/sample_rate", v=1e-300)])
    yield "times", "telemetry", envelope([_record("motion-living/motion", vb=True, t=4e9)])
    yield "numbers", "telemetry", envelope([_record("motion-living/temperature", v=1e308)])


def _record(name: str, *, t: float | None = None, **value: object) -> dict[str, Any]:
    return {"n": name, "t": _CLOCK.time() if t is None else t, **value}


def _pack(numbers: dict[str, Any], records: list[dict[str, Any]]) -> bytes:
    return json.dumps({**numbers, "sent": _CLOCK.time(), "pack": records}).encode()


@contextmanager
def _connected(port: int, name: str, user: Credential) -> Iterator[mqtt.Client]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=True)
    if user.user:
        client.username_pw_set(user.user, user.password)
    client.max_queued_messages_set(0)
    joined = threading.Event()
    client.on_connect = lambda *_: joined.set()
    client.connect("127.0.0.1", port, keepalive=10)
    client.loop_start()
    joined.wait(5)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
