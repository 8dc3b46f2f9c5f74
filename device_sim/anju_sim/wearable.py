"""Acceleration as a worn sensor measures it: still, walking, and a fall. Synthetic, 50 Hz, milli-g with gravity.

The shape of a fall (a dip towards free fall, an impact of several g with ringing, then lying in another orientation)
follows the phases that the literature describes (Noury et al., IRBM 29:340, 2008; doi:10.1016/j.irbm.2008.08.002).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""(n, 3), milli-g."""
RATE_HZ = 50.0
G = 1000.0
"""Milli-g."""
_HEADER = struct.Struct("<df")


def packet(start_s: float, samples: Samples, rate_hz: float = RATE_HZ) -> bytes:
    """As it travels on `{home}/wearable/{device}/acceleration`: start (Unix s), rate (Hz), samples."""
    return _HEADER.pack(start_s, rate_hz) + np.ascontiguousarray(samples, dtype="<i2").tobytes()


@dataclass(frozen=True, slots=True)
class FallClip:
    """A fall's samples, and where in them the body hit the ground (index)."""

    samples: Samples
    impact: int


class Body:
    """One wearer: orientation of the sensor and noise; all randomness comes from the generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        up = np.array([0.0, -1.0, 0.0]) + rng.normal(0, 0.12, 3)
        self._up = up / np.linalg.norm(up)

    def lie_as(self, samples: Samples) -> None:
        """Take the orientation that a recording ended in (its last second)."""
        self._up = _unit(samples[-round(RATE_HZ) :].astype(np.float64).mean(axis=0))

    def still(self, seconds: float) -> Samples:
        """Sitting or lying: gravity, breath and sensor noise."""
        n = round(seconds * RATE_HZ)
        breath = 6 * np.sin(2 * np.pi * 0.25 * np.arange(n) / RATE_HZ)
        return self._as_samples(self._up[None, :] * (G + breath[:, None]), 5.0)

    def walking(self, seconds: float) -> Samples:
        """An old person's walk: about 1.6 steps a second."""
        t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        phase = 2 * np.pi * 1.6 * t + self._rng.uniform(0, 6)
        up = G + 170 * np.sin(phase) + 60 * np.sin(2 * phase + 0.7)
        sway = 70 * np.sin(phase / 2)[:, None] * self._side()[None, :]
        return self._as_samples(self._up[None, :] * up[:, None] + sway, 25.0)

    def fall(self, *, before_s: float = 6.0, after_s: float = 12.0) -> FallClip:
        """Walking, the fall, and lying still afterwards."""
        lead, after = self.walking(before_s), after_s - 0.8
        side = self._side()
        drop_n = round(self._rng.uniform(0.35, 0.5) * RATE_HZ)
        dip = np.linspace(0.85, self._rng.uniform(0.15, 0.35), drop_n)[:, None] * G
        turn = np.linspace(0.0, 0.5, drop_n)[:, None]
        drop = dip * _unit((1 - turn) * self._up + turn * side)
        hit = self._impact(side)
        self._up = _unit(side + 0.25 * self._up)
        samples = np.concatenate([lead, self._as_samples(drop, 30.0), hit, self.still(after)])
        return FallClip(samples, len(lead) + drop_n + 1)

    def _impact(self, side: NDArray[np.float64]) -> Samples:
        """0.8 s: one short peak and what rings after it."""
        t = np.arange(round(0.8 * RATE_HZ)) / RATE_HZ
        peak = self._rng.uniform(3.2, 5.8)
        size = G * (1 + (peak - 1) * np.exp(-(((t - 0.02) / 0.03) ** 2)))
        ring = 900 * np.exp(-t / 0.14) * np.sin(2 * np.pi * 7 * t)
        return self._as_samples(_unit(0.3 * self._up + side)[None, :] * (size + ring)[:, None], 40.0)

    def _side(self) -> NDArray[np.float64]:
        """A direction at right angles to up."""
        across = np.cross(self._up, [0.0, 0.0, 1.0]) + np.array([0.0, 0.0, 0.5])
        return _unit(across - self._up * np.dot(across, self._up))

    def _as_samples(self, milli_g: NDArray[np.float64], noise: float) -> Samples:
        noisy = milli_g + self._rng.normal(0, noise, milli_g.shape)
        return np.clip(np.rint(noisy), -16_000, 16_000).astype(np.int16)


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return result
