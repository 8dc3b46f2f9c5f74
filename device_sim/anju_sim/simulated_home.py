"""One simulated home: its devices, its resident, and what can be made to happen there."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from anju_sim import devices
from anju_sim.recordings import WearableEntry
from anju_sim.resident_model import ResidentModel, SensorEvent
from anju_sim.wearable import encode_packet
from anju_sim.wearer import Wearer
from anju_wire.fleet import FleetDevice, FleetHome
from anju_wire.profiles import QUANTITIES, DeviceKind, Quantity
from anju_wire.simulation import CommandRefused
from anju_wire.vocabulary import Room

Publish = Callable[[str, bytes], object]
"""Sends a topic and a payload to the home's bus."""
_HISTORY_ROWS = 300


class SimulatedHome:
    """Publishes what the devices of one home report, below the home's base topic."""

    def __init__(self, home: FleetHome, seed: int, publish: Publish) -> None:
        self.layout = home
        self.resident = ResidentModel(home, seed)
        self.muted = False
        """Whether the resident's own events are withheld: gone out, fallen or silent."""
        self._publish = publish
        self._devices = {device.id: device for device in home.devices}
        self._conditions = {
            device.id: devices.DeviceCondition.sample_condition(home.home, device.id, seed) for device in home.devices
        }
        self._stuck: set[str] = set()
        self._rng = np.random.default_rng([seed, zlib.crc32(home.home.encode()), 50])
        self.wearer = Wearer(self._rng) if home.find_device(DeviceKind.WEARABLE) else None

    @property
    def home_id(self) -> str:
        """The home's id, which is also its base topic."""
        return self.layout.home

    def announce_devices(self) -> None:
        """Publish what a zigbee2mqtt bridge sends when it starts, and every device's condition."""
        self._publish(f"{self.home_id}/zigbee2mqtt/bridge/state", b'{"state":"online"}')
        for device in self.layout.devices:
            if device.kind is not DeviceKind.WEARABLE:
                self._publish_zigbee(f"{device.id}/availability", b'{"state":"online"}')
        self.report_conditions(0.0)

    def report_conditions(self, at_s: float) -> None:
        """Publish the periodic report of battery and link of every device; at 0 only the wearables'."""
        for device in self.layout.devices:
            condition = self._conditions[device.id]
            condition.link = int(np.clip(condition.link + self._rng.integers(-8, 9), 20, 255))
            if device.kind is DeviceKind.WEARABLE:
                state = devices.encode_wearable_state(worn=True, battery=condition.battery)
                self._publish(f"{self.home_id}/wearable/{device.id}/state", state)
            elif at_s and device.id not in self._stuck:
                self._publish_zigbee(device.id, devices.encode_reading(device, condition, at_s))

    def publish_event(self, event: SensorEvent) -> None:
        """Publish a resident's event, unless the home is muted or the sensor is stuck."""
        if not self.muted and event.device not in self._stuck:
            self._publish_event(self._devices[event.device], event)

    def history_batches(self, events: Iterator[SensorEvent], until_s: float) -> Iterator[bytes]:
        """Yield the batches of a data logger that ends at `until_s`, oldest first, without ends of movement."""
        batch: list[SensorEvent] = []
        for event in events:
            if not QUANTITIES[event.quantity].shows_life(event.value):
                continue
            if len(batch) == _HISTORY_ROWS:
                yield devices.encode_history("logger", batch, event.at_s)
                batch = []
            batch.append(event)
        if batch:
            yield devices.encode_history("logger", batch, until_s)

    def press_button(self, at_s: float) -> None:
        """Press the emergency button; raises `CommandRefused` where the home has none."""
        button = self._need(DeviceKind.BUTTON)
        self._publish_zigbee(button.id, devices.encode_press(button, self._conditions[button.id], at_s))

    def hold_button(self, at_s: float) -> None:
        """Cancel with the emergency button and with the wearable's; raises `CommandRefused` where there is neither."""
        button = self.layout.find_device(DeviceKind.BUTTON)
        if button:
            self._publish_zigbee(button.id, devices.encode_hold(button, self._conditions[button.id], at_s))
        wearable = self.layout.find_device(DeviceKind.WEARABLE)
        if wearable:
            battery = self._conditions[wearable.id].battery
            state = devices.encode_wearable_state(worn=True, battery=battery, cancel=True)
            self._publish(f"{self.home_id}/wearable/{wearable.id}/state", state)
        if not (button or wearable):
            self._need(DeviceKind.BUTTON)

    def start_fall(self, at_s: float, recording: WearableEntry | None) -> float:
        """Let the wearer fall; return the Unix time of the impact. Raises `CommandRefused` where nobody wears one."""
        self._need(DeviceKind.WEARABLE)
        if self.wearer is None:
            raise CommandRefused(f"nobody wears a sensor in {self.home_id}")
        self.muted = True
        return self.wearer.start_fall(at_s, recording)

    def use_door(self, at_s: float) -> None:
        """Open the entrance door, and close it 4 s later; raises `CommandRefused` where no sensor is on it."""
        door = self._need(DeviceKind.DOOR)
        for delay, closed in ((0.0, False), (4.0, True)):
            self._publish_event(door, SensorEvent(at_s + delay, door.id, Quantity.CONTACT, closed))

    def report_movement(self, at_s: float, room: Room | None = None) -> None:
        """Report movement in a room, or in the first that has a sensor; raises `CommandRefused` where none has."""
        sensor = self.layout.find_device(DeviceKind.MOTION, room) or self._need(DeviceKind.MOTION)
        self._publish_event(sensor, _movement(at_s, sensor))

    def drain_battery(self, at_s: float, device_id: str) -> None:
        """Report a charge of 3 %, for the first motion sensor if `device_id` is empty; raises `CommandRefused`."""
        device = self._device(device_id)
        self._conditions[device.id] = replace(self._conditions[device.id], battery=3)
        self._publish_zigbee(device.id, devices.encode_reading(device, self._conditions[device.id], at_s))

    def freeze_sensor(self, at_s: float, device_id: str) -> None:
        """Report movement once more, then nothing from this sensor; raises `CommandRefused` for an unknown one."""
        device = self._device(device_id)
        self._publish_event(device, _movement(at_s, device))
        self._stuck.add(device.id)

    def resume_activity(self) -> None:
        """Let the resident's events be published again, and a fallen wearer stand up."""
        self.muted = False
        if self.wearer:
            self.wearer.stand_up()

    def publish_acceleration(self, now_s: float) -> tuple[float, float | None] | None:
        """Publish the wearer's next second if it is past; return its start and the time of an impact in it (Unix s)."""
        device = self.layout.find_device(DeviceKind.WEARABLE)
        if self.wearer is None or device is None:
            return None
        piece = self.wearer.next_second(now_s)
        if piece is None:
            return None
        start, samples, impact = piece
        self._publish(f"{self.home_id}/wearable/{device.id}/acceleration", encode_packet(start, samples))
        return start, impact

    def _publish_zigbee(self, name: str, payload: bytes) -> None:
        self._publish(f"{self.home_id}/zigbee2mqtt/{name}", payload)

    def _publish_event(self, device: FleetDevice, event: SensorEvent) -> None:
        self._publish_zigbee(device.id, devices.encode_event(device, self._conditions[device.id], event))

    def _need(self, kind: DeviceKind) -> FleetDevice:
        device = self.layout.find_device(kind)
        if device is None:
            raise CommandRefused(f"{self.home_id} has no {kind}")
        return device

    def _device(self, device_id: str) -> FleetDevice:
        if not device_id:
            return self._need(DeviceKind.MOTION)
        if device_id not in self._devices:
            raise CommandRefused(f"{self.home_id} has no device {device_id!r}; there are {', '.join(self._devices)}")
        return self._devices[device_id]


def _movement(at_s: float, device: FleetDevice) -> SensorEvent:
    return SensorEvent(at_s, device.id, Quantity.OCCUPANCY, True)
