"""The table of the changes of false-alert targets."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class SensitivityChange(Base):
    """A community chose another target; append-only. Both rates per home and month, before and after."""

    __tablename__ = "sensitivity_change"
    __table_args__ = (Index("ix_sensitivity_change_community_at", "community_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id"))
    at: Mapped[datetime]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    """None for the command line."""
    by_name: Mapped[str] = mapped_column(String(100))
    false_alerts_before: Mapped[float]
    false_alerts: Mapped[float]
    routine_changes_before: Mapped[float]
    routine_changes: Mapped[float]
