"""A stairwell without signal: the page opens, steps are kept on the phone, and sent once when the signal is back."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform
from fixtures._phone_line import CuttableLine
from playwright.sync_api import Route, expect

from anju_core.vocabulary import VisitCategory
from anju_platform.visits.models import VisitEvent

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def line(live: LivePlatform) -> Iterator[CuttableLine]:
    line = CuttableLine(int(live.address.rpartition(":")[2]))
    yield line
    line.close()


def offered(live: LivePlatform) -> tuple[UUID, str]:
    """An alert that a carer is asked to go to, and her login."""
    alert_id = live.press("home-02")
    worker = live.actor("worker")
    with live.platform.work() as work:
        live.platform.alerts.service.acknowledge_alert(work, alert_id, worker)
        live.platform.alerts.service.dispatch_carer(work, alert_id, worker, category=VisitCategory.EMERGENCY)
    live.eventually(lambda: live.visit(alert_id).state == "offered")
    with live.platform.work() as work:
        asked = live.platform.visits.queries.list_of_alert(work, alert_id)[0].offers[-1].carer_id
    login = next(one for one in live.passwords if one.startswith("carer") and live.actor(one).account_id == asked)
    return alert_id, login


def test_a_visit_without_signal_is_kept_and_sent_once(browsers: BrowserHarness, line: CuttableLine) -> None:
    live = browsers.live
    alert_id, login = offered(live)
    carer = browsers.open(login, PHONE, address=line.address)
    carer.get_by_role("button", name="我去").click()
    carer.wait_for_selector("html[data-stocked=true]")
    line.cut()
    carer.reload()
    carer.get_by_role("button", name="我到门口了").click()
    carer.get_by_label("验证码", exact=True).fill(live.code(alert_id))
    carer.get_by_role("button", name="签到").click()
    expect(carer.locator("#outbox")).to_contain_text("1 步存在手机里")
    expect(carer.locator("[data-kept=arrive]")).to_have_text("已存手机")
    browsers.check(carer, "visit-no-signal")
    for done in carer.get_by_role("button", name="✓ 是").all():
        done.click()
    carer.reload()
    expect(carer.locator("[data-step=tasks]")).to_be_visible()
    assert live.visit(alert_id).state == "accepted"

    line.mend()
    expect(carer.locator("#outbox")).to_contain_text("全部已发送")
    visit = live.visit(alert_id)
    assert visit.state == "checked_in"
    assert all(task["done"] for task in visit.tasks)
    with live.platform.work() as work:
        steps = [event.step for event in work.session.query(VisitEvent).filter_by(visit_id=visit.id)]
    assert steps.count("checked_in") == 1


def test_a_dangerous_answer_without_signal_says_120_and_calls_for_help_when_it_is_back(
    browsers: BrowserHarness, line: CuttableLine
) -> None:
    live = browsers.live
    alert_id, login = offered(live)
    carer = browsers.open(login, PHONE, address=line.address)
    carer.get_by_role("button", name="我去").click()
    carer.wait_for_selector("html[data-stocked=true]")
    line.cut()
    carer.reload()
    expect(carer.get_by_role("link", name="拨 120")).to_have_attribute("href", "tel:120")
    carer.get_by_role("button", name="我到门口了").click()
    carer.get_by_label("验证码", exact=True).fill("000000")
    carer.get_by_role("button", name="签到").click()
    carer.get_by_role("group", name="人清醒、能应答吗？").get_by_role("button", name="否").click()
    expect(carer.get_by_role("heading", name="马上拨 120")).to_be_in_viewport()
    help_wanted = carer.locator("#help")
    expect(help_wanted).to_contain_text("人不清醒，或叫不应")
    expect(help_wanted).to_contain_text("号楼")
    expect(help_wanted).to_contain_text("岁")
    expect(help_wanted).to_contain_text("求助已存手机")
    browsers.check(carer, "help-no-signal")

    line.mend()
    expect(help_wanted).to_contain_text("值班室和社区已收到您的求助")
    worker, family = browsers.open("worker", DESKTOP), browsers.open("family", PHONE)
    expect(worker.locator(f"#row-{alert_id}")).to_have_class("alert-row is-now")
    worker.goto(f"/board/{alert_id}")
    expect(worker.get_by_role("alert").first).to_contain_text("需要马上帮助：人不清醒，或叫不应")
    for page in (worker, family):
        emergency = page.get_by_role("group", name="急救电话")
        expect(emergency.get_by_role("link", name="拨 120")).to_have_attribute("href", "tel:120")
        expect(emergency).to_contain_text("岁")
    browsers.check(worker, "help-board", full=True)
    browsers.check(family, "help-family", full=True)
    worker.get_by_role("button", name="知道了，我在处理").click()
    expect(worker.locator(f"#row-{alert_id}")).to_have_class("alert-row is-way")


def test_what_is_done_while_a_step_is_being_sent_is_sent_after_it(browsers: BrowserHarness) -> None:
    live = browsers.live
    alert_id, login = offered(live)
    carer = browsers.open(login, PHONE)
    held: list[Route] = []
    carer.route("**/check-in", lambda route: held.append(route))  # noqa: PLW0108 - it marks what it is given
    carer.get_by_role("button", name="我去").click()
    carer.get_by_role("button", name="我到门口了").click()
    carer.get_by_label("验证码", exact=True).fill(live.code(alert_id))
    carer.get_by_role("button", name="签到").click()
    buttons = carer.get_by_role("button", name="✓ 是").all()
    for done in buttons:
        done.click()
    expect(carer.locator("#outbox")).to_contain_text(f"{len(buttons) + 1} 步存在手机里")
    held[0].continue_()
    expect(carer.locator("#outbox")).to_contain_text("全部已发送")
    assert all(task["done"] for task in live.visit(alert_id).tasks)


def test_a_wrong_code_is_said_and_nothing_is_lost(browsers: BrowserHarness) -> None:
    live = browsers.live
    alert_id, login = offered(live)
    carer = browsers.open(login, PHONE)
    carer.get_by_role("button", name="我去").click()
    carer.get_by_role("button", name="我到门口了").click()
    right = live.code(alert_id)
    carer.get_by_label("验证码", exact=True).fill("000000" if right != "000000" else "111111")
    carer.get_by_role("button", name="签到").click()
    expect(carer.locator("#outbox")).to_contain_text("验证码不对")
    expect(carer.locator("[data-step=arrive]")).to_be_visible()
    browsers.check(carer, "visit-wrong-code")
    carer.get_by_label("验证码", exact=True).fill(right)
    carer.get_by_role("button", name="签到").click()
    expect(carer.locator("[data-step=tasks]")).to_be_visible()
    live.eventually(lambda: live.visit(alert_id).state == "checked_in")


def test_the_board_says_when_it_is_out_of_date_and_catches_up(browsers: BrowserHarness, line: CuttableLine) -> None:
    worker = browsers.open("worker", DESKTOP, address=line.address)
    expect(worker.locator(".empty").first).to_be_visible()
    browsers.live.eventually(lambda: browsers.live.platform.hub.count_listeners() > 0)
    line.cut()
    expect(worker.locator("#stale")).to_contain_text("正在重新连接")
    browsers.check(worker, "board-stale")
    alert_id = browsers.live.press("home-01")
    line.mend()
    expect(worker.locator(f"#row-{alert_id}")).to_be_visible()
    expect(worker.locator("#stale")).to_be_hidden()
