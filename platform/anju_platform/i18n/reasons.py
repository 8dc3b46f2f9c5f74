"""The sentence about a reason (`anju_core.reasons`), in the reader's language.

One row for each code. A code without a row, from a newer release, gives an empty sentence: the alert's kind stands
alone then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

from anju_core.announcements import is_night
from anju_core.dispatch import DANGEROUS_ANSWERS
from anju_core.reasons import Fact, Reason, ReasonCode
from anju_detect.routine import GRADUAL, MEASURES
from anju_detect.routine.measures import CLOCK, HOURS, MINUTES, TIMES
from anju_platform.i18n import time_format
from anju_platform.i18n.device_names import DEVICE_NAMES
from anju_platform.i18n.display_names import MEASURE_NAMES, ROOM_NAMES, display_name
from anju_platform.i18n.translation import N_, Words
from anju_wire.profiles import PROFILES, DeviceKind
from anju_wire.vocabulary import Room

_HALF_HOUR_S, _HOUR_S, _TWO_HOURS_S, _DAY_S = 1800.0, 3600.0, 7200.0, 86400.0
_UNITS = {measure.name: measure.unit for measure in MEASURES}
_UNIT_TEXTS = {HOURS: N_("%(n)s 小时"), MINUTES: N_("%(n)s 分钟"), TIMES: N_("%(n)s 次/晚")}
_ROOMS_TEXT = N_("%(n)s 间")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the language, the present, and the time zone of the home that is read about."""

    words: Words
    now: datetime
    zone: ZoneInfo


def describe_reason(reason: Reason, reader: Reader) -> str:
    """Return the whole sentence with its figures; empty for a code that this release does not know."""
    sentence = _SENTENCES.get(reason.code)
    return "" if sentence is None else sentence(_Facts(reason.facts), reader)


def describe_cause(reason: Reason, words: Words) -> str:
    """Return what homes have in common that cannot be seen for the same cause, without the figures of each.

    A sentence of an earlier release stands as it was written.
    """
    if reason.code == ReasonCode.WRITTEN:
        return _written(_Facts(reason.facts), words)
    text = _CAUSES.get(reason.code)
    if text is None:
        return words("失联，原因还不清楚")
    return words(text, device=_device(_Facts(reason.facts), words)) if "%(device)s" in text else words(text)


def describe_measure(name: str, value: float, words: Words) -> str:
    """Return a figure of the daily routine with its unit: `06:40`, `5 次/晚`, `1.5 小时`. Unknown where it is nan."""
    if math.isnan(value):
        return words("未知")
    unit = _UNITS[name]
    if unit == CLOCK:
        minutes = round(value * 12) * 5 % 1440
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    number = f"{value:.0f}" if unit == MINUTES else f"{round(value, 1):g}"
    return words(_UNIT_TEXTS.get(unit, _ROOMS_TEXT), n=number)


class _Facts:
    """Reads facts that may be missing or of another type: what is stored may be older or newer than this release."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts

    def text(self, name: str) -> str:
        value = self._facts.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        value = self._facts.get(name)
        return float(value) if isinstance(value, int | float) else math.nan

    def truth(self, name: str, *, otherwise: bool = False) -> bool:
        value = self._facts.get(name)
        return value if isinstance(value, bool) else otherwise


def _written(facts: _Facts, words: Words) -> str:
    return facts.text(words.locale) or facts.text("zh") or facts.text("en")


def _fixed(text: str) -> Callable[[_Facts, Reader], str]:
    return lambda _facts, reader: reader.words(text)


def _in_room(in_room: str, anywhere: str) -> Callable[[_Facts, Reader], str]:
    """A device's alarm; says the room where it is known, and that nobody registered the device where that is so."""

    def sentence(facts: _Facts, reader: Reader) -> str:
        room = _known_room(facts)
        text = reader.words(in_room, room=reader.words(room)) if room else reader.words(anywhere)
        if facts.truth("registered", otherwise=True):
            return text
        return reader.words("%(sentence)s（设备未登记）", sentence=text)

    return sentence


