"""Why a detector decided: a code with the figures that the decision rests on.

Detectors make no sentences. Whoever shows a reason turns its code and figures into words of the reader's language.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as plain values.

    Attributes
    ----------
    code
        One of the codes of `anju_detect`: `silence`, `no_life_yet`, `fall_…`, `routine_change`.
    facts
        What the sentence needs, by name; the unit is the name's ending (`_s` seconds or Unix seconds, `_g`, `_deg`).
        None where a figure is not known.

    """

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def known(value: float) -> float | None:
    """Return a figure, or None where it is nan or infinite: JSON has neither."""
    return value if math.isfinite(value) else None
