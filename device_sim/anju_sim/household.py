"""One simulated home: its devices, the person's life in it, and what can be made to happen there."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from anju_sim import devices
from anju_sim.control import ControlRefused
from anju_sim.fleet import FleetDevice, FleetHome
from anju_sim.life import Happening, Life
from anju_sim.recordings import WearableEntry, read_index
from anju_sim.wearable import RATE_HZ, Body, FallClip, Samples, packet
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.vocabulary import Room

Publish = Callable[[str, bytes], object]
_LEAD_S = 3.0
"""Movement before a fall that the detector wants to see."""
_LIE_S = 90.0
_ABOUT_S = 45.0
_HISTORY_ROWS = 300


class Household:
    """Publishes what the devices of one home say, below its base topic."""

    def __init__(self, home: FleetHome, seed: int, publish: Publish) -> None:
        self.home = home
        self.life = Life(home, seed)
        self.muted = False
        """Nobody moves: out, fallen or silent."""
        self._publish = publish
        self._devices = {device.id: device for device in home.devices}
        self._radios = {device.id: devices.Radio.draw(home.home, device.id, seed) for device in home.devices}
        self._stuck: set[str] = set()
        self._rng = np.random.default_rng([seed, zlib.crc32(home.home.encode()), 50])
        self.wearer = Wearer(self._rng) if home.of(DeviceKind.WEARABLE) else None

    def begin(self) -> None:
        """What a bridge says when it starts."""
        self._publish(f"{self.home.home}/zigbee2mqtt/bridge/state", b'{"state":"online"}')
        for device in self.home.devices:
            if device.kind is not DeviceKind.WEARABLE:
                self._say(f"{device.id}/availability", b'{"state":"online"}')
        self.check_in(0.0)

    def check_in(self, at_s: float) -> None:
        """The hourly report of condition that battery devices send; 0 gives no time."""
        for device in self.home.devices:
            radio = self._radios[device.id]
            radio.link = int(np.clip(radio.link + self._rng.integers(-8, 9), 20, 255))
            if device.kind is DeviceKind.WEARABLE:
                state = devices.wearable_state(worn=True, battery=radio.battery)
                self._publish(f"{self.home.home}/wearable/{device.id}/state", state)
            elif at_s and device.id not in self._stuck:
                self._say(device.id, devices.reading(device, radio, at_s))

    def happen(self, what: Happening) -> None:
        """A sensor reports, unless nobody is there or it is stuck."""
        if not self.muted and what.device not in self._stuck:
            device = self._devices[what.device]
            self._say(what.device, devices.happening(device, self._radios[what.device], what))

    def history(self, rows: Iterator[Happening], until_s: float) -> Iterator[bytes]:
        """Batches of a data logger's buffer that ends at `until_s`, oldest first; ends of movement are left out."""
        batch: list[Happening] = []
        for row in rows:
            if row.quantity is not Quantity.CONTACT and not row.value:
                continue
            if len(batch) == _HISTORY_ROWS:
                yield devices.history("logger", batch, row.at_s)
                batch = []
            batch.append(row)
        if batch:
            yield devices.history("logger", batch, until_s)

    def press(self, at_s: float) -> None:
        """The emergency button. Raises `ControlRefused` where the home has none, as the others here do."""
        button = self._need(DeviceKind.BUTTON)
        self._say(button.id, devices.pressed(button, self._radios[button.id], at_s))

    def hold(self, at_s: float) -> None:
        """The button held: cancel; a wearer's own button says the same."""
        button = self.home.of(DeviceKind.BUTTON)
        if button:
            self._say(button.id, devices.held(button, self._radios[button.id], at_s))
        wearable = self.home.of(DeviceKind.WEARABLE)
        if wearable:
            state = devices.wearable_state(worn=True, battery=self._radios[wearable.id].battery, cancel=True)
            self._publish(f"{self.home.home}/wearable/{wearable.id}/state", state)
        if not (button or wearable):
            self._need(DeviceKind.BUTTON)

    def fall(self, at_s: float, recording: WearableEntry | None) -> float:
        """Begin a fall; Unix time of the impact to come."""
        self._need(DeviceKind.WEARABLE)
        if self.wearer is None:
            raise ControlRefused(f"nobody wears a sensor in {self.home.home}")
        self.muted = True
        return self.wearer.fall(at_s, recording)

    def door(self, at_s: float) -> None:
        """Opened and closed."""
        door = self._need(DeviceKind.DOOR)
        for delay, closed in ((0.0, False), (4.0, True)):
            opened = Happening(at_s + delay, door.id, Quantity.CONTACT, closed)
            self._say(door.id, devices.happening(door, self._radios[door.id], opened))

    def move(self, at_s: float, room: Room | None = None) -> None:
        """Somebody moves before the sensor of a room (any, if none is named)."""
        sensor = self.home.of(DeviceKind.MOTION, room) or self._need(DeviceKind.MOTION)
        self._say(sensor.id, devices.happening(sensor, self._radios[sensor.id], _moved(at_s, sensor)))

    def battery_low(self, at_s: float, device_id: str) -> None:
        """A battery runs out, and says so."""
        device = self._device(device_id)
        self._radios[device.id] = replace(self._radios[device.id], battery=3)
        self._say(device.id, devices.reading(device, self._radios[device.id], at_s))

    def stick(self, at_s: float, device_id: str) -> None:
        """A sensor says "movement" once more and is never heard again."""
        device = self._device(device_id)
        self._say(device.id, devices.happening(device, self._radios[device.id], _moved(at_s, device)))
        self._stuck.add(device.id)

    def stand_up(self) -> None:
        """The matter is closed: life goes on."""
        self.muted = False
        if self.wearer:
            self.wearer.stand_up()

    def wearable_packet(self, now_s: float) -> tuple[float, float | None] | None:
        """Send the second of acceleration that has passed, if one has; its start, and when an impact in it was."""
        device = self.home.of(DeviceKind.WEARABLE)
        if self.wearer is None or device is None:
            return None
        piece = self.wearer.second_before(now_s)
        if piece is None:
            return None
        start, samples, impact = piece
        self._publish(f"{self.home.home}/wearable/{device.id}/acceleration", packet(start, samples))
        return start, impact

    def _say(self, name: str, payload: bytes) -> None:
        self._publish(f"{self.home.home}/zigbee2mqtt/{name}", payload)

    def _need(self, kind: DeviceKind) -> FleetDevice:
        device = self.home.of(kind)
        if device is None:
            raise ControlRefused(f"{self.home.home} has no {kind}")
        return device

    def _device(self, device_id: str) -> FleetDevice:
        if not device_id:
            return self._need(DeviceKind.MOTION)
        if device_id not in self._devices:
            raise ControlRefused(f"{self.home.home} has no device {device_id!r}; there are {', '.join(self._devices)}")
        return self._devices[device_id]


