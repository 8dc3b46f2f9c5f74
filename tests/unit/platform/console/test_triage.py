"""The order of the board, and which homes that cannot be seen are one line."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fixtures._page_views import NOW

from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, AlertState
from anju_platform.alerts.queries import AlertSummary
from anju_platform.console.board.triage import GROUP_FROM, group_by_cause, sort_by_urgency
from anju_platform.i18n.translation import Words, load_words
from anju_platform.residents.records import HomeRecord

GATEWAY = Reason(ReasonCode.GATEWAY_OFFLINE, {})


@pytest.fixture(scope="module")
def words() -> Words:
    return load_words()["zh"]


def alert(number: int, kind: AlertKind, *, left_s: float = 60, **given: Any) -> AlertSummary:  # noqa: ANN401
    base: dict[str, Any] = dict.fromkeys(AlertSummary.__slots__)
    base |= {"id": UUID(int=number), "home_id": f"home-{number}", "kind": kind, "state": AlertState.NOTIFIED}
    base |= {"suspected": False, "late": False, "reason": GATEWAY, "next_due_at": NOW + timedelta(seconds=left_s)}
    return AlertSummary(**(base | given))


def home(number: int, building: str, estate: str = "春晖里") -> HomeRecord:
    return HomeRecord(
        id=f"home-{number}",
        community_id="c",
        community_name="春晖",
        community_phone="",
        timezone=ZoneInfo("Asia/Shanghai"),
        estate=estate,
        building=building,
        unit="1",
        room="101",
        latitude=None,
        longitude=None,
        has_door_code=False,
        residents=(),
    )


TAKEN = AlertState.ACKNOWLEDGED
IN_ORDER = [
    alert(11, AlertKind.GAS, left_s=100),
    alert(12, AlertKind.CARBON_MONOXIDE, left_s=200),
    alert(1, AlertKind.FALL, left_s=300),
    alert(2, AlertKind.SOS, left_s=10),
    alert(3, AlertKind.SOS, left_s=20),
    alert(13, AlertKind.DEVICE_ALARM, left_s=30),
    alert(4, AlertKind.FALL, suspected=True, left_s=1),
    alert(5, AlertKind.INACTIVITY, left_s=-600),
    alert(6, AlertKind.HOME_OFFLINE, left_s=-900),
    alert(7, AlertKind.FALL, state=TAKEN, left_s=300),
    alert(8, AlertKind.SOS, state=TAKEN, left_s=5),
    alert(9, AlertKind.SOS, state=TAKEN, next_due_at=None),
    alert(10, AlertKind.HOME_OFFLINE, state=TAKEN, left_s=-900),
]


@pytest.mark.parametrize("pair", pairwise(IN_ORDER), ids=lambda pair: f"{pair[0].id.int} before {pair[1].id.int}")
def test_danger_stands_above_time_and_untaken_above_taken(pair: tuple[AlertSummary, AlertSummary]) -> None:
    assert sort_by_urgency(pair[::-1]) == list(pair)


def test_the_narrowest_place_that_holds_enough_homes_is_the_cause(words: Words) -> None:
    of_building = [alert(n, AlertKind.HOME_OFFLINE) for n in range(GROUP_FROM)]
    of_estate = [alert(10 + n, AlertKind.HOME_OFFLINE) for n in range(GROUP_FROM)]
    elsewhere = [alert(20 + n, AlertKind.HOME_OFFLINE) for n in range(GROUP_FROM - 1)]
    homes = {f"home-{n}": home(n, "3") for n in range(GROUP_FROM)}
    homes |= {f"home-{10 + n}": home(10 + n, str(10 + n)) for n in range(GROUP_FROM)}
    homes |= {f"home-{20 + n}": home(20 + n, "3", f"别处{n}") for n in range(GROUP_FROM - 1)}
    found = group_by_cause([*of_estate, *elsewhere, *of_building], homes, words)
    assert list(found.values()) == [of_building, of_estate]
    assert [cause.split(" · ")[0] for cause in found] == ["春晖里 3 号楼", "春晖里"]


def test_people_are_never_grouped_and_who_is_taken_stays_in_its_group(words: Words) -> None:
    presses = [alert(n, AlertKind.SOS) for n in range(9)]
    assert group_by_cause(presses, {}, words) == {}
    dark = [alert(n, AlertKind.HOME_OFFLINE, state=TAKEN if n else AlertState.NOTIFIED) for n in range(GROUP_FROM)]
    assert list(group_by_cause(dark, {}, words).values()) == [dark]
