"""What the API says of gateways, devices and quarantine."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from anju_platform.devices.models import Quarantine

_SHOWN = 2000


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RefusedKeyView(BaseModel):
    """A key of a device's messages that the gateway refused so often since it was started; `why` is its last reason."""

    device: str
    key: str
    count: int
    why: str = ""


class GatewayView(_View):
    """A home's gateway. `spooled` messages wait in it, `dropped` were lost for want of disk.

    It refused so many parts of device messages; `refused_keys` are those that it refuses most often.
    """

    id: str
    online: bool
    last_seen_at: datetime | None
    clock_offset_s: float
    spooled: int
    dropped: int
    version: str
    refused: int
    refused_keys: list[RefusedKeyView]


class DeviceView(_View):
    """A device; `known` is false for one that spoke and that nobody has registered."""

    id: str
    kind: str
    room: str
    label: str
    exit_door: bool
    known: bool
    last_seen_at: datetime | None
    battery: float | None
    battery_low: bool | None
    link_quality: float | None


class InstalledView(BaseModel):
    """What is installed in a home."""

    home_id: str
    gateways: list[GatewayView]
    devices: list[DeviceView]


class QuarantineView(BaseModel):
    """A message that could not be taken; `beginning` is the first part of it as text.

    `dropped` earlier ones of its home were deleted, since a home has a share of the quarantine.
    """

    id: UUID
    at: datetime
    topic: str
    path: str
    reason: str
    size: int
    sha256: str
    beginning: str
    dropped: int

    @classmethod
    def of(cls, row: Quarantine) -> QuarantineView:
        """Return the view of a stored message, with its first bytes as text."""
        return cls(
            id=row.id,
            at=row.at,
            topic=row.topic,
            path=row.path,
            reason=row.reason,
            size=row.size,
            sha256=row.sha256,
            beginning=row.payload[:_SHOWN].decode(errors="replace"),
            dropped=row.dropped,
        )


class QuarantinePage(BaseModel):
    """Newest first; ask again with `before` = `next` for older ones, until `next` is null."""

    messages: list[QuarantineView]
    next: UUID | None
