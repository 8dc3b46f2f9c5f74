"""Zigbee sensors through zigbee2mqtt. What each kind of device reports stands in `anju_wire.profiles`."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence

import structlog

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.bus_clock import BusClock
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.report_filter import filter_reading
from anju_gateway.adapters.values import event_time, is_stale, parse_object, parse_text, read_time
from anju_gateway.adapters.zigbee_devices import ZigbeeDevices
from anju_gateway.adapters.zigbee_payload import ZigbeePayloadReader, ZigbeeReport
from anju_gateway.adapters.zigbee_settings import find_wrong_settings
from anju_gateway.readings import wire_name
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import AVAILABILITY

_BRIDGE = "bridge:zigbee2mqtt"
_DEFAULT_BASE = "zigbee2mqtt/"
"""Where zigbee2mqtt publishes unless it is told otherwise."""
_COMMANDS = ("/set", "/get")
_MOST_UNNAMED, _LONGEST_UNNAMED = 64, 4096
_UNNAMED_S = 120.0
"""How long a message of an unknown device waits for its name: the list of devices comes after what was queued."""


class Zigbee2MqttAdapter:
    """Reads `{home}/zigbee2mqtt/…`: device payloads, availability, and what the bridge says of itself and its devices.

    own_bus: no other home is on this bus, so that the default base topic, `zigbee2mqtt/…`, is this home's as well.
    """

    def __init__(
        self, home: str, gateway: str, registry: DeviceRegistry, state: AdapterState, *, own_bus: bool = False
    ) -> None:
        self._base = f"{home}/zigbee2mqtt/"
        self._bases = (self._base, _DEFAULT_BASE) if own_bus else (self._base,)
        self._gateway, self._state = gateway, state
        self._devices = ZigbeeDevices(registry, state)
        self._payloads = ZigbeePayloadReader(registry, state)
        self._warned: set[str] = set()
        self._clock = BusClock()
        self._unnamed: deque[tuple[float, str, bytes]] = deque(maxlen=_MOST_UNNAMED)
        self._log = structlog.get_logger("anju.zigbee2mqtt").bind(gateway=gateway)

    @property
    def filters(self) -> Sequence[str]:
        """All of zigbee2mqtt's topics; those without a use are passed over."""
        return tuple(f"{base}#" for base in self._bases)

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        """Read a device's payload, its availability, or the state of the bridge."""
        base = next((base for base in self._bases if topic.startswith(base)), None)
        if base is None:
            return None
        name, result = topic.removeprefix(base), AdapterResult()
        if base != self._base:
            self._warn(f"zigbee2mqtt publishes under {base!r}; set its mqtt.base_topic to {self._base[:-1]!r}")
        if name.startswith("bridge/"):
            self._bridge(base, name.removeprefix("bridge/"), payload, now_s, result)
        elif name.endswith("/availability"):
            self._availability(self._wire_name(name.removesuffix("/availability")), payload, now_s, result)
        elif not name.endswith(_COMMANDS):
            self._device(name, payload, retained=retained, now_s=now_s, result=result)
        return result

    def read_due(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: no reading falls due by itself."""
        return AdapterResult()

    def cancel_alarms(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: a sensor suspects nothing."""
        return AdapterResult()

    def discard_state(self) -> None:
        """Do nothing: all state is in the `AdapterState`."""

    @property
    def bridge_offline(self) -> bool:
        """Whether zigbee2mqtt, or its last will, reported that it has stopped: then no sensor can be heard."""
        return self._state.get(_BRIDGE) == "offline"

    def _bridge(self, base: str, name: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        match name:
            case "state":
                self._bridge_state(base, payload, now_s, result)
            case "devices":
                self._devices.read_list(payload)
                self._read_unnamed(now_s, result)
            case "response/device/rename":
                self._devices.read_rename(payload)
                self._read_unnamed(now_s, result)
            case "event":
                self._devices.read_event(payload)
                self._read_unnamed(now_s, result)
            case "info":
                for wrong in find_wrong_settings(payload, self._base.removesuffix("/")):
                    self._warn(wrong)

    def _read_unnamed(self, now_s: float, result: AdapterResult) -> None:
        """Read again what came under a name that is known only now; what counted already counts as a copy."""
        for at_s, topic, payload in tuple(self._unnamed):
            if now_s - at_s < _UNNAMED_S and self._devices.find_device(topic) is not None:
                self._device(topic, payload, retained=False, now_s=at_s, result=result)

    def _bridge_state(self, base: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        heard = f"{_BRIDGE}:own"
        if base != self._base and self._state.get(heard) is not None:
            return  # left behind under the default topic
        if base == self._base and self._state.get(heard) is None:
            self._state.put(heard, "1")
        self._availability(self._gateway, payload, now_s, result)
        state = _state(payload)
        if state in {"online", "offline"} and state != self._state.get(_BRIDGE):
            self._state.put(_BRIDGE, state)

    def _warn(self, wrong: str) -> None:
        """Log once what is wrong with zigbee2mqtt's settings."""
        if wrong not in self._warned and len(self._warned) < 50:  # noqa: PLR2004 - enough for a log
            self._warned.add(wrong)
            self._log.warning("zigbee2mqtt settings", wrong=wrong, see="docs/gateway.md")

    def _availability(self, device: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        state = _state(payload)
        if state not in {"online", "offline"}:
            result.add_refusal(device, "availability", f"{state[:60]!r} is neither online nor offline")
            return
        result.readings += filter_reading(self._state, device, AVAILABILITY, state == "online", now_s)

    def _wire_name(self, name: str) -> str:
        device = self._devices.find_device(name)
        return device.id if device else wire_name(name)

    def _device(self, topic: str, payload: bytes, *, retained: bool, now_s: float, result: AdapterResult) -> None:
        name, said = self._attribute(topic, payload)
        device = self._wire_name(name)
        if said is None:
            said = parse_object(device, payload, result)
        if said is None:
            return
        seen_s = self._read_time(said.get("last_seen"), now_s, retained=retained)
        at_s = event_time(seen_s, now_s)
        stale = retained and is_stale(seen_s, now_s)
        if stale and at_s is None:
            return
        known = self._devices.find_device(name)
        if known is None and not retained and len(payload) <= _LONGEST_UNNAMED:
            self._unnamed.append((now_s, topic, payload))
        report = ZigbeeReport(
            device=device,
            known=known,
            meanings=self._devices.meanings(name),
            at_s=now_s if at_s is None else at_s,
            retained=retained,
            stands=not stale,
            timed=at_s is not None,
        )
        self._payloads.read_properties(said, report, result)

    def _read_time(self, last_seen: object, now_s: float, *, retained: bool) -> float | None:
        """Return when a device spoke, Unix s by the gateway's clock; None where zigbee2mqtt does not say."""
        seen_s = read_time(last_seen)
        if seen_s is None:
            return None
        if not retained:
            before_s = self._clock.offset_s
            self._clock.add_message(seen_s, now_s)
            if self._clock.offset_s and not before_s:
                self._warn(f"the clock of its machine is {self._clock.offset_s:.0f} s behind; times are corrected")
        return seen_s + self._clock.offset_s

    def _attribute(self, topic: str, payload: bytes) -> tuple[str, dict[str, object] | None]:
        """Return the device's name and, of a topic of one attribute (`output: attribute`), what it says.

        Names may hold slashes, so that a topic is an attribute where its first part is a device, and the whole is none.
        """
        name, slash, attribute = topic.rpartition("/")
        if not slash or not payload or self._devices.is_known(topic):
            return topic, None
        said = parse_text(payload)
        if self._devices.is_known(name) or not isinstance(said, dict | list):
            return name, {attribute: said}
        return topic, None


def _state(payload: bytes) -> str:
    """`online` or `offline`, said as text or as `{"state": …}`; anything else as text, to be named in a refusal."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = payload.decode("utf-8", "replace")
    state = said.get("state") if isinstance(said, dict) else said
    return state if isinstance(state, str) else f"a {type(state).__name__}"
