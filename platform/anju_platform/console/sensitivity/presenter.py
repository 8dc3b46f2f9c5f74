"""What a false-alert target means, in sentences with this community's own numbers."""

from __future__ import annotations

from collections.abc import Sequence

from anju_detect.inactivity import MEASURED_OUTCOMES
from anju_platform.i18n.translation import N_, Words
from anju_platform.read_models.sensitivity.overview import CommunitySensitivity, Forecast
from anju_platform.sensitivity.targets import FalseAlertTarget, TargetChange

MONTH_DAYS = 30.0
_WHOLE = 10.0
"""From this value on no decimals are shown."""


def describe_false_alerts(brings: Forecast, words: Words) -> str:
    """Say how many false alerts a month that is in the community."""
    return words("全社区每月约 %(n)s 次虚惊", n=_about(brings.alerts_a_month))


def describe_delay(brings: Forecast, words: Words) -> str:
    """Say how late an alert comes on average, or that it was not measured."""
    if brings.delay_h is None:
        return words("发现要多久：没有测过")
    return words("倒下后平均约 %(h)s 小时发现", h=_about(brings.delay_h))


def describe_notes(a_month: float, homes: int, words: Words) -> str:
    """Say how many unfounded notes on routines a month that is."""
    return words("全社区每月约 %(n)s 条其实没变的提醒", n=_about(a_month * homes))


def describe_target(found: CommunitySensitivity, words: Words) -> list[str]:
    """Say what the present target means here."""
    brings = found.forecast
    counted = words(
        "%(homes)s 户 × 每户每月 %(n)s 次 = 全社区每月约 %(all)s 次虚惊，%(often)s。",
        homes=found.homes,
        n=f"{found.target.false_alerts:g}",
        all=_about(brings.alerts_a_month),
        often=_often(brings.alerts_a_month, words),
    )
    if brings.delay_h is None or brings.night_h is None:
        measured = (f"{MEASURED_OUTCOMES[0].target:g}", f"{MEASURED_OUTCOMES[-1].target:g}")
        late = words(
            "真有人倒下时要多久才发现，只在 %(least)s 到 %(most)s 次之间测过。", least=measured[0], most=measured[1]
        )
    else:
        late = words(
            "真有人倒下而没按求助按钮时，平均约 %(h)s 小时后报警（夜里约 %(night)s 小时）。",
            h=_about(brings.delay_h),
            night=_about(brings.night_h),
        )
    return [counted, late]


def describe_recent(found: CommunitySensitivity, words: Words) -> list[str]:
    """Say what came of the last days."""
    recent = found.recent
    if not recent.raised:
        first = words("最近 %(d)s 天没有“长时间无活动”的报警。", d=recent.days)
    else:
        counts = (
            (recent.false, N_("%(n)s 次虚惊")),
            (recent.real, N_("%(n)s 次情况属实")),
            (recent.other, N_("%(n)s 次外出、测试或故障")),
            (recent.unknown, N_("%(n)s 次还没有结果")),
        )
        parts = words("，").join(words(text, n=count) for count, text in counts if count)
        first = words(
            "最近 %(d)s 天报了 %(n)s 次“长时间无活动”：%(parts)s。", d=recent.days, n=recent.raised, parts=parts
        )
    said = [first]
    if recent.raised and found.homes:
        rate = f"{recent.false / found.homes * MONTH_DAYS / recent.days:.2g}"
        said.append(words("实际虚惊：每户每月 %(n)s 次。", n=rate))
    said.append(words("作息提醒 %(n)s 条。", n=recent.notes))
    return said


def describe_change(found: CommunitySensitivity, wanted: FalseAlertTarget, brings: Forecast, words: Words) -> list[str]:
    """Say what would change."""
    said = []
    if wanted.false_alerts != found.target.false_alerts:
        said.append(_from_to(words("每户每月虚惊"), found.target.false_alerts, wanted.false_alerts, words))
        said.append(
            words(
                "全社区每月虚惊：约 %(a)s → 约 %(b)s 次。",
                a=_about(found.forecast.alerts_a_month),
                b=_about(brings.alerts_a_month),
            )
        )
        said += _later(found.forecast, brings, words)
    if wanted.routine_changes != found.target.routine_changes:
        said.append(
            _from_to(words("每户每月作息提醒"), found.target.routine_changes, wanted.routine_changes, words)
            + words("下一次夜间计算起生效。")
        )
    return said


def describe_past_change(one: TargetChange, words: Words) -> str:
    """Say a past change in one line."""
    parts = []
    if one.before.false_alerts != one.after.false_alerts:
        parts.append(_from_to(words("每户每月虚惊"), one.before.false_alerts, one.after.false_alerts, words))
    if one.before.routine_changes != one.after.routine_changes:
        parts.append(_from_to(words("每户每月作息提醒"), one.before.routine_changes, one.after.routine_changes, words))
    return " ".join(parts)


def _later(now: Forecast, then: Forecast, words: Words) -> Sequence[str]:
    if now.delay_h is None or then.delay_h is None:
        return [words("真有人倒下时要多久才发现：没有测过，无法比较。")]
    sooner, later = (
        N_("真有人倒下时，平均发现得更早：约 %(a)s → 约 %(b)s 小时。"),
        N_("真有人倒下时，平均发现得更晚：约 %(a)s → 约 %(b)s 小时。"),
    )
    return [words(sooner if then.delay_h < now.delay_h else later, a=_about(now.delay_h), b=_about(then.delay_h))]


def _from_to(what: str, before: float, after: float, words: Words) -> str:
    return words("%(what)s：%(a)s → %(b)s 次。", what=what, a=f"{before:g}", b=f"{after:g}")


def _often(a_month: float, words: Words) -> str:
    a_day = a_month / MONTH_DAYS
    if a_day >= 1:
        return words("大约每天 %(n)s 次", n=_about(a_day))
    if a_month > 0:
        return words("大约每 %(n)s 天一次", n=_about(1 / a_day))
    return words("还没有住户")


def _about(value: float) -> str:
    """Format an estimate: no decimals from 10 on."""
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.1f}".removesuffix(".0")
