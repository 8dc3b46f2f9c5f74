"""The trained judgement of an impact: one forest and one threshold for each place a sensor is worn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.fall.features import features
from anju_detect.shipped import load_arrays
from anju_detect.trees import Forest, sigmoid

Floats = NDArray[np.float64]

CLIP_G = 2.0
GROUPS = ("waist", "wrist")
# A pendant, a pocket and the chest move with the trunk; they are judged as the waist until data say otherwise.
GROUP_OF = {"waist": "waist", "hip": "waist", "chest": "waist", "pocket": "waist", "pendant": "waist", "wrist": "wrist"}


@dataclass(frozen=True, slots=True)
class FallModel:
    """Forests by group, and the score from which each suspects a fall."""

    forests: dict[str, Forest]
    thresholds: dict[str, float]

    def scores(self, windows: Floats, position: str) -> Floats:
        """Scores 0 … 1 of windows in g, shape (n, features.LENGTH, 3); what lies beyond ±2 g is not used."""
        return sigmoid(self.forests[GROUP_OF[position]].logit(features(np.clip(windows, -CLIP_G, CLIP_G))))

    def threshold(self, position: str) -> float:
        """Score from which a candidate worn here is a suspicion."""
        return self.thresholds[GROUP_OF[position]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays."""
        named: dict[str, NDArray[Any]] = {}
        for group, forest in self.forests.items():
            named |= forest.arrays(group) | {f"{group}_suspect": np.array(self.thresholds[group])}
        return named

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> FallModel:
        """The inverse of `arrays`."""
        try:
            thresholds = {group: float(arrays[f"{group}_suspect"]) for group in GROUPS}
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error
        return cls({group: Forest.of(arrays, group) for group in GROUPS}, thresholds)

    @classmethod
    def shipped(cls) -> FallModel:
        """The model that came with this package."""
        return cls.of(load_arrays("fall"))
