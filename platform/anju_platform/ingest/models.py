"""The table of what ingest has stored."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class IngestCursor(Base):
    """How far each lane of each gateway's epoch is stored without holes."""

    __tablename__ = "ingest_cursor"

    gateway_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lane: Mapped[str] = mapped_column(String(20), primary_key=True)
    upto: Mapped[int] = mapped_column(BigInteger, default=0)
