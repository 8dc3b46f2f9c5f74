"""The devices that zigbee2mqtt has paired: which configured device each is, and what each can say.

A device is its IEEE address. Its friendly name, which is its topic, changes when somebody renames it; so what was
learnt from `bridge/devices` is kept in the `AdapterState`, and a renamed device stays the one that is configured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.exposes import Meaning, read_exposes
from anju_gateway.registry import Device, DeviceRegistry

_KEY = "zigbee2mqtt:devices"
MOST_DEVICES = 150
"""Devices kept; a Zigbee network in a home has fewer."""
_LONGEST_NAME = 120
_MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
_MOST_KEPT = 400_000
"""Characters kept; over it the meanings of the last devices are left out."""


@dataclass(frozen=True, slots=True)
class PairedDevice:
    """A paired device: its friendly name, the configured name that it had ('' for none), what its properties mean."""

    name: str
    configured: str = ""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


class ZigbeeDevices:
    """What is known of paired devices, by IEEE address."""

    def __init__(self, registry: DeviceRegistry, state: AdapterState) -> None:
        self._registry, self._state = registry, state
        self._text: str | None = None
        self._known: dict[str, PairedDevice] = {}
        self._by_name: dict[str, str] = {}

    def find_device(self, name: str) -> Device | None:
        """Return the configured device that publishes under a name; None for one that nobody registered."""
        self._load()
        ieee = self._by_name.get(name)
        if ieee is None:
            return self._registry.find_device(name)
        paired = self._known[ieee]
        found = self._registry.find_device(ieee) or self._registry.find_device(name)
        return found or self._registry.find_device(paired.configured)

    def meanings(self, name: str) -> Mapping[str, Meaning]:
        """Return what the properties of the device under this name mean, by path."""
        self._load()
        ieee = self._by_name.get(name)
        return self._known[ieee].meanings if ieee is not None else {}

    def is_known(self, name: str) -> bool:
        """Return whether a device of this name is configured or paired."""
        self._load()
        return name in self._by_name or self._registry.find_device(name) is not None

    def read_list(self, payload: bytes) -> None:
        """Take over `bridge/devices`: every paired device with its name and its `exposes`."""
        listed = _parse(payload)
        if not isinstance(listed, list):
            return
        self._load()
        found: dict[str, PairedDevice] = {}
        for entry in listed[:MOST_DEVICES]:
            match entry:
                case {"ieee_address": str(ieee), "friendly_name": str(name)} if _is_name(ieee) and _is_name(name):
                    known = self._known.get(ieee) or self._renamed_to(name)
                    meanings = read_exposes(_exposes(entry)) or (known.meanings if known else {})
                    found[ieee] = PairedDevice(name, known.configured if known else "", meanings)
        if found:
            self._save(found)

    def read_rename(self, payload: bytes) -> None:
        """Take over `bridge/response/device/rename`."""
        match _parse(payload):
            case {"data": {"from": str(old), "to": str(new)}, "status": "ok"} if _is_name(old) and _is_name(new):
                self._load()
                ieee = self._by_name.get(old, old)
                paired = self._known.get(ieee) or PairedDevice(old)
                before = paired.configured or (old if self._registry.find_device(old) else "")
                self._save({**self._known, ieee: replace(paired, name=new, configured=before)})

    def read_event(self, payload: bytes) -> None:
        """Take over `bridge/event`: who joins or announces itself has a name and an address."""
        match _parse(payload):
            case {"data": {"ieee_address": str(ieee), "friendly_name": str(name)}} if _is_name(ieee) and _is_name(name):
                self._load()
                paired = self._known.get(ieee) or PairedDevice(name)
                self._save({**self._known, ieee: replace(paired, name=name)})

    def _renamed_to(self, name: str) -> PairedDevice | None:
        """Return what an answer to a rename said of a device whose address was not known then."""
        ieee = self._by_name.get(name)
        return self._known[ieee] if ieee is not None and not ieee.startswith("0x") else None

    def _save(self, devices: Mapping[str, PairedDevice]) -> None:
        taken = {device.name for device in devices.values() if self._registry.find_device(device.name)}
        kept: dict[str, list[object]] = {}
        size = 0
        for ieee, device in list(devices.items())[-MOST_DEVICES:]:
            configured = device.name if device.name in taken else device.configured
            if configured in taken and configured != device.name:
                configured = ""  # another device has taken its name, and with it its place
            meanings = {path: meaning.to_json() for path, meaning in device.meanings.items()}
            size += len(json.dumps(meanings))
            kept[ieee] = [device.name, configured, meanings if size <= _MOST_KEPT else {}]
        text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
        if text != self._state.get(_KEY):
            self._state.put(_KEY, text)

    def _load(self) -> None:
        """Read what is kept, where it changed or was taken back."""
        text = self._state.get(_KEY)
        if text == self._text:
            return
        self._text = text
        kept = _parse((text or "{}").encode())
        self._known = dict(_read_kept(kept.items() if isinstance(kept, dict) else ()))
        self._by_name = {device.name: ieee for ieee, device in self._known.items()}


def _read_kept(items: Iterable[tuple[str, object]]) -> Iterable[tuple[str, PairedDevice]]:
    for ieee, kept in items:
        match kept:
            case [str(name), str(configured), dict(meanings)]:
                read = ((path, Meaning.from_json(meaning)) for path, meaning in meanings.items())
                yield ieee, PairedDevice(name, configured, {path: one for path, one in read if one is not None})


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME


def _exposes(entry: Mapping[str, object]) -> object:
    definition = entry.get("definition")
    return definition.get("exposes") if isinstance(definition, dict) else None


def _parse(payload: bytes) -> object:
    """Return what JSON says; None where it is none, or too long."""
    if len(payload) > _MAX_PAYLOAD_BYTES:
        return None
    try:
        said: object = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return said
