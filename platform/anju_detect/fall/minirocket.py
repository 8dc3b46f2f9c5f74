"""Random convolution features in the manner of MiniRocket.

Dempster, Schmidt & Webb, doi:10.1145/3447548.3467231: kernels of nine taps, three of them 2 and six −1, dilated, over
one or two channels; pooled by the share of the window above a threshold. Because the impact is always in the same
place, that share is also taken over four parts of the window, and the largest response is added.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.fall.channels import CHANNELS, THINNED_HZ, Floats32
from anju_detect.fall.features import AFTER_S, BEFORE_S

TAPS, HIGH_TAPS = 9, 3
DILATIONS = (1, 2, 4, 8, 16)
THINNED = round((BEFORE_S + AFTER_S) * THINNED_HZ) + 1
PART_STARTS = (0, 50, 88, 126)
POOLS = len(PART_STARTS) + 2
_PART_LENGTHS = np.diff([*PART_STARTS, THINNED]).astype(np.float32)
_COMBINATIONS = np.array(list(itertools.combinations(range(TAPS), HIGH_TAPS)))


@dataclass(frozen=True, slots=True)
class MiniRocketFeatures:
    """A bank of kernels, in order of dilation.

    Attributes
    ----------
    weight
        Shape (dilations, kernels per dilation, CHANNELS · TAPS), small integers.
    threshold
        Shape (dilations, kernels per dilation): bias of each kernel.

    Raises
    ------
    ModelRefused
        The shapes do not fit each other.

    """

    weight: NDArray[np.int8]
    threshold: Floats32

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.weight.shape != (len(DILATIONS), self.threshold.shape[-1], CHANNELS * TAPS) or len(
            self.threshold
        ) != len(DILATIONS):
            raise ModelRefused(f"kernels {self.weight.shape} and thresholds {self.threshold.shape} don't fit")

    @property
    def size(self) -> int:
        """Number of features per window."""
        return self.threshold.size * POOLS

    def transform(self, curves: Floats32) -> Floats32:
        """Compute pooled responses to curves of shape (n, CHANNELS, THINNED); shape (n, size)."""
        out = np.empty((len(curves), len(DILATIONS), self.threshold.shape[1], POOLS), np.float32)
        for number, dilation in enumerate(DILATIONS):
            weight, threshold = self.weight[number].astype(np.float32), self.threshold[number][:, None]
            for row, shifted in enumerate(_shifted(curves, dilation)):
                response = weight @ shifted
                parts = np.add.reduceat(response > threshold, PART_STARTS, axis=1, dtype=np.float32)
                out[row, number, :, 0] = parts.sum(axis=1) / THINNED
                out[row, number, :, 1:-1] = parts / _PART_LENGTHS
                out[row, number, :, -1] = response.max(axis=1)
        return out.reshape(len(curves), -1)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the bank as named arrays."""
        return {f"{prefix}_kernel": self.weight, f"{prefix}_threshold": self.threshold}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> MiniRocketFeatures:
        """Rebuild the bank from `to_arrays`."""
        return cls(arrays[f"{prefix}_kernel"], arrays[f"{prefix}_threshold"])

    @classmethod
    def draw_kernels(cls, curves: Floats32, rng: np.random.Generator) -> MiniRocketFeatures:
        """Draw the kernels at random, and their thresholds from quantiles of responses to these curves."""
        weight = np.stack([_drawn_weights(rng) for _ in DILATIONS])
        threshold = np.empty(weight.shape[:2], np.float32)
        for number, dilation in enumerate(DILATIONS):
            some = _shifted(curves[rng.integers(0, len(curves), min(len(curves), 200))], dilation)
            response = weight[number].astype(np.float32) @ some
            shares = rng.uniform(0.1, 0.95, weight[number].shape[:1])
            for kernel in range(len(shares)):
                threshold[number, kernel] = np.quantile(response[:, kernel], shares[kernel])
        return cls(weight, threshold)


def _drawn_weights(rng: np.random.Generator) -> NDArray[np.int8]:
    """Kernels for every choice of high taps, over one or two channels with random signs."""
    weight = np.zeros((len(_COMBINATIONS), CHANNELS, TAPS), np.int8)
    for kernel, high in enumerate(_COMBINATIONS):
        taps = np.full(TAPS, -1)
        taps[high] = 2
        for channel in rng.permutation(CHANNELS)[: rng.integers(1, 3)]:
            weight[kernel, channel] = rng.choice((-1, 1)) * taps
    return weight.reshape(len(_COMBINATIONS), -1)


def _shifted(curves: Floats32, dilation: int) -> Floats32:
    """Input of each tap of each channel, edge values repeated; shape (n, CHANNELS · TAPS, THINNED)."""
    reach = dilation * (TAPS // 2)
    padded = np.pad(curves, ((0, 0), (0, 0), (reach, reach)), mode="edge")
    length = curves.shape[2]
    taps = [padded[:, :, tap * dilation : tap * dilation + length] for tap in range(TAPS)]
    return np.stack(taps, axis=2).reshape(len(curves), -1, length)
