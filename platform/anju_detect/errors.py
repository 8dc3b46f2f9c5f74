"""Errors of the detectors, each with the facts that explain it."""

from __future__ import annotations


class DetectionError(ValueError):
    """Base class of the errors of anju_detect; the detector is unchanged when one is raised."""


class ParameterOutOfRange(DetectionError):
    """A parameter lies outside its valid range."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} = {value!r}, but it must be {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class SamplesRefused(DetectionError):
    """A chunk of acceleration samples is malformed and was not processed."""


class BatchRefused(DetectionError):
    """A batch of signs of life has an invalid row; no row was processed."""

    def __init__(self, field: str, row: int, value: object, why: str) -> None:
        super().__init__(f"{field}[{row}] = {value!r}: {why}")
        self.field, self.row, self.value, self.why = field, row, value, why


class HomeNotAdded(DetectionError):
    """The home was never added to this detector."""

    def __init__(self, home: str) -> None:
        super().__init__(f"home {home!r} was never added to this detector")
        self.home = home


class OutcomeUnknown(DetectionError):
    """An outcome is none of the codes that the detector knows."""

    def __init__(self, outcome: str, known: tuple[str, ...]) -> None:
        super().__init__(f"outcome {outcome!r} is not one of {', '.join(known)}")
        self.outcome, self.known = outcome, known


class SnapshotRefused(DetectionError):
    """A snapshot is damaged or has another version."""


class ModelRefused(DetectionError):
    """Model arrays have the wrong hash, version or shape, or one of them is missing."""
