"""The form of histories: numbered steps of one thing (an alert, a visit), inserted once and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from anju_core.actor import Actor
from anju_platform.db.unit_of_work import UnitOfWork


class HistoryRow:
    """Columns of one step; the table adds `step` and the column, named by `owner`, that says whose history it is."""

    owner: ClassVar[str]

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    """From 1, without gaps within one history."""
    at: Mapped[datetime]
    """When it happened."""
    by_account: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(100), default="")
    detail: Mapped[dict[str, object]]
    source: Mapped[str | None] = mapped_column(String(160))
    """What caused the step, as its sender names it; unique in the table, so that what is sent twice counts once."""


def begin_histories(work: UnitOfWork, rows: Sequence[HistoryRow]) -> None:
    """Insert the first step of each of several new histories, in one statement; nobody gave it, so it names nobody."""
    for row in rows:
        row.id, row.number, row.by_account, row.by_name = work.new_id(), 1, None, ""
    work.session.add_all(rows)
    work.session.flush()


def append_step(work: UnitOfWork, row: HistoryRow, actor: Actor | None, name: str) -> None:
    """Insert a step as the next of its history; `name` says who did it where there is no actor."""
    kind, of = type(row), getattr(row, row.owner)
    last = work.session.scalar(select(func.max(kind.number)).where(getattr(kind, row.owner) == of))
    row.id, row.number = work.new_id(), (last or 0) + 1
    row.by_account = None if actor is None else actor.account_id
    row.by_name = name if actor is None else actor.name
    work.session.add(row)
    work.session.flush()
