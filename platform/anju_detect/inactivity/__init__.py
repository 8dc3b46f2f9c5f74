"""Detects unusual inactivity in many homes at once: when a gap without signs of life is worth a call, and why."""

from anju_detect.inactivity.detector import InactivityDetector
from anju_detect.inactivity.measured_outcomes import MEASURED_OUTCOMES, MeasuredOutcome, expected_outcome
from anju_detect.inactivity.parameters import InactivityParameters
from anju_detect.inactivity.signals import Explanation, InactivitySignal, LifeBatch
from anju_detect.inactivity.vocabulary import AWAY_LONG, INACTIVITY, KINDS, OUTCOMES, ROOMS

__all__ = [
    "AWAY_LONG",
    "INACTIVITY",
    "KINDS",
    "MEASURED_OUTCOMES",
    "OUTCOMES",
    "ROOMS",
    "Explanation",
    "InactivityDetector",
    "InactivityParameters",
    "InactivitySignal",
    "LifeBatch",
    "MeasuredOutcome",
    "expected_outcome",
]
