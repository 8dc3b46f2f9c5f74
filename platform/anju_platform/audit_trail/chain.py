"""The digests of a trail: pure functions over plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID

GENESIS = "0" * 64
"""What stands for the digest before the first link."""


def seal_digest(
    before: str, trail: str, number: int, sealed_at: datetime, *, late: bool, entry: Mapping[str, object]
) -> str:
    """Return the digest of a link: SHA-256 over the digest before it, its own fields and the entry's columns."""
    head = {"before": before, "trail": trail, "number": number, "sealed_at": sealed_at, "late": late}
    return hashlib.sha256(canonical({"head": head, "entry": dict(entry)})).hexdigest()


def canonical(value: Mapping[str, object]) -> bytes:
    """Return values as JSON that is the same on every database: sorted keys, times in UTC to the microsecond."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode(errors="surrogatepass")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
