"""The key performance indicators of a district: a row each, with its target and where the target comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from anju_platform.i18n.translation import N_
from anju_platform.read_models.district import kpis
from anju_platform.read_models.district.kpis import Happened, Sum

_TSA = N_("英国 TSA 接警质量标准，按月")
_OURS = N_("自定")


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiDefinition:
    """One indicator. `unit`: `share` (of 1) or `per_100_home_days`.

    least: the denominator from which on the target is judged; with less the value says too little. Ours.
    """

    id: str
    name: str
    """As a message, as are the meaning and the source of the target."""
    meaning: str
    numerator_name: str
    denominator_name: str
    """What each of the two counts, with its unit."""
    unit: str
    target: float
    target_source: str
    higher_is_better: bool
    compute: Callable[[Happened], Sum]
    least: float = 1.0


KPIS = (
    KpiDefinition(
        id="answered_60s",
        name=N_("60 秒内有人接手"),
        meaning=N_("求助、跌倒、烟雾、燃气和不明设备报警，从发出到有具名的人接手"),
        numerator_name=N_("按时接手的报警（件）"),
        denominator_name=N_("等人接手的报警（件）"),
        unit="share",
        target=0.975,
        target_source=_TSA,
        higher_is_better=True,
        compute=kpis.answered_within(timedelta(seconds=60)),
    ),
    KpiDefinition(
        id="answered_180s",
        name=N_("180 秒内有人接手"),
        meaning=N_("求助、跌倒、烟雾、燃气和不明设备报警，从发出到有具名的人接手"),
        numerator_name=N_("按时接手的报警（件）"),
        denominator_name=N_("等人接手的报警（件）"),
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
        numerator_name=N_("按时到达的报警（件）"),
        denominator_name=N_("派了人的报警（件）"),
        unit="share",
        target=0.90,
        target_source=N_("英国一家上门服务：十次中九次"),
        higher_is_better=True,
        compute=kpis.arrived_within(timedelta(minutes=45)),
    ),
    KpiDefinition(
        id="home_offline_share",
        name=N_("失联时长"),
        meaning=N_("住户开通后的小时数里，网关或传感器失联的部分"),
        numerator_name=N_("失联时间（小时）"),
        denominator_name=N_("开通后的住户时间（小时）"),
        unit="share",
        target=0.01,
        target_source=_OURS,
        higher_is_better=False,
        compute=kpis.home_offline_share,
        least=24.0,
    ),
    KpiDefinition(
        id="false_alerts",
        name=N_("虚惊（每百户日）"),
        meaning=N_("结果是虚惊或外出的报警；测试不算"),
        numerator_name=N_("虚惊（件）"),
        denominator_name=N_("开通后的住户时间（百户日）"),
        unit="per_100_home_days",
        target=3.3,
        target_source=N_("自定：每户每月一次"),
        higher_is_better=False,
        compute=kpis.false_alerts,
    ),
    KpiDefinition(
        id="planned_kept",
        name=N_("按时完成的计划探访"),
        meaning=N_("到期的计划探访里，护理员按时到门口的"),
        numerator_name=N_("按时完成的探访（次）"),
        denominator_name=N_("到期的计划探访（次）"),
        unit="share",
        target=0.95,
        target_source=_OURS,
        higher_is_better=True,
        compute=kpis.planned_kept,
    ),
)
