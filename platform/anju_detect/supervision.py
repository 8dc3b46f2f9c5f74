"""Supervision: which devices are silent, and which homes cannot be seen. A pure decision over last-seen times.

Kinds of device are small integers of the caller's choice; how long each kind may be silent comes from the caller too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import BatchRefused


@dataclass(frozen=True, slots=True)
class SupervisionParameters:
    """How kinds of device are supervised; each tuple has one value for each kind.

    Attributes
    ----------
    allowed_silence_s
        Seconds without any message after which a device counts as silent; above zero.
    home_offline
        Whether one silent device of the kind means that its home cannot be seen; else the device alone is at fault.
    gateway
        Which kind is the gateway: its silence explains every other silence of its home.
    longest_silence_s
        The same seconds for a device that speaks seldom, or whose rhythm is not known; empty: as `allowed_silence_s`.

    Raises
    ------
    BatchRefused
        The tuples differ in length, a silence is not above zero, or `gateway` is none of the kinds.

    """

    allowed_silence_s: tuple[float, ...]
    home_offline: tuple[bool, ...]
    gateway: int
    longest_silence_s: tuple[float, ...] = ()

    def bounds_s(self, kind: int) -> tuple[float, float]:
        """Return the least and the most seconds that a device of a kind may be silent."""
        least_s = self.allowed_silence_s[kind]
        return least_s, max(least_s, self.longest_silence_s[kind]) if self.longest_silence_s else least_s

    def __post_init__(self) -> None:
        kinds = len(self.allowed_silence_s)
        if len(self.home_offline) != kinds:
            raise BatchRefused("home_offline", 0, self.home_offline, f"needs one value for each of {kinds} kinds")
        if self.longest_silence_s and len(self.longest_silence_s) != kinds:
            raise BatchRefused(
                "longest_silence_s", 0, self.longest_silence_s, f"needs one value for each of {kinds} kinds"
            )
        if not 0 <= self.gateway < kinds:
            raise BatchRefused("gateway", 0, self.gateway, f"is none of {kinds} kinds")
        for kind, value in enumerate(self.allowed_silence_s):
            if not value > 0:
                raise BatchRefused("allowed_silence_s", kind, value, "must be above zero")


@dataclass(frozen=True, slots=True)
class SupervisedDevices:
    """Columns with one row for each device: home (a number), kind (as in the parameters), last message (Unix s).

    `last_seen_s` is nan for a device that was never heard; its silence then counts from `expected_since_s`.
    `allowed_s` is how long each device may be silent, s; None: as long as its kind.
    """

    home: NDArray[np.int64]
    kind: NDArray[np.int8]
    last_seen_s: NDArray[np.float64]
    expected_since_s: NDArray[np.float64]
    allowed_s: NDArray[np.float64] | None = None

    @property
    def heard_s(self) -> NDArray[np.float64]:
        """From when each device's silence counts, Unix s."""
        return np.where(np.isnan(self.last_seen_s), self.expected_since_s, self.last_seen_s)


@dataclass(frozen=True, slots=True)
class OfflineDecision:
    """A home that cannot be seen: since when (Unix s), by which device (its row), and whether that was never heard."""

    home: int
    since_s: float
    device: int
    never_heard: bool


@dataclass(frozen=True, slots=True)
class SupervisionResult:
    """`silent` marks every silent device, row by row; `offline` lists homes that cannot be seen, in order of home."""

    silent: NDArray[np.bool_]
    offline: list[OfflineDecision]


def supervise_devices(devices: SupervisedDevices, now_s: float, parameters: SupervisionParameters) -> SupervisionResult:
    """Decide which devices are silent and which homes cannot be seen at `now_s` (Unix s).

    A silent gateway explains every other silence of its home, so the home is offline because of it. Otherwise a home is
    offline since the first of its devices that count fell silent. The devices of a home whose gateway is silent are
    judged as of the gateway's last message: they are not blamed for what the gateway could not pass on.

    Raises
    ------
    BatchRefused
        Columns of different length, an unknown kind, a time or `now_s` that is no number.

    """
    _check(devices, now_s, len(parameters.allowed_silence_s))
    if not len(devices.home):
        return SupervisionResult(np.zeros(0, bool), [])
    heard = devices.heard_s
    allowed = devices.allowed_s
    if allowed is None:
        allowed = np.asarray(parameters.allowed_silence_s)[devices.kind]
    is_gateway = devices.kind == parameters.gateway
    _, row = np.unique(devices.home, return_inverse=True)
    horizon = np.full(row.max() + 1, now_s)
    gateway_silent = is_gateway & (now_s - heard > allowed)
    np.minimum.at(horizon, row[gateway_silent], heard[gateway_silent])
    silent = np.where(is_gateway, gateway_silent, horizon[row] - heard > allowed)
    decisive = np.flatnonzero(silent & np.asarray(parameters.home_offline)[devices.kind])
    order = decisive[np.lexsort((heard[decisive], ~is_gateway[decisive], row[decisive]))]
    _, first = np.unique(row[order], return_index=True)
    return SupervisionResult(silent, [_offline(devices, int(device), float(heard[device])) for device in order[first]])


def _offline(devices: SupervisedDevices, device: int, since_s: float) -> OfflineDecision:
    return OfflineDecision(int(devices.home[device]), since_s, device, bool(np.isnan(devices.last_seen_s[device])))


def _check(devices: SupervisedDevices, now_s: float, kinds: int) -> None:
    count = len(devices.home)
    for name in ("kind", "last_seen_s", "expected_since_s"):
        if len(getattr(devices, name)) != count:
            raise BatchRefused(name, len(getattr(devices, name)), count, "columns differ in length")
    if not np.isfinite(now_s):
        raise BatchRefused("now_s", 0, now_s, "must be a finite time")
    bad = np.flatnonzero((devices.kind < 0) | (devices.kind >= kinds))
    if len(bad):
        raise BatchRefused("kind", int(bad[0]), int(devices.kind[bad[0]]), "no such kind of device")
    heard = devices.heard_s
    bad = np.flatnonzero(~np.isfinite(heard))
    if len(bad):
        why = "neither seen nor expected at a finite time"
        raise BatchRefused("last_seen_s", int(bad[0]), float(heard[bad[0]]), why)
