"""What the domain's words are called on a page: one row for each value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from anju_core.vocabulary import (
    AlertKind,
    AlertState,
    AlertStep,
    DeclineReason,
    OfferState,
    Outcome,
    Role,
    VisitCategory,
    VisitState,
)
from anju_platform.web.i18n import Words, mark
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Announcement, Room


class Sight(StrEnum):
    """The four states that a page knows, the same everywhere."""

    NOW = "now"
    """Needs you now: red, filled, ▲."""
    WAY = "way"
    """Under way: amber, half, ◐."""
    DARK = "dark"
    """Cannot be seen: grey hatch, ?."""
    FINE = "fine"
    """Fine: no colour, ✓."""


LABELS: Mapping[str, Mapping[str, str]] = {
    "sight": {
        Sight.NOW: mark("需要您"),
        Sight.WAY: mark("处理中"),
        Sight.DARK: mark("看不到"),
        Sight.FINE: mark("正常"),
    },
    "kind": {
        AlertKind.SOS: mark("按了求助键"),
        AlertKind.FALL: mark("可能跌倒"),
        AlertKind.SMOKE: mark("烟雾报警"),
        AlertKind.LEAK: mark("漏水"),
        AlertKind.INACTIVITY: mark("久无动静"),
        AlertKind.AWAY_LONG: mark("外出未归"),
        AlertKind.BLIND: mark("看不到这家"),
    },
    "state": {
        AlertState.RAISED: mark("等待处理"),
        AlertState.NOTIFIED: mark("等待处理"),
        AlertState.ACKNOWLEDGED: mark("已接手"),
        AlertState.ON_THE_WAY: mark("有人在路上"),
        AlertState.ARRIVED: mark("已到现场"),
        AlertState.RESOLVED: mark("已结束"),
    },
    "outcome": {
        Outcome.REAL_HELPED: mark("真的有事，已帮到"),
        Outcome.REAL_AMBULANCE: mark("真的有事，叫了救护车"),
        Outcome.FALSE_ALARM: mark("虚惊一场"),
        Outcome.AWAY: mark("外出或在家人处"),
        Outcome.TEST: mark("测试"),
        Outcome.TECHNICAL: mark("设备或网络问题"),
        Outcome.WITHDRAWN: mark("老人自己取消"),
    },
    "step": {
        AlertStep.RAISED: mark("报警"),
        AlertStep.REPEATED: mark("又报了一次"),
        AlertStep.CONFIRMED: mark("得到确认"),
        AlertStep.NOTIFIED: mark("已通知"),
        AlertStep.DELIVERY_FAILED: mark("通知没有送达"),
        AlertStep.ESCALATED: mark("升级"),
        AlertStep.ELDER_TOLD: mark("告诉老人"),
        AlertStep.TAKEN: mark("接手"),
        AlertStep.RELEASED: mark("放回"),
        AlertStep.CONTACTED: mark("联系"),
        AlertStep.DISPATCHED: mark("派单"),
        AlertStep.ON_THE_WAY: mark("出发"),
        AlertStep.ARRIVED: mark("到达"),
        AlertStep.VISITED: mark("上门完成"),
        AlertStep.VISIT_FAILED: mark("没有人能去"),
        AlertStep.WITHDRAWN: mark("老人取消"),
        AlertStep.NOTED: mark("备注"),
        AlertStep.RESOLVED: mark("结束"),
    },
    "visit_state": {
        VisitState.OPEN: mark("正在找人"),
        VisitState.OFFERED: mark("等护理员回应"),
        VisitState.ACCEPTED: mark("护理员在路上"),
        VisitState.CHECKED_IN: mark("护理员在老人家"),
        VisitState.CHECKED_OUT: mark("等待确认"),
        VisitState.CONFIRMED: mark("已确认"),
        VisitState.UNFILLED: mark("没有人能去"),
        VisitState.CANCELLED: mark("已取消"),
    },
    "offer_state": {
        OfferState.PENDING: mark("等待回应"),
        OfferState.ACCEPTED: mark("接了"),
        OfferState.DECLINED: mark("没接"),
        OfferState.TIMED_OUT: mark("没回应"),
        OfferState.WITHDRAWN: mark("已撤回"),
    },
    "decline": {
        DeclineReason.BUSY: mark("正忙"),
        DeclineReason.TOO_FAR: mark("太远"),
        DeclineReason.OFF_DUTY: mark("不在班"),
        DeclineReason.UNWELL: mark("身体不适"),
        DeclineReason.OTHER: mark("其他原因"),
    },
    "category": {
        VisitCategory.EMERGENCY: mark("紧急上门"),
        VisitCategory.WELFARE_CHECK: mark("上门看看"),
        VisitCategory.ROUTINE: mark("定期探访"),
        VisitCategory.REPAIR: mark("设备维修"),
    },
    "role": {
        Role.WORKER: mark("社区工作者"),
        Role.SUPERVISOR: mark("社区主管"),
        Role.CARER: mark("护理员"),
        Role.PROVIDER: mark("服务机构调度"),
        Role.FAMILY: mark("家人"),
        Role.DISTRICT: mark("区级"),
        Role.TESTER: mark("测试员"),
        Role.ADMIN: mark("管理员"),
    },
    "room": {
        Room.LIVING: mark("客厅"),
        Room.BEDROOM: mark("卧室"),
        Room.KITCHEN: mark("厨房"),
        Room.BATHROOM: mark("卫生间"),
        Room.HALL: mark("走廊"),
        Room.ENTRANCE: mark("门口"),
        Room.OTHER: mark("其他"),
    },
    "device": {
        DeviceKind.DOOR: mark("门磁"),
        DeviceKind.MOTION: mark("人体感应"),
        DeviceKind.BUTTON: mark("求助键"),
        DeviceKind.LEAK: mark("水浸探测"),
        DeviceKind.SMOKE: mark("烟雾探测"),
        DeviceKind.OBJECT: mark("用品开合"),
        DeviceKind.WEARABLE: mark("佩戴设备"),
        DeviceKind.GATEWAY: mark("网关"),
    },
    "told": {
        Announcement.HEARD: mark("收到，正在联系"),
        Announcement.BACKUP_LINE: mark("正在用备用线路"),
        Announcement.NOT_REACHED: mark("暂时联系不上，请拨 120"),
        Announcement.SEEN: mark("有人正在看"),
        Announcement.COMING: mark("有人来了"),
        Announcement.CANCELLED: mark("已取消"),
        Announcement.CLOSED: mark("事情已结束"),
        Announcement.VISIT_CODE: mark("上门验证码"),
    },
    "escalation": {
        "nobody_took_it": mark("还没有人接手"),
        "nobody_arrived": mark("还没有人到"),
        "no_outcome": mark("还没有结果"),
        "visit_late": mark("上门晚了"),
        "delivery_failed": mark("通知没有送达"),
        "not_withdrawn": mark("没有得到取消"),
        "no_way_out": mark("没有护理员能去"),
        "confirmed": mark("得到确认"),
        "repeated": mark("又报了一次"),
        "released": mark("放回了"),
    },
    "consent": {
        "monitoring": mark("居家安全监测"),
        "family_summary": mark("家人看平安一句话"),
        "health_notes": mark("健康备注给上门的人"),
        "provider_door": mark("门锁密码给上门的人"),
    },
    "action": {
        "press": mark("按求助键"),
        "hold": mark("按住取消"),
        "fall": mark("跌倒"),
        "silence": mark("不再动"),
        "leave": mark("出门"),
        "return": mark("回家"),
        "visitor": mark("来客人"),
        "battery_low": mark("电池快没电"),
        "stick": mark("传感器卡住"),
        "cut": mark("断网"),
        "restore": mark("恢复网络"),
    },
    "stage": {
        "pressed": mark("发生"),
        "pressed:press": mark("按下"),
        "pressed:fall": mark("撞击"),
        "pressed:silence": mark("期限"),
        "spooled": mark("告诉老人"),
        "raised": mark("平台存下"),
        "notified": mark("已通知"),
        "taken": mark("接手"),
        "visited": mark("上门完成"),
        "closed": mark("结束"),
    },
    "late": {
        "missed": mark("没有去"),
        "late": mark("去晚了"),
    },
    "condition": {
        "fine": mark("人很好，一切正常"),
        "watch": mark("人还好，但要留意"),
        "help": mark("需要马上帮助"),
    },
    "elder": {
        "confirmed": mark("老人已确认"),
        "unable": mark("老人不便确认"),
    },
    "call": {
        "reached_ok": mark("接通，人没事"),
        "reached_help": mark("接通，需要帮助"),
        "no_answer": mark("没人接"),
        "elder": mark("老人本人"),
    },
}


def say(words: Words, table: str, value: str) -> str:
    """What a value of a table is called in the reader's language; one without a row says itself."""
    message = LABELS[table].get(value)
    return value if message is None else words(message)


def alert_sight(kind: str, state: str) -> Sight:
    """Which of the four states an alert is shown in."""
    if state == AlertState.RESOLVED:
        return Sight.FINE
    if state in {AlertState.RAISED, AlertState.NOTIFIED}:
        return Sight.DARK if kind == AlertKind.BLIND else Sight.NOW
    return Sight.WAY
