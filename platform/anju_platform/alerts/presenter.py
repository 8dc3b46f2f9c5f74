"""How an alert reads in a message to the people who are to come."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.residents.models import Home

KINDS: Mapping[AlertKind, Mapping[str, str]] = {
    AlertKind.SOS: {"zh": "紧急求助", "en": "Emergency button"},
    AlertKind.FALL: {"zh": "跌倒", "en": "Fall"},
    AlertKind.SMOKE: {"zh": "烟雾", "en": "Smoke"},
    AlertKind.LEAK: {"zh": "漏水", "en": "Water leak"},
    AlertKind.INACTIVITY: {"zh": "久无活动", "en": "No movement"},
    AlertKind.AWAY_LONG: {"zh": "久出未归", "en": "Away for long"},
    AlertKind.HOME_OFFLINE: {"zh": "看不到", "en": "Cannot see"},
}


def address(home: Home) -> str:
    """As it is spoken: 小区 楼 单元 室."""
    parts = (home.estate, f"{home.building} 号楼", f"{home.unit} 单元" if home.unit else "", f"{home.room} 室")
    return " ".join(part for part in parts if part)


def names(home: Home) -> str:
    """Who lives there."""
    return "、".join(resident.name for resident in home.residents)


def subject(alert: Alert, home: Home, prefix: str = "") -> dict[str, str]:
    """The first line of a message, by language."""
    kind = KINDS[AlertKind(alert.kind)]
    who = names(home) or home.id
    return {
        "zh": f"{prefix}【{kind['zh']}】{who} · {address(home)}",
        "en": f"{prefix}[{kind['en']}] {who} · {address(home)}",
    }


def body(alert: Alert) -> dict[str, str]:
    """Why, by language."""
    return {"zh": alert.reason_zh, "en": alert.reason_en}
