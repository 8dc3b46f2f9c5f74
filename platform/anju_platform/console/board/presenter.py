"""Turns what the alert service read into what the board shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.alerts import AlertCommand
from anju_core.vocabulary import TECHNICAL_KINDS, AlertState, AlertStep, CallOutcome, Channel, Outcome, Role, VisitState
from anju_platform.alerts.queries import AlertDetail, AlertHistoryStep, AlertSummary
from anju_platform.console.activity_timeline import ActivityTimeline
from anju_platform.console.board.view_models import (
    AlertLine,
    AlertPanel,
    Board,
    CallLine,
    HistoryLine,
    OfflineGroup,
    VisitPanel,
)
from anju_platform.console.home_card import ELDER, HomeCard
from anju_platform.console.waveform_chart import WaveformChart
from anju_platform.i18n.display_names import LABELS, DisplayStatus, alert_status, display_name
from anju_platform.i18n.reasons import Reader, describe_cause, describe_reason
from anju_platform.i18n.translation import N_, Words

FLOOD = 10
"""More alerts than this in ten minutes are a flood for one operator (ISA-18.2)."""
GROUP_FROM = 3
"""So many homes offline for one cause are one line."""
_NIGHT = (6, 21)
_SURE = ((0.9, N_("很确定（%(n)s）")), (0.7, N_("比较确定（%(n)s）")), (0.0, N_("不太确定（%(n)s）")))
_WAITING = (AlertState.RAISED, AlertState.NOTIFIED)
_OVER = (VisitState.CHECKED_OUT, VisitState.CONFIRMED)
OUTCOMES = tuple(one for one in Outcome if one is not Outcome.WITHDRAWN)
"""The outcomes with which a worker can close an alert."""


def show_board(
    rows: Sequence[AlertSummary], words: Words, now: datetime, *, load: int, homes: int, offline: int
) -> Board:
    """Return the list in the order of the alerts given; many offline homes of one cause become one line.

    now: by the reader's clock. load: alerts of the last ten minutes. homes, offline: how many there are.
    """
    drawn = [_line(one, words, now) for one in rows]
    offline_by_cause: dict[str, list[AlertLine]] = defaultdict(list)
    for one, found in zip(drawn, rows, strict=True):
        if one.status is DisplayStatus.DARK:
            offline_by_cause[describe_cause(found.reason, words)].append(one)
    groups = [OfflineGroup(cause, members) for cause, members in offline_by_cause.items() if len(members) >= GROUP_FROM]
    grouped = {member.id for group in groups for member in group.rows}
    hour = now.hour
    return Board(
        rows=[one for one in drawn if one.id not in grouped],
        waiting=[one for one in drawn if one.status is DisplayStatus.NOW],
        untaken=sum(one.status in {DisplayStatus.NOW, DisplayStatus.DARK} for one in drawn),
        groups=groups,
        load=load,
        flood=load > FLOOD,
        homes=homes,
        offline=offline,
        night=not _NIGHT[0] <= hour < _NIGHT[1],
    )


def _line(one: AlertSummary, words: Words, now: datetime) -> AlertLine:
    """Return one alert of the list."""
    kind = display_name(words, "kind", one.kind)
    return AlertLine(
        id=one.id,
        home_id=one.home_id,
        status=alert_status(one.kind, one.state),
        kind=one.kind,
        suspected=one.suspected,
        name=one.name,
        age=one.age,
        address=one.address,
        reason=describe_reason(one.reason, Reader(words, now, ZoneInfo(one.timezone))),
        happened_at=one.happened_at,
        due_from=one.due_from,
        due_at=one.next_due_at,
        progress=_progress(one, words),
        said=words("%(name)s，%(kind)s，%(address)s", name=one.name, kind=kind, address=one.address),
    )


def _progress(one: AlertSummary, words: Words) -> str:
    if one.state in _WAITING:
        text = display_name(words, "status", alert_status(one.kind, one.state))
        return words("%(state)s，已升级 %(n)s 次", state=text, n=one.level) if one.level > 1 else text
    if one.state is AlertState.ACKNOWLEDGED:
        return words("%(name)s 正在处理", name=one.acknowledged_by_name)
    return display_name(words, "state", one.state)


def show_alert(
    found: AlertDetail,
    actor: Actor,
    card: HomeCard,
    words: Words,
    now: datetime,
    *,
    visit: VisitPanel | None,
    timeline: ActivityTimeline | None,
    waveform: WaveformChart | None,
    also: str,
) -> AlertPanel:
    """Return the chosen alert in the reader's words.

    also: a warning besides the alert, or empty. visit: the newest visit, if there is one.
    """
    one = found
    face = _face(found, actor, visit)
    return AlertPanel(
        row=_line(one, words, now),
        sure=_sure(one.score, words),
        also=also,
        zone=ZoneInfo(one.timezone),
        timeline=timeline,
        waveform=waveform,
        next=face,
        advice=_advice(found, face, visit, words),
        acknowledged_by_name=one.acknowledged_by_name,
        may_act=AlertCommand.RESOLVE in found.commands,
        may_acknowledge=AlertCommand.ACKNOWLEDGE in found.commands,
        may_dispatch=AlertCommand.DISPATCH in found.commands,
        undo_until=found.undo_until if found.undo_until and found.undo_until > now else None,
        warning=_warning(found, actor, words),
        wants_code=found.arrival_proven is False and face == "result",
        contact_missing=found.contact_missing,
        may_attest=visit is not None and visit.state == VisitState.ACCEPTED,
        outcomes=OUTCOMES,
        likely=_likely(found, visit),
        calls=[_call(number.who, number.name, number.relation, number.phone, found) for number in card.numbers],
        door=card.door,
        visit=visit,
        history=[_step(step, card, words) for step in found.history],
    )


def _face(found: AlertDetail, actor: Actor, visit: VisitPanel | None) -> str:
    """Return which face the action area has: what the reader can do next."""
    one = found
    if one.main is None:
        return "done"
    if one.state in _WAITING:
        return "acknowledge"
    if one.acknowledged_by != actor.account_id and actor.role is not Role.SUPERVISOR:
        return "acknowledged_by_other"
    return _own_face(found, visit)


def _own_face(found: AlertDetail, visit: VisitPanel | None) -> str:
    """Return the face for the person who has acknowledged the alert."""
    one = found
    if one.visited or (visit is not None and visit.state in _OVER):
        return "result"
    if one.visit_open:
        return "wait"
    if one.state is not AlertState.ACKNOWLEDGED:
        return "arrive" if one.state is AlertState.EN_ROUTE else "result"
    if not one.contacted:
        return "contact"
    return "result" if _last_call(found) is CallOutcome.REACHED_OK else "dispatch"


def _last_call(found: AlertDetail) -> CallOutcome | None:
    last = max(found.calls, key=lambda call: call.at, default=None)
    return None if last is None else last.outcome


def _likely(found: AlertDetail, visit: VisitPanel | None) -> str:
    """Return the outcome that is preselected; none where a wrong click would be easy."""
    if visit is not None and visit.state in _OVER:
        return Outcome.REAL_HELPED.value if found.kind not in TECHNICAL_KINDS else Outcome.TECHNICAL.value
    return ""


_FAILED = N_("没有护理员能去。请自己去，或再派一次。")
_CALL_ADVICE = {
    CallOutcome.REACHED_OK: N_("接通了，人没事。是怎么回事？"),
    CallOutcome.REACHED_HELP: N_("需要帮助：马上派人去。"),
    CallOutcome.NO_ANSWER: N_("没人接：派人去看，同时打下一个电话。"),
}


def _advice(found: AlertDetail, face: str, visit: VisitPanel | None, words: Words) -> str:
    one = found
    if face == "done":
        outcome = display_name(words, "outcome", one.outcome) if one.outcome else ""
        return words("已结束：%(outcome)s", outcome=outcome) + (f" · {one.outcome_note}" if one.outcome_note else "")
    if face == "wait" and visit is not None:
        return f"{display_name(words, 'visit_state', visit.state)} · {visit.carer_name}".rstrip(" ·")
    if visit is not None and visit.state == VisitState.UNFILLED:
        return words(_FAILED)
    if visit is not None and visit.state in _OVER:
        return words("%(name)s 已上门，看看报告，然后结束。", name=visit.carer_name)
    call = _last_call(found)
    return "" if call is None else words(_CALL_ADVICE[call])


def _warning(found: AlertDetail, actor: Actor, words: Words) -> str:
    """Return what the reader must know about the running wait: that nothing she says makes it longer."""
    if found.arrival_proven is False:
        return words("还没有证明人到了：输入家里报出的验证码。几分钟内没有，会通知其他人。")
    if found.acknowledged_by == actor.account_id and found.waits_left == 0:
        return words("不能再延时了：到点会通知下一个人，除非有人到了现场。")
    return ""


def _sure(score: float | None, words: Words) -> str:
    if score is None:
        return ""
    text = next(text for least, text in _SURE if score >= least)
    return words(text, n=f"{score:.2f}")


def _call(who: str, name: str, relation: str, phone: str, found: AlertDetail) -> CallLine:
    made = next((call for call in found.calls if call.who == who), None)
    outcome, at = (made.outcome.value, made.at) if made else ("", None)
    return CallLine(who=who, name=name, relation=relation, phone=phone, outcome=outcome, at=at)


def _step(step: AlertHistoryStep, card: HomeCard, words: Words) -> HistoryLine:
    return HistoryLine(
        at=step.at,
        step=step.step,
        by_name=step.by_name,
        detail=_told(step, card, words),
        told=step.step is AlertStep.ELDER_TOLD,
    )


def _told(step: AlertHistoryStep, card: HomeCard, words: Words) -> str:
    """Return the detail of a history step in words."""
    detail = step.detail
    parts = [
        _whom(detail, card),
        _labelled("call" if step.step is AlertStep.CONTACT_ATTEMPTED else "outcome", detail.get("outcome"), words),
        _labelled("told", detail.get("said"), words),
        _labelled("category", detail.get("category"), words),
        words("亲自去") if detail.get("self") else "",
        words("约 %(n)s 分钟到", n=detail["eta_minutes"]) if detail.get("eta_minutes") else "",
        _labelled("escalation", detail.get("why"), words) if step.step is AlertStep.ESCALATED else "",
        str(detail.get("to") or ""),
        _failure(detail, words),
        _labelled("proof", detail.get("proof"), words),
        words("没有再延时") if detail.get("exhausted") else "",
        str(detail.get("note") or ""),
    ]
    return " · ".join(part for part in parts if part)


def _failure(detail: Mapping[str, object], words: Words) -> str:
    """Return why a message did not arrive; the board has one way to fail, other channels say it themselves."""
    error = str(detail.get("error") or "")
    return words("没有打开值守台") if error and detail.get("channel") == Channel.BOARD else error


def _whom(detail: Mapping[str, object], card: HomeCard) -> str:
    who = detail.get("who")
    if not who:
        return ""
    numbers = {number.who: number.name for number in card.numbers}
    return numbers.get(str(who), card.name if who == ELDER else str(who))


def _labelled(table: str, value: object, words: Words) -> str:
    text = LABELS[table].get(str(value)) if value else None
    return words(text) if text else ""
