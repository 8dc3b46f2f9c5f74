"""The official's tasks in a browser: figures and their cases, a workbook, reports that print, the wall screen."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, artefacts
from playwright.sync_api import Page, expect

from anju_core.vocabulary import AlertKind
from anju_platform.visits.models import VisitTask

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-02"
WALL = {"width": 1920, "height": 1080}
THEMES = ("light", "dark")
SIZES = {"phone": PHONE, "desktop": DESKTOP}


def count_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page(?!s)", pdf))


def taken(browsers: BrowserHarness) -> UUID:
    """Return a press that was taken after two minutes and for which a carer is asked."""
    live = browsers.live
    alert_id = live.raise_alert(HOME, AlertKind.SOS, ago=timedelta(minutes=2))
    worker = live.actor("worker")
    with live.platform.work() as work:
        live.platform.alerts.service.acknowledge_alert(work, alert_id, worker)
    with live.platform.work() as work:
        live.platform.alerts.service.dispatch_carer(work, alert_id, worker)
    return alert_id


def report_at_length(browsers: BrowserHarness, visit_id: UUID) -> None:
    """Let the visit be over, with everything answered and as long a report as a carer writes on a phone."""
    with browsers.live.platform.work() as work:
        row, now = work.session.get_one(VisitTask, visit_id), work.clock.now()
        row.state, row.carer_name, row.provider_id = "confirmed", "李护士", "anxin"
        row.accepted_at, row.checked_in_at = now - timedelta(minutes=50), now - timedelta(minutes=40)
        row.checked_out_at, row.confirmed_at, row.confirmed_by = now - timedelta(minutes=5), now, "王姐"
        row.check_in_proof, row.next_due_at = {"code": True, "distance_m": 12.0}, None
        row.tasks = [{**task, "done": True} for task in row.tasks if isinstance(task, dict)]
        summary = "老人在厨房滑倒，膝盖擦伤，已消毒包扎，能自己走路。" * 24
        row.report = {"condition": "watch", "summary": summary, "elder": "confirmed"}


def print_page(page: Page, name: str) -> int:
    pdf = page.pdf(path=artefacts() / f"{name}.pdf", prefer_css_page_size=True)
    return count_pages(pdf)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_from_a_figure_to_its_cases_and_their_reports(browsers: BrowserHarness, size: str, theme: str) -> None:
    taken(browsers)
    page = browsers.open("district", SIZES[size], theme=theme)
    page.goto("/district")
    browsers.check(page, f"district-{size}-{theme}", full=True)
    page.get_by_role("link", name=re.compile("看个案.*60 秒内有人接手")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("60 秒内有人接手")
    browsers.check(page, f"district-cases-{size}-{theme}", full=True)
    page.fill("#why", "投诉核查")
    page.get_by_role("button", name="看姓名").click()
    expect(page.get_by_text("查看原因：投诉核查（已记录）")).to_be_visible()
    page.get_by_role("link", name=re.compile("看记录")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("报警记录")
    browsers.check(page, f"report-alert-{size}-{theme}", full=True)


def test_the_official_gets_a_workbook(browsers: BrowserHarness) -> None:
    page = browsers.open("district", DESKTOP)
    page.goto("/district")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="导出 Excel").click()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    assert waiting.value.path().read_bytes()[:2] == b"PK"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_reports_print_without_buttons_the_visit_on_one_page(browsers: BrowserHarness, lang: str) -> None:
    alert_id = taken(browsers)
    visit = browsers.live.visit(alert_id)
    report_at_length(browsers, visit.id)
    page = browsers.open("worker", DESKTOP, lang=lang)
    page.goto(f"/reports/visits/{visit.id}")
    browsers.check(page, f"report-visit-{lang}", full=True)
    assert print_page(page, f"report-visit-{lang}") == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 760, "height": 1070})
    page.screenshot(path=artefacts() / f"report-visit-printed-{lang}.png", caret="initial")
    expect(page.locator("button:visible, a.button:visible, nav:visible")).to_have_count(0)
    page.goto(f"/reports/alerts/{alert_id}")
    assert print_page(page, f"report-alert-{lang}") >= 1
    expect(page.locator("button:visible, a.button:visible, nav:visible")).to_have_count(0)
    expect(page.locator("[data-ago]")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
def test_the_wall_is_read_from_five_metres_and_follows_by_itself(browsers: BrowserHarness, theme: str) -> None:
    page = browsers.open("district", WALL, theme=theme)
    page.goto("/wall")
    expect(page.get_by_text("没有待处理的报警")).to_be_visible()
    browsers.live.raise_alert(HOME, AlertKind.FALL, ago=timedelta(minutes=3))
    browsers.live.raise_alert("home-04", AlertKind.HOME_OFFLINE, ago=timedelta(minutes=30))
    row = page.locator(".wall-rows li").first
    expect(row).to_contain_text("跌倒")
    sizes = page.evaluate(
        "[...document.querySelectorAll('.wall-rows li, .wall-figure span, .wall-figure strong')]"
        ".map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= WALL["height"] / 30, "letters of a thirtieth of the height"
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "nobody scrolls a wall"
    browsers.check(page, f"wall-{theme}")


def test_the_wall_fits_a_phone(browsers: BrowserHarness) -> None:
    browsers.live.press(HOME)
    page = browsers.open("supervisor", PHONE)
    page.goto("/wall")
    browsers.check(page, "wall-phone", full=True)
