"""Identifiers that sort by time: UUIDv7 (RFC 9562 §5.7)."""

from __future__ import annotations

import uuid


def uuid7(unix_s: float, random_bytes: bytes) -> uuid.UUID:
    """Make a UUIDv7 from Unix time in seconds and 10 random bytes; raises `ValueError` for fewer."""
    if len(random_bytes) < 10:  # noqa: PLR2004 - 74 random bits fill ten bytes
        raise ValueError("a UUIDv7 needs 10 random bytes")
    value = (int(unix_s * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(random_bytes[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def made_at_s(uuid7_id: uuid.UUID) -> float:
    """Return when a UUIDv7 was made, Unix s, to the millisecond."""
    return (uuid7_id.int >> 80) / 1000


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that a text holds; None where it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
