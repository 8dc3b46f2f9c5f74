"""The wire's device profiles as the platform's parts need them: kinds as numbers, supervision."""

from __future__ import annotations

from anju_detect.supervision import SupervisionParameters
from anju_wire.profiles import PROFILES, DeviceKind

KINDS = tuple(PROFILES)
"""Kinds of device; a kind's index is its number in `anju_detect.supervision`."""

SUPERVISION = SupervisionParameters(
    allowed_silence_s=tuple(profile.supervision.allowed_silence_s for profile in PROFILES.values()),
    home_offline=tuple(profile.supervision.home_offline for profile in PROFILES.values()),
    gateway=KINDS.index(DeviceKind.GATEWAY),
    longest_silence_s=tuple(profile.supervision.longest_silence_s for profile in PROFILES.values()),
)
"""How every kind of device is supervised."""
