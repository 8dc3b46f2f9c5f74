"""Words for a day and for a change, in Chinese and English, with the numbers they rest on."""

from __future__ import annotations

import math

from anju_detect.inactivity.vocabulary import ROOM_EN, ROOM_ZH, ROOMS
from anju_detect.routine.measures import CLOCK, HOURS, MEASURES, MINUTES, TIMES, Measure
from anju_detect.routine.signals import GRADUAL

_UNITS = {HOURS: (" 小时", " h"), MINUTES: (" 分钟", " min"), TIMES: (" 次/晚", " a night")}
_UNKNOWN = ("未知", "unknown")


def told(measure: Measure, value: float) -> tuple[str, str]:
    """A value with its unit: 06:40, 5 次/晚, 1.5 小时; 未知 where it is unknown."""
    if math.isnan(value):
        return _UNKNOWN
    if measure.unit == CLOCK:
        minutes = round(value * 12) * 5 % 1440
        return (f"{minutes // 60:02d}:{minutes % 60:02d}",) * 2
    zh, en = _UNITS.get(measure.unit, (" 间", " rooms"))
    number = f"{value:.0f}" if measure.unit == MINUTES else f"{round(value, 1):g}"
    return number + zh, number + en


def standing_words(measure: Measure, value: float, usual: float, low: float, high: float) -> tuple[str, str]:
    """A measure of one day beside its usual range."""
    words = told(measure, value)
    if math.isnan(usual):
        return (
            f"{measure.zh} {words[0]}（还不知道平时如何）",
            f"{measure.en} {words[1]} (what is usual is not known yet)",
        )
    around = [told(measure, one) for one in (usual, low, high)]
    return (
        f"{measure.zh} {words[0]}，平时 {around[0][0]}（多数日子 {around[1][0]} 至 {around[2][0]}）",
        f"{measure.en} {words[1]}, usually {around[0][1]} (on most days {around[1][1]} to {around[2][1]})",
    )


def change_words(measure: Measure, kind: str, recent: float, usual: float, weeks: int) -> tuple[str, str]:
    """A change: 本周夜间如厕 5 次/晚，过去四周通常 2 次/晚."""
    now, before = told(measure, recent), told(measure, usual)
    when = ("本周", "this week") if kind == GRADUAL else ("最近两天", "in the last two days")
    name = measure.en[0].upper() + measure.en[1:]
    return (
        f"{when[0]}{measure.zh} {now[0]}，过去{_weeks_zh(weeks)}周通常 {before[0]}",
        f"{name} {when[1]}: {now[1]}; usually {before[1]} in the {weeks} weeks before",
    )


def digest_words(values: list[float], rooms: tuple[str, ...]) -> tuple[str, str]:
    """A day in one sentence; what is unknown is left away."""
    parts = [(m, told(m, value)) for m, value in zip(MEASURES, values, strict=True) if not math.isnan(value)]
    if not parts:
        return (
            "这一天情况未知：家中无人，或看不到这户",
            "nothing is known of this day: nobody was in, or it could not be seen",
        )
    zh = "，".join(f"{m.zh} {words[0]}" for m, words in parts)
    en = ", ".join(f"{m.en} {words[1]}" for m, words in parts)
    if rooms:
        zh += "（" + "、".join(ROOM_ZH[ROOMS.index(room)] for room in rooms) + "）"
        en += f" ({', '.join(ROOM_EN[ROOMS.index(room)] for room in rooms)})"
    return zh, en


def _weeks_zh(weeks: int) -> str:
    return "零一两三四五六七"[weeks]
