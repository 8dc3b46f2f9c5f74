"""What the domain's words are called on a page: one row for each value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from anju_core.dispatch import ChecklistItem, Direction
from anju_core.vocabulary import (
    AlertKind,
    AlertState,
    AlertStep,
    EscalationReason,
    Outcome,
    Role,
    VisitCategory,
    VisitState,
)
from anju_platform.i18n.device_names import DEVICE_NAMES
from anju_platform.i18n.dispatch_names import DISPATCH_NAMES
from anju_platform.i18n.translation import N_, Words
from anju_wire.profiles import PROFILES
from anju_wire.simulation import SimAction
from anju_wire.vocabulary import Announcement, Room


class DisplayStatus(StrEnum):
    """The four states that a page knows, the same everywhere."""

    NOW = "now"
    """Needs you now: red, filled, ▲."""
    WAY = "way"
    """Under way: amber, half, ◐."""
    DARK = "dark"
    """Cannot be seen: grey hatch, ?."""
    FINE = "fine"
    """Fine: no colour, ✓."""


MEASURE_NAMES: Mapping[str, str] = {
    "sleep_h": N_("入睡"),
    "wake_h": N_("起床"),
    "night_bathroom": N_("夜间如厕"),
    "night_active_min": N_("夜间活动"),
    "out_h": N_("外出"),
    "rooms": N_("使用房间"),
    "active_h": N_("有活动的时间"),
    "day_rest_h": N_("白天最长静止"),
}
"""Display names of the measures of the daily routine, by the name of their row in `anju_detect.routine.MEASURES`."""

ROOM_NAMES: Mapping[str, str] = {
    Room.LIVING: N_("客厅"),
    Room.BEDROOM: N_("卧室"),
    Room.KITCHEN: N_("厨房"),
    Room.BATHROOM: N_("卫生间"),
    Room.HALL: N_("走廊"),
    Room.ENTRANCE: N_("门口"),
    Room.OTHER: N_("其他"),
}

LABELS: Mapping[str, Mapping[str, str]] = {
    "status": {
        DisplayStatus.NOW: N_("需要您"),
        DisplayStatus.WAY: N_("处理中"),
        DisplayStatus.DARK: N_("失联"),
        DisplayStatus.FINE: N_("正常"),
    },
    "presence": {
        "audible": N_("听得到报警"),
        "silent": N_("页面开着，但没有声音"),
        "absent": N_("没有打开值守台"),
    },
    "kind": {
        AlertKind.SOS: N_("紧急求助"),
        AlertKind.FALL: N_("可能跌倒"),
        AlertKind.SMOKE: N_("烟雾报警"),
        AlertKind.LEAK: N_("漏水"),
        AlertKind.GAS: N_("燃气报警"),
        AlertKind.CARBON_MONOXIDE: N_("一氧化碳报警"),
        AlertKind.DEVICE_ALARM: N_("不明设备报警"),
        AlertKind.INACTIVITY: N_("长时间无活动"),
        AlertKind.AWAY_LONG: N_("外出未归"),
        AlertKind.HOME_OFFLINE: N_("住户失联"),
        AlertKind.GATEWAY_FLOODING: N_("网关消息过多"),
    },
    "state": {
        AlertState.RAISED: N_("等待处理"),
        AlertState.NOTIFIED: N_("等待处理"),
        AlertState.ACKNOWLEDGED: N_("已接手"),
        AlertState.EN_ROUTE: N_("有人在路上"),
        AlertState.ARRIVED: N_("已到现场"),
        AlertState.RESOLVED: N_("已结束"),
    },
    "checklist": {
        ChecklistItem.CONSCIOUS: N_("人清醒、能应答吗？"),
        ChecklistItem.INJURY: N_("有无受伤、疼痛，看过了吗？"),
        ChecklistItem.DEVICES: N_("试按一次求助按钮，设备正常吗？"),
        ChecklistItem.SAFE: N_("水、电、燃气都安全吗？"),
        ChecklistItem.NEEDS: N_("吃饭、用药、取暖都看过了吗？"),
        ChecklistItem.REPAIRED: N_("故障排除了吗？"),
    },
    "danger": {
        ChecklistItem.CONSCIOUS: N_("人不清醒，或叫不应"),
        ChecklistItem.SAFE: N_("水、电或燃气有危险"),
    },
    "outcome": {
        Outcome.REAL_HELPED: N_("情况属实，已帮助"),
        Outcome.REAL_AMBULANCE: N_("情况属实，已叫救护车"),
        Outcome.FALSE_ALARM: N_("虚惊一场"),
        Outcome.AWAY: N_("外出或在家人处"),
        Outcome.TEST: N_("测试"),
        Outcome.TECHNICAL: N_("设备或网络问题"),
        Outcome.WITHDRAWN: N_("老人自己取消"),
    },
    "step": {
        AlertStep.RAISED: N_("报警"),
        AlertStep.REPEATED: N_("又报了一次"),
        AlertStep.CONFIRMED: N_("已证实"),
        AlertStep.NOTIFIED: N_("已通知"),
        AlertStep.DELIVERY_FAILED: N_("通知没有送达"),
        AlertStep.ESCALATED: N_("升级"),
        AlertStep.ELDER_TOLD: N_("家里播报"),
        AlertStep.ACKNOWLEDGED: N_("接手"),
        AlertStep.UNACKNOWLEDGED: N_("转回待接手"),
        AlertStep.CONTACT_ATTEMPTED: N_("联系"),
        AlertStep.DISPATCHED: N_("派单"),
        AlertStep.EN_ROUTE: N_("出发"),
        AlertStep.ARRIVED: N_("到达"),
        AlertStep.VISITED: N_("上门完成"),
        AlertStep.VISIT_FAILED: N_("没有人能去"),
        AlertStep.WITHDRAWN: N_("老人取消"),
        AlertStep.NOTED: N_("备注"),
        AlertStep.RESOLVED: N_("结束"),
    },
    "visit_state": {
        VisitState.OPEN: N_("正在找人"),
        VisitState.OFFERED: N_("等护理员回应"),
        VisitState.ACCEPTED: N_("护理员在路上"),
        VisitState.CHECKED_IN: N_("护理员已到老人家中"),
        VisitState.CHECKED_OUT: N_("待确认"),
        VisitState.CONFIRMED: N_("已确认"),
        VisitState.UNFILLED: N_("没有人能去"),
        VisitState.CANCELLED: N_("已取消"),
    },
    **DISPATCH_NAMES,
    "category": {
        VisitCategory.EMERGENCY: N_("紧急上门"),
        VisitCategory.WELFARE_CHECK: N_("上门查看"),
        VisitCategory.ROUTINE: N_("定期探访"),
        VisitCategory.REPAIR: N_("设备维修"),
    },
    "role": {
        Role.WORKER: N_("社区工作者"),
        Role.SUPERVISOR: N_("社区主任"),
        Role.CARER: N_("护理员"),
        Role.PROVIDER: N_("服务机构调度"),
        Role.FAMILY: N_("家人"),
        Role.DISTRICT: N_("区级"),
        Role.TESTER: N_("测试员"),
        Role.ADMIN: N_("管理员"),
    },
    "room": ROOM_NAMES,
    "device": {profile.kind: DEVICE_NAMES[profile.name_key] for profile in PROFILES.values()},
    "told": {
        Announcement.HEARD: N_("收到，正在联系"),
        Announcement.BACKUP_LINE: N_("正在用备用线路"),
        Announcement.NOT_REACHED: N_("暂时联系不上，请拨 120"),
        Announcement.SEEN: N_("正在通知值班人员"),
        Announcement.COMING: N_("有人来了"),
        Announcement.CANCELLED: N_("已取消"),
        Announcement.CLOSED: N_("事情已结束"),
        Announcement.VISIT_CODE: N_("上门验证码"),
    },
    "escalation": {
        EscalationReason.RAISED: N_("刚报警"),
        EscalationReason.NOT_WITHDRAWN: N_("没有人取消"),
        EscalationReason.CONFIRMED: N_("已证实"),
        EscalationReason.NOBODY_TOOK_IT: N_("还没有人接手"),
        EscalationReason.NOBODY_ARRIVED: N_("还没有人到"),
        EscalationReason.NO_OUTCOME: N_("还没有结果"),
        EscalationReason.DELIVERY_FAILED: N_("通知没有送达"),
        EscalationReason.UNACKNOWLEDGED: N_("转回待接手"),
        EscalationReason.VISIT_LATE: N_("上门晚了"),
        EscalationReason.HELP_WANTED: N_("护理员在现场求助"),
        EscalationReason.VISIT_FAILED: N_("没有人能去"),
    },
    "consent": {
        "monitoring": N_("居家安全监测"),
        "family_summary": N_("家人看平安一句话"),
        "health_notes": N_("健康备注给上门的人"),
        "provider_door": N_("门锁密码给上门的人"),
    },
    "action": {
        SimAction.PRESS: N_("按求助按钮"),
        SimAction.HOLD: N_("按住取消"),
        SimAction.FALL: N_("跌倒"),
        SimAction.SILENCE: N_("停止活动"),
        SimAction.LEAVE: N_("出门"),
        SimAction.RETURN: N_("回家"),
        SimAction.VISITOR: N_("来客人"),
        SimAction.BATTERY_LOW: N_("电量低"),
        SimAction.STICK: N_("传感器卡住"),
        SimAction.CUT: N_("断网"),
        SimAction.RESTORE: N_("恢复网络"),
    },
    "stage": {
        "pressed": N_("发生"),
        "pressed:press": N_("按下"),
        "pressed:fall": N_("撞击"),
        "pressed:silence": N_("期限"),
        "spooled": N_("家里已播报"),
        "raised": N_("平台存下"),
        "notified": N_("已通知"),
        "taken": N_("接手"),
        "visited": N_("上门完成"),
        "closed": N_("结束"),
    },
    "late": {
        "missed": N_("没有去"),
        "late": N_("去晚了"),
        "on_time": N_("按时到达"),
    },
    "condition": {
        "fine": N_("人很好，一切正常"),
        "watch": N_("人还好，但要留意"),
        "help": N_("需要马上帮助"),
    },
    "elder": {
        "confirmed": N_("老人已确认"),
        "unable": N_("老人不便确认"),
    },
    "call": {
        "reached_ok": N_("接通，人没事"),
        "reached_help": N_("接通，需要帮助"),
        "no_answer": N_("没人接"),
        "elder": N_("老人本人"),
    },
    "direction": {
        Direction.NORTH: N_("北边"),
        Direction.NORTH_EAST: N_("东北边"),
        Direction.EAST: N_("东边"),
        Direction.SOUTH_EAST: N_("东南边"),
        Direction.SOUTH: N_("南边"),
        Direction.SOUTH_WEST: N_("西南边"),
        Direction.WEST: N_("西边"),
        Direction.NORTH_WEST: N_("西北边"),
    },
    "proof": {
        "code": N_("验证码正确"),
        "attested": N_("有人证明"),
    },
}


def display_name(words: Words, table: str, value: str) -> str:
    """What a value of a table is called in the reader's language; one without a row says itself."""
    message = LABELS[table].get(value)
    return value if message is None else words(message)


def alert_status(kind: str, state: str, *, late: bool = False) -> DisplayStatus:
    """Which of the four states an alert is shown in; `late`: who acknowledged it cannot do what it needs."""
    if state == AlertState.RESOLVED:
        return DisplayStatus.FINE
    if late:
        return DisplayStatus.NOW
    if state in {AlertState.RAISED, AlertState.NOTIFIED}:
        return DisplayStatus.DARK if kind == AlertKind.HOME_OFFLINE else DisplayStatus.NOW
    return DisplayStatus.WAY
