"""What a value of a Zigbee device must come to, judged from the model's own description alone.

Written apart from the adapter: patterns over names and descriptions here, tables of words there. Where the description
does not settle it, the verdict is `UNSURE`, and nothing is asserted but that no danger of another kind is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

Exposed = Mapping[str, object]


class Verdict(Enum):
    """What must come of a value."""

    DANGER = "danger"
    """An alarm of its class, or one that nobody understands."""
    STATE = "state"
    """A reading of its class, and no alarm."""
    CALM = "calm"
    """No alarm."""
    UNSURE = "unsure"
    """No alarm of a known kind; whether one that nobody understands is not settled."""


class Judgement(NamedTuple):
    """A verdict, and the class of device that it is about ('' for none, "doubtful" where it may be about any)."""

    verdict: Verdict
    about: str = ""


_DANGERS = {
    "smoke": r"\bsmoke",
    "carbon_monoxide": r"carbon monoxide|^co (state|alarm)",
    "gas": r"^gas\b|detected (combustible )?gas",
    "water_leak": r"leak|flood|detects? water|water detected",
    "sos": r"\bsos\b|emergency|panic|\bhelp\b",
    "fall": r"\bfall",
    "alarm": r"\balarm\b|overheat|intru|burglar",
}
_STATES = {
    "vibration": r"vibration",
    "occupancy": r"presence|occupancy( \d+)?|occupancy alarm \d|motion( up| down)?",
    "contact": r"contact( alarm \d)?",
    "tamper": r"tamper( alarm)?",
    "battery_low": r"battery low",
}
_OTHERWISE = (
    r"silenced|hush|mute|manual|restore|unit\b|life|link available|\blast\b|valve alarm|weather|shortage|button"
    r"|protection|posture|trigger on|test|contamination|leakage current|external|light switch|switch$|interconnect"
)
"""Of what speaks about an alarm, what is none: a test, a mains switch, a plant that wants water."""
_SIREN = re.compile(r"(\w+ )?(alarm|siren)( state)?")
"""What can be set and is also the state of a siren: whether it was sounded by a person is not known."""
_NOTHING = re.compile(
    r"(no|not|none|normal|ok|idle|clear|safe|off|cancel(l?ed)?|stop|unknown|inactive|detecting|dry|silenced"
    r"|standby|normal state|no alarm|no alert|.* (no|test)|unoccupied)",
    re.IGNORECASE,
)
_SAYS_DANGER = re.compile(r"alarm|fall|leak|smoke|fire|burglar|monoxide|\byes\b|emergency|overheated", re.IGNORECASE)
_NAMED_IN_VALUE = re.compile(r"smoke|monoxide|\bfire|falling|water leak|burglar|intru", re.IGNORECASE)
_PRESS_FOR_HELP = re.compile(r"\b(sos|emergency|panic|help)\b")


def features(exposes: object, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Exposed]]:
    """Yield each feature that carries a value, with its path within the payload."""
    for feature in exposes if isinstance(exposes, list) else ():
        path = (*above, feature["property"]) if feature.get("property") else above
        if isinstance(feature.get("features"), list):
            yield from features(feature["features"], path)
        elif path:
            yield path, feature


def values(feature: Exposed) -> list[object]:
    """Return the values that a feature can have: of a number, both ends and what lies between."""
    match feature:
        case {"type": "binary", "value_on": on, "value_off": off}:
            return [off, on]
        case {"type": "enum", "values": list(listed)}:
            return listed
        case {"type": "numeric"}:
            low, high = feature.get("value_min"), feature.get("value_max")
            return [low if isinstance(low, int) else 0, 1, high if isinstance(high, int) else 90]
    return []


def classify(path: tuple[str, ...], feature: Exposed, value: object) -> Judgement:
    """Return what must come of one value of a feature."""
    name = " ".join(path).replace("_", " ").lower()
    if path[-1].startswith("action"):
        return _classify_action(str(value).replace("_", " ").lower())
    access, about = feature.get("access", 1), str(feature.get("description") or "").lower()
    if not isinstance(access, int) or feature.get("category") == "config" or not access & 1:
        return Judgement(Verdict.CALM)
    if access & 2:
        siren = _SIREN.fullmatch(name) and not re.search(r"\b(en|dis)able", about)
        return Judgement(Verdict.UNSURE if siren else Verdict.CALM)
    return _classify_published(name, about, feature, value)


def _classify_published(name: str, about: str, feature: Exposed, value: object) -> Judgement:
    """Judge what a device reports by itself."""
    if feature.get("type") == "numeric":
        return Judgement(Verdict.CALM if feature.get("unit") else Verdict.UNSURE)
    state = next((kind for kind, pattern in _STATES.items() if re.fullmatch(pattern, name)), None)
    if state is not None and feature.get("type") == "binary":
        return Judgement(Verdict.STATE, state)
    if re.search(_OTHERWISE, name) or "shortage" in about:
        return Judgement(Verdict.UNSURE, "doubtful")
    return _classify_state(name, about, feature, value)


def _classify_action(value: str) -> Judgement:
    if _PRESS_FOR_HELP.search(value):
        return Judgement(Verdict.DANGER, "sos")
    return Judgement(Verdict.UNSURE if re.search(r"fall|alarm", value) else Verdict.CALM)


def _classify_state(name: str, about: str, feature: Exposed, value: object) -> Judgement:
    kind = next((kind for kind, pattern in _DANGERS.items() if re.search(pattern, name)), None)
    if kind is None and "detect" in about:
        kind = next((one for one, pattern in _DANGERS.items() if re.search(pattern, about)), None)
    if feature.get("type") == "binary":
        if kind is None and "alarm" in str(feature.get("value_on")).lower():
            kind = "alarm"
        danger = kind is not None and value == feature.get("value_on")
        return Judgement(Verdict.DANGER if danger else Verdict.CALM, kind or "")
    said = str(value).replace("_", " ").lower()
    if _NOTHING.fullmatch(said):
        return Judgement(Verdict.CALM, kind or "")
    if re.search(r"battery.*(low|alarm)|(low|failed) battery", said):
        return Judgement(Verdict.STATE, "battery_low")
    if kind is None:
        kind = "fall" if "falling" in said else "alarm" if _NAMED_IN_VALUE.search(said) else None
        return Judgement(Verdict.DANGER, kind) if kind else Judgement(Verdict.UNSURE)
    return Judgement(Verdict.DANGER if _SAYS_DANGER.search(said) else Verdict.UNSURE, kind)
