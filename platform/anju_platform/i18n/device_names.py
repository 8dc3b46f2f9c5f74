"""What the kinds of device are called, by the key of their profile: one row for each `DeviceProfile.name_key`."""

from __future__ import annotations

from collections.abc import Mapping

from anju_platform.i18n.translation import N_

DEVICE_NAMES: Mapping[str, str] = {
    "device.gateway": N_("网关"),
    "device.motion": N_("人体感应"),
    "device.door": N_("门磁"),
    "device.object": N_("用品开合"),
    "device.button": N_("求助按钮"),
    "device.smoke": N_("烟雾探测"),
    "device.leak": N_("水浸探测"),
    "device.gas": N_("燃气探测"),
    "device.carbon_monoxide": N_("一氧化碳探测"),
    "device.wearable": N_("佩戴设备"),
    "device.bed": N_("床垫感应"),
    "device.presence": N_("雷达感应"),
}
"""Display names by `DeviceProfile.name_key`."""
