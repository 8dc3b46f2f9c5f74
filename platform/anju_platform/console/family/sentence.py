"""What a family is told, as a pure decision: one sentence, and the truth even when it is "we cannot see"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FRESHEST_S = 24 * 3600
"""A last sign of life older than this is never "fine", whatever the detector expects. Ours."""


class FamilyState(StrEnum):
    """What is known of the elder; the order is that of what must be told first."""

    PRIVATE = "private"
    """The elder has not agreed to share it."""
    CHECKING = "checking"
    """Something needs a person; somebody is finding out."""
    HOME_OFFLINE = "home_offline"
    """The home cannot be seen, or nothing has been heard from it yet."""
    AWAY = "away"
    """Told to be elsewhere."""
    FINE = "fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the records say of a home now.

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
class Called:
    """How the elder is called in a sentence: 妈妈, your mother."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """The answer in both languages, with what to add below it."""

    state: FamilyState
    zh: str
    en: str
    detail_zh: str = ""
    detail_en: str = ""


def state_of(known: Known, now: datetime) -> FamilyState:
    """Which of the states holds. Nothing is "fine" without a sign of life that says so."""
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


def tell(known: Known, called: Called, now: datetime) -> Sentence:
    """The sentence for what is known."""
    state = state_of(known, now)
    zh, en = _SENTENCES[state]
    detail_zh, detail_en = _details(state, known)
    name_en = called.en[:1].upper() + called.en[1:]
    return Sentence(state, zh.format(who=called.zh), en.format(who=name_en, they=called.en), detail_zh, detail_en)


def _details(state: FamilyState, known: Known) -> tuple[str, str]:
    if state is FamilyState.CHECKING and known.helper:
        return f"{known.helper}正在处理，有结果马上更新。", f"{known.helper} is seeing to it."
    if state is FamilyState.HOME_OFFLINE and known.offline_since is None:
        return "设备还没有传来任何信号。", "The devices have not sent anything yet."
    return _DETAILS.get(state, ("", ""))


_SENTENCES = {
    FamilyState.PRIVATE: ("{who}没有选择和家人分享平安状况", "{who} has chosen not to share this with family"),
    FamilyState.CHECKING: ("正在确认{who}的情况", "We are checking on {they}"),
    FamilyState.HOME_OFFLINE: (
        "我们看不到{who}家，正在检查设备",
        "We cannot see the home and are checking the devices",
    ),
    FamilyState.AWAY: ("{who}不在家，已经告诉我们", "{who} is away, as we were told"),
    FamilyState.FINE: ("{who}今天很好", "{who} is fine today"),
}
_DETAILS = {
    FamilyState.PRIVATE: ("有事可以打电话问，也可以问社区。", "Call, or ask the community."),
    FamilyState.CHECKING: ("社区已经收到，正在联系。", "The community knows and is calling."),
    FamilyState.HOME_OFFLINE: (
        "看不到不等于出事，您也可以打个电话。",
        "This need not mean trouble. You can call as well.",
    ),
}
_KIN = {
    ("女儿", "f"): Called("妈妈", "your mother"),
    ("儿子", "f"): Called("妈妈", "your mother"),
    ("女儿", "m"): Called("爸爸", "your father"),
    ("儿子", "m"): Called("爸爸", "your father"),
    ("孙女", "f"): Called("奶奶", "your grandmother"),
    ("孙子", "f"): Called("奶奶", "your grandmother"),
    ("孙女", "m"): Called("爷爷", "your grandfather"),
    ("孙子", "m"): Called("爷爷", "your grandfather"),
}


def called(relation: str, gender: str, name: str) -> Called:
    """How a relative calls the elder; by name where the relation says nothing."""
    return _KIN.get((relation, gender), Called(name, name))
