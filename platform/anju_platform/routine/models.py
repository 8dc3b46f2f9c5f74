"""Tables of the daily routine."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class RoutineDay(Base):
    """The digest of a local day of a home; what is unknown is null."""

    __tablename__ = "routine_day"

    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """The local date of the home's community."""
    known: Mapped[bool]
    sleep_h: Mapped[float | None]
    wake_h: Mapped[float | None]
    """Begin and end of the night's rest that ended on this day, hours after its midnight."""
    night_bathroom: Mapped[float | None]
    night_active_min: Mapped[float | None]
    out_h: Mapped[float | None]
    rooms: Mapped[list[object]]
    active_h: Mapped[float | None]
    day_rest_h: Mapped[float | None]


class RoutineNote(Base):
    """A measure that left the resident's usual range: a note for the worker, never an alarm."""

    __tablename__ = "routine_note"
    __table_args__ = (UniqueConstraint("home_id", "day", "measure"), Index("ix_routine_note_unread", "read_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"))
    day: Mapped[date]
    measure: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(10))
    """`sudden` or `gradual`."""
    recent: Mapped[float]
    usual: Mapped[float]
    p: Mapped[float]
    """Probability that an unchanged routine shows as large a difference within a month."""
    reason_code: Mapped[str] = mapped_column(String(40))
    """`anju_core.reasons.ReasonCode`."""
    reason_facts: Mapped[dict[str, object]]
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    read_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    read_by_name: Mapped[str] = mapped_column(String(100), default="")
