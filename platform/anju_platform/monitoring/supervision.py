"""Which homes can be seen. State in memory, fed by what was heard, judged by `anju_detect.supervision`.

Silence counts from when the platform itself began to listen, so that its own restart makes no home blind. A home that
was blind before stays blind until it is heard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.supervision import OfflineHome, SupervisedDevices, SupervisionParameters, supervise_devices
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.ingest.ports import Sightings
from anju_platform.monitoring.offline_reasons import OfflineCause, OfflineReason
from anju_platform.monitoring.repository import Supervised
from anju_platform.monitoring.rules import MonitoringRules
from anju_wire.profiles import DeviceKind

Floats = NDArray[np.float64]
_GATEWAY = SUPERVISION.gateway
_CAUSES = {str(cause): cause for cause in (OfflineCause.ZIGBEE2MQTT, OfflineCause.BUS)}
_UNKNOWN = OfflineReason(OfflineCause.SENSORS_UNHEARD)
"""Of a home that was offline before a restart; what was written about it then stands."""


@dataclass(frozen=True, slots=True)
class HomeOffline:
    """A home that can't be seen: since when (Unix seconds), why, and whether for the silence of its gateway."""

    home_id: str
    since_s: float
    by_gateway: bool
    reason: OfflineReason = _UNKNOWN


@dataclass(frozen=True, slots=True)
class Changes:
    """What a judgement found; each is to be passed to `settle` once it is kept in the records."""

    darkened: list[HomeOffline]
    seen_again: list[HomeOffline]


