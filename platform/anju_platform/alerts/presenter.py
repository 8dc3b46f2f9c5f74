"""Words of the messages about an alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.i18n import addresses
from anju_platform.i18n.reasons import Reader, as_reason, describe_reason
from anju_platform.i18n.translation import N_, Words
from anju_platform.residents.records import HomeRecord

KINDS: Mapping[AlertKind, str] = {
    AlertKind.SOS: N_("紧急求助"),
    AlertKind.FALL: N_("跌倒"),
    AlertKind.SMOKE: N_("烟雾"),
    AlertKind.LEAK: N_("漏水"),
    AlertKind.INACTIVITY: N_("久无活动"),
    AlertKind.AWAY_LONG: N_("久出未归"),
    AlertKind.HOME_OFFLINE: N_("看不到"),
    AlertKind.GATEWAY_FLOODING: N_("消息过多"),
}


def message_subject(alert: Alert, home: HomeRecord, words: Words) -> str:
    """Return the first line of a message: kind of alert, residents, address."""
    where = addresses.address(words, home.estate, home.building, home.unit, home.room)
    kind = words(KINDS[AlertKind(alert.kind)])
    return words("【%(kind)s】%(who)s · %(where)s", kind=kind, who=home.resident_names, where=where)


def message_body(alert: Alert, home: HomeRecord, words: Words, now: datetime) -> str:
    """Return the sentence that says why the alert was raised, with times of the home's time zone."""
    return describe_reason(as_reason(alert.reason_code, alert.reason_facts), Reader(words, now, home.timezone))
