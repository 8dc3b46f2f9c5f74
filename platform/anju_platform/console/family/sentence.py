"""Decides what a family is told: one sentence, and that nothing is received from the home when that is so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anju_platform.i18n.translation import N_, Words

FRESHEST_S = 24 * 3600
"""Age of the last sign of life, s, from which the state is never "fine"; chosen by us."""


class FamilyState(StrEnum):
    """The state of the elder, in the order in which it must be told."""

    PRIVATE = "private"
    """The elder has not agreed to share it."""
    CHECKING = "checking"
    """An alert is open, or the inactivity is too long."""
    HOME_OFFLINE = "home_offline"
    """No data is received from the home, or never was."""
    AWAY = "away"
    """An absence was told."""
    FINE = "fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored facts about a home.

    urgent: an alert about the person (not about a device) is open. helper: who has taken it, or is there.
    deadline_at: when the silence becomes worth a call. absent_until: an absence that runs.
    """

    shared: bool
    urgent: bool = False
    helper: str = ""
    offline_since: datetime | None = None
    last_life_at: datetime | None = None
    deadline_at: datetime | None = None
    absent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """The answer in the reader's language, with what to add below it; `detail` may be empty."""

    state: FamilyState
    text: str
    detail: str = ""


def state_of(known: Known, now: datetime) -> FamilyState:
    """Return the state that holds. A home is "fine" only with a sign of life of the last 24 hours."""
    if not known.shared:
        return FamilyState.PRIVATE
    if known.urgent:
        return FamilyState.CHECKING
    if known.offline_since is not None:
        return FamilyState.HOME_OFFLINE
    if known.absent_until is not None and known.absent_until > now:
        return FamilyState.AWAY
    if known.last_life_at is None:
        return FamilyState.HOME_OFFLINE
    silent = known.deadline_at is not None and known.deadline_at <= now
    old = (now - known.last_life_at).total_seconds() > FRESHEST_S
    return FamilyState.CHECKING if silent or old else FamilyState.FINE


def tell(known: Known, name: str, now: datetime, words: Words) -> Sentence:
    """Return the sentence for what is known; `name` is how the relative calls the elder, as a message."""
    state = state_of(known, now)
    text = words(_SENTENCES[state], name=words(name))
    return Sentence(state, text[:1].upper() + text[1:], _detail(state, known, words))


def _detail(state: FamilyState, known: Known, words: Words) -> str:
    if state is FamilyState.CHECKING and known.helper:
        return words("%(name)s正在处理，有结果马上更新。", name=known.helper)
    if state is FamilyState.HOME_OFFLINE and known.offline_since is None:
        return words("设备还没有传来任何信号。")
    return words(_DETAILS[state]) if state in _DETAILS else ""


_SENTENCES = {
    FamilyState.PRIVATE: N_("%(name)s没有选择和家人分享平安状况"),
    FamilyState.CHECKING: N_("正在确认%(name)s的情况"),
    FamilyState.HOME_OFFLINE: N_("我们看不到%(name)s家，正在检查设备"),
    FamilyState.AWAY: N_("%(name)s不在家，已经告诉我们"),
    FamilyState.FINE: N_("%(name)s今天很好"),
}
_DETAILS = {
    FamilyState.PRIVATE: N_("有事可以打电话问，也可以问社区。"),
    FamilyState.CHECKING: N_("社区已经收到，正在联系。"),
    FamilyState.HOME_OFFLINE: N_("看不到不等于出事，您也可以打个电话。"),
}
_KIN = {
    ("女儿", "f"): N_("妈妈"),
    ("儿子", "f"): N_("妈妈"),
    ("女儿", "m"): N_("爸爸"),
    ("儿子", "m"): N_("爸爸"),
    ("孙女", "f"): N_("奶奶"),
    ("孙子", "f"): N_("奶奶"),
    ("孙女", "m"): N_("爷爷"),
    ("孙子", "m"): N_("爷爷"),
}
"""How a relative calls the elder, by the relation of the relative and the gender of the elder."""


def kinship_name(relation: str, gender: str, name: str) -> str:
    """Return, as a message, how a relative calls the elder; the name where the relation says nothing."""
    return _KIN.get((relation, gender), name)
