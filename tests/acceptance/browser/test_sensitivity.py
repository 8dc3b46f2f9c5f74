"""The community's one number: seen, weighed, chosen with the keyboard or a thumb, confirmed, and in effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.app.fleet import COMMUNITY
from anju_platform.residents.models import Community
from anju_platform.sensitivity.models import SensitivityChange
from anju_platform.sensitivity.service import ChangedBy, SensitivityService
from anju_platform.sensitivity.targets import FalseAlertTarget

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = {"desktop": DESKTOP, "phone": PHONE}
LOOKS = [("desktop", "light", "zh"), ("desktop", "dark", "en"), ("phone", "dark", "zh"), ("phone", "light", "en")]


def a_month(live: LivePlatform) -> None:
    """One false alert a home and month is accepted; three came, of which one was real; it was changed once before."""
    with live.platform.work() as work:
        row = work.session.get_one(Community, COMMUNITY)
        row.false_alerts_per_month, row.routine_changes_per_month = 2.0, 0.1
        work.session.execute(delete(SensitivityChange))
        wanted = FalseAlertTarget(false_alerts=1.0, routine_changes=0.1)
        live.platform.services.get(SensitivityService).set_target(work, COMMUNITY, ChangedBy("陈主任"), wanted)
    for home in ("home-01", "home-02", "home-03"):
        live.raise_alert(home, AlertKind.INACTIVITY, ago=timedelta(hours=5))
    live.close_all()
    with live.platform.work() as work:
        for alert in work.session.query(Alert).filter_by(kind="inactivity"):
            alert.outcome = "real_helped" if alert.home_id == "home-03" else "false_alarm"


def target(live: LivePlatform) -> tuple[float, float]:
    with live.platform.work() as work:
        row = work.session.get_one(Community, COMMUNITY)
        return row.false_alerts_per_month, row.routine_changes_per_month


def whole(page: Page) -> None:
    """Nothing of the drawing is cut off, and no letters of it lie upon each other."""
    boxes = page.locator(".sensitivity-curve text").evaluate_all(
        "all => all.map(one => { const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] })"
    )
    frame = page.locator(".sensitivity-curve").bounding_box()
    assert frame is not None
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert left >= frame["x"] - 1
        assert right <= frame["x"] + frame["width"] + 1
        for other in boxes[number + 1 :]:
            apart = other[0] >= right or other[2] <= left or other[1] >= bottom - 2 or other[3] <= top + 2
            assert apart, f"{boxes[number]} lies upon {other}"


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_the_number_is_seen_and_weighed(browsers: BrowserHarness, look: tuple[str, str, str]) -> None:
    size, theme, lang = look
    a_month(browsers.live)
    page = browsers.open("supervisor", SIZES[size], theme=theme, lang=lang)
    page.goto("/sensitivity")
    page.wait_for_url(f"**/sensitivity/{COMMUNITY}")
    expect(page.locator("input[name=false_alerts]:checked")).to_have_value("1")
    expect(page.locator("main")).to_contain_text("5.9")
    whole(page)
    browsers.check(page, f"sensitivity-{'-'.join(look)}", full=True)
    page.locator("label", has=page.locator("input[name=false_alerts][value='0.3']")).click()
    page.locator(".sensitivity-form button").click()
    expect(page.locator("#confirm")).to_be_visible()
    expect(page.locator("#confirm")).to_contain_text("16")
    whole(page)
    browsers.check(page, f"sensitivity-confirm-{'-'.join(look)}", full=True)
    assert target(browsers.live) == (1.0, 0.1), "nothing is changed before it is confirmed"
    page.locator("#confirm .button-main").click()
    expect(page.get_by_role("status")).to_be_visible()
    browsers.check(page, f"sensitivity-done-{'-'.join(look)}")
    assert target(browsers.live) == (0.3, 0.1)


def test_it_is_chosen_with_the_keyboard_alone(browsers: BrowserHarness) -> None:
    a_month(browsers.live)
    page = browsers.open("district", DESKTOP)
    page.goto(f"/sensitivity/{COMMUNITY}")
    page.locator("input[name=false_alerts]:checked").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    confirm = page.locator("#confirm")
    expect(confirm).to_contain_text("每户每月虚惊：1 → 2 次。")
    expect(confirm).to_contain_text("每户每月作息提醒：0.1 → 0.05 次。")
    page.keyboard.press("Tab")
    expect(confirm.locator("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已生效")
    expect(page.locator("section[aria-labelledby=log]")).to_contain_text("1 → 2 次。")
    assert target(browsers.live) == (2.0, 0.05)


def test_of_two_who_choose_at_once_the_second_is_told(browsers: BrowserHarness) -> None:
    a_month(browsers.live)
    one, two = browsers.open("supervisor", DESKTOP), browsers.open("district", PHONE)
    for page, rate in ((one, "2"), (two, "3")):
        page.goto(f"/sensitivity/{COMMUNITY}?false_alerts={rate}&routine_changes=0.1")
    one.locator("#confirm .button-main").click()
    expect(one.get_by_role("status")).to_be_visible()
    two.locator("#confirm .button-main").click()
    expect(two.get_by_role("alert")).to_contain_text("别人刚刚改过：现在是每户每月 2 次虚惊")
    browsers.check(two, "sensitivity-refused-phone", full=True)
    assert target(browsers.live) == (2.0, 0.1)


def test_the_running_detector_goes_by_it_within_a_sweep(browsers: BrowserHarness) -> None:
    a_month(browsers.live)
    live = browsers.live
    live.platform.monitoring.restore_state(live.platform.series)
    before = live.platform.monitoring.explain_home("home-02", live.platform.clock.time()).deadline_s
    page = browsers.open("supervisor", DESKTOP)
    page.goto(f"/sensitivity/{COMMUNITY}?false_alerts=8&routine_changes=0.1")
    page.locator("#confirm .button-main").click()
    expect(page.get_by_role("status")).to_be_visible()
    live.platform.monitoring.sweep_homes(live.platform.clock.time())
    after = live.platform.monitoring.explain_home("home-02", live.platform.clock.time()).deadline_s
    assert after < before


def test_the_district_sees_every_community_and_a_worker_none(browsers: BrowserHarness) -> None:
    with browsers.live.platform.work() as work:
        if work.session.get(Community, "qiuyue") is None:
            work.session.add(Community(id="qiuyue", name="秋月社区"))
    for size, window in SIZES.items():
        page = browsers.open("district", window)
        page.goto("/sensitivity")
        expect(page.locator("tbody tr")).to_have_count(2)
        browsers.check(page, f"sensitivity-all-{size}", full=True)
    worker = browsers.open("worker", DESKTOP)
    answer = worker.goto(f"/sensitivity/{COMMUNITY}")
    assert answer is not None
    assert answer.status == 403
    with browsers.live.platform.work() as work:
        work.session.execute(delete(Community).where(Community.id == "qiuyue"))
