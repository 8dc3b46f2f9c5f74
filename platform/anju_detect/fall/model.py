"""The trained judgement of an impact: two kernel machines and one threshold for each place a sensor is worn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.fall.channels import Floats32, channels, low_passed
from anju_detect.fall.features import features
from anju_detect.fall.machine import KernelMachine, Scale
from anju_detect.fall.patterns import Patterns
from anju_detect.shipped import load_arrays
from anju_detect.trees import sigmoid

Floats = NDArray[np.float64]

VERSION = 2
CLIP_G = 2.0
GROUPS = ("waist", "wrist")
# A pendant, a pocket and the chest move with the trunk; they are judged as the waist until data say otherwise.
GROUP_OF = {"waist": "waist", "hip": "waist", "chest": "waist", "pocket": "waist", "pendant": "waist", "wrist": "wrist"}
BATCH = 512


def seen_shape(smooth: Floats32) -> Floats:
    """What `features` says of low-passed windows."""
    return features(smooth.astype(np.float64))


def smoothed(windows: NDArray[np.floating]) -> Floats32:
    """Windows as every judgement sees them: cut to ±2 g, then low-passed."""
    return low_passed(np.clip(windows, -CLIP_G, CLIP_G))


@dataclass(frozen=True, slots=True)
class Axes:
    """The random patterns and the few directions in which their responses differ most.

    Attributes
    ----------
    direction
        Shape (patterns.size, components), orthonormal.
    spread
        Shape (components,): standard deviation along each.

    """

    patterns: Patterns
    scale: Scale
    direction: NDArray[np.float16]
    spread: Floats32

    def __call__(self, smooth: Floats32) -> Floats32:
        """Where low-passed windows lie; shape (n, components)."""
        return self.project(self.patterns.responses(channels(smooth)))

    def project(self, responses: NDArray[np.floating]) -> Floats32:
        """Where responses lie; shape (n, components)."""
        return self.scale(responses) @ self.direction.astype(np.float32)


@dataclass(frozen=True, slots=True)
class PositionModel:
    """What is known of one wearing position.

    The mean of both machines, straightened to log-odds, is the score. Windows that the shape alone puts below `gate`
    are nothing, and the patterns are not computed for them.

    Attributes
    ----------
    emphasis
        Shape (components,): factor of each component of `Axes`.
    slope, start
        Log-odds = slope · mean of the machines + start, fitted to people who were left out.
    suspect
        Score from which a candidate is a suspicion.

    """

    scale: Scale
    shape: KernelMachine
    emphasis: Floats32
    pattern: KernelMachine
    gate: float
    slope: float
    start: float
    suspect: float

    def by_shape(self, x: NDArray[np.floating]) -> Floats:
        """Decisions of the machine of shapes on `features`."""
        return self.shape.decide(self.scale(x))

    def by_patterns(self, components: Floats32) -> Floats:
        """Decisions of the machine of patterns on components of `Axes`."""
        return self.pattern.decide(components * self.emphasis)

    def logit(self, smooth: Floats32, axes: Axes) -> Floats:
        """Log-odds of low-passed windows."""
        mean = self.by_shape(seen_shape(smooth))
        open_ = np.flatnonzero(mean >= self.gate)
        if len(open_):
            mean[open_] = 0.5 * (mean[open_] + self.by_patterns(axes(smooth[open_])))
        return self.slope * mean + self.start

    def arrays(self, group: str) -> dict[str, NDArray[Any]]:
        """The position's named arrays."""
        numbers = np.array([self.gate, self.slope, self.start, self.suspect])
        named = {f"{group}_centre": self.scale.centre, f"{group}_spread": self.scale.spread}
        named |= {f"{group}_emphasis": self.emphasis, f"{group}_numbers": numbers}
        return named | self.shape.arrays(f"{group}_shape") | self.pattern.arrays(f"{group}_pattern")

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], group: str) -> PositionModel:
        """The inverse of `arrays`."""
        scale = Scale(arrays[f"{group}_centre"], arrays[f"{group}_spread"])
        shape, pattern = (KernelMachine.of(arrays, f"{group}_{name}") for name in ("shape", "pattern"))
        return cls(scale, shape, arrays[f"{group}_emphasis"], pattern, *arrays[f"{group}_numbers"].tolist())


@dataclass(frozen=True, slots=True)
class FallModel:
    """Judges windows around impacts; one `PositionModel` for each of `GROUPS`, over the same axes."""

    axes: Axes
    positions: dict[str, PositionModel]

    def scores(self, windows: Floats, position: str) -> Floats:
        """Scores 0 … 1 of windows in g, shape (n, features.LENGTH, 3); what lies beyond ±2 g is not used."""
        known = self.positions[GROUP_OF[position]]
        logits = [known.logit(smoothed(windows[lo : lo + BATCH]), self.axes) for lo in range(0, len(windows), BATCH)]
        return sigmoid(np.concatenate(logits)) if logits else np.zeros(0)

    def threshold(self, position: str) -> float:
        """Score from which a candidate worn here is a suspicion."""
        return self.positions[GROUP_OF[position]].suspect

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays."""
        axes = self.axes
        named = axes.patterns.arrays() | {"version": np.array(VERSION)}
        named |= {"axes_centre": axes.scale.centre, "axes_scale": axes.scale.spread}
        named |= {"axes_direction": axes.direction, "axes_spread": axes.spread}
        for group, position in self.positions.items():
            named |= position.arrays(group)
        return named

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> FallModel:
        """The inverse of `arrays`.

        Raises
        ------
        ModelRefused
            Of another version, or an array is missing or of the wrong shape.

        """
        try:
            if int(arrays["version"]) != VERSION:
                raise ModelRefused(f"the fall model has version {int(arrays['version'])}, not {VERSION}")
            patterns = Patterns(arrays["pattern_weight"], arrays["pattern_threshold"])
            scale = Scale(arrays["axes_centre"], arrays["axes_scale"])
            axes = Axes(patterns, scale, arrays["axes_direction"], arrays["axes_spread"])
            return cls(axes, {group: PositionModel.of(arrays, group) for group in GROUPS})
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error

    @classmethod
    def shipped(cls) -> FallModel:
        """The model that came with this package."""
        return cls.of(load_arrays("fall"))
