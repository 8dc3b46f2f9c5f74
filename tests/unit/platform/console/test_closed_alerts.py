"""Closed alerts are found, listed and exported, within the reader's scope, and every look is written down."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from fixtures.tenants import District, Tenant
from sqlalchemy import select

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.console.closed import pages
from anju_platform.console.closed.export import disarm, write_csv


def close(district: District, tenant: Tenant, kind: str = "sos", outcome: str = "false_alarm", **given: object) -> str:
    """Store an alert that is over; return its id."""
    with district.platform.work() as work:
        now = work.clock.now()
        row = Alert(id=work.new_id(), community_id=tenant.community, home_id=tenant.home, kind=kind, state="resolved")
        values = {"episode": f"x{row.id}", "happened_at": now, "due_since": now, "raised_at": now, "score": None}
        values |= {"reason_code": "sos_pressed", "reason_facts": {}, "facts": {}, "escalation_started_at": now}
        values |= {"outcome": outcome, "closed_at": now, "acknowledged_by_name": "王姐", "acknowledged_at": now}
        values |= {"acknowledged_by": None, "next_due_at": None, "elder_due_at": None}
        for name, value in {**values, **given}.items():
            setattr(row, name, value)
        work.session.add(row)
    return str(row.id)


def listed(district: District, query: str = "", login: str = "worker") -> set[str]:
    """Return the ids of the alerts that the page lists."""
    page = district.ask(login, "GET", f"/closed?{query}")
    assert page.status_code == 200
    table = page.text[page.text.find("<tbody>") :]
    return {part.split('"')[0] for part in table.split('href="/board/')[1:]}


def test_closed_alerts_are_searched_by_name_address_kind_outcome_and_dates(district: District) -> None:
    press = close(district, district.own)
    silence = close(district, district.own, "inactivity", "away")
    old = district.platform.clock.now() - timedelta(days=40)
    before = close(district, district.own, closed_at=old)
    assert listed(district) == {press, silence, before}
    assert listed(district, "q=wgl") == listed(district, "q=王桂兰") == {press, silence, before}
    assert listed(district, "q=3号楼") == {press, silence, before}
    assert listed(district, "q=李明远") == listed(district, "q=99号楼") == set()
    assert listed(district, "kind=inactivity") == listed(district, "outcome=away") == {silence}
    assert listed(district, f"since={old.date() + timedelta(days=2)}") == {press, silence}
    assert listed(district, f"until={old.date() + timedelta(days=2)}") == {before}
    assert listed(district, "home=home-01&kind=sos") == {press, before}
    assert listed(district, "home=home-02") == set()
    assert str(district.own.alert) not in listed(district), "it is open"


@pytest.mark.parametrize("query", ["kind=nothing", "outcome=x", "since=tomorrow", "until=9999-12-31", "number=1&q="])
def test_what_cannot_be_read_asks_for_nothing(district: District, query: str) -> None:
    alert_id = close(district, district.own)
    assert listed(district, query) == {alert_id}


def test_the_list_is_scoped_as_the_board_is(district: District) -> None:
    own, foreign = close(district, district.own), close(district, district.foreign)
    assert listed(district) == {own}
    assert (
        listed(district, "community=huaian")
        == listed(district, "home=home-99")
        == listed(district, "q=李明远")
        == set()
    )
    assert listed(district, login="worker-2") == {foreign}
    assert listed(district, login="admin") == {own, foreign}
    assert listed(district, "community=huaian", login="admin") == {foreign}
    export = district.ask("worker", "GET", "/closed/export?community=huaian").content.decode("utf-8-sig")
    assert "李明远" not in export
    for login in ("family", "carer", "provider", "district", "tester"):
        assert district.ask(login, "GET", "/closed/export").status_code == 403


def test_looks_at_the_list_and_at_the_export_are_told_apart(district: District) -> None:
    close(district, district.own)
    listed(district)
    assert {look.home_id for look in district.looks(what="closed_alerts")} == {"home-01"}
    assert district.looks(what="closed_alerts_export") == []
    district.ask("worker", "GET", "/closed/export")
    assert {look.home_id for look in district.looks(what="closed_alerts_export")} == {"home-01"}
    assert "导出已结束的报警" in district.ask("family", "GET", "/family").text


def test_the_list_has_pages_that_keep_what_was_asked_for(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    now = district.platform.clock.now()
    ids = [close(district, district.own, closed_at=now - timedelta(hours=hour)) for hour in range(5)]
    close(district, district.own, "inactivity")
    first = district.ask("worker", "GET", "/closed?kind=sos").text
    assert "共 5 条 · 第 1 到 2 条" in first
    assert 'href="/closed?kind=sos&amp;number=2"' in first
    assert listed(district, "kind=sos") == set(ids[:2])
    assert listed(district, "kind=sos&number=3") == {ids[4]}
    assert 'rel="next"' not in district.ask("worker", "GET", "/closed?kind=sos&number=3").text


def test_the_export_is_what_excel_opens(district: District) -> None:
    close(district, district.own, note="", outcome_note='=HYPERLINK("http://x","y")', acknowledged_by_name="+王姐")
    answer = district.ask("worker", "GET", "/closed/export?kind=sos")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="closed-alerts-20')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert header[:5] == ["社区", "姓名", "年龄", "住址", "报警类型"]
    found = dict(zip(header, row, strict=True))
    assert (found["姓名"], found["住址"], found["报警类型"]) == ("王桂兰", "春晖里 3 号楼 2 单元 01 室", "紧急求助")
    assert found["备注"] == '\'=HYPERLINK("http://x","y")'
    assert found["接手人"] == "'+王姐"
    english = district.ask("worker", "GET", "/closed/export", headers={"Cookie": "anju_lang=en"}).content
    assert "Building 3 Unit 2 Room 01" in english.decode()


def test_an_export_that_is_too_long_says_so(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_EXPORTED", 1)
    for _ in range(2):
        close(district, district.own)
    rows = list(csv.reader(io.StringIO(district.ask("worker", "GET", "/closed/export").content.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert rows[-1] == ["只导出了最近的 1 条，共 2 条：请按日期分几次导出。"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\u3000=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert disarm(cell) == f"'{cell}"


def test_what_is_no_formula_stays_as_it_is() -> None:
    assert write_csv(["a"], [["王桂兰"], ['x "y", z'], ["1=1"]]) == (
        '\ufeffa\r\n王桂兰\r\n"x ""y"", z"\r\n1=1\r\n'.encode()
    )


def test_the_page_of_a_resident_leads_to_her_earlier_alerts(district: District) -> None:
    close(district, district.own, AlertKind.FALL.value)
    assert 'href="/closed?home=home-01"' in district.ask("worker", "GET", "/homes/home-01").text
    assert "王桂兰：已结束的报警" in district.ask("worker", "GET", "/closed?home=home-01").text
    with district.platform.work() as work:
        assert work.session.scalars(select(Alert.id).where(Alert.kind == "fall")).all()