class SupervisionMonitor:
    """Devices and gateways with their last words. Not safe for threads by itself."""

    def __init__(
        self, rules: MonitoringRules, parameters: SupervisionParameters | None, listening_since_s: float
    ) -> None:
        self._rules = rules
        self._parameters = parameters or SUPERVISION
        self._since_s = listening_since_s
        self._up = True
        self._rows: dict[tuple[str, str], int] = {}
        self._homes: list[str] = []
        self._home = np.zeros(0, np.int64)
        self._kind = np.zeros(0, np.int8)
        self._seen = np.zeros(0)
        self._gateways: dict[str, list[int]] = {}
        self._fresh: dict[tuple[str, str], float] = {}
        self._returned: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._unheard: dict[str, tuple[str, float]] = {}
        """Homes whose gateway hears no sensors: why, and since when."""
        self._dark: dict[str, HomeOffline] = {}

    # --- what is there ---------------------------------------------------------------------------------------------

    def register(self, devices: Iterable[Supervised]) -> None:
        """Supervise these from now on, and no others; what was heard of them is kept."""
        listed = list(devices)
        held = {key: float(self._seen[row]) for key, row in self._rows.items()}
        homes = {home: number for number, home in enumerate(sorted({one.home_id for one in listed}))}
        self._homes = list(homes)
        self._rows = {(one.home_id, one.device_id): row for row, one in enumerate(listed)}
        self._home = np.array([homes[one.home_id] for one in listed], np.int64)
        self._kind = np.array([one.kind for one in listed], np.int8)
        self._gateways = {}
        for row, one in enumerate(listed):
            if one.kind == _GATEWAY:
                self._gateways.setdefault(one.home_id, []).append(row)
        known = [held.get((one.home_id, one.device_id), math.nan) for one in listed]
        self._seen = np.fmax(np.array([one.seen_s for one in listed], np.float64), np.array(known, np.float64))

    def recall(self, blind: Mapping[str, float]) -> None:
        """Homes that were blind when the platform stopped, each with since when."""
        self._dark = {
            home: HomeOffline(home, since, by_gateway=self._gateway_spoke(home) <= since + 1)
            for home, since in blind.items()
        }

    # --- what is heard ---------------------------------------------------------------------------------------------

    def listening(self, up: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """The platform began or ceased to receive; silence counts anew from then on."""
        if up != self._up:
            self._up, self._since_s = up, at_s

    @property
    def up(self) -> bool:
        """Whether the platform receives anything."""
        return self._up

    @property
    def since_s(self) -> float:
        """Since when it does, or does not."""
        return self._since_s

    def hear(self, sightings: Sightings, arrived_s: float) -> None:
        """Devices and gateways spoke; a time in the future counts as now."""
        fresh = self._fresh
        for key, sighting in sightings.items():
            at_s = min(sighting.at_s, arrived_s)
            if at_s > fresh.get(key, -math.inf):
                fresh[key] = at_s

    def online(self, home_id: str, online: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """The broker or the gateway itself says whether it is there."""
        if online:
            self._gone.pop(home_id, None)
        else:
            self._gone.setdefault(home_id, at_s)

    def deaf(self, home_id: str, cause: str, since_s: float) -> None:
        """A gateway hears no sensors for this cause since then; or hears them (again), where there is none."""
        if cause:
            known = self._unheard.get(home_id)
            self._unheard[home_id] = (cause, since_s if known is None else min(since_s, known[1]))
        elif self._unheard.pop(home_id, None) is not None:
            self._returned[home_id] = since_s

    def heard_since(self, home_id: str, at_s: float) -> bool:
        """Whether the home's gateway spoke since, or it has none to wait for."""
        return home_id not in self._gateways or self._gateway_spoke(home_id) >= at_s

    def is_dark(self, home_id: str) -> bool:
        """Whether the home is known to be blind."""
        return home_id in self._dark

    @property
    def dark(self) -> list[HomeOffline]:
        """Every home that is known to be blind."""
        return list(self._dark.values())

    # --- judging ---------------------------------------------------------------------------------------------------

    def judge(self, now_s: float) -> Changes:
        """Which homes can no longer be seen, and which can again; nothing changes until `settle`."""
        self._drain()
        if not len(self._home):
            return Changes([], list(self._dark.values()))
        self._forgive()
        offline = supervise_devices(self._devices(now_s), now_s, self._parameters).offline
        blind = {self._homes[one.home] for one in offline}
        gone = {home for home, at_s in self._gone.items() if now_s - at_s > self._rules.offline_s}
        new = [home for home in blind if home not in self._dark]
        darkened = self._explained(new, now_s)
        known = set(self._homes)
        darkened += [
            HomeOffline(home, self._gone[home], True, OfflineReason(OfflineCause.GATEWAY_OFFLINE))
            for home in sorted(gone & known)
            if home not in blind and home not in self._dark
        ]
        unheard = {home for home, (_, since_s) in self._unheard.items() if now_s - since_s > self._rules.deaf_s}
        darkened += [
            HomeOffline(home, self._unheard[home][1], False, _why_unheard(self._unheard[home][0]))
            for home in sorted(unheard & known - gone)
            if home not in blind and home not in self._dark
        ]
        still = blind | gone | unheard
        again = [dark for home, dark in self._dark.items() if home not in still]
        return Changes(darkened, again)

    def settle(self, dark: HomeOffline, *, seen: bool) -> None:
        """A change of `judge` is kept in the records."""
        if seen:
            self._dark.pop(dark.home_id, None)
        else:
            self._dark[dark.home_id] = dark

    def _drain(self) -> None:
        rows = [(self._rows[key], at_s) for key, at_s in self._fresh.items() if key in self._rows]
        self._fresh.clear()
        for row, at_s in rows:
            if not self._seen[row] >= at_s:
                self._seen[row] = at_s
            home = self._homes[self._home[row]]
            if self._kind[row] == _GATEWAY and at_s > self._gone.get(home, math.inf):
                del self._gone[home]

    def _forgive(self) -> None:
        """A gateway that is back: what its devices could not say through it is not held against them."""
        for one in self._dark.values():
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
        for home, dark in self._dark.items():
            if home in number:
                floor[number[home]], expected[number[home]] = -np.inf, dark.since_s
        for home, at_s in self._returned.items():
            if home in number:
                returned[number[home]] = at_s
        floor, expected = np.maximum(floor, returned), np.maximum(expected, returned)
        is_gateway = self._kind == _GATEWAY
        told = self._has_told(is_gateway, now_s)[self._home] & ~is_gateway
        earliest = np.where(told, returned[self._home], floor[self._home])
        last = np.where(np.isnan(self._seen), np.nan, np.maximum(self._seen, earliest))
        return SupervisedDevices(self._home, self._kind, last, expected[self._home])

    def _has_told(self, is_gateway: NDArray[np.bool_], now_s: float) -> NDArray[np.bool_]:
        """Homes whose gateway has had the time to pass on what its devices said while the platform was away.

        Their devices are judged by their true last words, so that restarts don't hide a dead sensor.
        """
        spoke = np.full(len(self._homes), -np.inf)
        heard = is_gateway & ~np.isnan(self._seen)
        np.maximum.at(spoke, self._home[heard], self._seen[heard])
        return (spoke >= self._since_s) & (now_s - self._since_s >= self._rules.told_s) & self._up

    def _explained(self, homes: list[str], now_s: float) -> list[HomeOffline]:
        """The same homes with their true last words, which may be older than the platform's listening."""
        if not homes:
            return []
        if not self._up:
            return [
                HomeOffline(home, self._since_s, by_gateway=True, reason=OfflineReason(OfflineCause.PLATFORM_OFFLINE))
                for home in homes
            ]
        wanted = np.isin(np.array(self._homes), homes)[self._home]
        expected = np.full(int(wanted.sum()), self._since_s)
        truth = SupervisedDevices(self._home[wanted], self._kind[wanted], self._seen[wanted], expected)
        kinds = self._kind[wanted]
        offline = supervise_devices(truth, now_s, self._parameters).offline
        return [self._dark_of(one, KINDS[kinds[one.device]], now_s) for one in offline]

    def _dark_of(self, one: OfflineHome, kind: DeviceKind, now_s: float) -> HomeOffline:
        cause = OfflineCause.DEVICE_NEVER_HEARD if one.never_heard else OfflineCause.DEVICE_SILENT
        reason = OfflineReason(cause, kind, now_s - one.since_s)
        return HomeOffline(self._homes[one.home], one.since_s, kind is DeviceKind.GATEWAY, reason)


def _why_unheard(cause: str) -> OfflineReason:
    return OfflineReason(_CAUSES.get(cause, OfflineCause.SENSORS_UNHEARD))
