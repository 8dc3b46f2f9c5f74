"""What the words of dispatch are called on a page: answers to offers, and why somebody is asked or need not go."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.assignment import AssignmentReason, WithdrawalReason
from anju_core.dispatch import Unfit
from anju_core.vocabulary import DeclineReason, OfferState
from anju_platform.i18n.translation import N_

_DECLINES: Mapping[str, str] = {
    DeclineReason.BUSY: N_("正忙"),
    DeclineReason.TOO_FAR: N_("太远"),
    DeclineReason.OFF_DUTY: N_("不在班"),
    DeclineReason.UNWELL: N_("身体不适"),
    DeclineReason.OTHER: N_("其他原因"),
}
_WITHDRAWALS: Mapping[str, str] = {
    WithdrawalReason.ANOTHER_GOES: N_("别人去了"),
    WithdrawalReason.CALLED_OFF: N_("上门取消了"),
    WithdrawalReason.WORKER_GOES: N_("社区亲自去"),
    WithdrawalReason.ALERT_CLOSED: N_("报警已结束"),
    WithdrawalReason.GIVEN_FIRST: N_("先请了别人"),
    WithdrawalReason.REASSIGNED: N_("改派了别人"),
}

DISPATCH_NAMES: Mapping[str, Mapping[str, str]] = {
    "offer_state": {
        OfferState.PENDING: N_("等待回应"),
        OfferState.ACCEPTED: N_("接了"),
        OfferState.DECLINED: N_("没接"),
        OfferState.TIMED_OUT: N_("没回应"),
        OfferState.WITHDRAWN: N_("已撤回"),
    },
    "decline": _DECLINES,
    "offer_reason": {**_DECLINES, **_WITHDRAWALS},
    "assignment": {
        AssignmentReason.NEARER: N_("离得更近"),
        AssignmentReason.LATE: N_("原来的人赶不及"),
        AssignmentReason.UNREACHED: N_("原来的人联系不上"),
        AssignmentReason.KNOWN: N_("熟悉这位老人"),
        AssignmentReason.OTHER: N_("其他原因"),
    },
    "unfit": {
        Unfit.NO_CONTRACT: N_("没有这个社区的合同"),
        Unfit.NOT_QUALIFIED: N_("不做这类上门"),
        Unfit.LICENCE_LAPSED: N_("证件过期"),
        Unfit.OFF_DUTY: N_("休息"),
        Unfit.BUSY: N_("正在上门"),
    },
}
"""Tables of `anju_platform.i18n.display_names.LABELS`."""
