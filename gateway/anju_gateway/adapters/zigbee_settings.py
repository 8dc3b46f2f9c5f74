"""Whether zigbee2mqtt is set up so that no alarm is lost: what its `bridge/info` says of its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping


def find_wrong_settings(payload: bytes, base: str) -> list[str]:
    """Return what is wrong with zigbee2mqtt's settings, each in a sentence; empty where nothing is, or it says none."""
    try:
        info = json.loads(payload)
    except (ValueError, RecursionError):
        return []
    config = info.get("config") if isinstance(info, dict) else None
    return list(_wrong(config, base)) if isinstance(config, dict) else []


def _wrong(config: Mapping[str, object], base: str) -> Iterator[str]:
    mqtt, advanced, options = (_part(config, key) for key in ("mqtt", "advanced", "device_options"))
    if (said := mqtt.get("base_topic")) != base:
        yield f"mqtt.base_topic is {str(said)[:80]!r}, not {base!r}"
    if mqtt.get("force_disable_retain") is True:
        yield "mqtt.force_disable_retain is on: the list of devices and their availability are not kept on the bus"
    if advanced.get("last_seen", "disable") == "disable":
        yield "advanced.last_seen is disabled: nobody can tell how old a message is"
    availability = config.get("availability")
    if availability in (None, False) or (isinstance(availability, dict) and availability.get("enabled") is False):
        yield "availability is disabled: a dead device is found only by its silence"
    if options.get("qos", 0) in (0, None):
        yield "device_options.qos is not 1: a press is lost while the gateway restarts"
    yield from _wrong_devices({"device_options": options, **_part(config, "devices")})


def _wrong_devices(devices: Mapping[str, object]) -> Iterator[str]:
    """Yield what is set for single devices, or for all of them."""
    retained = [name for name, one in devices.items() if isinstance(one, dict) and one.get("retain") is True]
    unsure = [
        name
        for name, one in devices.items()
        if name != "device_options" and isinstance(one, dict) and one.get("qos") == 0
    ]
    endless = [
        name for name, one in devices.items() if isinstance(one, dict) and _is_zero(one.get("occupancy_timeout"))
    ]
    if endless:
        yield (
            f"occupancy_timeout is 0 for {', '.join(endless)[:200]}: the end of a movement is never reported, so that "
            "a check-in looks like a movement"
        )
    if retained:
        yield f"retain is on for {', '.join(retained)[:200]}: an old press is kept and comes again"
    if unsure:
        yield f"qos is 0 for {', '.join(unsure)[:200]}: a press is lost while the gateway restarts"


def _is_zero(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and said == 0


def _part(config: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = config.get(key)
    return part if isinstance(part, dict) else {}
