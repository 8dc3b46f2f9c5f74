"""The reports of alerts and visits in words, with absolute times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from anju_core.dispatch import is_dangerous
from anju_platform.alerts.queries import AlertDetail
from anju_platform.console.board.history import describe_history
from anju_platform.console.board.visit_summary import visit_panel
from anju_platform.console.home_card import HomeCard
from anju_platform.console.rendering import yuan
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.reasons import Reader, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.visits.queries import VisitDetail


@dataclass(frozen=True, slots=True)
class ReportFact:
    """One line of a report's list of facts; `strong` where it is what one looks for."""

    name: str
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class ReportStep:
    """One step with its date and time."""

    at: str
    title: str
    by_name: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedReport:
    """A report. `masked`: the home stands there by its id."""

    title: str
    printed_at: str
    facts: Sequence[ReportFact]
    tasks: Sequence[ReportFact]
    history: Sequence[ReportStep]
    masked: bool


def conceal(card: HomeCard) -> HomeCard:
    """Return the card of a home for those who work with ids: nobody lives there, and it lies nowhere."""
    return replace(
        card,
        name=card.id,
        age=None,
        address="",
        phone="",
        numbers=(),
        door=(),
        latitude=None,
        longitude=None,
    )


def show_alert(
    found: AlertDetail, home: HomeCard, visits: Sequence[VisitDetail], words: Words, now: datetime, *, named: bool
) -> PrintedReport:
    """Return the report of an alert, with what became of each visit; an open one says that it is not over."""
    reader = Reader(words, now, home.zone)

    def at(moment: datetime | None) -> str:
        return "–" if moment is None else time_format.exact(moment, home.zone)

    outcome = display_name(words, "outcome", found.outcome) if found.outcome else words("还没有结束")
    facts = [
        *_who(home, words),
        ReportFact(words("报警类型"), display_name(words, "kind", found.kind)),
        ReportFact(words("原因"), describe_reason(found.reason, reader)),
        ReportFact(words("发生"), at(found.happened_at)),
        ReportFact(words("收到"), at(found.raised_at)),
        ReportFact(words("接手"), _by(at(found.acknowledged_at), found.acknowledged_by_name)),
        ReportFact(words("结束"), at(found.closed_at)),
        ReportFact(words("结果"), _by(outcome, found.outcome_note), strong=True),
        *(ReportFact(words("上门"), _visit(one, words, home)) for one in visits),
    ]
    history = [
        ReportStep(at(moment), step.title, step.by_name, step.detail)
        for step in describe_history(found, home, reader)
        for moment in (step.at, *step.again)
    ]
    title = words("报警记录：%(kind)s", kind=display_name(words, "kind", found.kind))
    return PrintedReport(
        title=title, printed_at=at(now), facts=_filled(facts), tasks=(), history=history, masked=not named
    )


def show_visit(found: VisitDetail, home: HomeCard, words: Words, now: datetime, *, named: bool) -> PrintedReport:
    """Return the report of a visit: who, when, proved how, each task, how the elder was, and the end."""

    def at(moment: datetime | None) -> str:
        return "–" if moment is None else time_format.exact(moment, home.zone)

    panel = visit_panel(found, words)
    proof = words("验证码正确") if panel.proved else words("有人证明") if found.checked_in_at and named else ""
    length = ""
    if found.checked_in_at and found.checked_out_at:
        whole = (found.checked_out_at - found.checked_in_at).total_seconds()
        length = words("共 %(span)s", span=time_format.span(words, whole))
    reason = describe_reason(found.reason, Reader(words, now, home.zone)) if found.reason else ""
    facts = [
        *_who(home, words),
        ReportFact(words("类别"), display_name(words, "category", found.category)),
        ReportFact(words("原因"), _by(reason, found.note)),
        ReportFact(words("机构"), found.provider_name),
        ReportFact(words("护理员"), found.carer_name),
        ReportFact(words("要求到达"), at(found.arrive_by)),
        ReportFact(words("接受"), at(found.accepted_at)),
        ReportFact(words("到达"), _by(at(found.checked_in_at), proof)),
        ReportFact(words("离开"), _by(at(found.checked_out_at), length)),
        ReportFact(words("护理员说"), panel.report),
        ReportFact(words("确认"), _by(at(found.confirmed_at), found.confirmed_by)),
        ReportFact(words("应付"), yuan(words, found.fee_fen)),
        ReportFact(words("结果"), display_name(words, "visit_state", found.state), strong=True),
    ]
    tasks = [
        ReportFact(task.text, _answer(task.done, words), strong=is_dangerous(asked.id, task.done))
        for task, asked in zip(panel.tasks, found.tasks, strict=True)
    ]
    return PrintedReport(
        title=words("上门记录：%(kind)s", kind=display_name(words, "category", found.category)),
        printed_at=at(now),
        facts=_filled(facts),
        tasks=tasks,
        history=(),
        masked=not named,
    )


def _who(home: HomeCard, words: Words) -> list[ReportFact]:
    age = "" if home.age is None else words("%(n)s 岁", n=home.age)
    return [
        ReportFact(words("姓名"), _by(home.name, age), strong=True),
        ReportFact(words("住址"), home.address),
        ReportFact(words("社区"), home.community_name),
    ]


def _visit(one: VisitDetail, words: Words, home: HomeCard) -> str:
    panel = visit_panel(one, words)
    arrived = (
        "" if one.checked_in_at is None else words("%(at)s 到达", at=time_format.exact(one.checked_in_at, home.zone))
    )
    left = (
        "" if one.checked_out_at is None else words("%(at)s 离开", at=time_format.exact(one.checked_out_at, home.zone))
    )
    parts = (display_name(words, "visit_state", one.state), one.carer_name, one.provider_name, arrived, left)
    return " · ".join(part for part in (*parts, panel.report) if part)


def _answer(done: bool | None, words: Words) -> str:  # noqa: FBT001 - an answer is the value
    return words("还没回答") if done is None else words("是") if done else words("否")


def _by(first: str, second: str) -> str:
    return " · ".join(part for part in (first, second) if part)


def _filled(facts: Sequence[ReportFact]) -> Sequence[ReportFact]:
    return [line for line in facts if line.text]
