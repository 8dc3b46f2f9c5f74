"""The messages of domain errors on pages: a row for each that a person can meet in ordinary use."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.assignment import CarerUnavailable
from anju_core.errors import Conflict, DomainError, Invalid, NotFound, Refused
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import N_, Words

_SAYINGS: Mapping[str, str] = {
    "AlertAlreadyAcknowledged": N_("%(by)s 已经接手了。"),
    "AlertNotAcknowledged": N_("要先有人接手。"),
    "AlertClosed": N_("这件事已经结束了。"),
    "AlertStepNotPossible": N_("情况已经变了，这一步现在做不了。"),
    "VisitAlreadyRequested": N_("已经派过人了。"),
    "VisitAlreadyAccepted": N_("%(by)s 已经接了这一单。"),
    "OfferLapsed": N_("这一单已经不等您回应了。"),
    "CarerBusy": N_("您还有一次上门没有结束。"),
    "CarerUnavailable": N_("%(carer)s 现在不能派：%(why)s。"),
    "CarerNotFound": N_("本机构没有这位护理员。"),
    "VisitChangedHands": N_("情况刚刚变了：这次上门已不在原来的护理员手里。请再看一眼。"),
    "NotYourVisit": N_("这是别的护理员的上门。"),
    "ArrivalNotProven": N_("验证码不对：要填老人家里报出的数字，定位不算数。没有验证码，请打电话给值班室。"),
    "TooManyCodes": N_("验证码错得太多次，请给值班室打电话。"),
    "HandoverOwn": N_("交接留言要由下一班来读，不能自己读自己写的。"),
    "NobodyOnCall": N_("这样就没有人值班了。先排上别人，再改这一班。"),
    "LastOfRole": N_("这是最后一个能接到报警的账号，不能关。先开另一个账号。"),
    "ContactMissing": N_("还没有联系上人，不能这样结束。先打电话，接通了记下来；打不通就派人去看。"),
    "ClosingNoteMissing": N_("要写一句话：怎么知道是这样的？或者先打电话，记下结果。"),
    "WrongArrivalCode": N_("验证码不对，还可以试 %(tries_left)s 次。"),
    "NoMoreArrivalCodes": N_("验证码错得太多次，请主任替您确认人到了。"),
    "TasksUnanswered": N_("清单上还有没回答的。"),
    "VisitStepNotPossible": N_("情况已经变了，这一步现在做不了。"),
    "SignInRefused": N_("账号或密码不对。"),
    "TooManySignIns": N_("试得太多次了，请 %(retry_after_s)s 秒后再试。"),
    "TooManyStreams": N_("同时打开的页面太多，请关掉几个。"),
    "SignInsBusy": N_("现在登录的人太多，请过几秒再试。"),
    "CsrfMismatch": N_("页面过期了，请刷新后再试。"),
    "SensitivityOutOfRange": N_("只能选每户每月 %(least)g 到 %(most)g 次。"),
    "SensitivityChangedMeanwhile": N_(
        "别人刚刚改过：现在是每户每月 %(false_alerts)g 次虚惊、%(routine_changes)g 次作息提醒。"
    ),
    "AbsenceEnded": N_("已经结束了。"),
    "InvalidAbsence": N_("时间不对：要在将来，而且一次不超过 31 天；到期前可以再报一次。"),
}
_FAMILIES: tuple[tuple[type[DomainError], str], ...] = (
    (NotFound, N_("找不到，或者不在您的范围内。")),
    (Conflict, N_("情况已经变了，请再看一眼。")),
    (Refused, N_("您没有这个权限。")),
    (Invalid, N_("填写的内容有问题。")),
)


def explain(error: DomainError, words: Words) -> str:
    """Return the message of an error in the reader's language, with its facts."""
    saying = _SAYINGS.get(type(error).__name__)
    if saying is not None:
        return words(saying, **{**error.facts(), **_label_facts(error, words)})
    family = next((text for kind, text in _FAMILIES if isinstance(error, kind)), "")
    return words(family) if family else str(error)


def _label_facts(error: DomainError, words: Words) -> Mapping[str, str]:
    """Return the facts of an error that are codes, in words."""
    return {"why": display_name(words, "unfit", error.why)} if isinstance(error, CarerUnavailable) else {}
