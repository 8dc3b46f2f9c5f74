"""The words of what a family is told; `anju_core.family_sentence` decides which of them hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_core.family_sentence import FamilyPhrase, FamilyState, FamilyStatement, Phrase
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.i18n.time_format import moment
from anju_platform.i18n.translation import N_, Words

SENTENCES: Mapping[FamilyState, str] = {
    FamilyState.PRIVATE: N_("%(name)s没有选择和家人分享平安状况"),
    FamilyState.CHECKING: N_("正在确认%(name)s的情况"),
    FamilyState.AMBULANCE: N_("给%(name)s叫了救护车"),
    FamilyState.HOME_OFFLINE: N_("我们看不到%(name)s家，正在检查设备"),
    FamilyState.AWAY: N_("%(name)s不在家，已经告诉我们"),
    FamilyState.SAFE: N_("%(name)s现在平安"),
    FamilyState.FINE: N_("%(name)s今天很好"),
}
_PHRASES: Mapping[FamilyPhrase, str] = {
    FamilyPhrase.NOBODY: N_("社区已收到报警，还没有人接手；%(advice)s"),
    FamilyPhrase.TAKEN: N_("%(helper)s已接手，正在联系%(name)s"),
    FamilyPhrase.SOUGHT: N_("%(helper)s已接手，正在请人上门"),
    FamilyPhrase.IN_VAIN: N_("暂时没有人能上门，%(helper)s正在想别的办法；%(advice)s"),
    FamilyPhrase.COMING: N_("%(helper)s正在路上"),
    FamilyPhrase.LATE: N_("%(helper)s还没有到，已经在催；%(advice)s"),
    FamilyPhrase.THERE: N_("%(helper)s已到家里"),
    FamilyPhrase.VISITED: N_("%(helper)s已上门"),
    FamilyPhrase.CALLED: N_("%(helper)s已打电话联系上"),
    FamilyPhrase.HANDLED: N_("%(helper)s已处理"),
    FamilyPhrase.ASK_HOSPITAL: N_("请打给社区，问在哪家医院"),
    FamilyPhrase.SILENT: N_("有一阵没看到活动了，社区在留意；您也可以打个电话"),
    FamilyPhrase.NEVER_SEEN: N_("设备还没有传来任何信号"),
    FamilyPhrase.UNSEEN: N_("看不到不等于出事，您也可以打个电话"),
    FamilyPhrase.ASK: N_("有事可以打电话问，也可以问社区"),
}
_ADVICE = N_("您可先打给%(name)s，紧急请拨 120")
_ADVICE_IN_DANGER: Mapping[str, str] = {
    AlertKind.SMOKE: N_("您可先打给%(name)s，着火请拨 119，有人受伤拨 120"),
    AlertKind.CARBON_MONOXIDE: N_("您可先打给%(name)s、请人到屋外，紧急请拨 119 或 120"),
    AlertKind.GAS: N_("先别打屋里的电话，铃响会打出火花；请拨 119，有人不舒服拨 120"),
}
"""What the family can do, by kind of alert; why nothing may ring where there is gas: `anju_core.emergency.may_ring`."""
_HAPPENED: Mapping[str, str] = {
    AlertKind.SOS: N_("%(when)s 按过求助"),
    AlertKind.FALL: N_("%(when)s 可能摔倒"),
    AlertKind.SMOKE: N_("%(when)s 家里有烟雾报警"),
    AlertKind.LEAK: N_("%(when)s 家里有漏水报警"),
    AlertKind.GAS: N_("%(when)s 家里有燃气报警"),
    AlertKind.CARBON_MONOXIDE: N_("%(when)s 家里有一氧化碳报警"),
    AlertKind.DEVICE_ALARM: N_("%(when)s 家里有设备报警"),
    AlertKind.INACTIVITY: N_("%(when)s 起长时间无活动"),
    AlertKind.AWAY_LONG: N_("%(when)s 外出后没有回来"),
}
_ENDED: Mapping[str, str] = {
    Outcome.REAL_HELPED: N_("已帮到"),
    Outcome.REAL_AMBULANCE: N_("已叫救护车"),
    Outcome.FALSE_ALARM: N_("是虚惊"),
    Outcome.AWAY: N_("人在外面"),
    Outcome.WITHDRAWN: N_("后来自己取消了"),
}


@dataclass(frozen=True, slots=True)
class FamilyReader:
    """For whom the words are made: language, what the elder is called (a message), the time now and the home's zone."""

    words: Words
    name: str
    now: datetime
    zone: ZoneInfo

    def headline(self, state: FamilyState) -> str:
        """Return the one sentence."""
        return self._begin(self.words(SENTENCES[state], name=self.words(self.name)))

    def lines(self, statement: FamilyStatement) -> list[str]:
        """Return what stands below it, one sentence a line."""
        comma, stop = self.words("，"), self.words("。")
        return [self._begin(comma.join(self.phrase(one) for one in line)) + stop for line in statement.lines]

    def phrase(self, phrase: Phrase) -> str:
        """Return one phrase, without an end."""
        facts = phrase.facts
        if phrase.key is FamilyPhrase.FOUND:
            return str(facts["text"])
        if phrase.key is FamilyPhrase.ENDED:
            return self.words(_ENDED[str(facts["outcome"])])
        at = facts.get("at")
        if isinstance(at, datetime):
            return self.words(_HAPPENED[str(facts["kind"])], when=moment(self.words, self.now, at, self.zone))
        name = self.words(self.name)
        advice = self.words(_ADVICE_IN_DANGER.get(str(facts.get("kind", "")), _ADVICE), name=name)
        return self.words(_PHRASES[phrase.key], **{"name": name, "advice": advice, **facts})

    def _begin(self, text: str) -> str:
        return text[:1].upper() + text[1:]
