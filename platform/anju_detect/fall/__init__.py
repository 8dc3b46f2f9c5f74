"""Detects falls from a worn accelerometer: suspected, then confirmed by stillness or withdrawn by recovery."""

from anju_detect.fall.detector import POSITIONS, FallDetector
from anju_detect.fall.fleet import FallFleet, WornChunk
from anju_detect.fall.parameters import FallParameters
from anju_detect.fall.signals import CANCELLED, CONFIRMED, SUSPECTED, WITHDRAWN, FallSignal, Judgement

__all__ = [
    "CANCELLED",
    "CONFIRMED",
    "POSITIONS",
    "SUSPECTED",
    "WITHDRAWN",
    "FallDetector",
    "FallFleet",
    "FallParameters",
    "FallSignal",
    "Judgement",
    "WornChunk",
]
