"""Tables of gateways, devices and rejected messages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class Gateway(Base):
    """What speaks for a home on the wire. One home has one gateway in service (`retired_at` is null)."""

    __tablename__ = "gateway"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), index=True)
    online: Mapped[bool] = mapped_column(default=False)
    last_seen_at: Mapped[datetime | None]
    """Arrival time of its last message."""
    clock_offset_s: Mapped[float] = mapped_column(default=0.0)
    """Platform's clock minus the gateway's, seconds, from `Envelope.sent`."""
    spooled: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[int] = mapped_column(default=0)
    version: Mapped[str] = mapped_column(String(40), default="")
    refused: Mapped[int] = mapped_column(BigInteger, default=0)
    """Parts of device messages that it refused since it was started."""
    refused_keys: Mapped[list[object]] = mapped_column(default=list)
    """The keys that it refuses most often: objects with the fields of `anju_wire.messages.RefusedKey`."""
    retired_at: Mapped[datetime | None]


class Device(Base):
    """A sensor, button or wearable in a home."""

    __tablename__ = "device"

    home_id: Mapped[str] = mapped_column(ForeignKey("home.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    """As it names itself on the wire, unique within the home."""
    kind: Mapped[str] = mapped_column(String(20))
    """A value of `anju_wire.profiles.DeviceKind`."""
    room: Mapped[str] = mapped_column(String(20), default="other")
    label: Mapped[str] = mapped_column(String(100), default="")
    exit_door: Mapped[bool] = mapped_column(default=False)
    known: Mapped[bool] = mapped_column(default=True)
    """False: it spoke, but nobody has registered it. Its alarms count all the same."""
    last_seen_at: Mapped[datetime | None]
    battery: Mapped[float | None]
    """Per cent."""
    battery_low: Mapped[bool | None]
    """Whether the device itself says that its battery is nearly empty; None where it says neither."""
    link_quality: Mapped[float | None]
    """0 to 1."""


class Quarantine(Base):
    """A message that could not be taken, kept as it came."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("ix_quarantine_shares", "home", "id", "kept", "dropped"),)
    """Holds what the limits ask for, so that they read no payload."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    """Of topic and payload: the same bad message sent again is kept once."""
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    """The whole payload up to 256 KiB, of a longer one its first 64 KiB."""
    home: Mapped[str] = mapped_column(String(255), default="")
    """The home in the topic, which stands before its lane: whose share it takes."""
    kept: Mapped[int] = mapped_column(default=0)
    """Length of `payload`, bytes."""
    dropped: Mapped[int] = mapped_column(default=0)
    """So many earlier messages of this home were deleted to make room."""
