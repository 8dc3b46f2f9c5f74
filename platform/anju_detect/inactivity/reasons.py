"""Words for a tired reader: what was last seen, how long ago, and what is usual; in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anju_detect.inactivity.vocabulary import ROOM_EN, ROOM_ZH

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Facts:
    """The numbers a sentence rests on; times in Unix seconds, `offset_s` turns them into local time.

    `rule_s` is the hard rule that set the deadline, nan where the home's own habits did; `due_back_s` is until when the
    person was to be away, nan where nobody said so.
    """

    room: int
    last_life_s: float
    now_s: float
    offset_s: float
    usual_s: float
    last_exit_s: float
    at_exit: bool
    rule_s: float
    due_back_s: float = float("nan")


def _clock(at_s: float, facts: Facts) -> tuple[str, int]:
    """Local time of day, and how many days before today it was."""
    local = at_s + facts.offset_s
    minutes = int(local % _DAY_S // _MINUTE_S)
    days = int((facts.now_s + facts.offset_s) // _DAY_S - local // _DAY_S)
    return f"{minutes // 60:02d}:{minutes % 60:02d}", days


def clock_zh(at_s: float, facts: Facts) -> str:
    """A time as it is told: 21:04, 昨天 21:04, 3 天前 21:04."""
    text, days = _clock(at_s, facts)
    when = ("", "昨天 ", "前天 ")
    return f"{when[days]}{text}" if 0 <= days < len(when) else f"{days} 天前 {text}"


def clock_en(at_s: float, facts: Facts) -> str:
    """The same in English: 21:04, 21:04 yesterday, 21:04 3 days ago."""
    text, days = _clock(at_s, facts)
    when = ("", " yesterday")
    return f"{text}{when[days]}" if 0 <= days < len(when) else f"{text} {days} days ago"


def span_zh(seconds: float) -> str:
    """A length of time as it is spoken."""
    hours, minutes = divmod(int(max(seconds, 0.0) // _MINUTE_S), 60)
    if not hours:
        return f"{minutes} 分钟"
    return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"


def span_en(seconds: float) -> str:
    """The same in English."""
    hours, minutes = divmod(int(max(seconds, 0.0) // _MINUTE_S), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def rounded_s(seconds: float) -> float:
    """Up to full 10 minutes below two hours, up to half hours above: more would feign knowledge."""
    step = 10 * _MINUTE_S if seconds < 2 * _HOUR_S else 0.5 * _HOUR_S
    return float(np.ceil(seconds / step) * step)


def sentence_zh(facts: Facts) -> str:
    """Why, in Chinese."""
    silent = span_zh(facts.now_s - facts.last_life_s)
    at = clock_zh(facts.last_life_s, facts)
    if facts.at_exit:
        parts = [f"大门最后一次开合 {at}，已外出或无活动 {silent}"]
    else:
        parts = [f"{ROOM_ZH[facts.room]}最后一次活动 {at}，已 {silent}无活动"]
    if np.isfinite(facts.due_back_s):
        parts.insert(0, f"报备外出，应于 {clock_zh(facts.due_back_s, facts)} 前回来，至今没有动静")
    parts.append(f"此时段通常不超过 {span_zh(rounded_s(facts.usual_s))}")
    if np.isfinite(facts.rule_s):
        parts.append(f"已到规定的 {span_zh(facts.rule_s)}上限")
    if not facts.at_exit and np.isfinite(facts.last_exit_s):
        parts.append(f"大门此后未开（上次 {clock_zh(facts.last_exit_s, facts)}）")
    return "；".join(parts)


def sentence_en(facts: Facts) -> str:
    """Why, in English."""
    silent = span_en(facts.now_s - facts.last_life_s)
    at = clock_en(facts.last_life_s, facts)
    if facts.at_exit:
        parts = [f"outer door last moved at {at}, out or silent for {silent}"]
    else:
        parts = [f"last activity in the {ROOM_EN[facts.room]} at {at}, silent for {silent}"]
    if np.isfinite(facts.due_back_s):
        parts.insert(0, f"said to be away until {clock_en(facts.due_back_s, facts)}, no sign of life since")
    parts.append(f"at this hour usually not above {span_en(rounded_s(facts.usual_s))}")
    if np.isfinite(facts.rule_s):
        parts.append(f"the rule's limit of {span_en(facts.rule_s)} is reached")
    if not facts.at_exit and np.isfinite(facts.last_exit_s):
        parts.append(f"outer door not opened since {clock_en(facts.last_exit_s, facts)}")
    return "; ".join(parts)
