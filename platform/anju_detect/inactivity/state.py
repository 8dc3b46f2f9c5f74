"""Columns of the inactivity detector's state, one row per home."""

from __future__ import annotations

import numpy as np

from anju_detect.columns import Column, HomeColumns
from anju_detect.inactivity.vocabulary import ROOMS

VERSION = 4
BANDS = 8
SLOTS = 48
PLACES = len(ROOMS) + 1
KEPT = 38

# what a gap is taken for
AT_HOME, AWAY, NOT_BACK = 0, 1, 2

# name, type, value before anything is known, further axes. Below 512 bytes a home in all.
COLUMNS: tuple[Column, ...] = (
    # settings of the home
    ("false_alert_target", np.float32, 1.0, ()),
    ("offset_s", np.float32, 0.0, ()),
    # the last signs of life, of any kind and by room, and decaying counts of activity
    ("last_life_s", np.float64, -np.inf, ()),
    ("last_room", np.int8, -1, ()),
    ("last_kind", np.int8, -1, ()),
    ("last_exit_s", np.float64, -np.inf, ()),
    ("room_s", np.uint32, 0, (len(ROOMS),)),
    ("brisk", np.float32, 0.0, ()),
    ("lively", np.float32, 0.0, ()),
    ("today", np.float32, 0.0, ()),
    ("week", np.float32, 0.0, ()),
    ("doors", np.float32, 0.0, ()),
    ("alone_since_s", np.uint32, 0, ()),
    ("alone_until_s", np.uint32, 0, ()),
    ("rose_s", np.float64, -np.inf, ()),
    ("stirred_s", np.float64, -np.inf, ()),
    ("rested_s", np.float32, 0.0, ()),
    ("paused_s", np.float32, 0.0, ()),
    # reception, outages and absences
    ("last_seen_s", np.float64, -np.inf, ()),
    ("beats", np.bool_, 0, ()),
    ("heard_from_s", np.float64, -np.inf, ()),
    ("taint_until_s", np.float64, -np.inf, ()),
    ("outage_from_s", np.float64, np.inf, ()),
    ("outage_until_s", np.float64, np.inf, ()),
    ("absent_from_s", np.float64, np.inf, ()),
    ("absent_until_s", np.float64, np.inf, ()),
    # the current gap: its deadline and tail, and when the home is next due
    ("deadline_s", np.float64, np.nan, ()),
    ("hold_s", np.float64, -np.inf, ()),
    ("away", np.int8, AT_HOME, ()),
    ("tail_s", np.float64, np.nan, ()),
    ("tail_share", np.float16, 0.0, ()),
    ("raised_for_s", np.float64, np.nan, ()),
    ("next_s", np.float64, np.inf, ()),
    # what was learnt: gaps by part of the day and by place, shares of active half hours, long gaps
    ("gap_count", np.float16, 0.0, (BANDS,)),
    ("place_count", np.float16, 0.0, (PLACES,)),
    ("excess", np.float32, 0.0, ()),
    ("expected", np.float32, 0.0, ()),
    ("false_count", np.float32, 0.0, ()),
    ("false_s", np.float64, 0.0, ()),
    ("active", np.float16, 0.5, (SLOTS,)),
    ("days", np.float16, 0.0, ()),
    ("long_from", np.uint16, 0, (KEPT,)),
    ("long_h10", np.uint8, 0, (KEPT,)),
    ("long_place", np.uint8, 0, (KEPT,)),
)


MOMENTS = (
    *("last_life_s", "last_exit_s", "rose_s", "stirred_s", "last_seen_s", "heard_from_s", "taint_until_s"),
    *("outage_from_s", "outage_until_s", "deadline_s", "hold_s", "tail_s", "raised_for_s", "next_s"),
)
"""Columns of Unix times that readings and sweeps have set; absences are of people's calendars."""
WHOLE_MOMENTS = ("room_s", "alone_since_s", "alone_until_s")
"""The same in whole seconds; 0 stands for never."""


class HomeState(HomeColumns):
    """State of the inactivity detector."""

    layout = COLUMNS
    version = VERSION
    former_names = {"false_alert_target": "wish"}  # noqa: RUF012 - declared ClassVar by the base
