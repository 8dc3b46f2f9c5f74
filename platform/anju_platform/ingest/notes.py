"""Writes small records in few transactions; what cannot be written does not keep the others from being so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory

_TRIES = 3
log = structlog.get_logger()

Note = Callable[[UnitOfWork], None]
"""Something to write within a transaction."""


class NoteWriter:
    """Writes notes. Raises only where the database is away."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    def store_notes(
        self, together: Sequence[Note], apart: Sequence[Note], what: str, *, tries: int = _TRIES
    ) -> Sequence[Note]:
        """Store notes in one transaction; where that fails, each of `apart` in its own. Returns those that failed."""
        if not together:
            return []
        try:
            with self._work() as work:
                for note in together:
                    note(work)
        except Exception as error:
            if is_away(self._work, error):
                raise
            if tries > 1:
                return self.store_notes(together, apart, what, tries=tries - 1)
            if len(apart) > 1:
                return [lost for note in apart for lost in self.store_notes([note], [note], what)]
            log.exception("cannot be stored and is left out", what=what)
            return apart
        return []
