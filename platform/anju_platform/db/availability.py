"""Whether the records can be reached: the one question that tells a database that is away from a bad message."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from anju_platform.db.unit_of_work import CommitRefused, WorkFactory


def is_away(work: WorkFactory, error: BaseException) -> bool:
    """Return whether `error` says that the records cannot be reached, are locked, or may not be written now.

    The class of an error does not tell: the drivers raise `OperationalError` for a text that a column cannot hold as
    well. So the records are asked something that has nothing to do with the message (`SELECT 1`, in a transaction that
    may write); while they answer, the error is the message's.
    """
    if isinstance(error, CommitRefused):
        return True
    if not isinstance(error, SQLAlchemyError | OSError):
        return False
    try:
        with work() as unit:
            unit.session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, CommitRefused):
        return True
    return False
