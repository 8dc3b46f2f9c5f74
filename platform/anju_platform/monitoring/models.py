"""Tables of what monitoring knows of homes, and from which state it goes on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class HomeSupervision(Base):
    """Whether the platform receives data from a home; `offline_since` is null while it does."""

    __tablename__ = "home_supervision"

    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), primary_key=True)
    offline_since: Mapped[datetime | None]
    reason_code: Mapped[str] = mapped_column(String(40), default="")
    """`anju_core.reasons.ReasonCode`; empty while the platform receives data."""
    reason_facts: Mapped[dict[str, object]] = mapped_column(default=dict)


class DetectorSnapshot(Base):
    """The state of a detector, from which a restart goes on."""

    __tablename__ = "detector_snapshot"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
    state: Mapped[bytes] = mapped_column(LargeBinary)


class InactivityDeadline(Base):
    """When a home's silence becomes worth a call, as last computed by the detector."""

    __tablename__ = "inactivity_deadline"

    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), primary_key=True)
    last_life_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    explained: Mapped[dict[str, object]]
    """The detector's Explanation as it was then."""
