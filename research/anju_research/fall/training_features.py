"""The numbers that candidates are judged by, also of their altered copies, in the form that training needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.channels import Floats32, channels
from anju_detect.fall.machine import Scale, Steps
from anju_detect.fall.model import Axes, seen_shape, smoothed
from anju_detect.fall.patterns import Patterns
from anju_research.fall.augmentation import altered, plain
from anju_research.fall.candidates import Candidates

Ints = NDArray[np.int64]
Tick = Callable[[float], object]

CHUNK = 500
SPARE_DIRECTIONS, ROUNDS = 40, 3


@dataclass(frozen=True, slots=True)
class Views:
    """Rows made from candidates.

    Attributes
    ----------
    source
        Which candidate each row shows.
    shape
        Shape (n, features).
    responses
        Shape (n, patterns.size), float16.

    """

    source: Ints
    shape: Floats32
    responses: NDArray[np.float16]


def view(
    windows: Callable[[Ints], Floats32], source: Ints, clip_g: float, patterns: Patterns, tick: Tick = float
) -> Views:
    """Views of candidates as a look at ±`clip_g` has them; `windows` gives those of some of them in g."""
    shape: list[Floats32] = []
    responses: list[NDArray[np.float16]] = []
    for lo in range(0, len(source), CHUNK):
        smooth = smoothed(windows(source[lo : lo + CHUNK]), clip_g)
        shape.append(seen_shape(smooth).astype(np.float32))
        responses.append(patterns.responses(channels(smooth)).astype(np.float16))
        tick(min(lo + CHUNK, len(source)) / len(source))
    if not shape:
        return Views(source, np.zeros((0, 0), np.float32), np.zeros((0, patterns.size), np.float16))
    return Views(source, np.concatenate(shape), np.concatenate(responses))


def plain_views(found: Candidates, rows: Ints, clip_g: float, patterns: Patterns, tick: Tick = float) -> Views:
    """Those candidates as they were."""
    return view(lambda some: plain(found.long[some]), rows, clip_g, patterns, tick)


def altered_views(found: Candidates, rows: Ints, clip_g: float, patterns: Patterns, rng: np.random.Generator) -> Views:
    """Those candidates, each altered; only what was recorded beyond ±2 g is turned."""
    return view(lambda some: altered(found.long[some], ~found.cut[some], clip_g, rng), rows, clip_g, patterns)


def drawn_patterns(found: Candidates, rows: Ints, clip_g: float, rng: np.random.Generator) -> Patterns:
    """Patterns whose thresholds fit these candidates."""
    return Patterns.drawn(channels(smoothed(plain(found.long[rows]), clip_g)), rng)


def principal_axes(
    patterns: Patterns, responses: NDArray[np.float16], components: int, rng: np.random.Generator
) -> Axes:
    """The directions in which these responses differ most.

    By subspace iteration from random directions (Halko, Martinsson & Tropp, doi:10.1137/090771806, algorithm 4.4).
    """
    scale = Scale.of_rows(responses)
    x = scale(responses)
    rows, size = x.shape
    basis = rng.standard_normal((size, min(components + SPARE_DIRECTIONS, size))).astype(np.float32)
    for _ in range(ROUNDS):
        basis = np.linalg.qr(x.T @ (x @ basis))[0]
    lying = x @ basis
    values, vectors = np.linalg.eigh((lying.T @ lying).astype(np.float64))
    kept = np.argsort(-values, kind="stable")[:components]
    spread = np.sqrt(np.maximum(values[kept] / rows, 1e-6)).astype(np.float32)
    return Axes(patterns, scale, Steps.of(basis @ vectors[:, kept].astype(np.float32)), spread)
