"""Supervision of homes: which ones the platform receives data from, as `anju_detect.supervision` decides.

Silence is counted from the moment the platform itself began to receive, so that its own restart takes no home offline.
A home that was offline before a restart stays so until its gateway is seen again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anju_core.reasons import Reason, ReasonCode
from anju_detect.rhythm import MessageRhythm, allowed_silence_s
from anju_detect.supervision import OfflineDecision, SupervisedDevices, SupervisionParameters, supervise_devices
from anju_platform.devices.last_seen import LastSeenMap
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.devices.supervised import Supervised
from anju_platform.monitoring.rules import MonitoringRules
from anju_wire.profiles import DeviceKind

Floats = NDArray[np.float64]
_GATEWAY = SUPERVISION.gateway
_CAUSES = {"zigbee2mqtt": ReasonCode.ZIGBEE2MQTT_STOPPED, "bus": ReasonCode.BUS_DISCONNECTED}
"""What a gateway says of itself, and the code that stands for it."""
_UNKNOWN = Reason(ReasonCode.SENSORS_UNHEARD)
_OF_DEVICES = frozenset({ReasonCode.DEVICE_SILENT, ReasonCode.DEVICE_NEVER_HEARD})


@dataclass(frozen=True, slots=True)
class HomeOffline:
    """A home without data since `since_s` (Unix seconds), and why; `by_gateway`: because its gateway is silent."""

    home_id: str
    since_s: float
    by_gateway: bool
    reason: Reason = _UNKNOWN

    @property
    def by_device(self) -> bool:
        """Whether only one of its devices is silent: the others are heard, and a silence of the person counts."""
        return not self.by_gateway and self.reason.code in _OF_DEVICES


@dataclass(frozen=True, slots=True)
class SupervisionChanges:
    """Result of one evaluation; pass each entry to `confirm_change` once it is stored in the database."""

    offline: list[HomeOffline]
    online: list[HomeOffline]


class SupervisionMonitor:
    """When each supervised device and gateway was last seen. Not thread-safe: the caller holds a lock."""

    def __init__(
        self, rules: MonitoringRules, parameters: SupervisionParameters | None, receiving_since_s: float
    ) -> None:
        self._rules = rules
        self._parameters = parameters or SUPERVISION
        self._since_s = receiving_since_s
        self._receiving = True
        self._rows: dict[tuple[str, str], int] = {}
        self._homes: list[str] = []
        self._home = np.zeros(0, np.int64)
        self._kind = np.zeros(0, np.int8)
        self._seen = np.zeros(0)
        self._allowed = np.zeros(0)
        """Seconds for which each device may be silent."""
        self._rhythms: dict[tuple[str, str], MessageRhythm] = {}
        self._gateways: dict[str, list[int]] = {}
        self._fresh: dict[tuple[str, str], float] = {}
        self._returned: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._bus_down: dict[str, tuple[str, float]] = {}
        """Homes whose gateway receives no sensors: cause, and since when."""
        self._offline: dict[str, HomeOffline] = {}

    # --- what is there ---------------------------------------------------------------------------------------------

    def replace_devices(self, devices: Iterable[Supervised]) -> None:
        """Supervise exactly these devices from now on; the last-seen times of those that stay are kept."""
        listed = list(devices)
        held = {key: float(self._seen[row]) for key, row in self._rows.items()}
        homes = {home: number for number, home in enumerate(sorted({one.home_id for one in listed}))}
        self._homes = list(homes)
        self._rows = {(one.home_id, one.device_id): row for row, one in enumerate(listed)}
        self._home = np.array([homes[one.home_id] for one in listed], np.int64)
        self._kind = np.array([one.kind for one in listed], np.int8)
        self._rhythms = {key: one for key, one in self._rhythms.items() if key in self._rows}
        self._allowed = np.array([self._allowed_s(key) for key in self._rows], np.float64)
        self._gateways = {}
        for row, one in enumerate(listed):
            if one.kind == _GATEWAY:
                self._gateways.setdefault(one.home_id, []).append(row)
        known = [held.get((one.home_id, one.device_id), math.nan) for one in listed]
        self._seen = np.fmax(np.array([one.seen_s for one in listed], np.float64), np.array(known, np.float64))

    def restore_offline(self, offline: Mapping[str, tuple[float, Reason]]) -> None:
        """Take over the homes that were offline when the platform stopped: since when, Unix seconds, and why."""
        self._offline = {
            home: HomeOffline(home, since, self._gateway_spoke(home) <= since + 1, reason)
            for home, (since, reason) in offline.items()
        }

    @property
    def rhythms(self) -> dict[tuple[str, str], MessageRhythm]:
        """What was learnt of each device's rhythm, by home and device."""
        return dict(self._rhythms)

    def restore_rhythms(self, rhythms: Mapping[tuple[str, str], MessageRhythm]) -> None:
        """Take over what an earlier process learnt."""
        self._rhythms = dict(rhythms)

    def shift_times(self, by_s: float) -> None:
        """Move every remembered time by `by_s` seconds, as the clock is moved: each silence is as long as before."""
        self._since_s += by_s
        self._rhythms = {key: one.shift_times(by_s) for key, one in self._rhythms.items()}
        self._seen += by_s
        self._fresh = {key: at_s + by_s for key, at_s in self._fresh.items()}
        self._returned = {home: at_s + by_s for home, at_s in self._returned.items()}
        self._gone = {home: at_s + by_s for home, at_s in self._gone.items()}
        self._bus_down = {home: (cause, since_s + by_s) for home, (cause, since_s) in self._bus_down.items()}
        self._offline = {home: replace(one, since_s=one.since_s + by_s) for home, one in self._offline.items()}

    # --- what is received ---------------------------------------------------------------------------------------------

    def set_receiving(self, up: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """Record that the platform began (`up`) or ceased to receive at `at_s`; silence is counted anew from then."""
        if up != self._receiving:
            self._receiving, self._since_s = up, at_s

    @property
    def receiving(self) -> bool:
        """Whether the platform itself receives telemetry."""
        return self._receiving

    @property
    def since_s(self) -> float:
        """Since when `receiving` has its value, Unix seconds."""
        return self._since_s

    def record_last_seen(self, last_seen: LastSeenMap, arrived_s: float) -> None:
        """Note when devices and gateways were last seen; a time later than `arrived_s` counts as `arrived_s`."""
        fresh = self._fresh
        for key, seen in last_seen.items():
            at_s = min(seen.at_s, arrived_s)
            if at_s > fresh.get(key, -math.inf):
                fresh[key] = at_s

    def set_gateway_online(self, home_id: str, online: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """Record what the broker (last will) or the gateway itself reports about the gateway's connection."""
        if online:
            self._gone.pop(home_id, None)
        else:
            self._gone.setdefault(home_id, at_s)

    def set_sensor_bus(self, home_id: str, cause: str, since_s: float) -> None:
        """Record why a gateway receives no sensors and since when; an empty `cause` means that it receives them."""
        if cause:
            known = self._bus_down.get(home_id)
            self._bus_down[home_id] = (cause, since_s if known is None else min(since_s, known[1]))
        elif self._bus_down.pop(home_id, None) is not None:
            self._returned[home_id] = since_s

    def gateway_seen_since(self, home_id: str, at_s: float) -> bool:
        """Whether the home's gateway was seen at or after `at_s`; True for a home without one."""
        return home_id not in self._gateways or self._gateway_spoke(home_id) >= at_s

    def is_offline(self, home_id: str) -> bool:
        """Whether the home is recorded as offline."""
        return home_id in self._offline

    def is_unheard(self, home_id: str, now_s: float) -> bool:
        """Whether the home is offline because nothing of it is heard; a single silent device hides no person."""
        one = self._offline.get(home_id)
        if one is None or not one.by_device:
            return one is not None
        allowed_s = self._parameters.allowed_silence_s[self._parameters.gateway]
        lost = home_id in self._gateways and now_s - max(self._gateway_spoke(home_id), self._since_s) > allowed_s
        return lost or home_id in self._gone or home_id in self._bus_down

    @property
    def offline_homes(self) -> list[HomeOffline]:
        """Every home that is recorded as offline."""
        return list(self._offline.values())

    # --- evaluation ---------------------------------------------------------------------------------------------------

    def evaluate_homes(self, now_s: float) -> SupervisionChanges:
        """Find the homes that went offline or came back; nothing changes until `confirm_change`."""
        self._drain()
        if not len(self._home):
            return SupervisionChanges([], list(self._offline.values()))
        self._forgive()
        found = supervise_devices(self._devices(now_s), now_s, self._parameters).offline
        silent = {self._homes[one.home] for one in found}
        gone = {home for home, at_s in self._gone.items() if now_s - at_s > self._rules.offline_s}
        new = [home for home in silent if home not in self._offline]
        offline = self._explained(new, now_s)
        known = set(self._homes)
        offline += [
            HomeOffline(home, self._gone[home], True, Reason(ReasonCode.GATEWAY_OFFLINE))
            for home in sorted(gone & known)
            if home not in silent and home not in self._offline
        ]
        bus_down = {home for home, (_, since_s) in self._bus_down.items() if now_s - since_s > self._rules.sensor_bus_s}
        offline += [
            HomeOffline(home, self._bus_down[home][1], False, _why_unheard(self._bus_down[home][0]))
            for home in sorted(bus_down & known - gone)
            if home not in silent and home not in self._offline
        ]
        still = silent | gone | bus_down
        online = [known for home, known in self._offline.items() if home not in still]
        return SupervisionChanges(offline, online)

    def confirm_change(self, change: HomeOffline, *, online: bool) -> None:
        """Apply a change of `evaluate_homes` that is now stored in the database."""
        if online:
            self._offline.pop(change.home_id, None)
        else:
            self._offline[change.home_id] = change

    def _drain(self) -> None:
        rows = [(self._rows[key], at_s) for key, at_s in self._fresh.items() if key in self._rows]
        for key, at_s in self._fresh.items():
            if key in self._rows:
                self._rhythms[key] = self._rhythms.get(key, MessageRhythm(at_s, at_s)).hear(at_s)
                self._allowed[self._rows[key]] = self._allowed_s(key)
        self._fresh.clear()
        for row, at_s in rows:
            if not self._seen[row] >= at_s:
                self._seen[row] = at_s
            home = self._homes[self._home[row]]
            if self._kind[row] == _GATEWAY and at_s > self._gone.get(home, math.inf):
                del self._gone[home]

    def _forgive(self) -> None:
        """A gateway that is back: what its devices could not say through it is not held against them."""
        for one in self._offline.values():
            spoke_s = self._gateway_spoke(one.home_id)
            if one.by_gateway and spoke_s > one.since_s:
                self._returned[one.home_id] = spoke_s

    def _gateway_spoke(self, home_id: str) -> float:
        """When the home's gateway was last heard; minus infinity: never."""
        times = [float(self._seen[row]) for row in self._gateways.get(home_id, ())]
        return max((at_s for at_s in times if not math.isnan(at_s)), default=-math.inf)

    def _devices(self, now_s: float) -> SupervisedDevices:
        floor = np.full(len(self._homes), self._since_s)
        expected, returned = floor.copy(), np.full(len(self._homes), -np.inf)
        number = {home: row for row, home in enumerate(self._homes)}
        for home, known in self._offline.items():
            if home in number:
                floor[number[home]], expected[number[home]] = -np.inf, known.since_s
        for home, at_s in self._returned.items():
            if home in number:
                returned[number[home]] = at_s
        floor, expected = np.maximum(floor, returned), np.maximum(expected, returned)
        is_gateway = self._kind == _GATEWAY
        told = self._has_told(is_gateway, now_s)[self._home] & ~is_gateway
        earliest = np.where(told, returned[self._home], floor[self._home])
        last = np.where(np.isnan(self._seen), np.nan, np.maximum(self._seen, earliest))
        return SupervisedDevices(self._home, self._kind, last, expected[self._home], self._allowed)

    def _allowed_s(self, key: tuple[str, str]) -> float:
        """Seconds for which a device may be silent, by its own rhythm within the bounds of its kind."""
        gap_s = self._rhythms[key].longest_gap_s if key in self._rhythms else math.nan
        return allowed_silence_s(gap_s, *self._parameters.bounds_s(int(self._kind[self._rows[key]])))

    def _has_told(self, is_gateway: NDArray[np.bool_], now_s: float) -> NDArray[np.bool_]:
        """Homes whose gateway has had the time to pass on what its devices said while the platform was away.

        Their devices are judged by their true last words, so that restarts don't hide a dead sensor.
        """
        spoke = np.full(len(self._homes), -np.inf)
        heard = is_gateway & ~np.isnan(self._seen)
        np.maximum.at(spoke, self._home[heard], self._seen[heard])
        return (spoke >= self._since_s) & (now_s - self._since_s >= self._rules.told_s) & self._receiving

    def _explained(self, homes: list[str], now_s: float) -> list[HomeOffline]:
        """The same homes with their true last words, which may be older than the platform's listening."""
        if not homes:
            return []
        if not self._receiving:
            return [
                HomeOffline(home, self._since_s, by_gateway=True, reason=Reason(ReasonCode.PLATFORM_OFFLINE))
                for home in homes
            ]
        wanted = np.isin(np.array(self._homes), homes)[self._home]
        expected = np.full(int(wanted.sum()), self._since_s)
        allowed = self._allowed[wanted]
        truth = SupervisedDevices(self._home[wanted], self._kind[wanted], self._seen[wanted], expected, allowed)
        kinds = self._kind[wanted]
        offline = supervise_devices(truth, now_s, self._parameters).offline
        return [self._home_offline(one, KINDS[kinds[one.device]], now_s) for one in offline]

    def _home_offline(self, one: OfflineDecision, kind: DeviceKind, now_s: float) -> HomeOffline:
        cause = ReasonCode.DEVICE_NEVER_HEARD if one.never_heard else ReasonCode.DEVICE_SILENT
        reason = Reason(cause, {"kind": kind.value, "silence_s": now_s - one.since_s})
        return HomeOffline(self._homes[one.home], one.since_s, kind is DeviceKind.GATEWAY, reason)


def _why_unheard(cause: str) -> Reason:
    return Reason(_CAUSES.get(cause, ReasonCode.SENSORS_UNHEARD))
