"""Columns of the routine detector's state, one row per home."""

from __future__ import annotations

import numpy as np

from anju_detect.columns import Column, HomeColumns
from anju_detect.routine.measures import A_DAY, MEASURES

VERSION = 2
KEPT_DAYS = 4
"""Days whose slots are stored: the one before the open day, the open day, and two more."""
HALF_HOURS_A_DAY = 48
PAST_DAYS = 64
NO_DAY = -(10**6)
HEARD, UNSEEN = 1, 2

# name, type, value before anything is known, further axes. 2.5 kB a home in all.
COLUMNS: tuple[Column, ...] = (
    ("offset_s", np.float32, 0.0, ()),
    ("false_alert_target", np.float32, np.nan, ()),
    ("open_day", np.int32, NO_DAY, ()),
    ("judged_day", np.int32, NO_DAY, ()),
    # slots of five minutes: a bit for each active room and for the outer door; by local day modulo KEPT_DAYS
    ("pieces", np.uint8, 0, (KEPT_DAYS, A_DAY)),
    # half hours: whether anything was received, and whether an outage was announced
    ("visibility", np.uint8, 0, (KEPT_DAYS, HALF_HOURS_A_DAY)),
    ("beats", np.bool_, 0, ()),
    ("seen", np.uint8, 0, ()),
    ("outage_from_s", np.float64, np.inf, ()),
    ("outage_until_s", np.float64, np.inf, ()),
    # measures of closed days, by local day modulo PAST_DAYS
    ("past", np.float16, np.nan, (PAST_DAYS, len(MEASURES))),
    ("used", np.uint8, 0, (PAST_DAYS,)),
    # Page's cumulative sums up and down, and until when a measure is not reported again
    ("drift", np.float32, 0.0, (2, len(MEASURES))),
    ("rest_until_day", np.int32, NO_DAY, (len(MEASURES),)),
)


class RoutineState(HomeColumns):
    """State of the routine detector."""

    layout = COLUMNS
    version = VERSION
    former_names = {"false_alert_target": "wish", "visibility": "sight"}  # noqa: RUF012 - declared ClassVar by the base
