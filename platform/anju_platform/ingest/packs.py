"""Many packs of plain telemetry side by side, as columns: read without an object for each reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from anju_platform.devices.cache import NO_ROW, DeviceCache
from anju_platform.ingest.clocks import TRUSTED_S
from anju_platform.ingest.decode import Plain
from anju_wire.bounds import LATEST_S
from anju_wire.senml import EARLIEST_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NAME, _TIME, _NUMBER, _TRUTH = (attrgetter(name) for name in ("n", "t", "v", "vb"))


@dataclass(frozen=True, slots=True)
class Packs:
    """Readings of `fits.size` packs, one pack after the other.

    fits: whether every reading of the pack is of a known sensor, has the value that it should have, and a time that
    can be, and none is an alarm. What does not fit is to be read by itself.
    pack: which pack each reading is of.
    row: its sensor, as a row of the device_cache's table; -1 for a stranger.
    value: NaN where there is none; truths are 0 and 1.
    """

    fits: NDArray[np.bool_]
    pack: Ints
    row: Ints
    at_s: Floats
    value: Floats

    def of(self, packs: Sequence[int]) -> Packs:
        """Only these packs, in their order; `pack` still counts as before."""
        if len(packs) == len(self.fits):
            return self
        keep = np.zeros(len(self.fits), bool)
        keep[packs] = True
        chosen = keep[self.pack]
        return Packs(self.fits[keep], self.pack[chosen], self.row[chosen], self.at_s[chosen], self.value[chosen])


def side_by_side(packs: Sequence[Plain], device_cache: DeviceCache) -> Packs:
    """Lay packs beside each other; none of them is empty."""
    rows: list[int] = []
    for one in packs:
        known = device_cache.home_sensors(one.facts.home_id).rows
        mine = list(map(known.get, map(_NAME, one.pack), repeat(NO_ROW)))
        if NO_ROW in mine:
            home = one.facts.home_id
            mine = [
                device_cache.find_row(home, record.n) if row == NO_ROW else row
                for row, record in zip(mine, one.pack, strict=True)
            ]
        rows += mine
    records = list(chain.from_iterable([one.pack for one in packs]))
    lengths = np.array([len(one.pack) for one in packs], np.int64)
    row = np.array(rows, np.int64)
    at_s = np.fromiter(map(_TIME, records), np.float64, len(records))
    numbers = np.fromiter(map(_NUMBER, records), np.float64, len(records))
    truths = np.array(list(map(_TRUTH, records)), np.float64)  # None becomes NaN
    table = device_cache.table
    value = np.where(table.truth[row], truths, numbers)
    latest = np.array([min(one.arrived_s + TRUSTED_S, LATEST_S) for one in packs], np.float64)
    good = (row != NO_ROW) & (value >= table.low[row]) & (value <= table.high[row])  # NaN is within nothing
    good &= ~table.alarm[row]
    good &= (at_s >= EARLIEST_S) & (at_s <= np.repeat(latest, lengths))
    starts = np.cumsum(lengths) - lengths
    fits = np.logical_and.reduceat(good, starts) if len(packs) else np.zeros(0, bool)
    return Packs(fits, np.repeat(np.arange(len(packs)), lengths), row, at_s, value)
