"""The wire's device profiles as the platform's parts need them: display names, kinds as numbers, supervision."""

from __future__ import annotations

from collections.abc import Mapping

from anju_detect.supervision import SupervisionParameters
from anju_platform.i18n.translation import N_
from anju_wire.profiles import PROFILES, DeviceKind

DEVICE_NAMES: Mapping[str, str] = {
    "device.gateway": N_("网关"),
    "device.motion": N_("人体感应"),
    "device.door": N_("门磁"),
    "device.object": N_("用品开合"),
    "device.button": N_("求助键"),
    "device.smoke": N_("烟雾探测"),
    "device.leak": N_("水浸探测"),
    "device.wearable": N_("佩戴设备"),
    "device.bed": N_("床垫感应"),
    "device.presence": N_("雷达感应"),
}
"""Display names by `DeviceProfile.name_key`."""

KINDS = tuple(PROFILES)
"""Kinds of device; a kind's index is its number in `anju_detect.supervision`."""

SUPERVISION = SupervisionParameters(
    allowed_silence_s=tuple(profile.supervision.allowed_silence_s for profile in PROFILES.values()),
    home_offline=tuple(profile.supervision.home_offline for profile in PROFILES.values()),
    gateway=KINDS.index(DeviceKind.GATEWAY),
)
"""How every kind of device is supervised."""
