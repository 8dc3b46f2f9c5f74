"""Daily routine of many homes at once: a digest of each day, and changes against the person's own past weeks."""

from anju_detect.routine.detector import RoutineDetector
from anju_detect.routine.measures import MEASURES
from anju_detect.routine.parameters import RoutineParameters
from anju_detect.routine.signals import GRADUAL, SUDDEN, Digest, RoutineChange, Standing

__all__ = [
    "GRADUAL",
    "MEASURES",
    "SUDDEN",
    "Digest",
    "RoutineChange",
    "RoutineDetector",
    "RoutineParameters",
    "Standing",
]
