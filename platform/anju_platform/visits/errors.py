"""Refusals of a check-in; wrong codes are counted, so that a code cannot be guessed."""

from __future__ import annotations

from uuid import UUID

from anju_core.errors import Conflict, Invalid
from anju_platform.db.unit_of_work import CommitOnError


class ArrivalNotProven(Invalid, CommitOnError):
    """Only the home's code, or a worker's word, shows that the carer is there; the phone's place alone does not."""

    def __init__(self, visit_id: UUID, distance_m: float | None, *, wrong_code: bool) -> None:
        where = "place unknown" if distance_m is None else f"{distance_m:.0f} m away"
        code = "wrong code" if wrong_code else "no code"
        super().__init__(f"arrival at visit {visit_id} is not proven: {code}, {where}")
        self.visit_id = visit_id
        self.distance_m = None if distance_m is None else round(distance_m)
        self.wrong_code = wrong_code


class TooManyCodes(Conflict):
    """Too many wrong codes: a code no longer proves the arrival; a worker still can attest it."""

    def __init__(self, visit_id: UUID, tries: int) -> None:
        super().__init__(f"visit {visit_id}: {tries} wrong codes; call the worker on duty")
        self.visit_id = visit_id
        self.tries = tries
