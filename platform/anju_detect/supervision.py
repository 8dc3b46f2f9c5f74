"""Blindness: which homes can't be seen, since when and why. A pure decision over last-seen times.

The allowed silences are ours, chosen by risk: no standard that could be read sets them. Zigbee2MQTT's own default for
battery devices, 25 h, would leave a dead sensor shown as online for a day, so devices that check in by themselves are
missed far sooner. Change them in configuration, not here, where a device's check-in is known to be rarer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import BatchRefused

DEVICE_KINDS = ("gateway", "motion", "door", "object", "button", "smoke", "leak", "wearable")
GATEWAY, MOTION = DEVICE_KINDS.index("gateway"), DEVICE_KINDS.index("motion")

# Seconds without any message after which a device counts as silent. The gateway beats every 60 s: five beats missed.
# Battery devices check in with link quality and battery about hourly: four check-ins missed. A wearable streams.
ALLOWED_SILENCE_S = (300.0, 14400.0, 14400.0, 14400.0, 14400.0, 14400.0, 14400.0, 900.0)

# A silent device of these kinds alone makes the home blind; the others are a fault of the device, not of the home.
BLINDING = (True, True, False, False, False, False, False, False)

_ZH = ("网关", "人体感应器", "门磁", "物品感应器", "按钮", "烟雾报警器", "水浸传感器", "穿戴设备")
_EN = (
    "gateway",
    "motion sensor",
    "door contact",
    "object sensor",
    "button",
    "smoke detector",
    "leak sensor",
    "wearable",
)
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class SupervisionParameters:
    """Allowed silence in seconds per kind of `DEVICE_KINDS`, and whether one such device blinds its home."""

    allowed_silence_s: tuple[float, ...] = ALLOWED_SILENCE_S
    blinding: tuple[bool, ...] = BLINDING

    def __post_init__(self) -> None:
        """Refuse tables that don't have a row for each kind."""
        for name, table in (("allowed_silence_s", self.allowed_silence_s), ("blinding", self.blinding)):
            if len(table) != len(DEVICE_KINDS):
                raise BatchRefused(name, len(table), table, f"needs one value for each of {len(DEVICE_KINDS)} kinds")
        for row, value in enumerate(self.allowed_silence_s):
            if not value > 0:
                raise BatchRefused("allowed_silence_s", row, value, "must be above zero")


@dataclass(frozen=True, slots=True)
class DeviceSightings:
    """One row per device: its home (row index), kind (index in `DEVICE_KINDS`) and last message, Unix seconds.

    `last_seen_s` is nan for a device that was never heard; its silence then counts from `expected_since_s`.
    """

    home: NDArray[np.int64]
    kind: NDArray[np.int8]
    last_seen_s: NDArray[np.float64]
    expected_since_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blindness:
    """A home that can't be seen: since when (Unix seconds), which device (row of the sightings), and why."""

    home: int
    since_s: float
    device: int
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Supervision:
    """`silent` marks every silent device of the sightings; `blind` lists the blind homes in order of home."""

    silent: NDArray[np.bool_]
    blind: list[Blindness]


def supervise(seen: DeviceSightings, now_s: float, parameters: SupervisionParameters | None = None) -> Supervision:
    """Decide which devices are silent and which homes are blind at `now_s`.

    A silent gateway explains every other silence of its home, so the home is blind because of it. Otherwise a home is
    blind since the moment its first blinding device fell silent. The devices of a home whose gateway is silent are
    judged as of the gateway's last word: they are not blamed for what the gateway could not pass on.

    Raises
    ------
    BatchRefused
        Columns of different length, an unknown kind, a time or `now_s` that is no number.

    """
    p = parameters or SupervisionParameters()
    _check(seen, now_s)
    if not len(seen.home):
        return Supervision(np.zeros(0, bool), [])
    heard = np.where(np.isnan(seen.last_seen_s), seen.expected_since_s, seen.last_seen_s)
    allowed = np.asarray(p.allowed_silence_s)[seen.kind]
    is_gateway = seen.kind == GATEWAY
    _, row = np.unique(seen.home, return_inverse=True)
    horizon = np.full(row.max() + 1, now_s)
    gateway_silent = is_gateway & (now_s - heard > allowed)
    np.minimum.at(horizon, row[gateway_silent], heard[gateway_silent])
    silent = np.where(is_gateway, gateway_silent, horizon[row] - heard > allowed)
    blinding = silent & np.asarray(p.blinding)[seen.kind]
    return Supervision(silent, _blind_homes(seen, row, heard, blinding, now_s))


def _blind_homes(
    seen: DeviceSightings, row: NDArray[np.int64], heard: NDArray[np.float64], blinding: NDArray[np.bool_], now_s: float
) -> list[Blindness]:
    """One entry for each home with a blinding device: its gateway if that is silent, else the first to fall silent."""
    devices = np.flatnonzero(blinding)
    order = devices[np.lexsort((heard[devices], seen.kind[devices] != GATEWAY, row[devices]))]
    _, first = np.unique(row[order], return_index=True)
    return [_blindness(seen, int(d), float(heard[d]), now_s) for d in order[first]]


def _blindness(seen: DeviceSightings, device: int, since_s: float, now_s: float) -> Blindness:
    kind = int(seen.kind[device])
    never = bool(np.isnan(seen.last_seen_s[device]))
    zh, en = _span(now_s - since_s)
    reason_zh = f"{_ZH[kind]}{'从未上线，已等待' if never else '已失联'} {zh}，暂时看不到这户"
    reason_en = (
        f"{_EN[kind]} {'never came online, expected for' if never else 'silent for'} {en}: this home can't be seen"
    )
    return Blindness(int(seen.home[device]), since_s, device, reason_zh, reason_en)


def _span(seconds: float) -> tuple[str, str]:
    minutes = int(max(seconds, 0.0) // 60)
    if seconds < _HOUR_S:
        return f"{minutes} 分钟", f"{minutes} min"
    return f"{minutes // 60} 小时 {minutes % 60} 分", f"{minutes // 60} h {minutes % 60} min"


def _check(seen: DeviceSightings, now_s: float) -> None:
    n = len(seen.home)
    for name in ("kind", "last_seen_s", "expected_since_s"):
        if len(getattr(seen, name)) != n:
            raise BatchRefused(name, len(getattr(seen, name)), n, "columns differ in length")
    if not np.isfinite(now_s):
        raise BatchRefused("now_s", 0, now_s, "must be a finite time")
    bad = np.flatnonzero((seen.kind < 0) | (seen.kind >= len(DEVICE_KINDS)))
    if len(bad):
        raise BatchRefused("kind", int(bad[0]), int(seen.kind[bad[0]]), "no such kind of device")
    heard = np.where(np.isnan(seen.last_seen_s), seen.expected_since_s, seen.last_seen_s)
    bad = np.flatnonzero(~np.isfinite(heard))
    if len(bad):
        raise BatchRefused(
            "last_seen_s", int(bad[0]), float(heard[bad[0]]), "neither seen nor expected at a finite time"
        )