def _known_room(facts: _Facts) -> str | None:
    """Return the name of the room, a message; None where it is known neither by name nor at all."""
    room = facts.text("room")
    return None if room == Room.OTHER else ROOM_NAMES.get(room)


def _device_alarm(facts: _Facts, reader: Reader) -> str:
    """An alarm in a device's own words: which device says what, for whoever must find out what it means.

    It is called as it was registered: by its label, or else its kind. The code on the wire is shown where there is
    neither.
    """
    words, room = reader.words, _known_room(facts)
    given = {"device": _registered_name(facts, words), "said": read_said(facts.text("said"), words)}
    text = words(_SAID_IN_ROOM, room=words(room), **given) if room else words(_SAID, **given)
    if facts.truth("registered", otherwise=True):
        return text
    return words("%(sentence)s（设备未登记）", sentence=text)


_SAID_IN_ROOM = N_("%(room)s的%(device)s报警：“%(said)s”，系统不认识这种报警，请马上核实")
_SAID = N_("%(device)s报警：“%(said)s”，系统不认识这种报警，请马上核实")


def _registered_name(facts: _Facts, words: Words) -> str:
    kind = facts.text("device_kind")
    name = words(DEVICE_NAMES[PROFILES[DeviceKind(kind)].name_key]) if kind in set(DeviceKind) else ""
    label = facts.text("label")
    if label and name:
        return words("%(name)s（%(label)s）", name=name, label=label)
    return name or label or words("代号 %(device)s 的设备", device=facts.text("device"))


def read_said(said: str, words: Words) -> str:
    """Return `<property>=<value>` as a person reads it: `freeze_alarm=true` is `freeze alarm`.

    The value is left out where it says no more than that the property holds. The device's own words stay as they are.
    """
    name, _, value = said.partition("=")
    name = " ".join(name.replace("_", " ").replace("-", " ").split())
    if value.strip().lower() in _HOLDS:
        return name
    return words("%(name)s：%(value)s", name=name, value=value.replace("_", " ")) if name and value else name or value


_HOLDS = frozenset({"true", "1", "on", "yes", "alarm"})
"""Values that say no more than that their property holds."""


LIKELY = 0.9
"""From this score on a fall is called very likely; the figure itself stands beside the sentence. Ours."""


def _fall(possible: str, likely: str) -> Callable[[_Facts, Reader], str]:
    return lambda facts, reader: reader.words(likely if facts.number("score") >= LIKELY else possible)


def describe_help(reason: Reason, words: Words) -> str:
    """Return what a carer asks help for, without who asks; empty where she did not say."""
    return _help_note(_Facts(reason.facts), words)


def _help_note(facts: _Facts, words: Words) -> str:
    task = facts.text("task")
    return display_name(words, "danger", task) if task in DANGEROUS_ANSWERS else facts.text("note")


def _help_wanted(facts: _Facts, reader: Reader) -> str:
    note = _help_note(facts, reader.words)
    if not note:
        return reader.words("%(by)s在老人家说需要马上帮助", by=facts.text("by"))
    return reader.words("%(by)s在老人家说需要马上帮助：%(note)s", by=facts.text("by"), note=note)


