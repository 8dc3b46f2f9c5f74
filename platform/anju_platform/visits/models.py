"""Tables of providers and visits."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from anju_platform.db.base import Base
from anju_platform.db.history import HistoryRow


class Provider(Base):
    """A contracted organisation that sends carers."""

    __tablename__ = "provider"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(30), default="")


class Contract(Base):
    """Where and for what a provider may be asked, and what a visit pays."""

    __tablename__ = "contract"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id"), index=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"), index=True)
    category: Mapped[str] = mapped_column(String(20))
    fee_fen: Mapped[int]
    """Pay for one visit, in fen (0.01 yuan)."""
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]


class Carer(Base):
    """A provider's carer: an account with its availability, starting place and qualifications."""

    __tablename__ = "carer"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id"), index=True)
    categories: Mapped[list[object]]
    """VisitCategory values the carer is qualified for."""
    on_duty: Mapped[bool] = mapped_column(default=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    """Where she starts from (her base, not a tracked position)."""
    licence_until: Mapped[date | None]


class VisitTask(Base):
    """A visit that somebody must make."""

    __tablename__ = "visit_task"
    __table_args__ = (Index("ix_visit_task_due", "state", "next_due_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), index=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert.id"), index=True)
    category: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    requested_by: Mapped[UUID | None]
    requested_by_name: Mapped[str] = mapped_column(String(100), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("provider.id"))
    carer_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"), index=True)
    carer_name: Mapped[str] = mapped_column(String(100), default="")
    fee_fen: Mapped[int] = mapped_column(default=0)
    arrival_code: Mapped[str] = mapped_column(String(12), default="")
    """The one-time code that the home's gateway shows; proves that the carer stood there."""
    created_at: Mapped[datetime]
    arrive_by: Mapped[datetime]
    next_due_at: Mapped[datetime | None]
    """When the scheduler looks at it: the offer lapses, the carer is late, or the check-out is overdue."""
    accepted_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(String(100), default="")
    check_in_proof: Mapped[dict[str, object]]
    """`{"by": "code", "code": true, "latitude": …, "longitude": …, "distance_m": …, "near": …, "phone_at": …}`."""
    tasks: Mapped[list[object]]
    """Checklist: `[{"id": …, "done": null | true | false}]`; `id` is a `ChecklistItem`."""
    report: Mapped[dict[str, object]]
    version: Mapped[int] = mapped_column(default=1)
    offers: Mapped[list[Offer]] = relationship(back_populates="visit", order_by="Offer.number")
    history: Mapped[list[VisitEvent]] = relationship(back_populates="visit", order_by="VisitEvent.number")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form


class Offer(Base):
    """A visit offered to one carer."""

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("visit_id", "number"), Index("ix_offer_carer", "carer_id", "state"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit_task.id"), index=True)
    number: Mapped[int]
    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id"))
    carer_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    state: Mapped[str] = mapped_column(String(20))
    distance_m: Mapped[float | None]
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(20), default="")
    fee_fen: Mapped[int] = mapped_column(default=0)
    """Pay under the contract of the offer, in fen."""
    unreached_at: Mapped[datetime | None]
    """Since when it is known that no message about it got through."""
    visit: Mapped[VisitTask] = relationship(back_populates="offers")


class VisitEvent(HistoryRow, Base):
    """One step of a visit's history; `at` is the phone's time where it was offline, `source` its id of the step."""

    __tablename__ = "visit_event"
    __table_args__ = (UniqueConstraint("visit_id", "number"), UniqueConstraint("source"))
    owner = "visit_id"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit_task.id"), index=True)
    received_at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(30))
    visit: Mapped[VisitTask] = relationship(back_populates="history")
