"""Quiet notes: changes that a worker reads by day and nobody is woken for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from anju_core.errors import NotFound

DAY_BEGINS_H, DAY_ENDS_H = 8, 22


class NoteNotFound(NotFound):
    """There is no such note, or it is out of the asker's scope."""

    def __init__(self, note_id: UUID) -> None:
        super().__init__(f"there is no note {note_id}")
        self.note_id = note_id


def by_day(local: datetime) -> bool:
    """Return whether a quiet note may be shown at this local time: from 8:00 to 22:00."""
    return DAY_BEGINS_H <= local.hour < DAY_ENDS_H
