"""Synthetic acceleration of a worn sensor: lying still, walking, and a fall. 50 Hz, milli-g, with gravity.

A fall follows the phases of the literature (Noury et al., IRBM 29:340, 2008; doi:10.1016/j.irbm.2008.08.002): a dip
towards free fall, an impact of several g with ringing, then lying in another orientation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Acceleration, shape (n, 3), milli-g."""
RATE_HZ = 50.0
G = 1000.0
"""Gravity, milli-g."""
_HEADER = struct.Struct("<df")


def encode_packet(start_s: float, samples: Samples, rate_hz: float = RATE_HZ) -> bytes:
    """Return the payload of `{home}/wearable/{device}/acceleration`: start (Unix s), rate (Hz), samples."""
    return _HEADER.pack(start_s, rate_hz) + np.ascontiguousarray(samples, dtype="<i2").tobytes()


@dataclass(frozen=True, slots=True)
class FallClip:
    """The samples of a fall, and the index of the sample at which the body hits the ground."""

    samples: Samples
    impact: int


class AccelerationModel:
    """Generates what the sensor of one wearer measures; all randomness comes from the generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        up = np.array([0.0, -1.0, 0.0]) + rng.normal(0, 0.12, 3)
        self._up = up / np.linalg.norm(up)

    def adopt_orientation(self, samples: Samples) -> None:
        """Continue in the orientation of the last second of `samples`."""
        self._up = _unit(samples[-round(RATE_HZ) :].astype(np.float64).mean(axis=0))

    def sample_still(self, seconds: float) -> Samples:
        """Return sitting or lying: gravity, breath and sensor noise."""
        n = round(seconds * RATE_HZ)
        breath = 6 * np.sin(2 * np.pi * 0.25 * np.arange(n) / RATE_HZ)
        return self._as_samples(self._up[None, :] * (G + breath[:, None]), 5.0)

    def sample_walking(self, seconds: float) -> Samples:
        """Return an old person's walk, about 1.6 steps a second."""
        t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        phase = 2 * np.pi * 1.6 * t + self._rng.uniform(0, 6)
        up = G + 170 * np.sin(phase) + 60 * np.sin(2 * phase + 0.7)
        sway = 70 * np.sin(phase / 2)[:, None] * self._sideways()[None, :]
        return self._as_samples(self._up[None, :] * up[:, None] + sway, 25.0)

    def sample_fall(self, *, before_s: float = 6.0, after_s: float = 12.0) -> FallClip:
        """Return `before_s` of walking, the fall, and `after_s` from the impact on; the model stays lying."""
        lead, after = self.sample_walking(before_s), after_s - 0.8
        side = self._sideways()
        drop_n = round(self._rng.uniform(0.35, 0.5) * RATE_HZ)
        dip = np.linspace(0.85, self._rng.uniform(0.15, 0.35), drop_n)[:, None] * G
        turn = np.linspace(0.0, 0.5, drop_n)[:, None]
        drop = dip * _unit((1 - turn) * self._up + turn * side)
        hit = self._impact(side)
        self._up = _unit(side + 0.25 * self._up)
        samples = np.concatenate([lead, self._as_samples(drop, 30.0), hit, self.sample_still(after)])
        return FallClip(samples, len(lead) + drop_n + 1)

    def _impact(self, side: NDArray[np.float64]) -> Samples:
        """Return 0.8 s: one short peak of 3.2 to 5.8 g and its ringing."""
        t = np.arange(round(0.8 * RATE_HZ)) / RATE_HZ
        peak = self._rng.uniform(3.2, 5.8)
        size = G * (1 + (peak - 1) * np.exp(-(((t - 0.02) / 0.03) ** 2)))
        ring = 900 * np.exp(-t / 0.14) * np.sin(2 * np.pi * 7 * t)
        return self._as_samples(_unit(0.3 * self._up + side)[None, :] * (size + ring)[:, None], 40.0)

    def _sideways(self) -> NDArray[np.float64]:
        """Return a unit vector at right angles to the vertical."""
        across = np.cross(self._up, [0.0, 0.0, 1.0]) + np.array([0.0, 0.0, 0.5])
        return _unit(across - self._up * np.dot(across, self._up))

    def _as_samples(self, milli_g: NDArray[np.float64], noise: float) -> Samples:
        noisy = milli_g + self._rng.normal(0, noise, milli_g.shape)
        return np.clip(np.rint(noisy), -16_000, 16_000).astype(np.int16)


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return result
