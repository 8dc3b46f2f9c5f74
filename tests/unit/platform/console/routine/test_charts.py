"""The routine as a picture: every day in its place, unknown ones grey, and the same said in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fixtures._page_views import routine_day, routine_days

import anju_dashboards
from anju_platform.console.routine.charts import EDGE, NIGHT, RoutineCharts, draw_routine
from anju_platform.i18n.translation import load_words
from anju_platform.routine.records import RoutineView

WORDS = load_words(Path(anju_dashboards.__file__).parent / "locale")


def drawn(view: RoutineView, lang: str = "zh") -> RoutineCharts:
    found = draw_routine(view, WORDS[lang])
    assert found is not None
    return found


@pytest.mark.parametrize("count", [7, 30])
def test_each_day_has_a_mark_in_each_picture(count: int) -> None:
    view = routine_days(count)
    for panel in drawn(view).panels:
        marks = re.findall(r'<rect class="(life|dark)" x="(-?[\d.]+)%" y="[\d.]+" width="([\d.]+)%"', panel.drawn)
        assert len(marks) == count
        assert all(float(x) >= 0 and float(x) + float(width) <= 100 for _, x, width in marks)
        unknown = sum(not day.known for day in view.days)
        assert sum(look == "dark" for look, *_ in marks) >= unknown > 0


def test_a_night_is_drawn_from_falling_asleep_to_getting_up() -> None:
    day = routine_day(date(2026, 3, 2), 0)
    view = RoutineView(home_id="home-01", since=day.day, until=day.day, days=[replace(day, sleep_h=-1.5, wake_h=6.0)])
    (top, height) = re.findall(r'class="life"[^>]* y="([\d.]+)"[^>]* height="([\d.]+)"', drawn(view).panels[0].drawn)[0]
    assert float(top) == pytest.approx(4.5 / 18 * NIGHT, abs=0.1)
    assert float(height) == pytest.approx(7.5 / 18 * NIGHT, abs=0.1)


def test_the_pictures_say_in_words_what_they_show() -> None:
    days = [routine_day(date(2026, 3, day), 0) for day in (1, 2, 3)]
    days = [replace(one, night_bathroom=visits) for one, visits in zip(days, (2.0, 5.0, None), strict=True)]
    view = RoutineView(home_id="home-01", since=days[0].day, until=days[-1].day + timedelta(days=1), days=days)
    found = drawn(view)
    (said,) = re.findall(r'aria-label="(夜间如厕[^"]*)"', "".join(panel.drawn for panel in found.panels))
    assert said == "夜间如厕：通常 3.5 次/晚，从 2 次/晚 到 5 次/晚。 2 天不知道。"
    (english,) = re.findall(r'aria-label="(Visits[^"]*)"', "".join(panel.drawn for panel in drawn(view, "en").panels))
    assert "usually 3.5 a night, from 2 a night to 5 a night" in english


def test_the_table_holds_each_day_newest_first() -> None:
    found = drawn(routine_days(7), "en")
    assert len(found.rows) == 7
    assert found.rows[0][0] == "22 Nov"
    assert all(len(cells) == len(found.columns) for _, cells in found.rows)
    assert ("not known",) * len(found.columns) in {tuple(cells) for _, cells in found.rows}
    assert "22:00" in found.rows[-1][1]


def test_a_month_carries_no_numbers_on_its_bars() -> None:
    week, month = drawn(routine_days(7)).panels[2].drawn, drawn(routine_days(30)).panels[2].drawn
    assert ">1.5</text>" in week
    assert ">1.5</text>" not in month


def test_without_a_known_day_there_is_no_picture() -> None:
    view = routine_days(7)
    assert draw_routine(replace(view, days=[]), WORDS["zh"]) is None
    assert draw_routine(replace(view, days=[replace(day, known=False) for day in view.days]), WORDS["zh"]) is None


def test_the_first_and_last_dates_of_a_month_are_not_cut_off() -> None:
    for panel in drawn(routine_days(30)).panels:
        dates = re.findall(r'<text x="([\d.]+)%" y="\d+" text-anchor="(\w+)">\d+/\d+</text>', panel.drawn)
        ends = [(float(x), anchor) for x, anchor in dates]
        assert (ends[0], ends[-1]) == ((100.0, "end"), (0.0, "start"))
        assert all(anchor == "middle" and EDGE <= x <= 100 - EDGE for x, anchor in ends[1:-1])
