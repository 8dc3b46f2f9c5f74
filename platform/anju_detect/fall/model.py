"""The trained judgement of an impact: looks at it, each with two kernel machines, and one threshold for each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.fall.channels import Floats32, channels, low_passed
from anju_detect.fall.features import features
from anju_detect.fall.machine import KernelMachine, Scale, Steps
from anju_detect.fall.patterns import Patterns
from anju_detect.shipped import load_arrays
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
class LookKind:
    """How far a look sees, in g, and for which place it is."""

    clip_g: float
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """Wearables that are judged alike: at the same place, by the same looks (indices in `LOOKS`)."""

    place: str
    looks: tuple[int, ...]


LOOKS = (
    LookKind(CLIP_G, "waist"),
    LookKind(CLIP_G, "wrist"),
    LookKind(CLIP_G, "wrist"),
    LookKind(WIDE_G, "wrist"),
)
# At the waist one look errs hardly ever. At the wrist the mean of two depends less on which patterns were drawn, and a
# sensor that shows the height of the blow is also looked at as it is. None shares its axes: where one had to serve both
# places, it judged the wrist worse, and every draw otherwise.
GROUPS = {"waist": Group("waist", (0,)), "wrist": Group("wrist", (1, 2)), "wrist_wide": Group("wrist", (1, 2, 3))}


def group_of(position: str, clip_g: float) -> str:
    """The group of a wearable: where it is worn, and whether its range of ±`clip_g` shows more than ±2 g."""
    place = PLACE_OF[position]
    return "wrist_wide" if place == "wrist" and clip_g >= WIDE_G else place


def seen_shape(smooth: Floats32) -> Floats:
    """What `features` says of low-passed windows."""
    return features(smooth.astype(np.float64))


def smoothed(windows: NDArray[np.floating], clip_g: float) -> Floats32:
    """Windows as a look sees them: cut to ±`clip_g`, then low-passed."""
    return low_passed(np.clip(windows, -clip_g, clip_g))


@dataclass(frozen=True, slots=True)
class Axes:
    """The random patterns and the few directions in which their responses differ most.

    Attributes
    ----------
    direction
        Shape (patterns.size, components), orthonormal but for the rounding.
    spread
        Shape (components,): standard deviation along each.

    """

    patterns: Patterns
    scale: Scale
    direction: Steps
    spread: Floats32

    def __call__(self, smooth: Floats32) -> Floats32:
        """Where low-passed windows lie; shape (n, components)."""
        return self.project(self.patterns.responses(channels(smooth)))

    def project(self, responses: NDArray[np.floating]) -> Floats32:
        """Where responses lie; shape (n, components)."""
        return self.scale(responses) @ self.direction.values()

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The axes as named arrays."""
        named: dict[str, NDArray[Any]] = self.patterns.arrays(prefix)
        named |= {f"{prefix}_centre": self.scale.centre, f"{prefix}_scale": self.scale.spread}
        named |= {f"{prefix}_direction": self.direction.count, f"{prefix}_step": self.direction.size}
        return named | {f"{prefix}_spread": self.spread}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> Axes:
        """The inverse of `arrays`."""
        scale = Scale(arrays[f"{prefix}_centre"], arrays[f"{prefix}_scale"])
        direction = Steps(arrays[f"{prefix}_direction"], arrays[f"{prefix}_step"])
        return cls(Patterns.of(arrays, prefix), scale, direction, arrays[f"{prefix}_spread"])


