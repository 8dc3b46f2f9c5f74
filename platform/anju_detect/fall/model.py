"""The fall classifier: an ensemble of members with two SVMs each, and a calibrated threshold per group of wearables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.fall.channels import Floats32, channels, low_passed
from anju_detect.fall.features import features
from anju_detect.fall.minirocket import MiniRocketFeatures
from anju_detect.fall.svm import SVM, QuantizedArray, StandardScaler
from anju_detect.model_store import load_arrays
from anju_detect.trees import sigmoid

Floats = NDArray[np.float64]

VERSION = 4
CLIP_G, WIDE_G = 2.0, 4.0
# Pendant, pocket and chest move with the trunk; they use the waist's model until there are data of their own.
PLACE_OF = {"waist": "waist", "hip": "waist", "chest": "waist", "pocket": "waist", "pendant": "waist", "wrist": "wrist"}
BATCH = 512
# Share of the shape SVM. At the wrist it counts less, because an arm's posture says little about the body's; shares
# from a tenth to a half hardly differ.
SHAPE_SHARE = {"waist": 0.5, "wrist": 0.2}


@dataclass(frozen=True, slots=True)
class MemberKind:
    """Range to which a member clips, ±g, and the place that it is trained for."""

    clip_g: float
    place: str


@dataclass(frozen=True, slots=True)
class WearableGroup:
    """Wearables that share a threshold: the place, and the members that vote (indices in `MEMBERS`)."""

    place: str
    members: tuple[int, ...]


MEMBERS = (
    MemberKind(CLIP_G, "waist"),
    MemberKind(CLIP_G, "wrist"),
    MemberKind(CLIP_G, "wrist"),
    MemberKind(WIDE_G, "wrist"),
)
# One member suffices at the waist. At the wrist the mean of two depends less on which kernels were drawn, and sensors
# of a wide range get a third member that sees unclipped peaks. Members do not share a PCA: sharing one cost accuracy
# at the wrist (research/notes/falls.md).
GROUPS = {
    "waist": WearableGroup("waist", (0,)),
    "wrist": WearableGroup("wrist", (1, 2)),
    "wrist_wide": WearableGroup("wrist", (1, 2, 3)),
}


def group_of(position: str, clip_g: float) -> str:
    """Return the group of a wearable by its position and its range of ±`clip_g`."""
    place = PLACE_OF[position]
    return "wrist_wide" if place == "wrist" and clip_g >= WIDE_G else place


def shape_features(smooth: Floats32) -> Floats:
    """Compute `features` of low-passed windows."""
    return features(smooth.astype(np.float64))


def clip_and_smooth(windows: NDArray[np.floating], clip_g: float) -> Floats32:
    """Clip windows to ±`clip_g` and low-pass them: the input of a member."""
    return low_passed(np.clip(windows, -clip_g, clip_g))


@dataclass(frozen=True, slots=True)
class PCA:
    """Principal components of MiniRocket features.

    Attributes
    ----------
    patterns, scale
        The features, and their standardisation.
    direction
        Shape (patterns.size, components), orthonormal up to rounding.
    spread
        Shape (components,): standard deviation along each.

    """

    patterns: MiniRocketFeatures
    scale: StandardScaler
    direction: QuantizedArray
    spread: Floats32

    def __call__(self, smooth: Floats32) -> Floats32:
        """Compute components of low-passed windows; shape (n, components)."""
        return self.project_responses(self.patterns.transform(channels(smooth)))

    def project_responses(self, responses: NDArray[np.floating]) -> Floats32:
        """Compute components of MiniRocket features; shape (n, components)."""
        return self.scale(responses) @ self.direction.dequantize()

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the PCA as named arrays."""
        named: dict[str, NDArray[Any]] = self.patterns.to_arrays(prefix)
        named |= {f"{prefix}_centre": self.scale.centre, f"{prefix}_scale": self.scale.spread}
        named |= {f"{prefix}_direction": self.direction.count, f"{prefix}_step": self.direction.size}
        return named | {f"{prefix}_spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> PCA:
        """Rebuild the PCA from `to_arrays`."""
        scale = StandardScaler(arrays[f"{prefix}_centre"], arrays[f"{prefix}_scale"])
        direction = QuantizedArray(arrays[f"{prefix}_direction"], arrays[f"{prefix}_step"])
        return cls(MiniRocketFeatures.from_arrays(arrays, prefix), scale, direction, arrays[f"{prefix}_spread"])


@dataclass(frozen=True, slots=True)
class SVMPair:
    """The two SVMs of a member: one on shape features, one on principal components.

    Attributes
    ----------
    scale
        Standardisation of the shape features.
    emphasis
        Shape (components,): factor on each principal component.

    """

    scale: StandardScaler
    shape: SVM
    emphasis: Floats32
    pattern: SVM

    def by_shape(self, x: NDArray[np.floating]) -> Floats:
        """Return decisions of the SVM on shape features, shape (n,)."""
        return self.shape.decision_function(self.scale(x))

    def by_patterns(self, components: Floats32) -> Floats:
        """Return decisions of the SVM on principal components, shape (n,)."""
        return self.pattern.decision_function(components * self.emphasis)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return both SVMs as named arrays."""
        named = {f"{prefix}_centre": self.scale.centre, f"{prefix}_spread": self.scale.spread}
        named |= {f"{prefix}_emphasis": self.emphasis}
        return named | self.shape.to_arrays(f"{prefix}_shape") | self.pattern.to_arrays(f"{prefix}_pattern")

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> SVMPair:
        """Rebuild both SVMs from `to_arrays`."""
        scale = StandardScaler(arrays[f"{prefix}_centre"], arrays[f"{prefix}_spread"])
        shape, pattern = (SVM.from_arrays(arrays, f"{prefix}_{name}") for name in ("shape", "pattern"))
        return cls(scale, shape, arrays[f"{prefix}_emphasis"], pattern)


def combine_decisions(decisions: Floats, place: str) -> Floats:
    """Weighted mean, shape (n,), of the decisions by shape (row 0) and by patterns (row 1)."""
    share = SHAPE_SHARE[place]
    return np.asarray(share * decisions[0] + (1.0 - share) * decisions[1])


@dataclass(frozen=True, slots=True)
class EnsembleMember:
    """One member of the ensemble: its range and place, its PCA and its SVMs."""

    kind: MemberKind
    pca: PCA
    svms: SVMPair

    def by_shape(self, windows: Floats) -> Floats:
        """Return decisions by shape features alone, for windows in g."""
        return self.svms.by_shape(shape_features(clip_and_smooth(windows, self.kind.clip_g)))

    def decision_function(self, windows: Floats) -> Floats:
        """Return the weighted decisions of both SVMs, for windows in g."""
        smooth = clip_and_smooth(windows, self.kind.clip_g)
        shape, patterns = self.svms.by_shape(shape_features(smooth)), self.svms.by_patterns(self.pca(smooth))
        return combine_decisions(np.stack([shape, patterns]), self.kind.place)


@dataclass(frozen=True, slots=True)
class CalibratedThreshold:
    """Platt scaling and threshold of a group.

    Attributes
    ----------
    gate
        Windows that the first member's shape SVM puts below this are not evaluated further.
    coefficient, intercept
        Log-odds = coefficient · mean decision of the members + intercept, fitted to people left out.
    threshold
        Score from which a candidate is a suspected fall.

    """

    gate: float
    coefficient: float
    intercept: float
    threshold: float


@dataclass(frozen=True, slots=True)
class FallModel:
    """The stored fall classifier: `MEMBERS` in their order, and a threshold for each of `GROUPS`."""

    members: tuple[EnsembleMember, ...]
    thresholds: dict[str, CalibratedThreshold]

    def score_windows(self, windows: Floats, group: str) -> Floats:
        """Return scores 0 … 1 of windows in g, shape (n, features.LENGTH, 3), for a group of `group_of`."""
        logits = [self._logits(windows[lo : lo + BATCH], group) for lo in range(0, len(windows), BATCH)]
        return sigmoid(np.concatenate(logits)) if logits else np.zeros(0)

    def threshold_of(self, group: str) -> float:
        """Return the score from which a candidate of the group is a suspected fall."""
        return self.thresholds[group].threshold

    def _logits(self, windows: Floats, group: str) -> Floats:
        calibrated = self.thresholds[group]
        members = [self.members[number] for number in GROUPS[group].members]
        mean = members[0].by_shape(windows)
        open_ = np.flatnonzero(mean >= calibrated.gate)
        if len(open_):
            mean[open_] = np.mean([member.decision_function(windows[open_]) for member in members], axis=0)
        return calibrated.coefficient * mean + calibrated.intercept

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the model as named arrays."""
        named: dict[str, NDArray[Any]] = {"version": np.array(VERSION)}
        for number, member in enumerate(self.members):
            named |= member.pca.to_arrays(f"look{number}") | member.svms.to_arrays(f"look{number}_{member.kind.place}")
        for group, calibrated in self.thresholds.items():
            named[f"{group}_border"] = np.array(
                [calibrated.gate, calibrated.coefficient, calibrated.intercept, calibrated.threshold]
            )
        return named

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> FallModel:
        """Rebuild the model from `to_arrays`.

        Raises
        ------
        ModelRefused
            Another version, or an array is missing or has the wrong shape.

        """
        try:
            if int(arrays["version"]) != VERSION:
                raise ModelRefused(f"the fall model has version {int(arrays['version'])}, not {VERSION}")
            members = tuple(
                EnsembleMember(
                    kind,
                    PCA.from_arrays(arrays, f"look{number}"),
                    SVMPair.from_arrays(arrays, f"look{number}_{kind.place}"),
                )
                for number, kind in enumerate(MEMBERS)
            )
            return cls(members, {group: CalibratedThreshold(*arrays[f"{group}_border"].tolist()) for group in GROUPS})
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error

    @classmethod
    def load_stored(cls) -> FallModel:
        """Load the model that this package ships."""
        return cls.from_arrays(load_arrays("fall"))
