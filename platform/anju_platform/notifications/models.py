"""The outbox table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from anju_core.vocabulary import DeliveryState
from anju_platform.db.base import Base


class Outbox(Base):
    """One message to one address on one channel."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedup"),
        Index("ix_outbox_due", "state", "channel", "urgency", "due_at"),
        Index("ix_outbox_address", "address", "channel", "state", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dedup: Mapped[str] = mapped_column(String(200))
    """`<alert>/<step>/<account>/<channel>`: a step is told once, whatever restarts."""
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(255))
    """An account's id (board), an Apprise URL's name (never the URL with its secret), or a home's id."""
    alert_id: Mapped[UUID | None] = mapped_column(index=True)
    urgency: Mapped[int] = mapped_column(SmallInteger)
    """An `Urgency`: what is claimed first."""
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, object]]
    state: Mapped[str] = mapped_column(String(20), default=DeliveryState.PENDING.value)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")

    @property
    def step(self) -> str:
        """`<alert>/<step>`: what all messages of one step begin their `dedup` with."""
        return self.dedup.rsplit("/", 2)[0]

    @property
    def level(self) -> int:
        """The level of escalation whose people are told."""
        return int(str(self.payload.get("level", 0)))

    @property
    def expires(self) -> float | None:
        """After this time, Unix s, the message is no longer said; None: it never is too late."""
        expires = self.payload.get("expires")
        return expires if isinstance(expires, int | float) else None