def _silence(facts: _Facts, reader: Reader) -> str:
    words, silent = reader.words, _span(facts.number("silent_s"), reader.words)
    at = _clock(facts.number("last_life_s"), reader)
    parts = []
    if math.isfinite(facts.number("due_back_s")):
        parts.append(words("报备外出，应于 %(at)s 前回来，至今没有活动", at=_clock(facts.number("due_back_s"), reader)))
    if facts.truth("at_exit"):
        parts.append(words("大门最后一次开合 %(at)s，已外出或无活动 %(span)s", at=at, span=silent))
    else:
        room = words(ROOM_NAMES.get(facts.text("room"), ROOM_NAMES["other"]))
        parts.append(words("%(room)s最后一次活动 %(at)s，已 %(span)s无活动", room=room, at=at, span=silent))
    if math.isfinite(facts.number("usual_s")):
        usual = _span(rounded_s(facts.number("usual_s")), words)
        text = _AT_NIGHT if _spans_night(facts, reader) else _BY_DAY
        parts.append(words(text, span=usual))
    if math.isfinite(facts.number("limit_s")):
        parts.append(words("已到规定的 %(span)s上限", span=_span(facts.number("limit_s"), words)))
    if not facts.truth("at_exit") and math.isfinite(facts.number("last_exit_s")):
        parts.append(words("大门此后未开（上次 %(at)s）", at=_clock(facts.number("last_exit_s"), reader)))
    return words("；").join(parts)


_BY_DAY = N_("此时段通常不超过 %(span)s，因此提醒您")
_AT_NIGHT = N_("此时段通常不超过 %(span)s，因此提醒您（夜间已放宽）")


def _spans_night(facts: _Facts, reader: Reader) -> bool:
    """Return whether a silence lay in the night, when longer ones are let pass before anybody is called."""
    last_s, silent_s = facts.number("last_life_s"), facts.number("silent_s")
    if not (math.isfinite(last_s) and math.isfinite(silent_s)):
        return False
    hours = range(int(min(silent_s, _DAY_S) / _HOUR_S) + 1)
    times = [*(last_s + hour * _HOUR_S for hour in hours), last_s + silent_s]
    return any(is_night(datetime.fromtimestamp(at_s, reader.zone)) for at_s in times)


def rounded_s(seconds: float) -> float:
    """Round a usual length up: to 10 minutes below two hours, to half hours above. More would feign knowledge."""
    step = _HALF_HOUR_S / 3 if seconds < _TWO_HOURS_S else _HALF_HOUR_S
    return math.ceil(seconds / step) * step


def _span(seconds: float, words: Words) -> str:
    return time_format.span(words, seconds) if math.isfinite(seconds) else words("未知")


def _clock(at_s: float, reader: Reader) -> str:
    if not math.isfinite(at_s):
        return reader.words("未知")
    return time_format.moment(reader.words, reader.now, datetime.fromtimestamp(at_s, UTC), reader.zone)


def _routine_change(facts: _Facts, reader: Reader) -> str:
    words, name = reader.words, facts.text("measure")
    if name not in MEASURE_NAMES or not math.isfinite(facts.number("weeks")):
        return ""
    recent, usual = (describe_measure(name, facts.number(one), words) for one in ("recent", "usual"))
    text = _GRADUALLY if facts.text("kind") == GRADUAL else _SUDDENLY
    weeks = int(facts.number("weeks"))
    return words(text, measure=words(MEASURE_NAMES[name]), recent=recent, usual=usual, weeks=weeks)


_GRADUALLY = N_("本周%(measure)s %(recent)s，过去 %(weeks)s 周通常 %(usual)s")
_SUDDENLY = N_("最近两天%(measure)s %(recent)s，过去 %(weeks)s 周通常 %(usual)s")


def _device_silent(text: str) -> Callable[[_Facts, Reader], str]:
    def sentence(facts: _Facts, reader: Reader) -> str:
        span = _span(facts.number("silence_s"), reader.words)
        return reader.words(text, device=_device(facts, reader.words), span=span)

    return sentence


def _device(facts: _Facts, words: Words) -> str:
    kind = facts.text("kind")
    profile = PROFILES.get(DeviceKind(kind)) if kind in set(DeviceKind) else None
    return words("设备") if profile is None else words(DEVICE_NAMES[profile.name_key])


