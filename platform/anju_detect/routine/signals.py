"""Output of the routine detector."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.reasons import Reason

SUDDEN, GRADUAL = "sudden", "gradual"


@dataclass(frozen=True, slots=True)
class Standing:
    """One measure of one day compared with the person's own past weeks.

    Attributes
    ----------
    name
        One of `MEASURES`, which gives the unit.
    value, usual, usual_low, usual_high
        The day's value, and median and middle 80 % of the 48 days that ended a week before; nan where unknown.
    known_days
        Days of that past in which it is known.
    z
        Robust z-score (1.4826 · MAD), clipped at ±4; nan where unknown.
    risen, fallen
        Page's cumulative sums of z in both directions.

    """

    name: str
    value: float
    usual: float
    usual_low: float
    usual_high: float
    known_days: int
    z: float
    risen: float
    fallen: float


@dataclass(frozen=True, slots=True)
class Digest:
    """One local day of one home.

    Attributes
    ----------
    day
        Local days since 1970-01-01.
    known
        Whether anything is known of it; False: nobody was in, or the home could not be seen.
    sleep_h, wake_h
        When the night's rest that ended on this day began and ended, hours after its midnight (negative: the evening
        before).
    night_bathroom
        Visits to the bathroom within that rest.
    night_active_min
        Minutes with signs of life within that rest.
    out_h
        Hours between two openings of the outer door without life in between.
    rooms
        Rooms with signs of life.
    active_h
        Hours with signs of life, counted in slots of five minutes.
    day_rest_h
        Longest stretch without signs of life between 9 and 21 o'clock, without times out.

    All are nan (rooms: empty) where they are unknown.

    """

    home: str
    day: int
    known: bool
    sleep_h: float
    wake_h: float
    night_bathroom: float
    night_active_min: float
    out_h: float
    rooms: tuple[str, ...]
    active_h: float
    day_rest_h: float


@dataclass(frozen=True, slots=True)
class RoutineChange:
    """A measure that left the person's own past: suddenly (`sudden`: two days), or gradually (`gradual`).

    Attributes
    ----------
    day
        Local day on which the change was found, days since 1970-01-01.
    recent, usual
        Median of the last two (sudden) or seven (gradual) known days, and of the past weeks before.
    p
        Probability that an unchanged routine shows as much at least once in 30 days, by a block bootstrap of its past.
    at_s
        Unix seconds from which it could be known.

    """

    home: str
    day: int
    measure: str
    kind: str
    recent: float
    usual: float
    p: float
    at_s: float
    reason: Reason
