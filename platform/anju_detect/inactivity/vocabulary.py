"""Rooms, kinds of signs of life and outcomes; batches carry rooms and kinds as indices."""

from __future__ import annotations

ROOMS = ("living", "bedroom", "kitchen", "bathroom", "hall", "entrance", "other")
KINDS = ("motion", "door", "object", "button", "steps", "heartbeat")

BEDROOM, BATHROOM, ENTRANCE = ROOMS.index("bedroom"), ROOMS.index("bathroom"), ROOMS.index("entrance")
MOTION, DOOR, HEARTBEAT = (KINDS.index(kind) for kind in ("motion", "door", "heartbeat"))

INACTIVITY, AWAY_LONG = "inactivity", "away_long"

# What a worker can find: real emergencies, false alerts, absences, and outcomes that say nothing about the person.
REAL, FALSE = ("real", "real_helped", "real_ambulance"), ("false", "false_alarm")
OUTCOMES = (*REAL, *FALSE, "away", "test", "technical", "withdrawn", "unknown")
PRESENCES = ("home", "asleep", "visitor", "away", "absent", "offline", "unknown")