@dataclass(frozen=True, slots=True)
class Machines:
    """The machine of shapes and that of patterns, of one look at one place.

    Attributes
    ----------
    emphasis
        Shape (components,): factor of each component of `Axes`.

    """

    scale: Scale
    shape: KernelMachine
    emphasis: Floats32
    pattern: KernelMachine

    def by_shape(self, x: NDArray[np.floating]) -> Floats:
        """Decisions of the machine of shapes on `features`."""
        return self.shape.decide(self.scale(x))

    def by_patterns(self, components: Floats32) -> Floats:
        """Decisions of the machine of patterns on components of `Axes`."""
        return self.pattern.decide(components * self.emphasis)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The machines as named arrays."""
        named = {f"{prefix}_centre": self.scale.centre, f"{prefix}_spread": self.scale.spread}
        named |= {f"{prefix}_emphasis": self.emphasis}
        return named | self.shape.arrays(f"{prefix}_shape") | self.pattern.arrays(f"{prefix}_pattern")

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> Machines:
        """The inverse of `arrays`."""
        scale = Scale(arrays[f"{prefix}_centre"], arrays[f"{prefix}_spread"])
        shape, pattern = (KernelMachine.of(arrays, f"{prefix}_{name}") for name in ("shape", "pattern"))
        return cls(scale, shape, arrays[f"{prefix}_emphasis"], pattern)


def weighed(decisions: Floats, place: str) -> Floats:
    """One decision, shape (n,), of those of the machine of shapes (row 0) and that of patterns (row 1)."""
    share = SHAPE_SHARE[place]
    return np.asarray(share * decisions[0] + (1.0 - share) * decisions[1])


@dataclass(frozen=True, slots=True)
class Look:
    """One way of looking at a window: how far it sees and for which place, its axes, and its machines."""

    kind: LookKind
    axes: Axes
    machines: Machines

    def by_shape(self, windows: Floats) -> Floats:
        """Decisions of the machine of shapes alone."""
        return self.machines.by_shape(seen_shape(smoothed(windows, self.kind.clip_g)))

    def decide(self, windows: Floats) -> Floats:
        """Decisions of both machines, weighed."""
        smooth = smoothed(windows, self.kind.clip_g)
        shape, patterns = self.machines.by_shape(seen_shape(smooth)), self.machines.by_patterns(self.axes(smooth))
        return weighed(np.stack([shape, patterns]), self.kind.place)


@dataclass(frozen=True, slots=True)
class Border:
    """How a group's decisions become scores.

    Attributes
    ----------
    gate
        Windows that the first look's shape alone puts below are nothing, and are not looked at further.
    slope, start
        Log-odds = slope · mean of the looks + start, fitted to people who were left out.
    suspect
        Score from which a candidate is a suspicion.

    """

    gate: float
    slope: float
    start: float
    suspect: float


@dataclass(frozen=True, slots=True)
class FallModel:
    """Judges windows around impacts: `LOOKS` in their order, and a border for each of `GROUPS`."""

    looks: tuple[Look, ...]
    borders: dict[str, Border]

    def scores(self, windows: Floats, group: str) -> Floats:
        """Scores 0 … 1 of windows in g, shape (n, features.LENGTH, 3); `group` as `group_of` says."""
        logits = [self._logits(windows[lo : lo + BATCH], group) for lo in range(0, len(windows), BATCH)]
        return sigmoid(np.concatenate(logits)) if logits else np.zeros(0)

    def threshold(self, group: str) -> float:
        """Score from which a candidate of the group is a suspicion."""
        return self.borders[group].suspect

    def _logits(self, windows: Floats, group: str) -> Floats:
        border = self.borders[group]
        looks = [self.looks[number] for number in GROUPS[group].looks]
        mean = looks[0].by_shape(windows)
        open_ = np.flatnonzero(mean >= border.gate)
        if len(open_):
            mean[open_] = np.mean([look.decide(windows[open_]) for look in looks], axis=0)
        return border.slope * mean + border.start

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays."""
        named: dict[str, NDArray[Any]] = {"version": np.array(VERSION)}
        for number, look in enumerate(self.looks):
            named |= look.axes.arrays(f"look{number}") | look.machines.arrays(f"look{number}_{look.kind.place}")
        for group, border in self.borders.items():
            named[f"{group}_border"] = np.array([border.gate, border.slope, border.start, border.suspect])
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
            looks = tuple(
                Look(kind, Axes.of(arrays, f"look{number}"), Machines.of(arrays, f"look{number}_{kind.place}"))
                for number, kind in enumerate(LOOKS)
            )
            return cls(looks, {group: Border(*arrays[f"{group}_border"].tolist()) for group in GROUPS})
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error

    @classmethod
    def shipped(cls) -> FallModel:
        """The model that came with this package."""
        return cls.of(load_arrays("fall"))
