from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from anju_core.reasons import Fact, Reason, ReasonCode
from anju_detect.routine import MEASURES
from anju_platform.i18n.display_names import MEASURE_NAMES
from anju_platform.i18n.reasons import Reader, describe_cause, describe_measure, describe_reason, read_said, rounded_s
from anju_platform.i18n.translation import load_words
from anju_wire.profiles import DeviceKind

WORDS = load_words()
NOW = datetime(2026, 3, 2, 7, 10, tzinfo=UTC)
"""15:10 in Bengbu."""
SILENCE: Mapping[str, Fact] = {
    "room": "living",
    "last_life_s": datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp(),
    "silent_s": 18_600.0,
    "usual_s": 7300.0,
    "at_exit": False,
    "last_exit_s": datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp(),
    "limit_s": None,
    "due_back_s": None,
}
FACTS: Mapping[str, Mapping[str, Fact]] = {
    ReasonCode.SOS_PRESSED: {"room": "bedroom", "registered": True},
    ReasonCode.SMOKE: {"room": "kitchen", "registered": True},
    ReasonCode.GAS: {"room": "kitchen", "registered": True},
    ReasonCode.CARBON_MONOXIDE: {"room": "bedroom", "registered": False},
    ReasonCode.DEVICE_ALARM: {"room": None, "device": "x-1", "said": "freeze_alarm=true"},
    ReasonCode.WATER_LEAK: {"room": "bathroom", "registered": True},
    ReasonCode.FALL_SUSPECTED: {"score": 0.9},
    ReasonCode.FALL_CONFIRMED: {"score": None},
    ReasonCode.HELP_WANTED: {"by": "李护士", "note": "腿不能动"},
    ReasonCode.SILENCE: SILENCE,
    ReasonCode.ROUTINE_CHANGE: {
        "measure": "night_bathroom",
        "kind": "gradual",
        "recent": 5.0,
        "usual": 2.0,
        "weeks": 4,
    },
    ReasonCode.DEVICE_SILENT: {"kind": "gateway", "silence_s": 305.0},
    ReasonCode.DEVICE_NEVER_HEARD: {"kind": "motion", "silence_s": 7260.0},
    ReasonCode.WRITTEN: {"zh": "旧句子", "en": "an old sentence"},
}


def told(code: str, facts: Mapping[str, Fact], locale: str = "zh", zone: str = "Asia/Shanghai") -> str:
    return describe_reason(Reason(code, facts), Reader(WORDS[locale], NOW, ZoneInfo(zone)))


@pytest.mark.parametrize("code", list(ReasonCode))
def test_every_code_has_a_sentence_in_both_languages(code: ReasonCode) -> None:
    zh, en = (told(code, FACTS.get(code, {}), locale) for locale in ("zh", "en"))
    assert zh
    assert en
    assert zh != en
    assert "%(" not in zh + en
    assert "nan" not in zh + en


@pytest.mark.parametrize("code", list(ReasonCode))
def test_facts_that_are_missing_or_of_another_type_break_no_page(code: ReasonCode) -> None:
    broken: list[dict[str, Fact]] = [{}, dict.fromkeys(FACTS.get(code, {}), "?"), dict.fromkeys(FACTS.get(code, {}))]
    for facts in broken:
        assert "nan" not in told(code, facts)
    assert told(ReasonCode.ROUTINE_CHANGE, {}) == ""


def test_a_silence_is_told_with_room_clock_length_usual_and_door() -> None:
    assert told("silence", SILENCE) == (
        "客厅最后一次活动 10:00，已 5 小时 10 分无活动；此时段通常不超过 2 小时 30 分，因此提醒您；"
        "大门此后未开（上次 09:00）"
    )
    assert told("silence", SILENCE, "en") == (
        "Last activity: Living room at 10:00, silent for 5 h 10 min; at this hour usually not above 2 h 30 min, "
        "hence this reminder; "
        "outer door not opened since 09:00"
    )


def test_clocks_are_those_of_the_homes_zone() -> None:
    assert "最后一次活动 08:00" in told("silence", SILENCE, zone="Asia/Urumqi")


def test_a_rule_an_absence_and_an_exit_are_named() -> None:
    back_s = datetime(2026, 3, 2, 4, 0, tzinfo=UTC).timestamp()
    sentence = told("silence", {**SILENCE, "at_exit": True, "limit_s": 16_200.0, "due_back_s": back_s})
    assert sentence.startswith("报备外出，应于 12:00 前回来，至今没有活动；大门最后一次开合 10:00，已外出或无活动 ")
    assert sentence.endswith("；已到规定的 4 小时 30 分上限")


def test_an_unregistered_device_is_said() -> None:
    assert told("sos_pressed", {"room": "other-room", "registered": False}) == "求助按钮被按下（设备未登记）"


FREEZE: Mapping[str, Fact] = {
    "room": "kitchen",
    "registered": True,
    "device": "x-1a2b3c4d",
    "said": "freeze_alarm=true",
}


