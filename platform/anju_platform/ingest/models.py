"""The tables of what ingest has stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class IngestCursor(Base):
    """The longest run of numbers that are stored of one lane of a gateway's epoch."""

    __tablename__ = "ingest_cursor"

    gateway_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lane: Mapped[str] = mapped_column(String(20), primary_key=True)
    first: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    upto: Mapped[int] = mapped_column(BigInteger, default=0)


class AlarmDigest(Base):
    """A message of the alarm lane that was stored or refused: a number names it only together with its content."""

    __tablename__ = "alarm_digest"
    __table_args__ = (Index("ix_alarm_digest_gateway_id_at", "gateway_id", "at"),)

    gateway_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    """BLAKE2b of 16 bytes over the content, as `anju_wire.digests` takes it; hexadecimal."""
    at: Mapped[datetime]
