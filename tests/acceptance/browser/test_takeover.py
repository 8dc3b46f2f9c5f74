"""A supervisor is asked before she takes an alert from somebody; the next shift reads what was left for it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness
from playwright.sync_api import expect

from anju_core.vocabulary import CallOutcome, Outcome
from anju_platform.alerts.models import Alert

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-01"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_takeover_says_who_has_it_and_since_when_before_anything_changes(
    browsers: BrowserHarness, size: dict[str, int]
) -> None:
    live, alerts = browsers.live, browsers.live.platform.alerts.service
    press, worker = live.press(HOME), live.actor("worker")
    supervisor = browsers.open("supervisor", size)
    supervisor.goto(f"/board/{press}")
    expect(supervisor.get_by_role("button", name="我来处理")).to_be_visible()
    with live.platform.work() as work:
        alerts.acknowledge_alert(work, press, worker)
    asked = supervisor.locator("details.takeover")
    expect(asked).to_be_visible()
    asked.locator("summary").click()
    expect(asked).to_contain_text("王姐 接手：")
    expect(asked).to_contain_text("接手以后，这件事由您负责。")
    browsers.check(supervisor, f"takeover-asked-{'phone' if size is PHONE else 'desktop'}", full=True)
    with live.platform.work() as work:
        assert work.session.get_one(Alert, press).acknowledged_by_name == "王姐"
    asked.get_by_role("button", name="确认从王姐手里接手").click()
    expect(supervisor.locator(".history")).to_contain_text("从王姐手里接过来")
    with live.platform.work() as work:
        assert work.session.get_one(Alert, press).acknowledged_by_name == "周主任"


def test_a_note_of_the_shift_before_is_read_on_the_board_without_leaving_it(browsers: BrowserHarness) -> None:
    writer, reader = browsers.open("worker", DESKTOP), browsers.open("worker2", PHONE)
    writer.goto("/shift")
    writer.get_by_label("给下一班的交接留言").fill("2 号楼 501 的猫会跑出来")
    writer.get_by_role("button", name="交班").click()
    expect(writer.get_by_text("还没有人读")).to_be_visible()
    writer.goto("/board")
    expect(writer.get_by_text("的猫会跑出来")).to_have_count(0)
    reader.goto("/board")
    expect(reader.get_by_text("的猫会跑出来")).to_be_visible()
    reader.get_by_role("button", name="我读过了").click()
    expect(reader.get_by_text("的猫会跑出来")).to_have_count(0)
    assert reader.url.endswith("/board")


def test_closed_alerts_are_found_and_carried_away_as_a_table(browsers: BrowserHarness, tmp_path: Path) -> None:
    live, alerts = browsers.live, browsers.live.platform.alerts.service
    press, worker = live.press(HOME), live.actor("worker")
    with live.platform.work() as work:
        alerts.acknowledge_alert(work, press, worker)
        alerts.record_contact_attempt(work, press, worker, who="elder", outcome=CallOutcome.REACHED_OK)
        alerts.resolve_alert(work, press, worker, outcome=Outcome.FALSE_ALARM, note="+碰到了")
    page = browsers.open("worker", DESKTOP)
    page.goto("/closed")
    page.get_by_label("姓名、拼音首字母或楼号").fill("王桂兰")
    page.get_by_label("结果").select_option(label="虚惊一场")
    page.get_by_role("button", name="查找").click()
    expect(page.locator(f"a[href='/board/{press}']")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="导出表格").click()
    file = tmp_path / "closed.csv"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(".csv")
    table = csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""))
    (row,) = [row for row in table if row["编号"] == str(press)]
    assert (row["姓名"], row["结果"], row["备注"]) == ("王桂兰", "虚惊一场", "'+碰到了")
    page.locator(f"a[href='/board/{press}']").click()
    expect(page.locator(".history")).to_contain_text("虚惊一场")
