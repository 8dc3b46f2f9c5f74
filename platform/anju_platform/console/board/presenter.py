"""Turns what the alert service read into what the board shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.alerts import AlertCommand
from anju_core.emergency import may_ring
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, AlertState, CallOutcome, Outcome, Role, VisitState
from anju_platform.alerts.queries import AlertDetail
from anju_platform.console.activity_timeline import ActivityTimeline
from anju_platform.console.board.alert_list import describe_line
from anju_platform.console.board.history import count_more, describe_history, describe_withdrawal, read_help
from anju_platform.console.board.view_models import AlertPanel, CallLine, Takeover, VisitPanel
from anju_platform.console.emergency_call import emergency_call
from anju_platform.console.home_card import ELDER, HomeCard, Number
from anju_platform.console.waveform_chart import WaveformChart
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.reasons import Reader, describe_help, describe_reason
from anju_platform.i18n.translation import N_, Words

_SURE = ((0.9, N_("很确定（%(n)s）")), (0.7, N_("比较确定（%(n)s）")), (0.0, N_("不太确定（%(n)s）")))
MOST_SURE = 0.99
"""No detector is certain: what it scores higher is shown as this."""
_WAITING = (AlertState.RAISED, AlertState.NOTIFIED)
_OVER = (VisitState.CHECKED_OUT, VisitState.CONFIRMED)
OUTCOMES = tuple(one for one in Outcome if one is not Outcome.WITHDRAWN)
"""The outcomes with which a worker can close an alert."""


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
    kinds: Collection[AlertKind] = frozenset(),
) -> AlertPanel:
    """Return the chosen alert in the reader's words.

    also: a warning besides the alert, or empty. visit: the newest visit, if there is one. kinds: those of the home's
    open alerts.
    """
    one = found
    face = _face(found, actor, visit)
    row = describe_line(one, words, now)
    reader = Reader(words, now, card.zone)
    asked = next((read_help(step) for step in reversed(found.history) if "help_wanted" in step.detail), None)
    life = found.closed_at is None and found.kind not in TECHNICAL_KINDS
    what = row.reason if asked is None else describe_help(asked, words)
    return AlertPanel(
        row=row,
        emergency=emergency_call(card, words, what, kinds) if life else None,
        help_wanted=describe_reason(asked, reader) if asked is not None and found.closed_at is None else "",
        late=one.late,
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
        may_replace=face == "wait" and visit is not None and visit.state == VisitState.OFFERED,
        takeover=_takeover(found, actor),
        undo_until=_undo_until(found, actor, now),
        warning=_warning(found, actor, words),
        wants_code=found.arrival_proven is False and face == "result",
        contact_missing=found.contact_missing,
        may_attest=visit is not None and visit.state == VisitState.ACCEPTED,
        outcomes=OUTCOMES,
        likely=_likely(found, visit),
        calls=[_call(number, found) for number in order_numbers(card, kinds)],
        door=card.door,
        visit=visit,
        history=describe_history(found, card, reader),
        more=count_more(found, words),
    )


def order_numbers(card: HomeCard, kinds: Collection[AlertKind]) -> Sequence[Number]:
    """Return the telephone numbers in the order to call: the resident's own last where nothing may ring in the home."""
    return card.numbers if may_ring(kinds) else sorted(card.numbers, key=lambda number: number.who == ELDER)


def _undo_until(found: AlertDetail, actor: Actor, now: datetime) -> datetime | None:
    """Return until when the reader can undo her own click; a click of somebody else's is not hers to undo."""
    own = found.acknowledged_by == actor.account_id
    return found.undo_until if own and found.undo_until is not None and found.undo_until > now else None


def _takeover(found: AlertDetail, actor: Actor) -> Takeover | None:
    """Return from whom the reader may take the alert; None where nobody else has it in time."""
    who, since = found.acknowledged_by, found.acknowledged_at
    if who is None or since is None or who == actor.account_id or found.late or found.state in _WAITING:
        return None
    return Takeover(who, found.acknowledged_by_name, since) if AlertCommand.ACKNOWLEDGE in found.commands else None


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
        note = describe_withdrawal(one.outcome_note, words) or one.outcome_note
        return words("已结束：%(outcome)s", outcome=outcome) + (f" · {note}" if note else "")
    if face == "wait" and visit is not None:
        return f"{display_name(words, 'visit_state', visit.state)} · {visit.carer_name}".rstrip(" ·")
    if visit is not None and visit.state == VisitState.UNFILLED:
        return words(_FAILED)
    if visit is not None and visit.state in _OVER:
        return words("%(name)s 已上门，请看报告，然后结束。", name=visit.carer_name)
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
    return words(text, n=f"{min(score, MOST_SURE):.0%}")


def _call(number: Number, found: AlertDetail) -> CallLine:
    made = next((call for call in found.calls if call.who == number.who), None)
    outcome, at = (made.outcome.value, made.at) if made else ("", None)
    return CallLine(
        who=number.who, name=number.name, relation=number.relation, phone=number.phone, outcome=outcome, at=at
    )
