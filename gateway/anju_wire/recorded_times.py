"""Times of recorded files: written without an offset, with one, or in UTC, they mean the same to every command."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

HOME_ZONE = "Asia/Shanghai"
"""Where recorded homes stand unless somebody says otherwise; a running platform asks the community instead."""


class UnknownZone(ValueError):
    """A time zone that this machine does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no time zone {name!r} here: use a name such as {HOME_ZONE} or Europe/London")


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises `UnknownZone`."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # ZoneInfoNotFoundError is a LookupError
        raise UnknownZone(name) from None


def local_seconds(stamp: str, zone: tzinfo) -> float:
    """Return a time of ISO 8601 as the home's wall clock showed it, s, as if that were UTC; raises `ValueError`.

    zone: of the home, for a stamp with an offset (`+08:00`, `Z`); one without is the home's own time already.
    """
    at = datetime.fromisoformat(stamp)
    local = at if at.tzinfo is None else at.astimezone(zone)
    return local.replace(tzinfo=UTC).timestamp()
