"""What may be said about an error of the database: its kind, never its text, which quotes people's data."""

from __future__ import annotations

import sqlite3
import traceback

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

_AFTER_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_WHILE_HANDLED = "\nDuring handling of the above exception, another exception occurred:\n\n"


def describe_error(error: BaseException) -> str:
    """Return an error in one line; of a database's error its class, SQLSTATE and constraint only.

    The text of such an error quotes values: `DETAIL: Key (login)=(…) already exists`.
    """
    if not isinstance(error, SQLAlchemyError | psycopg.Error | sqlite3.Error):
        return "".join(traceback.format_exception_only(error)).strip()
    source = error.orig if isinstance(error, DBAPIError) else error
    facts = [f"{type(source).__module__}.{type(source).__name__}"] if source is not error else []
    if isinstance(source, psycopg.Error):
        facts += [fact for fact in (source.sqlstate, source.diag.constraint_name) if fact]
    if isinstance(source, sqlite3.Error):
        facts.append(getattr(source, "sqlite_errorname", ""))
    said = ", ".join(fact for fact in facts if fact)
    return f"{type(error).__module__}.{type(error).__name__}" + (f" ({said})" if said else "")


def format_error(error: BaseException) -> str:
    """Return the traceback of an error and of those it came from, without variables and without a database's text."""
    return "".join(_lines(error, set())).rstrip("\n")


def _lines(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines: list[str] = []
    if before is not None and id(before) not in seen:
        lines = [*_lines(before, seen), _WHILE_HANDLED if error.__cause__ is None else _AFTER_CAUSE]
    if error.__traceback__ is not None:
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    lines.append(f"{describe_error(error)}\n")
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        lines += [f"  | {line}\n" for part in _lines(inner, seen) for line in part.splitlines()]
    return lines


class CommitRefused(RuntimeError):
    """A unit of work may not write now; the same work done anew, or by another process, may."""
