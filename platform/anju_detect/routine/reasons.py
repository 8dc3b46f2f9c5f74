"""Why a change of the daily routine stands out."""

from __future__ import annotations

from anju_detect.reasons import Reason

ROUTINE_CHANGE = "routine_change"


def routine_change(measure: str, kind: str, recent: float, usual: float, weeks: int) -> Reason:
    """Return the reason of a change.

    `measure` is a name of `MEASURES` and gives the unit of `recent` and `usual`; `kind` is `sudden` or `gradual`;
    `weeks` is how many past weeks `usual` was taken from.
    """
    return Reason(ROUTINE_CHANGE, {"measure": measure, "kind": kind, "recent": recent, "usual": usual, "weeks": weeks})
