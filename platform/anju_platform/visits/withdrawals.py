"""Why a carer need not go, in words: in the message to her and on her page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from anju_core.assignment import AssignmentReason, WithdrawalReason
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import N_, Words

_SENTENCES: Mapping[WithdrawalReason, str] = {
    WithdrawalReason.ANOTHER_GOES: N_("已有人去了，您不用去"),
    WithdrawalReason.CALLED_OFF: N_("这次上门取消了，不用去。"),
    WithdrawalReason.WORKER_GOES: N_("已有人去了，您不用去"),
    WithdrawalReason.ALERT_CLOSED: N_("这件事已经结束了，不用去。"),
    WithdrawalReason.GIVEN_FIRST: N_("%(by)s先请别的护理员去（%(why)s），您不用去。"),
    WithdrawalReason.REASSIGNED: N_("%(by)s把这次上门改派给了别的护理员（%(why)s），您不用去了。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Why an offer, or an accepted visit, was withdrawn; `by_name`, `why` and `note` where a dispatcher did it."""

    reason: WithdrawalReason
    by_name: str = ""
    why: str = ""
    """An `AssignmentReason`."""
    note: str = ""

    @classmethod
    def of_step(cls, detail: Mapping[str, object], by_name: str) -> Self:
        """Return what a step `offer_withdrawn` says; one of an earlier release says nothing: another went."""
        reason = str(detail.get("withdrawal") or WithdrawalReason.ANOTHER_GOES.value)
        return cls(
            reason=WithdrawalReason(reason),
            by_name=by_name,
            why=str(detail.get("why") or ""),
            note=str(detail.get("note") or ""),
        )

    @property
    def detail(self) -> dict[str, object]:
        """The detail of the step `offer_withdrawn`."""
        said = {"withdrawal": self.reason.value, "why": self.why, "note": self.note}
        return {name: value for name, value in said.items() if value}

    def say(self, words: Words) -> str:
        """Return the sentence to the carer."""
        why = display_name(words, "assignment", self.why or AssignmentReason.OTHER.value)
        said = words("%(why)s：%(note)s", why=why, note=self.note) if self.note else why
        return words(_SENTENCES[self.reason], by=self.by_name, why=said)
