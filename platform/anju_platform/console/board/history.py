"""The history of an alert in the reader's words: what happened, who did what, and what was heard in the home."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from anju_core.announcements import find_own_key
from anju_core.evidence import DANGERS
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, AlertStep, Channel
from anju_platform.alerts.queries import AlertDetail, AlertHistoryStep
from anju_platform.console.board.view_models import HistoryLine
from anju_platform.console.home_card import ELDER, HomeCard
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import LABELS, display_name
from anju_platform.i18n.reasons import Reader, describe_reason
from anju_platform.i18n.translation import N_, Words
from anju_platform.notifications.announcement_texts import announcement_text
from anju_wire.vocabulary import Announcement, AnnouncementKey

LATE = timedelta(minutes=2)
"""What comes later than this after it happened is said to be late: a fall is confirmed about a minute after its impact.
Ours.
"""
_OF_DEVICES = DANGERS | {AlertKind.LEAK}
"""Kinds whose signals a device sends as they happen: of these a late one was held up on its way."""
_SIGNALS = frozenset({AlertStep.RAISED, AlertStep.REPEATED, AlertStep.CONFIRMED, AlertStep.NOTED})
_CUT = frozenset({Announcement.NOT_REACHED.value, Announcement.BACKUP_LINE.value})
"""What a gateway says only while its line is cut."""


def describe_history(found: AlertDetail, card: HomeCard, reader: Reader) -> Sequence[HistoryLine]:
    """Return every step of an alert's history, in the order in which they happened.

    A sentence that was heard again with nothing between is one line with all its times.
    """
    is_cut = any(step.detail.get("said") in _CUT for step in found.history)
    lines: list[HistoryLine] = []
    for step in sorted(found.history, key=lambda one: (one.at, one.number)):
        line = _describe_step(step, found, card, reader, is_cut=is_cut)
        last = lines[-1] if lines else None
        if last is not None and line.told and last.told and last.detail == line.detail:
            lines[-1] = replace(last, again=[*last.again, line.at])
        else:
            lines.append(line)
    return lines


def count_more(found: AlertDetail, words: Words) -> str:
    """Return how many further signals and announcements of the home were only counted; empty where there are none."""
    counted = {name: found.facts.get(name) for name in ("repeats", *(f"{step.value}_more" for step in AlertStep))}
    more = sum(count for count in counted.values() if isinstance(count, int))
    return words("家里还发来同样的消息 %(n)s 次，只计次数", n=more) if more else ""


def read_help(step: AlertHistoryStep) -> Reason:
    """Return what a carer at the home asks help for, of a step that says so."""
    detail = {"note": step.detail.get("help_wanted"), "task": step.detail.get("task")}
    return Reason(
        ReasonCode.HELP_WANTED, {"by": step.by_name, **{name: str(value or "") for name, value in detail.items()}}
    )


def describe_withdrawal(why: object, words: Words) -> str:
    """Return in words by what an alert was withdrawn; empty for what has none."""
    text = _WITHDRAWN.get(str(why))
    return words(text) if text else ""


_WITHDRAWN: Mapping[str, str] = {
    "elder_cancelled": N_("老人按住按钮取消"),
    "recovered": N_("老人自己起来了，活动如常"),
    "seen_again": N_("又收到这家的消息了"),
}
_REPEATED: Mapping[AlertKind, str] = {
    AlertKind.SOS: N_("又按了一次求助"),
    AlertKind.FALL: N_("又报了一次跌倒"),
}


def _describe_step(
    step: AlertHistoryStep, found: AlertDetail, card: HomeCard, reader: Reader, *, is_cut: bool
) -> HistoryLine:
    words = reader.words
    if "help_wanted" in step.detail:
        detail = describe_reason(read_help(step), reader)
    elif step.step is AlertStep.ELDER_TOLD:
        detail = _spoken(step, found, words)
    elif step.step is AlertStep.DELIVERY_FAILED and step.detail.get("channel") == Channel.HOME:
        why = _failure(step.detail, words)
        detail = " · ".join(part for part in (_spoken(step, found, words), why) if part and part != words(_UNSAID))
    else:
        late = _late(step, found, reader, is_cut=is_cut)
        detail = " · ".join(part for part in (late, *_facts(step, card, reader)) if part)
    return HistoryLine(
        at=step.at,
        title=_title(step, found, words),
        by_name=step.by_name,
        detail=detail,
        told=step.step is AlertStep.ELDER_TOLD,
    )


def _title(step: AlertHistoryStep, found: AlertDetail, words: Words) -> str:
    special = _title_carer if step.detail.get("to_carer") else _TITLES.get(step.step)
    text = "" if special is None else special(step.detail, found.kind)
    return words(text) if text else display_name(words, "step", step.step)


def _title_carer(detail: Mapping[str, object], _kind: AlertKind) -> str:
    return N_("改派护理员") if detail.get("from_carer") else N_("指定护理员")


def _title_note(detail: Mapping[str, object], _kind: AlertKind) -> str:
    return {"ended": N_("外出登记提前结束"), "told": N_("登记外出")}.get(str(detail.get("absence")), "")


_UNSAID = N_("家里没有播报")
_TITLES: Mapping[AlertStep, Callable[[Mapping[str, object], AlertKind], str]] = {
    AlertStep.REPEATED: lambda _, kind: _REPEATED.get(kind, ""),
    AlertStep.WITHDRAWN: lambda detail, _: _WITHDRAWN.get(str(detail.get("why")), ""),
    AlertStep.UNACKNOWLEDGED: lambda detail, _: N_("撤销接手") if detail.get("undone") else "",
    AlertStep.DELIVERY_FAILED: lambda detail, _: _UNSAID if detail.get("channel") == Channel.HOME else "",
    AlertStep.NOTED: _title_note,
}
"""What a step is called where its detail or the alert's kind says more than its name; empty where it does not."""


