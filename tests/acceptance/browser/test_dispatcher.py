"""The dispatcher's task in a real browser: her page lives, she assigns and reassigns, nothing she writes is lost."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform
from playwright.sync_api import Locator, Page, expect

from anju_core.vocabulary import DeclineReason

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-01"
OWN = ("carer", "carer2")
"""The carers of the provider whose dispatcher is the login `provider`."""
SOON_MS = 9_000
"""Sooner than a page looks by itself: its stream must have said so."""


def requested(live: LivePlatform) -> UUID:
    """A press for which the worker has asked for a visit; returns the alert's id."""
    alert_id, worker = live.press(HOME), live.actor("worker")
    with live.platform.work() as work:
        live.platform.alerts.service.acknowledge_alert(work, alert_id, worker)
    with live.platform.work() as work:
        live.platform.alerts.service.dispatch_carer(work, alert_id, worker)
    return alert_id


def asked(live: LivePlatform, alert_id: UUID) -> list[str]:
    """The logins of the carers who are asked now."""
    logins = {live.actor(login).account_id: login for login in live.passwords if login.startswith("carer")}
    with live.platform.work() as work:
        offers = live.platform.visits.queries.list_of_alert(work, alert_id)[0].offers
    return [logins[one.carer_id] for one in offers if one.state == "pending"]


def own_carers(live: LivePlatform, alert_id: UUID) -> tuple[str, str]:
    """The logins of the dispatcher's two carers; the first one is asked now."""
    first = next(login for login in asked(live, alert_id) if login in OWN)
    return first, next(login for login in OWN if login != first)


def row_of(page: Page, live: LivePlatform, alert_id: UUID) -> Locator:
    return page.locator(f"#visit-{live.visit(alert_id).id}")


def answer(live: LivePlatform, alert_id: UUID, login: str, name: str, *args: object) -> None:
    with live.platform.work() as work:
        getattr(live.platform.visits.service, name)(work, live.visit(alert_id).id, live.actor(login), *args)


def choose(row: Locator, name: str, note: str = "") -> None:
    carers = row.get_by_label("请谁去")
    carers.select_option(carers.locator("option", has_text=name).get_attribute("value"))
    row.get_by_label("为什么").select_option("late")
    row.get_by_label("补充一句").fill(note)
    row.get_by_role("button", name="请她去").click()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_follows_by_itself_and_keeps_what_is_written(browsers: BrowserHarness, size: dict[str, int]) -> None:
    live, look = browsers.live, f"dispatcher-{size['width']}"
    page = browsers.open("provider", size)
    expect(page.get_by_text("现在没有上门")).to_be_visible()
    alert_id = requested(live)
    row = row_of(page, live, alert_id)
    expect(row).to_be_visible(timeout=SOON_MS)
    first, _ = own_carers(live, alert_id)
    name = live.actor(first).name
    expect(row.locator(".asked li", has_text=name).locator(".ring")).to_be_visible()

    row.get_by_text("指定护理员").click()
    row.get_by_label("补充一句").fill("她刚从隔壁出来")
    answer(live, alert_id, first, "decline_offer", DeclineReason.TOO_FAR)
    expect(row.locator(".asked")).to_contain_text(f"{name} · 没接 · 太远", timeout=SOON_MS)
    expect(row.get_by_label("补充一句")).to_have_value("她刚从隔壁出来")
    expect(row.get_by_label("补充一句")).to_be_focused()
    expect(row.locator(".asked")).to_contain_text("通知没有送达", timeout=10_000)
    browsers.check(page, f"{look}-choosing", full=True)

    while left := asked(live, alert_id):
        answer(live, alert_id, left[0], "decline_offer", DeclineReason.BUSY)
    expect(row).to_contain_text("没有人能去", timeout=SOON_MS)
    expect(row).to_have_class("dispatch is-now")
    expect(page.locator("#heard")).to_have_text(re.compile("没有人能去|联系不上"))
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(row.get_by_label("补充一句")).to_have_value("她刚从隔壁出来")
    browsers.check(page, f"{look}-nobody", full=True)


@pytest.mark.parametrize(("theme", "size"), [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)])
def test_she_reassigns_and_everybody_sees_who_why_and_by_whom(
    browsers: BrowserHarness, theme: str, size: dict[str, int]
) -> None:
    live, look = browsers.live, f"{theme}-{size['width']}"
    alert_id = requested(live)
    first, second = own_carers(live, alert_id)
    before, after = live.actor(first).name, live.actor(second).name
    answer(live, alert_id, first, "accept_offer", 10)
    page = browsers.open("provider", size, theme=theme)
    row = row_of(page, live, alert_id)
    expect(row).to_contain_text("护理员在路上")
    row.get_by_text("改派给别人").click()
    browsers.check(page, f"dispatcher-reassign-{look}", full=True)
    choose(row, after, "堵在路上")
    expect(page.locator("#toasts")).to_contain_text("已通知她，等她回应")
    expect(row).to_contain_text(re.compile("等护理员回应|联系不上"), timeout=SOON_MS)
    expect(row.locator(".asked")).to_contain_text(f"{before} · 已撤回 · 改派了别人")
    expect(row.locator(".asked")).to_contain_text(f"{after} · 等待回应")
    browsers.check(page, f"dispatcher-reassigned-{look}", full=True)

    worker = browsers.open("worker", size, theme=theme)
    worker.goto(f"/board/{alert_id}")
    expect(worker.locator("#detail")).to_contain_text(f"{before} → {after} · 原来的人赶不及 · 堵在路上")
    answer(live, alert_id, second, "accept_offer", 8)
    expect(row).to_contain_text("护理员在路上", timeout=SOON_MS)
    expect(row).to_contain_text(f"谁去：{after}")


def test_she_assigns_a_visit_that_nobody_could_make(browsers: BrowserHarness) -> None:
    live = browsers.live
    alert_id = requested(live)
    while left := asked(live, alert_id):
        answer(live, alert_id, left[0], "decline_offer", DeclineReason.BUSY)
    page = browsers.open("provider", PHONE)
    row = row_of(page, live, alert_id)
    expect(row).to_have_class("dispatch is-now")
    row.get_by_text("指定护理员").press("Enter")
    choose(row, live.actor("carer").name)
    expect(row).to_contain_text(f"{live.actor('carer').name} · 等待回应", timeout=SOON_MS)
    assert live.visit(alert_id).state == "offered"


def test_a_refusal_is_said_and_nothing_is_lost(browsers: BrowserHarness) -> None:
    live = browsers.live
    alert_id = requested(live)
    first, second = own_carers(live, alert_id)
    page = browsers.open("provider", DESKTOP)
    row = row_of(page, live, alert_id)
    row.get_by_text("指定护理员").click()
    row.get_by_label("补充一句").fill("先等等")
    answer(live, alert_id, first, "accept_offer", 10)
    expect(row).to_contain_text("护理员在路上", timeout=SOON_MS)
    choose(row, live.actor(second).name, "先等等")
    expect(page.locator("#toasts .toast-wrong")).to_contain_text(f"{live.actor(first).name} 已经接了这一单。")
    expect(row.get_by_label("补充一句")).to_have_value("先等等")
    browsers.check(page, "dispatcher-refused")
