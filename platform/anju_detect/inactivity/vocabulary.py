"""What a sign of life can be, as the small integers that batches carry, and how rooms are called in words."""

from __future__ import annotations

ROOMS = ("living", "bedroom", "kitchen", "bathroom", "hall", "entrance", "other")
KINDS = ("motion", "door", "object", "button", "steps", "heartbeat")
ROOM_ZH = ("客厅", "卧室", "厨房", "卫生间", "走廊", "大门", "其他房间")
ROOM_EN = ("living room", "bedroom", "kitchen", "bathroom", "hall", "entrance", "other room")

BEDROOM, BATHROOM, ENTRANCE = ROOMS.index("bedroom"), ROOMS.index("bathroom"), ROOMS.index("entrance")
MOTION, DOOR, HEARTBEAT = (KINDS.index(kind) for kind in ("motion", "door", "heartbeat"))

INACTIVITY, AWAY_LONG = "inactivity", "away_long"

# What a worker can find: real emergencies, false alerts, absences, and outcomes that teach nothing about the person.
REAL, FALSE = ("real", "real_helped", "real_ambulance"), ("false", "false_alarm")
OUTCOMES = (*REAL, *FALSE, "away", "test", "technical", "withdrawn", "unknown")
PRESENCES = ("home", "asleep", "visitor", "away", "absent", "blind", "unknown")
PRESENCE_ZH = ("在家", "可能在睡觉", "可能有访客", "可能外出", "家属告知外出", "暂时看不到", "未知")
PRESENCE_EN = (
    "at home",
    "probably asleep",
    "probably has visitors",
    "probably out",
    "away as told",
    "cannot be seen",
    "unknown",
)
