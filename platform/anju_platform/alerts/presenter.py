"""How an alert reads in a message to the people who are to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.i18n import addresses
from anju_platform.i18n.reasons import Reader, as_reason, describe_reason
from anju_platform.i18n.translation import N_, Words
from anju_platform.residents.models import Home

KINDS: Mapping[AlertKind, str] = {
    AlertKind.SOS: N_("紧急求助"),
    AlertKind.FALL: N_("跌倒"),
    AlertKind.SMOKE: N_("烟雾"),
    AlertKind.LEAK: N_("漏水"),
    AlertKind.INACTIVITY: N_("久无活动"),
    AlertKind.AWAY_LONG: N_("久出未归"),
    AlertKind.HOME_OFFLINE: N_("看不到"),
}


def address(home: Home) -> str:
    """As it is spoken: 小区 楼 单元 室."""
    parts = (home.estate, f"{home.building} 号楼", f"{home.unit} 单元" if home.unit else "", f"{home.room} 室")
    return " ".join(part for part in parts if part)


def names(home: Home) -> str:
    """Who lives there."""
    return "、".join(resident.name for resident in home.residents)


def message_subject(alert: Alert, home: Home, words: Words) -> str:
    """Return the first line of a message: what, who, where."""
    who = names(home) or home.id
    where = addresses.address(words, home.estate, home.building, home.unit, home.room)
    return words("【%(kind)s】%(who)s · %(where)s", kind=words(KINDS[AlertKind(alert.kind)]), who=who, where=where)


def message_body(alert: Alert, home: Home, words: Words, now: datetime) -> str:
    """Return why the alert stands, by the clock of the home's community."""
    reader = Reader(words, now, ZoneInfo(home.community.timezone))
    return describe_reason(as_reason(alert.reason_code, alert.reason_facts), reader)
