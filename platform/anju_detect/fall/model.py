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
# A pendant, a pocket and the chest move with the trunk; they are judged as the waist until data say otherwise.
PLACE_OF = {"waist": "waist", "hip": "waist", "chest": "waist", "pocket": "waist", "pendant": "waist", "wrist": "wrist"}
BATCH = 512
# At the wrist patterns tell more: an arm's posture and level say little of the body's. Between a tenth and a half the
# figures hardly differ.
SHAPE_SHARE = {"waist": 0.5, "wrist": 0.2}


@dataclass(frozen=True, slots=True)
class MemberKind:
    """How far a member sees, in g, and for which place it is."""

    clip_g: float
    place: str


@dataclass(frozen=True, slots=True)
class WearableGroup:
    """Wearables that are judged alike: at the same place, by the same members (indices in `MEMBERS`)."""

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
    """The group of a wearable: where it is worn, and whether its range of ±`clip_g` shows more than ±2 g."""
    place = PLACE_OF[position]
    return "wrist_wide" if place == "wrist" and clip_g >= WIDE_G else place


def shape_features(smooth: Floats32) -> Floats:
    """What `features` says of low-passed windows."""
    return features(smooth.astype(np.float64))


def clip_and_smooth(windows: NDArray[np.floating], clip_g: float) -> Floats32:
    """Windows as a member sees them: cut to ±`clip_g`, then low-passed."""
    return low_passed(np.clip(windows, -clip_g, clip_g))


@dataclass(frozen=True, slots=True)
class PCA:
    """The random patterns and the few directions in which their responses differ most.

    Attributes
    ----------
    direction
        Shape (patterns.size, components), orthonormal but for the rounding.
    spread
        Shape (components,): standard deviation along each.

    """

    patterns: MiniRocketFeatures
    scale: StandardScaler
    direction: QuantizedArray
    spread: Floats32

    def __call__(self, smooth: Floats32) -> Floats32:
        """Where low-passed windows lie; shape (n, components)."""
        return self.project_responses(self.patterns.transform(channels(smooth)))

    def project_responses(self, responses: NDArray[np.floating]) -> Floats32:
        """Where responses lie; shape (n, components)."""
        return self.scale(responses) @ self.direction.dequantize()

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The axes as named arrays."""
        named: dict[str, NDArray[Any]] = self.patterns.to_arrays(prefix)
        named |= {f"{prefix}_centre": self.scale.centre, f"{prefix}_scale": self.scale.spread}
        named |= {f"{prefix}_direction": self.direction.count, f"{prefix}_step": self.direction.size}
        return named | {f"{prefix}_spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> PCA:
        """The inverse of `arrays`."""
        scale = StandardScaler(arrays[f"{prefix}_centre"], arrays[f"{prefix}_scale"])
        direction = QuantizedArray(arrays[f"{prefix}_direction"], arrays[f"{prefix}_step"])
        return cls(MiniRocketFeatures.from_arrays(arrays, prefix), scale, direction, arrays[f"{prefix}_spread"])


@dataclass(frozen=True, slots=True)
class SVMPair:
    """The machine of shapes and that of patterns, of one member at one place.

    Attributes
    ----------
    emphasis
        Shape (components,): factor of each component of `PCA`.

    """

    scale: StandardScaler
    shape: SVM
    emphasis: Floats32
    pattern: SVM

    def by_shape(self, x: NDArray[np.floating]) -> Floats:
        """Decisions of the machine of shapes on `features`."""
        return self.shape.decision_function(self.scale(x))

    def by_patterns(self, components: Floats32) -> Floats:
        """Decisions of the machine of patterns on components of `PCA`."""
        return self.pattern.decision_function(components * self.emphasis)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The machines as named arrays."""
        named = {f"{prefix}_centre": self.scale.centre, f"{prefix}_spread": self.scale.spread}
        named |= {f"{prefix}_emphasis": self.emphasis}
        return named | self.shape.to_arrays(f"{prefix}_shape") | self.pattern.to_arrays(f"{prefix}_pattern")

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> SVMPair:
        """The inverse of `arrays`."""
        scale = StandardScaler(arrays[f"{prefix}_centre"], arrays[f"{prefix}_spread"])
        shape, pattern = (SVM.from_arrays(arrays, f"{prefix}_{name}") for name in ("shape", "pattern"))
        return cls(scale, shape, arrays[f"{prefix}_emphasis"], pattern)


def combine_decisions(decisions: Floats, place: str) -> Floats:
    """One decision, shape (n,), of those of the machine of shapes (row 0) and that of patterns (row 1)."""
    share = SHAPE_SHARE[place]
    return np.asarray(share * decisions[0] + (1.0 - share) * decisions[1])


@dataclass(frozen=True, slots=True)
class EnsembleMember:
    """One way of looking at a window: how far it sees and for which place, its axes, and its machines."""

    kind: MemberKind
    pca: PCA
    svms: SVMPair

    def by_shape(self, windows: Floats) -> Floats:
        """Decisions of the machine of shapes alone."""
        return self.svms.by_shape(shape_features(clip_and_smooth(windows, self.kind.clip_g)))

    def decision_function(self, windows: Floats) -> Floats:
        """Decisions of both machines, combine_decisions."""
        smooth = clip_and_smooth(windows, self.kind.clip_g)
        shape, patterns = self.svms.by_shape(shape_features(smooth)), self.svms.by_patterns(self.pca(smooth))
        return combine_decisions(np.stack([shape, patterns]), self.kind.place)


@dataclass(frozen=True, slots=True)
class CalibratedThreshold:
    """How a group's decisions become scores.

    Attributes
    ----------
    gate
        Windows that the first member's shape alone puts below are nothing, and are not looked at further.
    slope, start
        Log-odds = slope · mean of the members + start, fitted to people who were left out.
    suspect
        Score from which a candidate is a suspicion.

    """

    gate: float
    coefficient: float
    intercept: float
    threshold: float


@dataclass(frozen=True, slots=True)
class FallModel:
    """Judges windows around impacts: `MEMBERS` in their order, and a border for each of `GROUPS`."""

    members: tuple[EnsembleMember, ...]
    thresholds: dict[str, CalibratedThreshold]

    def score_windows(self, windows: Floats, group: str) -> Floats:
        """Scores 0 … 1 of windows in g, shape (n, features.LENGTH, 3); `group` as `group_of` says."""
        logits = [self._logits(windows[lo : lo + BATCH], group) for lo in range(0, len(windows), BATCH)]
        return sigmoid(np.concatenate(logits)) if logits else np.zeros(0)

    def threshold_of(self, group: str) -> float:
        """Score from which a candidate of the group is a suspicion."""
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
        """The model as named arrays."""
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
        """The inverse of `arrays`.

        Raises
        ------
        ModelRefused
            Of another version, or an array is missing or of the wrong shape.

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
        """The model that came with this package."""
        return cls.from_arrays(load_arrays("fall"))
