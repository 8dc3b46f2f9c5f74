"""Why a home cannot be seen: a cause with its facts, and the sentence about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anju_platform.i18n.device_names import DEVICE_NAMES
from anju_platform.i18n.translation import N_, Words
from anju_wire.profiles import PROFILES, DeviceKind

_HOUR_S = 3600.0


class OfflineCause(StrEnum):
    """What keeps the platform from seeing a home."""

    DEVICE_SILENT = "device_silent"
    DEVICE_NEVER_HEARD = "device_never_heard"
    GATEWAY_OFFLINE = "gateway_offline"
    """The broker or the gateway itself said so."""
    PLATFORM_OFFLINE = "platform_offline"
    """The platform receives nothing, from any home."""
    ZIGBEE2MQTT = "zigbee2mqtt"
    """zigbee2mqtt at the gateway has stopped."""
    BUS = "bus"
    """The gateway's connection to its devices is broken."""
    SENSORS_UNHEARD = "sensors_unheard"
    """The gateway hears no sensors, for a cause that this version does not know."""


@dataclass(frozen=True, slots=True)
class OfflineReason:
    """`kind` and `silence_s` (seconds) are the silent device's, where one is the cause."""

    cause: OfflineCause
    kind: DeviceKind = DeviceKind.GATEWAY
    silence_s: float = 0.0


_SENTENCES = {
    OfflineCause.DEVICE_SILENT: N_("%(device)s已失联 %(span)s，暂时看不到这户"),
    OfflineCause.DEVICE_NEVER_HEARD: N_("%(device)s从未上线，已等待 %(span)s，暂时看不到这户"),
    OfflineCause.GATEWAY_OFFLINE: N_("网关已掉线，暂时看不到这户"),
    OfflineCause.PLATFORM_OFFLINE: N_("平台自己收不到数据，暂时看不到这户"),
    OfflineCause.ZIGBEE2MQTT: N_("网关里的 zigbee2mqtt 停了，收不到传感器，暂时看不到这户"),
    OfflineCause.BUS: N_("网关与家里传感器之间的连接断了，暂时看不到这户"),
    OfflineCause.SENSORS_UNHEARD: N_("网关收不到传感器，暂时看不到这户"),
}


def describe_offline(reason: OfflineReason, words: Words) -> str:
    """Return the sentence about a reason in the language of `words`."""
    sentence = _SENTENCES[reason.cause]
    if reason.cause not in {OfflineCause.DEVICE_SILENT, OfflineCause.DEVICE_NEVER_HEARD}:
        return words(sentence)
    device = words(DEVICE_NAMES[PROFILES[reason.kind].name_key])
    return words(sentence, device=device, span=_span(reason.silence_s, words))


def _span(seconds: float, words: Words) -> str:
    minutes = int(max(seconds, 0.0) // 60)
    if seconds < _HOUR_S:
        return words("%(minutes)d 分钟", minutes=minutes)
    return words("%(hours)d 小时 %(minutes)d 分", hours=minutes // 60, minutes=minutes % 60)
