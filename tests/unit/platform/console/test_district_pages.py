"""The district's pages: cases, named for a reason; a workbook that runs nothing; reports; a wall without names."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from fixtures.tenants import District

from anju_platform.alerts.models import Alert
from anju_platform.console.district.workbook import Sheet, write_workbook
from anju_platform.residents.models import Community

NAME, STREET = "王桂兰", "春晖里"
CASES = "/district/cases?kpi=answered_60s"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def take_late(district: District) -> None:
    """Let the tenant's alert have waited five minutes before it was taken."""
    with district.platform.work() as work:
        work.session.get_one(Alert, district.own.alert).due_since -= timedelta(minutes=5)


def cells(body: bytes) -> dict[str, list[list[str]]]:
    """Return the texts and numbers of a workbook by sheet; fail where a cell holds a formula or a link."""
    book = zipfile.ZipFile(io.BytesIO(body))
    shared = ["".join(one.itertext()) for one in ET.fromstring(book.read("xl/sharedStrings.xml"))]  # noqa: S314
    names = [one.attrib["name"] for one in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")]  # noqa: S314
    found: dict[str, list[list[str]]] = {}
    for number, name in enumerate(names, 1):
        sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314
        assert not [*sheet.iter(f"{MAIN}f"), *sheet.iter(f"{MAIN}hyperlink")], name
        found[name] = [
            [
                shared[int(cell.findtext(f"{MAIN}v") or 0)] if cell.get("t") == "s" else cell.findtext(f"{MAIN}v") or ""
                for cell in row
            ]
            for row in sheet.iter(f"{MAIN}row")
        ]
    return found


def test_district_reads_names_of_cases_only_with_a_reason_that_is_written_down(district: District) -> None:
    take_late(district)
    masked = district.ask("district", "GET", CASES).text
    assert district.own.home in masked
    assert f"/reports/alerts/{district.own.alert}" in masked
    assert NAME not in masked
    assert STREET not in masked
    assert district.looks(what="kpi_cases", why="投诉核查") == []
    named = district.ask("district", "GET", f"{CASES}&why=投诉核查").text
    assert NAME in named
    assert STREET in named
    looks = district.looks(what="kpi_cases", why="投诉核查")
    assert {look.home_id for look in looks} == {"home-01", "home-99"}, "the district sees both communities"
    assert NAME in district.ask("supervisor", "GET", CASES).text
    assert NAME not in district.ask("supervisor-2", "GET", CASES).text
    assert district.ask("district", "GET", "/district/cases?kpi=nothing").status_code == 404


def test_page_says_denominators_and_what_was_not_measured(district: District) -> None:
    page = district.ask("district", "GET", "/district").text
    assert "未测量" in page
    assert "到期的计划探访（次） 0" in page
    assert "共 2 户，从每户开通之日算起。" in page
    assert "数据还太少，不下结论" in page
    assert page.count('<svg class="drawing trend"') == 6
    assert "按周" in page
    assert district.ask("district", "GET", "/district?by=month").status_code == 200
    assert district.ask("district", "GET", "/district?by=year").status_code == 422


def test_workbook_holds_the_figures_of_the_page_and_no_name(district: District) -> None:
    take_late(district)
    answer = district.ask("district", "GET", "/district/export")
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    found = cells(answer.content)
    assert len(district.looks(what="kpis_export")) == 1
    assert list(found) == ["指标", "趋势", "各社区", "各服务机构", "个案"]
    kpi = next(row for row in found["指标"] if row[:1] == ["60 秒内有人接手"])
    assert kpi[1:6] == ["0.5", "1", "按时接手的报警（件）", "2", "等人接手的报警（件）"]
    planned = next(row for row in found["指标"] if row[:1] == ["按时完成的计划探访"])
    assert planned[1] == "未测量"
    assert len(found["趋势"]) == 2, "the weeks before the first home was enrolled are left out"
    assert ["60 秒内有人接手", "home-01"] in [[row[0], row[3]] for row in found["个案"][1:]]
    assert NAME not in str(found)
    english = cells(district.ask("district", "GET", "/district/export?lang=en").content)
    assert not re.search("[\u4e00-\u9fff]", str(list(english)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "http://evil.test", "{=A1}"])
def test_nothing_typed_becomes_a_formula_or_a_link(text: str) -> None:
    assert cells(write_workbook([Sheet("a", [[text, 1.5]])]))["a"] == [[text, "1.5"]]


def test_a_community_that_is_called_like_a_formula_is_text(district: District) -> None:
    with district.platform.work() as work:
        work.session.get_one(Community, "anning").name = '=HYPERLINK("http://evil.test")'
    found = cells(district.ask("district", "GET", "/district/export").content)
    assert '=HYPERLINK("http://evil.test")' in [row[0] for row in found["各社区"]]


def test_reports_tell_absolute_times_and_the_outcome(district: District) -> None:
    take_late(district)
    page = district.ask("worker", "GET", f"/reports/alerts/{district.own.alert}").text
    assert NAME in page
    assert "还没有结束" in page
    assert re.search(r"<th scope=\"row\" class=\"figure\">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d</th>", page)
    assert "data-ago" not in page
    visit = district.ask("worker", "GET", f"/reports/visits/{district.own.visit}").text
    assert NAME in visit
    assert "护理员签名" in visit
    assert district.ask("worker-2", "GET", f"/reports/alerts/{district.own.alert}").status_code == 404
    assert district.ask("worker-2", "GET", f"/reports/visits/{district.own.visit}").status_code == 404


@pytest.mark.parametrize("what", ["alert", "visit"])
def test_district_reads_a_report_by_id_until_it_says_why(district: District, what: str) -> None:
    address = f"/reports/{what}s/{getattr(district.own, what)}"
    masked = district.ask("district", "GET", address).text
    assert "home-01" in masked
    for word in (NAME, STREET, "女儿"):
        assert word not in masked
    assert NAME in district.ask("district", "GET", f"{address}?why=抽查").text
    assert [look for look in district.looks(what=what) if "抽查" in look.why]


def test_wall_shows_what_is_open_and_nobodys_name(district: District) -> None:
    for login in ("worker", "supervisor", "district"):
        page = district.ask(login, "GET", "/wall").text
        assert "求助" in page
        assert "anning" in page
        for word in (NAME, STREET, "home-01", "王"):
            assert word not in page