@pytest.mark.parametrize(
    ("facts", "zh", "en"),
    [
        (
            {"device_kind": DeviceKind.SMOKE.value, "label": "灶台上方"},
            "厨房的烟雾探测（灶台上方）报警：“freeze alarm”",
            "Smoke detector (灶台上方) (Kitchen): “freeze alarm”",
        ),
        ({"device_kind": "", "label": "冰箱"}, "厨房的冰箱报警：“freeze alarm”", "冰箱 (Kitchen): “freeze alarm”"),
        (
            {"device_kind": "", "label": ""},
            "厨房的代号 x-1a2b3c4d 的设备报警：“freeze alarm”",
            "the device x-1a2b3c4d (Kitchen): “freeze alarm”",
        ),
    ],
    ids=["its kind and label", "its label", "its code where nothing else is known"],
)
def test_a_device_with_an_unknown_alarm_is_called_as_it_was_registered(
    facts: Mapping[str, Fact], zh: str, en: str
) -> None:
    given = {**FREEZE, **facts}
    assert told("device_alarm", given) == f"{zh}，系统不认识这种报警，请马上核实"
    assert told("device_alarm", given, "en") == f"Unknown alarm from {en}. Please find out at once what it means"


def test_a_room_that_has_no_name_is_left_out() -> None:
    unregistered = {**FREEZE, "room": "other", "registered": False}
    assert told("device_alarm", unregistered).startswith("代号 x-1a2b3c4d 的设备报警：")
    assert told("device_alarm", unregistered).endswith("请马上核实（设备未登记）")
    assert told("smoke", {"room": "other", "registered": False}) == "烟雾报警器报警（设备未登记）"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("freeze_alarm=true", "freeze alarm"),
        ("high-temperature=ON", "high temperature"),
        ("alarm_state=door_forced", "alarm state：door forced"),
        ("状态=冰箱门没关", "状态：冰箱门没关"),
        ("fault=7", "fault：7"),
        ("overload=", "overload"),
        ("=overheat", "overheat"),
        ("", ""),
    ],
)
def test_the_devices_own_words_are_read_without_the_code_around_them(said: str, read: str) -> None:
    assert read_said(said, WORDS["zh"]) == read


def test_a_silence_in_the_night_says_that_more_is_let_pass_then() -> None:
    at_night = {**SILENCE, "last_life_s": datetime(2026, 3, 1, 13, 0, tzinfo=UTC).timestamp(), "silent_s": 39_600.0}
    assert "已 11 小时无活动；此时段通常不超过 2 小时 30 分，因此提醒您（夜间已放宽）；" in told("silence", at_night)


def test_a_fall_is_said_as_sure_as_the_system_is() -> None:
    assert told("fall_suspected", {"score": 0.9}) == "系统判断：很可能跌倒，正在核实"
    assert told("fall_suspected", {"score": 0.7}) == "系统判断：可能跌倒，正在核实"
    assert told("fall_confirmed", {"score": 1.0}) == "系统判断：很可能跌倒，之后没有起身"
    assert told("fall_confirmed", {"score": None}) == "系统判断：可能跌倒，之后没有起身"


def test_a_change_of_routine_carries_units_and_weeks() -> None:
    facts = FACTS[ReasonCode.ROUTINE_CHANGE]
    assert told("routine_change", facts) == "本周夜间如厕 5 次/晚，过去 4 周通常 2 次/晚"
    sudden = {**facts, "measure": "rooms", "kind": "sudden", "recent": 1.0, "usual": 4.0, "weeks": 7}
    assert told("routine_change", sudden) == "最近两天使用房间 1 间，过去 7 周通常 4 间"


def test_measures_carry_units() -> None:
    zh, en = WORDS["zh"], WORDS["en"]
    assert describe_measure("sleep_h", -1.5, zh) == "22:30"
    assert (describe_measure("night_bathroom", 5.0, zh), describe_measure("night_bathroom", 5.0, en)) == (
        "5 次/晚",
        "5 a night",
    )
    assert describe_measure("out_h", float("nan"), en) == "unknown"
    assert set(MEASURE_NAMES) == {measure.name for measure in MEASURES}


def test_a_code_of_a_newer_release_is_silent() -> None:
    assert told("not_invented_yet", {"anything": 1}) == ""


def test_what_homes_have_in_common_is_said_without_their_figures() -> None:
    one, other = (Reason("device_silent", {"kind": "gateway", "silence_s": s}) for s in (300.0, 900.0))
    assert describe_cause(one, WORDS["zh"]) == describe_cause(other, WORDS["zh"]) == "网关失联"
    assert describe_cause(Reason("not_invented_yet"), WORDS["zh"]) == "失联，原因还不清楚"
    assert describe_cause(Reason(ReasonCode.WRITTEN, FACTS[ReasonCode.WRITTEN]), WORDS["en"]) == "an old sentence"


def test_usual_lengths_are_rounded_up() -> None:
    assert [rounded_s(s) for s in (100.0, 601.0, 7201.0)] == [600.0, 1200.0, 9000.0]
