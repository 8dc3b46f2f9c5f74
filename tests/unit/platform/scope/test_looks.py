"""Who reads a home's data is written down where it is read: by every list, page and stream, once in ten minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fixtures.tenants import District
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts import looks as looks_module
from anju_platform.accounts.models import Account, AuditEvent
from anju_platform.alerts.endpoints import stream_alerts
from anju_platform.alerts.streamed_looks import StreamedLooks
from anju_platform.web.hub import Hub, Message

READS = [
    ("worker", "/api/v1/alerts", "alerts"),
    ("worker", "/api/v1/alerts/{alert}", "alert"),
    ("worker", "/board", "alerts"),
    ("worker", "/board/list", "alerts"),
    ("worker", "/board/{alert}", "alert"),
    ("worker", "/api/v1/visits", "visits"),
    ("worker", "/api/v1/visits/{visit}", "visit"),
    ("worker", "/api/v1/residents", "search"),
    ("worker", "/residents", "search"),
    ("worker", "/homes/{home}", "home"),
    ("worker", "/homes/{home}", "routine"),
    ("worker", "/api/v1/homes/{home}", "home"),
    ("worker", "/api/v1/homes/{home}/activity", "activity"),
    ("worker", "/api/v1/homes/{home}/devices", "devices"),
    ("worker", "/api/v1/homes/{home}/routine", "routine"),
    ("carer", "/carer", "visits"),
    ("carer", "/carer/visits/{visit}", "visit"),
    ("carer", "/api/v1/visits?mine=offers", "visits"),
    ("provider", "/provider", "visits"),
    ("family", "/family", "family_summary"),
    ("district", "/api/v1/alerts", "alerts"),
    ("district", "/api/v1/visits/{visit}", "visit"),
    ("tester", "/tester", "alerts"),
]


@pytest.mark.parametrize(("login", "path", "what"), READS)
def test_every_reading_is_one_look_at_each_home(district: District, login: str, path: str, what: str) -> None:
    own = district.own
    address = path.format(alert=own.alert, visit=own.visit, home=own.home)
    for header in ({}, {"HX-Request": "true", "HX-Trigger": "detail"}, {"HX-Trigger": "anything"}):
        assert district.ask(login, "GET", address, headers=header).status_code == 200
    seen = district.looks(by_name=f"{login} 王", what=what)
    whole = {"home-01", "home-99"} if login in {"district", "tester"} and "{" not in path else {"home-01"}
    assert sorted(look.home_id or "" for look in seen) == sorted(whole)


def test_a_look_counts_again_after_ten_minutes(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    district.ask("worker", "GET", "/board/list")
    monkeypatch.setattr(looks_module, "COALESCED", timedelta(0))
    district.ask("worker", "GET", "/board/list")
    assert len(district.looks(role="worker", what="alerts")) == 2


def test_other_people_and_other_alerts_are_looks_of_their_own(district: District) -> None:
    for login in ("worker", "supervisor"):
        district.ask(login, "GET", f"/board/{district.own.alert}")
    assert {look.role for look in district.looks(what="alert")} == {"worker", "supervisor"}
    assert [look.why for look in district.looks(what="alert")] == [str(district.own.alert)] * 2


def test_what_cannot_be_written_down_is_not_shown(district: District) -> None:
    def fail(_mapper: object, _connection: object, _row: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    event.listen(AuditEvent, "before_insert", fail)
    try:
        answer = district.ask("worker", "GET", "/api/v1/alerts")
    finally:
        event.remove(AuditEvent, "before_insert", fail)
    assert (answer.status_code, district.own.elder in answer.text) == (503, False)


def _worker(district: District) -> Actor:
    with district.platform.work() as work:
        row = work.session.query(Account).filter_by(login="worker").one()
        return Actor(row.id, row.name, Role.WORKER, row.community_id)


def test_an_event_of_a_stream_is_a_look_even_if_its_reader_leaves_at_once(district: District) -> None:
    actor = _worker(district)
    record = StreamedLooks(district.platform.work, actor)

    async def read_one_event() -> bytes:
        hub = Hub()
        services = cast("Any", SimpleNamespace(hub=hub, work=district.platform.work))
        frames: AsyncIterator[Any] = stream_alerts(actor, services, lambda: True).body_iterator
        await anext(frames)
        waiting = asyncio.ensure_future(anext(frames))
        while hub.count_listeners() == 0:  # noqa: ASYNC110 - the hub says nothing of who listens
            await asyncio.sleep(0)
        hub.publish("community:anning", "alert", '{"home_id": "home-01", "kind": "sos"}')
        frame = await waiting
        await frames.aclose()  # type: ignore[attr-defined]
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return bytes(frame)

    assert b"home-01" in asyncio.run(read_one_event())
    assert [look.home_id for look in district.looks(role="worker", what="stream")] == ["home-01"]
    for data in ('{"home_id": "home-01"}', "", "[]", '{"home_id": 3}', "{"):
        record(Message("alert", data))
    assert len(district.looks(role="worker", what="stream")) == 1
