"""Refusals of an arrival's code; wrong codes are counted, so that a code cannot be guessed."""

from __future__ import annotations

from uuid import UUID

from anju_core.errors import Conflict, Invalid
from anju_platform.db.unit_of_work import CommitOnError


class WrongArrivalCode(Invalid, CommitOnError):
    """The code is not the one that the home announced."""

    def __init__(self, alert_id: UUID, tries_left: int) -> None:
        super().__init__(f"alert {alert_id}: the code is not the home's; {tries_left} tries are left")
        self.alert_id = alert_id
        self.tries_left = tries_left


class NoMoreArrivalCodes(Conflict):
    """Too many wrong codes: no code proves the arrival any more; a supervisor still can attest it."""

    def __init__(self, alert_id: UUID, tries: int) -> None:
        super().__init__(f"alert {alert_id}: {tries} wrong codes; ask a supervisor to attest that you are there")
        self.alert_id = alert_id
        self.tries = tries