class Wearer:
    """A stream of acceleration without holes, a second at a time."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._body = self._upright = Body(rng)
        self._next_s: float | None = None
        self._ahead: deque[Samples] = deque()
        self._impact_s: float | None = None

    def fall(self, at_s: float, recording: WearableEntry | None) -> float:
        """Put a fall into the stream; when the body will strike (Unix s)."""
        if self._next_s is None:
            self._next_s = at_s
        self._upright = self._body
        self._body = Body(self._rng)
        clip = self._recorded(recording) if recording else self._body.fall(before_s=_LEAD_S, after_s=5.0)
        self._upright.lie_as(clip.samples[: round(RATE_HZ)])
        self._ahead = deque([clip.samples, self._body.still(_LIE_S)])
        self._impact_s = self._next_s + clip.impact / RATE_HZ
        return self._impact_s

    def _recorded(self, entry: WearableEntry) -> FallClip:
        """From a little before the fall to the recording's end; the wearer stays as it ends."""
        samples = entry.samples()
        impact = round((entry.impact_s or 0.0) * RATE_HZ)
        first = max(0, impact - round(2 * _LEAD_S * RATE_HZ))
        self._body.lie_as(samples)
        return FallClip(samples[first:], impact - first)

    def stand_up(self) -> None:
        """Helped up: as before the fall, and about for a while."""
        if self._ahead:
            self._body = self._upright
            self._ahead = deque([self._body.walking(_ABOUT_S)])

    def second_before(self, now_s: float) -> tuple[float, Samples, float | None] | None:
        """The next whole second, once it has passed: start, samples, and the time of an impact in it."""
        if self._next_s is None or now_s - self._next_s > _LIE_S:
            self._next_s = now_s - 1
        if now_s < self._next_s + 1:
            return None
        start, n = self._next_s, round(RATE_HZ)
        self._next_s += 1
        buffered = np.concatenate([*self._ahead, self._ordinary(n)]) if self._ahead else self._ordinary(n)
        self._ahead = deque([buffered[n:]]) if len(buffered) >= 2 * n else deque()
        impact = None
        if self._impact_s is not None and self._impact_s < self._next_s:
            impact, self._impact_s = self._impact_s, None
        return start, buffered[:n], impact

    def _ordinary(self, n: int) -> Samples:
        walks = self._rng.random() < 0.12  # noqa: PLR2004 - an old person sits most of the day
        return (self._body.walking if walks else self._body.still)(n / RATE_HZ)


def _moved(at_s: float, device: FleetDevice) -> Happening:
    return Happening(at_s, device.id, Quantity.OCCUPANCY, True)


def find_recording(directory: str, recording_id: str) -> WearableEntry:
    """A recording of the index; raises `RecordingsMissing`, `RecordingBroken`, `ControlRefused` for an unknown one."""
    for entry in read_index(Path(directory)):
        if entry.recording_id == recording_id:
            return entry
    raise ControlRefused(f"{directory}/fall/index.csv names no recording {recording_id!r}")
