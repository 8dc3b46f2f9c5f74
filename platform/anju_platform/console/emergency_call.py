"""Whom to dial in an emergency, and what to read out: where, who, what happened, and the number to call back."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from anju_core.emergency import EmergencyService, list_services, may_ring
from anju_core.vocabulary import AlertKind
from anju_platform.console.home_card import HomeCard
from anju_platform.i18n.translation import N_, Words

_AREA_CODE = re.compile(r"(0\d{2,3})[- ]")
_STOPS = "。！？.!?"
_KEEP_SILENT = N_("可能漏气：先别打屋里的电话，也别按门铃，铃响会打出火花。先打 119 和屋外的人。")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyCall:
    """The parts of what is read out, without stops; `area_code` is for a caller from elsewhere, or empty."""

    place: str
    person: str
    what: str
    callback: str
    area_code: str
    services: Sequence[EmergencyService] = (EmergencyService.AMBULANCE,)
    """Whom to dial, the first one first."""
    keep_silent: str = ""
    """Why nothing may ring in the home; empty where it may."""


def emergency_call(
    home: HomeCard, words: Words, what: str, kinds: Collection[AlertKind] = frozenset()
) -> EmergencyCall:
    """Return whom to dial about a home, and what to tell them.

    what: what happened, empty where nobody knows yet. kinds: the home's open alerts. Where nothing may ring in the
    home, the number to call back is that of the duty room.
    """
    area = _AREA_CODE.match(home.duty_phone)
    rings = may_ring(kinds)
    return EmergencyCall(
        place=f"{home.community_name} {home.address}".strip(),
        person=home.name if home.age is None else words("%(name)s，%(n)s 岁", name=home.name, n=home.age),
        what=what.rstrip(_STOPS) or words("老人需要急救"),
        callback=words("联系电话 %(phone)s", phone=(rings and home.phone) or home.duty_phone),
        area_code="" if area is None else area[1],
        services=list_services(kinds),
        keep_silent="" if rings else words(_KEEP_SILENT),
    )
