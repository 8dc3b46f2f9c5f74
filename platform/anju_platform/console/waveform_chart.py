"""Draws the acceleration around a fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from anju_platform.i18n.translation import Words
from anju_wire.profiles import QUANTITIES, Quantity

HEIGHT = 140
FOOT = 24
MOST_POINTS = 600
_STEPS_S = (1, 2, 5, 10, 20, 60)
_MOST_TICKS = 8
LONGEST_S = 600.0
"""A longer waveform is none of a fall, and is not drawn."""
_RATE = QUANTITIES[Quantity.SAMPLE_RATE]


@dataclass(frozen=True, slots=True)
class WaveformChart:
    """Magnitudes of acceleration in g (gravity included), `rate` samples a second, and the second of the impact."""

    magnitudes: Sequence[float]
    rate: float
    impact_s: float | None = None


def magnitudes(data: bytes) -> list[float]:
    """Return accelerations, g, from little-endian int16 (n, 3), milli-g; an incomplete last sample is dropped."""
    whole = np.frombuffer(data[: len(data) // 6 * 6], "<i2").reshape(-1, 3)
    return [float(length) for length in np.linalg.norm(whole / 1000.0, axis=1)]


def draw(magnitudes: Sequence[float], rate: float, words: Words, *, impact_s: float | None = None) -> Markup:
    """Draw magnitudes of acceleration (in g, gravity included) sampled `rate` times a second.

    Returns nothing for an empty one, and for a rate or length that no wearable has.
    """
    if not magnitudes or not _RATE.low <= rate <= _RATE.high or len(magnitudes) > LONGEST_S * rate:
        return Markup("")
    length = len(magnitudes) / rate
    top = max(3.0, max(magnitudes) * 1.1)
    peak = max(range(len(magnitudes)), key=magnitudes.__getitem__)
    at = peak / rate if impact_s is None else impact_s
    told = words(
        "最大 %(peak)s g，在第 %(at)s 秒；共 %(length)s 秒。",
        peak=f"{magnitudes[peak]:.1f}",
        at=f"{at:.1f}",
        length=f"{length:.0f}",
    )
    rest = (1 - 1 / top) * HEIGHT
    return Markup(
        '<figure class="wave-figure"><svg class="drawing" role="img" aria-label="{told}" width="100%" height="{all}">'
        '<svg width="100%" height="{height}" viewBox="0 0 1000 {height}" preserveAspectRatio="none">'
        '<polyline class="wave" vector-effect="non-scaling-stroke" points="{points}"/></svg>'
        '<line class="rest" x1="0" x2="100%" y1="{rest:.1f}" y2="{rest:.1f}"/>'
        '<text x="100%" y="{above:.1f}" text-anchor="end">1 g</text>'
        '<line class="gap-edge" x1="{impact:.2f}%" x2="{impact:.2f}%" y1="0" y2="{height}"/>{ticks}</svg>'
        "<figcaption>{told}</figcaption></figure>"
    ).format(
        told=told,
        all=HEIGHT + FOOT,
        height=HEIGHT,
        points=_points(magnitudes, top),
        rest=rest,
        above=rest - 4,
        impact=100 * at / length,
        ticks=_ticks(length, words),
    )


def _points(magnitudes: Sequence[float], top: float) -> str:
    """Return at most `MOST_POINTS` values; of each group the largest, so that no impact is thinned away."""
    group = max(1, -(-len(magnitudes) // MOST_POINTS))
    kept = [max(magnitudes[start : start + group]) for start in range(0, len(magnitudes), group)]
    across = 1000 / max(1, len(kept) - 1)
    return " ".join(f"{number * across:.1f},{HEIGHT * (1 - value / top):.1f}" for number, value in enumerate(kept))


def _ticks(length: float, words: Words) -> Markup:
    step = next((one for one in _STEPS_S if length / one <= _MOST_TICKS), _STEPS_S[-1])
    return Markup("").join(
        Markup('<text x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
            100 * second / length, HEIGHT + 18, "middle" if second else "start", words("%(s)s 秒", s=second)
        )
        for second in range(0, int(length * 0.95) + 1, step)
    )
