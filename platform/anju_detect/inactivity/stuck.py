"""Drops readings of a stuck sensor: one that fires for hours without a pause while no other does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations
from anju_detect.inactivity.batch_rows import Rows
from anju_detect.inactivity.state import HomeState

Truths = NDArray[np.bool_]

# In the 28 TIHM homes one room alone was never active for more than 4 h without a pause of 15 minutes.
STUCK_S = 6 * durations.HOUR_S
# Only where another room was active within this time: some homes have a single sensor.
OTHERS_S = 7 * durations.DAY_S


def credible_rows(s: HomeState, life: Rows) -> Truths:
    """Whether each sign of life is credible; records how long each home's last room was active alone."""
    home, at_s = life.home, life.at_s
    before = life.previous_s(np.maximum(s["last_life_s"], s["alone_until_s"]))
    room = np.empty_like(life.room)
    room[1:] = life.room[:-1]
    room[life.first] = s["last_room"][home[life.first]]
    anew = (life.room != room) | (at_s - before >= durations.MIN_GAP_S)
    whole = np.floor(np.clip(at_s, 0.0, None))
    since = life.running_last(np.where(anew, whole, -np.inf), s["alone_since_s"])
    last = life.last
    s["alone_since_s"][home[last]] = since[last]
    s["alone_until_s"][home[last]] = np.maximum(s["alone_until_s"][home[last]], whole[last])
    believed = np.ones(len(home), bool)
    long = np.flatnonzero(at_s - since >= STUCK_S)
    if len(long):
        entered = s["room_s"][home[long]].astype(np.float64)
        entered[np.arange(len(long)), life.room[long]] = 0.0
        believed[long] = at_s[long] - entered.max(axis=1) > OTHERS_S
    return believed
