"""A forest over silences and their steps, asked in the order that is cheap: once a silence, then once a step.

Every question about the silence itself is answered once for all of its steps, and equal questions once for all trees.
Leaves are multiples of 2^-24, so that their sum does not depend on the order, nor on which homes are asked together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.trees import Forest

Floats = NDArray[np.float64]
GRAIN = 2.0**-24
# Below this many silences, one pass over all questions is quicker than one question at a time.
FEW = 8


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a feature is above a threshold; `uses` names the trees that ask it, and for which bit of their leaf."""

    feature: int
    threshold: np.float32
    uses: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class StepwiseForest:
    """`Forest` over rows of (features of a silence, features of a step), with the questions sorted."""

    once: tuple[Question, ...]
    every: tuple[Question, ...]
    plain: Forest

    @classmethod
    def of(cls, forest: Forest, known_once: int) -> StepwiseForest:
        """Sort the questions: the first `known_once` features belong to the silence, the others to its steps."""
        asked: dict[tuple[int, np.float32], list[tuple[int, int]]] = {}
        for tree, levels in enumerate(forest.feature.tolist()):
            for level, feature in enumerate(levels):
                asked.setdefault((feature, forest.threshold[tree, level]), []).append((tree, level))
        questions = [Question(feature, above, tuple(uses)) for (feature, above), uses in asked.items()]
        once = tuple(one for one in questions if one.feature < known_once)
        every = tuple(
            Question(one.feature - known_once, one.threshold, one.uses)
            for one in questions
            if one.feature >= known_once
        )
        plain = Forest(
            forest.feature,
            forest.threshold,
            grained(forest.leaves).astype(np.float32),
            float(grained(np.array(forest.start))),
        )
        return cls(once, every, plain)

    def logit(self, x: Floats, steps: Floats) -> Floats:
        """Sum of all trees; x is (n, features), steps (n, steps, step features), the result (n, steps)."""
        n, length, _ = steps.shape
        if n < FEW:
            rows = np.concatenate([np.repeat(x, length, axis=0), steps.reshape(n * length, -1)], axis=1)
            return self.plain.logit(rows).reshape(n, length)
        x32 = np.ascontiguousarray(x.T, np.float32)
        steps32 = np.ascontiguousarray(steps.reshape(n * length, -1).T, np.float32)
        begun = np.zeros((len(self.plain.leaves), n), np.uint8)
        _answer(self.once, x32, begun)
        leaf = np.repeat(begun, length, axis=1)
        _answer(self.every, steps32, leaf)
        total = np.full(n * length, self.plain.start)
        for tree, values in enumerate(self.plain.leaves.astype(np.float64)):
            total += values[leaf[tree]]
        return total.reshape(n, length)


def grained(values: NDArray[np.floating]) -> Floats:
    """The nearest multiples of `GRAIN`."""
    rounded: Floats = np.round(values.astype(np.float64) / GRAIN) * GRAIN
    return rounded


def _answer(questions: tuple[Question, ...], columns: NDArray[np.float32], leaf: NDArray[np.uint8]) -> None:
    """Set the bits of the leaves' numbers where the answer is yes."""
    for one in questions:
        yes = (columns[one.feature] > one.threshold).view(np.uint8)
        for tree, level in one.uses:
            leaf[tree] |= yes << np.uint8(level)