_SENTENCES: Mapping[str, Callable[[_Facts, Reader], str]] = {
    ReasonCode.SOS_PRESSED: _in_room(N_("%(room)s的求助按钮被按下"), N_("求助按钮被按下")),
    ReasonCode.SMOKE: _in_room(N_("%(room)s的烟雾报警器报警"), N_("烟雾报警器报警")),
    ReasonCode.WATER_LEAK: _in_room(N_("%(room)s检测到漏水"), N_("检测到漏水")),
    ReasonCode.GAS: _in_room(N_("%(room)s的燃气报警器报警"), N_("燃气报警器报警")),
    ReasonCode.CARBON_MONOXIDE: _in_room(N_("%(room)s的一氧化碳报警器报警"), N_("一氧化碳报警器报警")),
    ReasonCode.DEVICE_ALARM: _device_alarm,
    ReasonCode.FALL_SUSPECTED: _fall(N_("系统判断：可能跌倒，正在核实"), N_("系统判断：很可能跌倒，正在核实")),
    ReasonCode.FALL_CONFIRMED: _fall(N_("系统判断：可能跌倒，之后没有起身"), N_("系统判断：很可能跌倒，之后没有起身")),
    ReasonCode.ALARM_UNREADABLE: _fixed(N_("收到一条无法读取的报警信息，请按求助处理")),
    ReasonCode.HELP_WANTED: _help_wanted,
    ReasonCode.SILENCE: _silence,
    ReasonCode.NO_LIFE_YET: _fixed(N_("还没有任何活动记录")),
    ReasonCode.ROUTINE_CHANGE: _routine_change,
    ReasonCode.DEVICE_SILENT: _device_silent(N_("%(device)s已失联 %(span)s，暂时不知道这户的情况")),
    ReasonCode.DEVICE_NEVER_HEARD: _device_silent(N_("%(device)s从未上线，已等待 %(span)s，暂时不知道这户的情况")),
    ReasonCode.GATEWAY_OFFLINE: _fixed(N_("网关已掉线，暂时不知道这户的情况")),
    ReasonCode.PLATFORM_OFFLINE: _fixed(N_("平台自己收不到数据，暂时不知道这户的情况")),
    ReasonCode.ZIGBEE2MQTT_STOPPED: _fixed(N_("网关里的 zigbee2mqtt 停了，收不到传感器，暂时不知道这户的情况")),
    ReasonCode.BUS_DISCONNECTED: _fixed(N_("网关与家里传感器之间的连接断了，暂时不知道这户的情况")),
    ReasonCode.SENSORS_UNHEARD: _fixed(N_("网关收不到传感器信号，暂时不知道这户的情况")),
    ReasonCode.GATEWAY_FLOODING: _fixed(N_("网关发来的消息太多，已限速；求助仍会送到，请检查设备")),
    ReasonCode.MESSAGES_LOST: _fixed(N_("这户发来的一些数据既不能用也没能留存，请检查设备和平台")),
    ReasonCode.WRITTEN: lambda facts, reader: _written(facts, reader.words),
}

_CAUSES: Mapping[str, str] = {
    ReasonCode.DEVICE_SILENT: N_("%(device)s失联"),
    ReasonCode.DEVICE_NEVER_HEARD: N_("%(device)s从未上线"),
    ReasonCode.GATEWAY_OFFLINE: N_("网关已掉线"),
    ReasonCode.PLATFORM_OFFLINE: N_("平台自己收不到数据"),
    ReasonCode.ZIGBEE2MQTT_STOPPED: N_("网关里的 zigbee2mqtt 停了"),
    ReasonCode.BUS_DISCONNECTED: N_("网关与家里传感器之间的连接断了"),
    ReasonCode.SENSORS_UNHEARD: N_("网关收不到传感器信号"),
}


def as_reason(code: str, facts: Mapping[str, object]) -> Reason:
    """Return a reason as it was stored."""
    return Reason(code, cast("Mapping[str, Fact]", facts))
