"""What whoever dials 120 reads out: where, who, what happened, and the number to call back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anju_platform.console.home_card import HomeCard
from anju_platform.i18n.translation import Words

_AREA_CODE = re.compile(r"(0\d{2,3})[- ]")
_STOPS = "。！？.!?"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyCall:
    """The parts of what is read out, without stops; `area_code` is for a caller from elsewhere, or empty."""

    place: str
    person: str
    what: str
    callback: str
    area_code: str


def emergency_call(home: HomeCard, words: Words, what: str) -> EmergencyCall:
    """Return what to tell 120 about a home; `what` is what happened, empty where nobody knows yet."""
    area = _AREA_CODE.match(home.duty_phone)
    return EmergencyCall(
        place=f"{home.community_name} {home.address}".strip(),
        person=home.name if home.age is None else words("%(name)s，%(n)s 岁", name=home.name, n=home.age),
        what=what.rstrip(_STOPS) or words("老人需要急救"),
        callback=words("联系电话 %(phone)s", phone=home.phone or home.duty_phone),
        area_code="" if area is None else area[1],
    )
