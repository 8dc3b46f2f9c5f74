"""Tables of shifts and handovers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class Shift(Base):
    """A worker on call for a community; rank 1 is told first, rank 2 when the first does not answer."""

    __tablename__ = "shift"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    rank: Mapped[int] = mapped_column(default=1)
    start: Mapped[datetime]
    end: Mapped[datetime]


class ShiftChange(Base):
    """A shift was added to or removed from the rota: append-only."""

    __tablename__ = "shift_change"
    __table_args__ = (Index("ix_shift_change_community_at", "community_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"))
    at: Mapped[datetime]
    by_account: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    by_name: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(10))
    """`added` or `removed`."""
    why: Mapped[str] = mapped_column(String(200), default="")
    shift_id: Mapped[UUID]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    """Whose shift it is."""
    rank: Mapped[int]
    start: Mapped[datetime]
    end: Mapped[datetime]


class BoardPresence(Base):
    """When a worker last had a page open, and when one that would have sounded."""

    __tablename__ = "board_presence"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    seen_at: Mapped[datetime]
    audible_at: Mapped[datetime | None]


class Handover(Base):
    """A note that the next on call must read."""

    __tablename__ = "handover"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"), index=True)
    at: Mapped[datetime]
    by_name: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text)
    read_by: Mapped[str] = mapped_column(String(100), default="")
    read_at: Mapped[datetime | None]
