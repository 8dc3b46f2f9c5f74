"""Whether the records can be reached: the one question that tells a database that is away from a bad message."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from anju_platform.db.errors import CommitRefused
from anju_platform.db.unit_of_work import WorkFactory

_BUSY = {"55P03", "40P01", "40001"}
"""SQLSTATE of a lock that was not given in time, a deadlock and a serialization failure."""


def is_busy(error: BaseException) -> bool:
    """Return whether another transaction stood in the way of this one: that says nothing about the message."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _BUSY


def is_away(work: WorkFactory, error: BaseException) -> bool:
    """Return whether `error` says that the records cannot be reached, are locked, or may not be written now.

    The class of an error does not tell: the drivers raise `OperationalError` for a text that a column cannot hold as
    well. So the records are asked something that has nothing to do with the message (`SELECT 1`, in a transaction that
    may write); while they answer, the error is the message's, unless it `is_busy`.
    """
    if isinstance(error, CommitRefused) or is_busy(error):
        return True
    if not isinstance(error, SQLAlchemyError | OSError):
        return False
    try:
        with work() as unit:
            unit.session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, CommitRefused):
        return True
    return False


def can_answer(work: WorkFactory) -> bool:
    """Return whether the records answer a question (`SELECT 1`, in a transaction that only reads)."""
    try:
        with work() as unit:
            unit.only_read()
            return unit.session.execute(text("SELECT 1")).scalar() == 1
    except SQLAlchemyError:
        return False
