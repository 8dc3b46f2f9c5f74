"""Sentences told to the elder: for the record, and for gateways of version 0.1.0, which cannot make them from a key."""

from __future__ import annotations

from collections.abc import Mapping

from anju_platform.i18n.translation import N_, Words
from anju_wire.vocabulary import AnnouncementKey

_SENTENCES: Mapping[AnnouncementKey, str] = {
    AnnouncementKey.SOS_HEARD: N_("收到，正在联系"),
    AnnouncementKey.SOS_HEARD_BACKUP: N_("收到，正在用备用线路联系"),
    AnnouncementKey.FALL_HEARD: N_("您是不是摔倒了？正在联系。没事请按住按钮"),
    AnnouncementKey.SMOKE_HEARD: N_("发现烟雾，请离开房间，正在联系"),
    AnnouncementKey.LEAK_HEARD: N_("发现漏水，正在联系"),
    AnnouncementKey.GAS_HEARD: N_("可能漏气，不要开关电器、不要点火，请开窗到屋外，正在联系"),
    AnnouncementKey.CARBON_MONOXIDE_HEARD: N_("空气里有一氧化碳，请开窗、马上到屋外，正在联系"),
    AnnouncementKey.DEVICE_ALARM_HEARD: N_("家里有设备报警，正在联系"),
    AnnouncementKey.NOT_REACHED: N_("暂时联系不上，请拨 120"),
    AnnouncementKey.GATEWAY_FAILED: N_("设备故障，请拨 120"),
    AnnouncementKey.CANCELLED_AT_HOME: N_("已取消"),
    AnnouncementKey.SOS_SEEN: N_("收到了，正在通知值班人员"),
    AnnouncementKey.FALL_SEEN: N_("您可能摔倒了，正在通知值班人员"),
    AnnouncementKey.SMOKE_SEEN: N_("有烟，请先离开房间，正在通知值班人员"),
    AnnouncementKey.LEAK_SEEN: N_("家里可能漏水，正在通知社区"),
    AnnouncementKey.GAS_SEEN: N_("可能漏气，请开窗、先到屋外，正在通知值班人员"),
    AnnouncementKey.CARBON_MONOXIDE_SEEN: N_("空气里有一氧化碳，请先到屋外，正在通知值班人员"),
    AnnouncementKey.DEVICE_ALARM_SEEN: N_("家里有设备报警，正在通知值班人员"),
    AnnouncementKey.INACTIVITY_SEEN: N_("好一会儿没看到您活动了，社区会联系您"),
    AnnouncementKey.SOS_WAITING: N_("还没有人接手，正在找%(name)s。请您别急，等不及就拨 120"),
    AnnouncementKey.FALL_WAITING: N_("还没有人接手，正在找%(name)s。先别急着起身，等不及就拨 120"),
    AnnouncementKey.SMOKE_WAITING: N_("请先离开房间，不要坐电梯。正在找%(name)s，着火请拨 119"),
    AnnouncementKey.LEAK_WAITING: N_("还没有人接手，正在找%(name)s。请关上水阀，小心地滑"),
    AnnouncementKey.GAS_WAITING: N_("请到屋外，不要开关电器、不要点火。正在找%(name)s，到屋外再拨 119"),
    AnnouncementKey.CARBON_MONOXIDE_WAITING: N_("请到屋外透气，头晕请拨 120。正在找%(name)s"),
    AnnouncementKey.DEVICE_ALARM_WAITING: N_("还没有人接手，正在找%(name)s。不舒服请拨 120"),
    AnnouncementKey.NOBODY_FOUND: N_("现在找不到值班的人，请拨 120，或者敲门喊邻居"),
    AnnouncementKey.OTHERS_ASKED: N_("刚才答应的人抽不开身，正在请另一位工作人员联系您"),
    AnnouncementKey.COMING_SOON: N_("%(name)s看到了，马上联系您"),
    AnnouncementKey.VISITOR_SOUGHT: N_("%(name)s正在请人上门"),
    AnnouncementKey.STILL_SEEKING: N_("还没有请到人上门，%(name)s还在找，等不及就拨 120"),
    AnnouncementKey.NOBODY_CAN_COME: N_("暂时没有人能上门，%(name)s正在想别的办法，等不及就拨 120"),
    AnnouncementKey.VISITOR_REPLACED: N_("刚才说要来的人来不了，%(name)s正在另外请人"),
    AnnouncementKey.VISIT_CALLED_OFF: N_("刚才说要来的人不来了，%(name)s会联系您"),
    AnnouncementKey.VISITOR_LATE: N_("%(name)s还没有到，已经在催，也告诉了别的人，等不及就拨 120"),
    AnnouncementKey.ON_THE_WAY: N_("%(name)s已出发"),
    AnnouncementKey.ON_THE_WAY_MINUTES: N_("%(name)s已出发，大约 %(minutes)d 分钟到"),
    AnnouncementKey.VISIT_CODE: N_("%(name)s到门口时，请告诉她验证码 %(code)s"),
    AnnouncementKey.VISIT_CODE_AGAIN: N_("请告诉%(name)s验证码：%(code)s。再说一遍：%(code)s"),
    AnnouncementKey.CLOSED: N_("这件事已处理好，请放心"),
    AnnouncementKey.CANCELLED: N_("已取消，没事就好"),
}


def announcement_text(key: AnnouncementKey, facts: Mapping[str, str | int], words: Words) -> str:
    """Return the sentence in the language of `words`; the digits of a code are spaced out, to be spoken singly.

    Raises `KeyError` for a fact that is missing.
    """
    spoken = {name: " ".join(str(value)) if name == "code" else value for name, value in facts.items()}
    return words(_SENTENCES[key], **spoken)