def _spoken(step: AlertHistoryStep, found: AlertDetail, words: Words) -> str:
    """Return the sentence that was heard in the home; of one that is not on record, what it was about."""
    said, facts = step.detail.get("said"), step.detail.get("facts")
    key = str(step.detail.get("key") or "")
    if not key and not step.detail.get("message"):
        key = find_own_key(str(said), found.kind) or ""
    known = {**facts, "code": _HIDDEN} if isinstance(facts, Mapping) else {}
    try:
        return words("“%(text)s”", text=announcement_text(AnnouncementKey(key), known, words))
    except (KeyError, ValueError):  # of a newer release, or of an older one, which did not say which sentence it was
        return _labelled("told", said, words)


_HIDDEN = "••••"
"""In the place of an arrival code, which only the home says."""


def _late(step: AlertHistoryStep, found: AlertDetail, reader: Reader, *, is_cut: bool) -> str:
    """Return by how much a signal of a device came late, and why where that is known."""
    told = step.detail.get("happened_at")
    if found.kind not in _OF_DEVICES or step.step not in _SIGNALS or not isinstance(told, str):
        return ""
    happened_at = datetime.fromisoformat(told)
    late = step.at - happened_at
    if late < LATE:
        return ""
    words, clock = reader.words, f"{happened_at.astimezone(reader.zone):%H:%M:%S}"
    span = time_format.span(words, late.total_seconds())
    if is_cut:
        return words("%(clock)s 发生，迟到 %(span)s：网络中断", clock=clock, span=span)
    return words("%(clock)s 发生，迟到 %(span)s", clock=clock, span=span)


def _facts(step: AlertHistoryStep, card: HomeCard, reader: Reader) -> Sequence[str]:
    """Return the details of a step in words, one each; what has none is empty."""
    detail, words = step.detail, reader.words
    return [
        _whom(detail, card),
        _labelled("call" if step.step is AlertStep.CONTACT_ATTEMPTED else "outcome", detail.get("outcome"), words),
        _labelled("category", detail.get("category"), words),
        words("亲自去") if detail.get("self") else "",
        words("约 %(n)s 分钟到", n=detail["eta_minutes"]) if detail.get("eta_minutes") else "",
        _labelled("escalation", detail.get("why"), words) if step.step is AlertStep.ESCALATED else "",
        _handover(step, words),
        _assignment(detail, words),
        _absence(detail, reader),
        str(detail.get("to") or ""),
        _failure(detail, words),
        _labelled("proof", detail.get("proof"), words),
        words("没有再延时") if detail.get("exhausted") else "",
        str(detail.get("note") or ""),
    ]


def _handover(step: AlertHistoryStep, words: Words) -> str:
    """Return from whom an alert was taken over, or who had it before it was given back."""
    before = str(step.detail.get("from") or "")
    if step.step is AlertStep.ACKNOWLEDGED and before:
        return words("从%(name)s手里接过来", name=before)
    if step.step is AlertStep.UNACKNOWLEDGED and step.detail.get("forgotten"):
        return words("%(name)s接手后一直没有处理，已自动转回", name=before)
    return ""


def _assignment(detail: Mapping[str, object], words: Words) -> str:
    """Return whom a dispatcher chose, in whose place and why."""
    chosen, before = str(detail.get("to_carer") or ""), str(detail.get("from_carer") or "")
    if not chosen:
        return ""
    whom = words("%(before)s → %(chosen)s", before=before, chosen=chosen) if before else chosen
    why = _labelled("assignment", detail.get("assign_reason"), words)
    return " · ".join(part for part in (whom, why) if part)


def _absence(detail: Mapping[str, object], reader: Reader) -> str:
    by, until = str(detail.get("told_by") or ""), detail.get("until")
    if not detail.get("absence") or not isinstance(until, str):
        return ""
    if detail["absence"] == "ended":
        return by
    when = time_format.moment(reader.words, reader.now, datetime.fromisoformat(until), reader.zone)
    return reader.words("%(by)s：到 %(until)s", by=by, until=when)


def _failure(detail: Mapping[str, object], words: Words) -> str:
    """Return why a message did not arrive, in words; the record keeps what the channel itself said."""
    error = str(detail.get("error") or "")
    if not error:
        return ""
    if detail.get("channel") == Channel.BOARD:
        return words("没有打开值守台")
    return words(next((text for part, text in _FAILURES if part in error.casefold()), _NOT_TAKEN))


_NOT_TAKEN = N_("对方服务没有收下")
_FAILURES = (
    ("the gateway did not say it", _UNSAID),
    ("broker", N_("发不到家里的网关")),
    ("no apprise url", N_("没有设置这个人的发送方式")),
    ("timeout", N_("对方服务没有回应")),
    ("timed out", N_("对方服务没有回应")),
    ("connect", N_("连不上对方服务")),
    ("gaierror", N_("连不上对方服务")),
)
"""What a channel's own word holds, and what it means; the first that fits counts."""


def _whom(detail: Mapping[str, object], card: HomeCard) -> str:
    who = detail.get("who")
    if not who:
        return ""
    numbers = {number.who: number.name for number in card.numbers}
    return numbers.get(str(who), card.name if who == ELDER else str(who))


def _labelled(table: str, value: object, words: Words) -> str:
    text = LABELS[table].get(str(value)) if value else None
    return words(text) if text else ""
