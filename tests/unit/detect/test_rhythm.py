"""How long a device may be silent, by its own rhythm."""

from __future__ import annotations

import math

import pytest

from anju_detect.rhythm import MessageRhythm, allowed_silence_s

HOUR, DAY = 3600.0, 86400.0
START = 1_700_000_000.0


def heard(*gaps_s: float) -> MessageRhythm:
    rhythm = MessageRhythm(START, START)
    for gap_s in gaps_s:
        rhythm = rhythm.hear(rhythm.last_s + gap_s)
    return rhythm


@pytest.mark.parametrize(
    ("gaps_s", "allowed_h"),
    [
        ([], 20.0),
        ([HOUR] * 24, 20.0),
        ([HOUR] * 48, 4.0),
        ([HOUR] * 47 + [3 * HOUR], 6.0),
        ([65_000.0] * 3, 20.0),
        ([HOUR] * 48 + [30 * DAY], 20.0),
        ([9 * HOUR, *[HOUR] * 24 * 15], 4.0),
    ],
    ids=["new", "one day", "hourly", "once three hours", "each 18 h", "a breakdown", "long ago"],
)
def test_allowed_silence(gaps_s: list[float], allowed_h: float) -> None:
    assert allowed_silence_s(heard(*gaps_s).longest_gap_s, 4 * HOUR, 20 * HOUR) == pytest.approx(allowed_h * HOUR)


def test_what_comes_late_or_twice_changes_nothing() -> None:
    rhythm = heard(*[HOUR] * 50)
    assert rhythm.hear(rhythm.last_s) == rhythm.hear(START) == rhythm
    assert rhythm.shift_times(DAY).longest_gap_s == rhythm.longest_gap_s
    assert math.isnan(heard(HOUR).longest_gap_s)
