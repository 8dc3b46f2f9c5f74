"""Reads entries of any trail by its table, and reads and inserts their seals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import RowMapping, Table, select
from sqlalchemy.orm import Session

from anju_platform.audit_trail.models import Head, Seal
from anju_platform.db.base import Base

_BATCH = 1000


def entries_of(trail: str) -> Table:
    """Return the table of a trail's entries, which is named like it."""
    return Base.metadata.tables[trail]


class TrailRepository:
    """Trails of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_unsealed(self, trail: str, after: UUID | None, limit: int | None) -> Sequence[RowMapping]:
        """Return the entries without a seal, by id; with `after` only those whose id is greater."""
        entries = entries_of(trail)
        sealed = select(Seal.entry_id).where(Seal.trail == trail, Seal.entry_id == entries.c.id).exists()
        query = select(entries).where(~sealed).order_by(entries.c.id).limit(limit)
        if after is not None:
            query = query.where(entries.c.id > after)
        return self._session.execute(query).mappings().all()

    def find_last(self, trail: str) -> Seal | None:
        """Return the last link of a trail; None before the first."""
        query = select(Seal).where(Seal.trail == trail).order_by(Seal.number.desc()).limit(1)
        return self._session.scalars(query).one_or_none()

    def add_seals(self, seals: Sequence[Seal]) -> None:
        """Insert links."""
        self._session.add_all(seals)
        self._session.flush()

    def iterate_links(self, trail: str) -> Iterator[tuple[Seal, Mapping[str, object] | None]]:
        """Yield every link in order, with its entry; None where the entry is gone."""
        entries, number = entries_of(trail), 0
        while True:
            query = select(Seal).where(Seal.trail == trail, Seal.number > number).order_by(Seal.number)
            seals = self._session.scalars(query.limit(_BATCH)).all()
            if not seals:
                return
            wanted = select(entries).where(entries.c.id.in_([seal.entry_id for seal in seals]))
            found = {row["id"]: dict(row) for row in self._session.execute(wanted).mappings()}
            yield from ((seal, found.get(seal.entry_id)) for seal in seals)
            number = seals[-1].number
            self._session.expunge_all()

    def has_head(self, day: date) -> bool:
        """Return whether the heads of a day are stored."""
        return self._session.scalar(select(Head.trail).where(Head.day == day).limit(1)) is not None

    def add_heads(self, heads: Sequence[Head]) -> None:
        """Insert heads."""
        self._session.add_all(heads)
        self._session.flush()

    def list_heads(self) -> Sequence[Head]:
        """Return the heads of all days, the oldest first."""
        return self._session.scalars(select(Head).order_by(Head.day, Head.trail)).all()
