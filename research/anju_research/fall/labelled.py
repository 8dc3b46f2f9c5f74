"""Candidates with labels: who fell, what was staged, and which sensors would have shown it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.model import CLIP_G, GROUPS, PLACE_OF
from anju_research.fall.candidates import Candidates, RecordingLabel
from anju_research.fall.curves import GroupCurve, build_curve

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

SAME_S = 1.0


class LabelledCandidates:
    """Recordings, their candidates, and the label of each candidate."""

    def __init__(self, labels: list[RecordingLabel], found: Candidates) -> None:
        self.labels, self.found = labels, found
        impact = np.array([label.impact_s for label in labels])[found.recording]
        self.fell: Truths = np.abs(found.at_s - impact) < SAME_S
        # Other impacts of a trial with a fall teach nothing: nobody said whether they belong to it.
        self.clear: Truths = np.isnan(impact) | self.fell
        self.staged: Truths = np.array([label.trial for label in labels])[found.recording]
        self.place = np.array([PLACE_OF[label.position] for label in labels])
        self.wide: Truths = np.isin(found.recording, found.recording[~found.cut])

    def worn_at(self, place: str) -> Truths:
        """Which candidates were worn in this place."""
        worn_there: Truths = self.place[self.found.recording] == place
        return worn_there

    def seen_at_range(self, clip_g: float) -> Truths:
        """Which candidates a sensor of this range would have shown; for wide ones those that are not clipped."""
        cut = self.found.cut
        return cut if clip_g <= CLIP_G else ~cut | ~self.wide

    def assign_folds(self, count: int) -> NDArray[np.int64]:
        """Assign a fold to each candidate, by person."""
        people = sorted({label.person for label in self.labels})
        parts = np.array([people.index(label.person) % count for label in self.labels], np.int64)
        dealt: NDArray[np.int64] = parts[self.found.recording]
        return dealt

    def build_curve(self, logits: Floats, group: str, clip_g: float) -> GroupCurve:
        """Collect the group's trials and free living, given one log-odds value per candidate."""
        return build_curve(
            self.labels, self.found, logits, self.place == GROUPS[group].place, self.seen_at_range(clip_g)
        )
