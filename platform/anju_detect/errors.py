"""What the detectors refuse, each as a noun with the facts that explain it."""

from __future__ import annotations


class DetectionError(ValueError):
    """Base of everything that anju_detect refuses; nothing was changed when it is raised."""


class ParameterOutOfRange(DetectionError):
    """A parameter lies outside the range in which it has a meaning."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} = {value!r}, but it must be {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class SamplesRefused(DetectionError):
    """A chunk of acceleration can't be used; the stream goes on without it."""


class BatchRefused(DetectionError):
    """A batch of signs of life holds a bad row; none of its rows was taken."""

    def __init__(self, field: str, row: int, value: object, why: str) -> None:
        super().__init__(f"{field}[{row}] = {value!r}: {why}")
        self.field, self.row, self.value, self.why = field, row, value, why


class HomeNotAdded(DetectionError):
    """The home was never added to this detector."""

    def __init__(self, home: str) -> None:
        super().__init__(f"home {home!r} was never added to this detector")
        self.home = home


class OutcomeUnknown(DetectionError):
    """An alert was closed with a code that says nothing to the detector."""

    def __init__(self, outcome: str, known: tuple[str, ...]) -> None:
        super().__init__(f"outcome {outcome!r} is not one of {', '.join(known)}")
        self.outcome, self.known = outcome, known


class SnapshotRefused(DetectionError):
    """A snapshot is torn, or was made by a version that this one can't read."""


class ModelRefused(DetectionError):
    """Trained arrays don't match their hash, or lack what the detector needs."""
