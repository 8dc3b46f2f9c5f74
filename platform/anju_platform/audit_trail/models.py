"""Tables of seals and heads; both are insert-only, as the entries that they seal."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class Seal(Base):
    """One link of a trail's chain: the digest of an entry and of the link before it."""

    __tablename__ = "audit_seal"
    __table_args__ = (UniqueConstraint("trail", "entry_id"),)

    trail: Mapped[str] = mapped_column(String(20), primary_key=True)
    """The table of the entries."""
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1, without gaps."""
    entry_id: Mapped[UUID]
    sealed_at: Mapped[datetime]
    late: Mapped[bool]
    """The entry was not there when an earlier run sealed newer ones: it came past the platform."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256, hexadecimal."""


class Head(Base):
    """The last link of a trail at the first sealing of a day (UTC); it is also logged, to be kept elsewhere."""

    __tablename__ = "audit_head"

    day: Mapped[date] = mapped_column(primary_key=True)
    trail: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
