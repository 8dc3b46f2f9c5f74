"""Tables of alerts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from anju_platform.db.base import Base
from anju_platform.db.history import HistoryRow


class Alert(Base):
    """A cause for a person to act. One row for each episode of a kind in a home."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("home_id", "kind", "episode"),
        Index("ix_alert_open", "community_id", "closed_at", "next_due_at"),
        Index("ix_alert_elder_due", "elder_due_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"))
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    episode: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20))
    suspected: Mapped[bool] = mapped_column(default=False)
    """Not confirmed yet (first stage of a fall)."""
    happened_at: Mapped[datetime]
    """Event time: the press, the impact, the last sign of life."""
    due_since: Mapped[datetime]
    """From when the delay counts: the press, the impact, or the deadline that silence crossed."""
    raised_at: Mapped[datetime]
    """When it was stored."""
    reason_code: Mapped[str] = mapped_column(String(40))
    """`anju_core.reasons.ReasonCode`."""
    reason_facts: Mapped[dict[str, object]]
    score: Mapped[float | None]
    facts: Mapped[dict[str, object]]
    """Facts of the signal besides its reason: room, gap, usual range, device, fall id."""
    level: Mapped[int] = mapped_column(Integer, default=0)
    """How many escalation steps have been taken."""
    escalation_started_at: Mapped[datetime]
    """From when the seconds of the escalation policy count."""
    late: Mapped[bool] = mapped_column(default=False)
    """A deadline passed after somebody had acknowledged it: others may take it over."""
    next_due_at: Mapped[datetime | None]
    """When the alert escalates unless somebody acts; null when nothing is due."""
    elder_due_at: Mapped[datetime | None]
    """When the elder is told again that nobody has taken it; null once somebody has."""
    acknowledged_by: Mapped[UUID | None]
    acknowledged_by_name: Mapped[str] = mapped_column(String(100), default="")
    acknowledged_at: Mapped[datetime | None]
    arrival_code: Mapped[str] = mapped_column(String(12), default="")
    """The one-time code that the home says for a worker who goes in person; empty until one does."""
    wrong_codes: Mapped[int] = mapped_column(default=0)
    """How many wrong codes were given for it."""
    outcome: Mapped[str | None] = mapped_column(String(20))
    outcome_note: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    history: Mapped[list[AlertEvent]] = relationship(back_populates="alert", order_by="AlertEvent.number")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form


class AlertEvent(HistoryRow, Base):
    """One step of an alert's history; `source` is its reading, `<gateway>/<epoch>/<lane>/<seq>/<index>`."""

    __tablename__ = "alert_event"
    __table_args__ = (UniqueConstraint("alert_id", "number"), UniqueConstraint("source"))
    owner = "alert_id"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    step: Mapped[str] = mapped_column(String(20))
    alert: Mapped[Alert] = relationship(back_populates="history")


class EscalationPolicy(Base):
    """The escalation steps of a community, for one kind of alert or (`*`) all others. A change is a new version."""

    __tablename__ = "escalation_policy"
    __table_args__ = (UniqueConstraint("community_id", "kind", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str] = mapped_column(String(20), default="*")
    version: Mapped[int] = mapped_column(default=1)
    steps: Mapped[list[object]]
    """`[{"after_s": 0, "tell": "duty_first"}, {"after_s": 60, "tell": "community"}, …]`, as `parse_steps` reads it."""
    valid_from: Mapped[datetime]
