"""Which figures there are: a row each, with target and where the target comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from anju_platform.console.district import kpis
from anju_platform.console.district.kpis import Happened, Sum
from anju_platform.i18n.translation import N_

_TSA = N_("英国 TSA 接警质量标准，按月")
_OURS = N_("我们定的")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure. `unit`: `share` (of 1) or `per_100_home_days`."""

    id: str
    zh: str
    en: str
    meaning_zh: str
    meaning_en: str
    unit: str
    target: float
    target_source: str
    higher_is_better: bool
    compute: Callable[[Happened], Sum]


CATALOGUE = (
    FigureRow(
        id="answered_60s",
        zh="60 秒内有人接手",
        en="Answered within 60 s",
        meaning_zh="求助、跌倒和烟雾报警，从发出到有具名的人接手",
        meaning_en="Button, fall and smoke alarms, from the event to a named person taking it",
        unit="share",
        target=0.975,
        target_source=_TSA,
        higher_is_better=True,
        compute=kpis.answered_within(timedelta(seconds=60)),
    ),
    FigureRow(
        id="answered_180s",
        zh="180 秒内有人接手",
        en="Answered within 180 s",
        meaning_zh="求助、跌倒和烟雾报警，从发出到有具名的人接手",
        meaning_en="Button, fall and smoke alarms, from the event to a named person taking it",
        unit="share",
        target=0.99,
        target_source=_TSA,
        higher_is_better=True,
        compute=kpis.answered_within(timedelta(seconds=180)),
    ),
    FigureRow(
        id="arrived_45min",
        zh="45 分钟内到达",
        en="Arrived within 45 min",
        meaning_zh="派了人的报警，从发出到有人到门口",
        meaning_en="Alarms to which somebody was sent, from the event to somebody at the door",
        unit="share",
        target=0.90,
        target_source=N_("英国一家上门服务：十次中九次"),
        higher_is_better=True,
        compute=kpis.arrived_within(timedelta(minutes=45)),
    ),
    FigureRow(
        id="home_offline_share",
        zh="看不到的时间",
        en="Hours that we could not see",
        meaning_zh="所有家庭的小时数里，网关或传感器没有声音的部分",
        meaning_en="Of all hours of all homes, those in which gateway or sensors were silent",
        unit="share",
        target=0.01,
        target_source=_OURS,
        higher_is_better=False,
        compute=kpis.home_offline_share,
    ),
    FigureRow(
        id="false_alerts",
        zh="误报（每百户日）",
        en="False alerts per 100 home-days",
        meaning_zh="结果是误报或外出的报警；测试不算",
        meaning_en="Alerts that turned out false or an absence; tests are not counted",
        unit="per_100_home_days",
        target=3.3,
        target_source=N_("我们定的：每户每月一次"),
        higher_is_better=False,
        compute=kpis.false_alerts,
    ),
    FigureRow(
        id="planned_kept",
        zh="按时完成的计划探访",
        en="Planned visits kept",
        meaning_zh="到期的计划探访里，护理员按时到门口的",
        meaning_en="Of the planned visits that were due, those whose carer was there in time",
        unit="share",
        target=0.95,
        target_source=_OURS,
        higher_is_better=True,
        compute=kpis.planned_kept,
    ),
)
