"""Times in words, strips, waves and refusals: what the numbers become."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from anju_core.alerts import AlertAlreadyAcknowledged
from anju_core.errors import Conflict
from anju_platform.console import activity_timeline, day_timeline, error_messages, waveform_chart
from anju_platform.console.activity_timeline import ActivityTimeline, TimelineRow, TimeSpan
from anju_platform.console.rendering import HOME, yuan
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address
from anju_platform.i18n.translation import Words, load_words
from anju_platform.residents.records import age_on

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 18, 14, tzinfo=UTC)
ZH = Words("zh")
EN = load_words(HOME / "locale")["en"]


@dataclass(frozen=True)
class Sign:
    at_s: float
    room: str = "living"
    device: str = "motion-living"
    quantity: str = "occupancy"
    value: float | None = 1.0


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (-5, "0 秒", "0 s"),
        (42, "42 秒", "42 s"),
        (60, "1 分钟", "1 min"),
        (3600, "1 小时", "1 h"),
        (18_600, "5 小时 10 分", "5 h 10 min"),
        (86_400, "1 天", "1 d"),
        (100_800, "1 天 4 小时", "1 d 4 h"),
    ],
)
def test_spans_are_told_in_two_units(seconds: float, zh: str, en: str) -> None:
    assert time_format.span(ZH, seconds) == zh
    assert time_format.span(EN, seconds) == en


@pytest.mark.parametrize(
    ("back", "told"),
    [
        (timedelta(minutes=2), "2 分钟前 · 02:12"),
        (timedelta(hours=5, minutes=10), "5 小时 10 分前 · 昨天 21:04"),
        (timedelta(days=4), "4 天前 · 11月20日 02:14"),
        (timedelta(minutes=-20), "20 分钟后 · 02:34"),
    ],
)
def test_moments_are_told_there_and_not_in_utc(back: timedelta, told: str) -> None:
    assert time_format.ago(ZH, NOW, NOW - back, SHANGHAI) == told


def test_a_birthday_is_not_yet_a_year() -> None:
    assert age_on(date(1944, 11, 24), date(2026, 11, 23)) == 81
    assert age_on(date(1944, 11, 23), date(2026, 11, 23)) == 82
    assert age_on(None, date(2026, 11, 23)) is None


def test_addresses_keep_the_words_they_have() -> None:
    assert address(ZH, "春晖里", "3", "2", "501") == "春晖里 3 号楼 2 单元 501 室"
    assert address(ZH, "春晖里", "3号楼", "", "501室") == "春晖里 3号楼 501室"


def test_money_is_shown_to_the_fen() -> None:
    assert yuan(ZH, 6000) == "60 元"
    assert yuan(ZH, 123_405) == "1,234.05 元"


def drawn(**changes: object) -> str:
    seen = [TimeSpan(NOW - timedelta(hours=6), NOW - timedelta(hours=5, minutes=10))]
    given = {
        "start": NOW - timedelta(days=1),
        "end": NOW,
        "rows": [TimelineRow("客厅", seen)],
        "now": NOW,
        "zone": SHANGHAI,
        **changes,
    }
    return str(activity_timeline.draw(ActivityTimeline(**given), ZH))  # type: ignore[arg-type]


def test_a_strip_says_the_same_in_words() -> None:
    gap = TimeSpan(NOW - timedelta(hours=5, minutes=10), NOW)
    label = re.search(r'aria-label="([^"]*)"', drawn(gap=gap))
    assert label is not None
    assert label[1] == "看到的活动：客厅 1 次。最后一次：昨天 21:04，客厅。之后 5 小时 10 分 没有活动。"


def test_a_strip_marks_stay_inside() -> None:
    text = drawn(impact=NOW - timedelta(hours=1), gap=TimeSpan(NOW - timedelta(days=3), NOW + timedelta(days=1)))
    shares = [float(share) for share in re.findall(r'x="(-?[\d.]+)%"', text)]
    assert shares
    assert all(0 <= share <= 100 for share in shares)


def test_a_strip_writes_names_as_text() -> None:
    text = drawn(rows=[TimelineRow("<script>", [])])
    assert "<script>" not in text


def test_an_impact_is_never_thinned_away() -> None:
    values = [1.0] * 50_000
    values[31_111] = 6.5
    text = str(waveform_chart.draw(values, 100.0, ZH))
    points = re.search(r'points="([^"]*)"', text)
    assert points is not None
    heights = [float(pair.split(",")[1]) for pair in points[1].split()]
    assert len(heights) <= waveform_chart.MOST_POINTS
    assert min(heights) == pytest.approx(waveform_chart.HEIGHT * (1 - 1 / 1.1), abs=0.1)
    assert "最大 6.5 g" in text


def test_no_wave_of_nothing() -> None:
    assert waveform_chart.draw([], 50.0, ZH) == ""
    assert waveform_chart.magnitudes(b"\x00\x00\x00\x00\xe8\x03\xff") == [1.0]


def test_near_signs_are_one_stretch_and_a_forgotten_end_is_cut() -> None:
    at = NOW.timestamp()
    near = day_timeline.find_activity([Sign(at), Sign(at + 240)])["living"]
    assert near == [TimeSpan(NOW, NOW + timedelta(seconds=360))]
    long = day_timeline.find_activity([Sign(at), Sign(at + 7200, value=0.0)])["living"]
    assert long == [TimeSpan(NOW, NOW + day_timeline.LONGEST)]


def test_what_is_no_sign_of_life_is_not_drawn() -> None:
    assert not day_timeline.find_activity([Sign(NOW.timestamp(), quantity="battery")])


def test_usual_hours_need_days_enough() -> None:
    morning = time_format.midnight(NOW, SHANGHAI) + timedelta(hours=7)
    days = [Sign((morning - timedelta(days=back)).timestamp()) for back in range(5, 0, -1)]
    start = time_format.midnight(NOW, SHANGHAI)
    found = day_timeline.find_usual_hours(days, start, start, start + timedelta(days=1), SHANGHAI)
    assert [(one.start, one.end) for one in found["living"]] == [
        (morning - timedelta(minutes=30), morning + timedelta(hours=1))
    ]
    assert day_timeline.find_usual_hours(days[:2], start, start, start + timedelta(days=1), SHANGHAI) == {}


def test_refusals_are_told_with_their_facts() -> None:
    class Unheard(Conflict):
        """Something that has no row of its own."""

    assert error_messages.explain(AlertAlreadyAcknowledged(UUID(int=1), "王姐"), ZH) == "王姐 已经接手了。"
    assert error_messages.explain(Unheard("x"), EN) == "Things have changed: look again."
