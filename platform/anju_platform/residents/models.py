"""Tables of communities, homes, residents, contacts, consents and absences."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from anju_platform.db.base import Base


class Community(Base):
    """A residents' community (社区): the unit of on-call shifts and of escalation."""

    __tablename__ = "community"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    """A slug, as in topics."""
    name: Mapped[str] = mapped_column(String(100))
    town: Mapped[str] = mapped_column(String(100), default="")
    district: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    """The telephone of whoever is on call."""
    timezone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai")
    false_alerts_per_month: Mapped[float] = mapped_column(default=1.0)
    """False-alert target: false inactivity alerts that the community accepts, per home and month."""
    routine_changes_per_month: Mapped[float] = mapped_column(default=0.1)
    """Unfounded changes of routine that the community accepts, per home and month."""


class Home(Base):
    """A dwelling with a gateway."""

    __tablename__ = "home"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    """A slug, as in topics."""
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"), index=True)
    estate: Mapped[str] = mapped_column(String(100))
    """小区."""
    building: Mapped[str] = mapped_column(String(20))
    """楼."""
    unit: Mapped[str] = mapped_column(String(20), default="")
    """单元."""
    room: Mapped[str] = mapped_column(String(20))
    """室."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    """WGS 84, degrees."""
    door_code: Mapped[str] = mapped_column(String(40), default="")
    """Shown on request only; each look is logged."""
    community: Mapped[Community] = relationship(lazy="joined")
    residents: Mapped[list[Resident]] = relationship(back_populates="home", order_by="Resident.id")


class Resident(Base):
    """A person who is watched over."""

    __tablename__ = "resident"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    pinyin: Mapped[str] = mapped_column(String(200), default="", index=True)
    """Pinyin for search: syllables and initials, as in `wangguilan wgl`."""
    born: Mapped[date | None]
    gender: Mapped[str] = mapped_column(String(1), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    mobility: Mapped[str] = mapped_column(Text, default="")
    hearing: Mapped[str] = mapped_column(Text, default="")
    illnesses: Mapped[str] = mapped_column(Text, default="")
    pets: Mapped[str] = mapped_column(Text, default="")
    key_holder: Mapped[str] = mapped_column(Text, default="")
    home: Mapped[Home] = relationship(back_populates="residents")
    contacts: Mapped[list[Contact]] = relationship(back_populates="resident", order_by="Contact.position")


class Contact(Base):
    """Whom to call for a resident, in order."""

    __tablename__ = "contact"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    relation: Mapped[str] = mapped_column(String(50), default="")
    phone: Mapped[str] = mapped_column(String(30))
    resident: Mapped[Resident] = relationship(back_populates="contacts")


class Consent(Base):
    """What a resident agreed to, when, and until when (PIPL art. 14, 28, 29)."""

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"), index=True)
    scope: Mapped[str] = mapped_column(String(50))
    """`monitoring`, `family_summary`, `health_notes`, `provider_door`."""
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Absence(Base):
    """A time at which, as somebody told the platform, nobody is at home."""

    __tablename__ = "absence"
    __table_args__ = (Index("ix_absence_home_until", "home_id", "until"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"))
    start: Mapped[datetime]
    until: Mapped[datetime]
    told_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
