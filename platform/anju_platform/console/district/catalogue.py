"""The key performance indicators of a district: a row each, with its target and where the target comes from."""

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
class KpiDefinition:
    """One indicator. `unit`: `share` (of 1) or `per_100_home_days`."""

    id: str
    name: str
    """As a message, as are the meaning and the source of the target."""
    meaning: str
    unit: str
    target: float
    target_source: str
    higher_is_better: bool
    compute: Callable[[Happened], Sum]


KPIS = (
    KpiDefinition(
        id="answered_60s",
        name=N_("60 秒内有人接手"),
        meaning=N_("求助、跌倒和烟雾报警，从发出到有具名的人接手"),
        unit="share",
        target=0.975,
        target_source=_TSA,
        higher_is_better=True,
        compute=kpis.answered_within(timedelta(seconds=60)),
    ),
    KpiDefinition(
        id="answered_180s",
        name=N_("180 秒内有人接手"),
        meaning=N_("求助、跌倒和烟雾报警，从发出到有具名的人接手"),
        unit="share",
        target=0.99,
        target_source=_TSA,
        higher_is_better=True,
        compute=kpis.answered_within(timedelta(seconds=180)),
    ),
    KpiDefinition(
        id="arrived_45min",
        name=N_("45 分钟内到达"),
        meaning=N_("派了人的报警，从发出到有人到门口"),
        unit="share",
        target=0.90,
        target_source=N_("英国一家上门服务：十次中九次"),
        higher_is_better=True,
        compute=kpis.arrived_within(timedelta(minutes=45)),
    ),
    KpiDefinition(
        id="home_offline_share",
        name=N_("看不到的时间"),
        meaning=N_("所有家庭的小时数里，网关或传感器没有声音的部分"),
        unit="share",
        target=0.01,
        target_source=_OURS,
        higher_is_better=False,
        compute=kpis.home_offline_share,
    ),
    KpiDefinition(
        id="false_alerts",
        name=N_("误报（每百户日）"),
        meaning=N_("结果是误报或外出的报警；测试不算"),
        unit="per_100_home_days",
        target=3.3,
        target_source=N_("我们定的：每户每月一次"),
        higher_is_better=False,
        compute=kpis.false_alerts,
    ),
    KpiDefinition(
        id="planned_kept",
        name=N_("按时完成的计划探访"),
        meaning=N_("到期的计划探访里，护理员按时到门口的"),
        unit="share",
        target=0.95,
        target_source=_OURS,
        higher_is_better=True,
        compute=kpis.planned_kept,
    ),
)
