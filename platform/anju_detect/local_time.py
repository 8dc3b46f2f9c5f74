"""Local time of a home, as its distance from universal time."""

from __future__ import annotations

from anju_detect.errors import ParameterOutOfRange

UTC_OFFSET_S = 8 * 3600.0
"""Of a home that is added without one: China's, local minus universal time, s. The platform gives each community's."""
_FARTHEST_S = 16 * 3600.0


def check_utc_offset(utc_offset_s: float) -> None:
    """Raise `ParameterOutOfRange` for an offset that no place on earth has."""
    if not -_FARTHEST_S <= utc_offset_s <= _FARTHEST_S:
        raise ParameterOutOfRange("utc_offset_s", utc_offset_s, f"{-_FARTHEST_S:.0f} … {_FARTHEST_S:.0f} s")
