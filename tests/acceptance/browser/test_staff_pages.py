"""What every staff page owes: each message is seen, an open alert is seen and heard everywhere, the page is light."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness
from playwright.sync_api import Page, Route, expect

from anju_core.vocabulary import AlertKind
from anju_platform.oncall.presence import LASTS, Presence, find_presences, report_presence

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-01"
MOST_BYTES = 45 * 1024
"""Of a page's first load, over the wire."""
STAFF_PAGES = [
    ("worker", "/board"),
    ("worker", "/residents?q=wgl"),
    ("worker", "/homes/home-01?days=7"),
    ("worker", "/homes?supervision=lost"),
    ("worker", "/shift"),
    ("worker", "/closed"),
    ("provider", "/provider"),
    ("district", "/district"),
    ("district", "/wall"),
    ("supervisor", "/sensitivity"),
    ("tester", "/tester?home=home-01"),
]


def see_message(page: Page, text: str) -> None:
    """The message stands before her eyes, whole, and is announced to who cannot see it."""
    message = page.locator("#toasts .toast")
    expect(message).to_contain_text(text)
    expect(message).to_be_in_viewport(ratio=1)
    assert page.locator("#toasts").get_attribute("aria-live") == "assertive"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_each_kind_of_message_is_seen_after_a_click(browsers: BrowserHarness, size: dict[str, int]) -> None:
    worker = browsers.open("worker", size)
    alert_id = browsers.live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    take = worker.get_by_role("button", name="我来处理")

    def refuse(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    worker.route("**/acknowledge", refuse)
    take.click()
    see_message(worker, "连不上服务器，什么都没有改变")
    browsers.check(worker, f"message-unreachable-{size['width']}")
    worker.unroute("**/acknowledge")

    worker.evaluate("document.body.setAttribute('hx-headers', '{\"X-CSRF-Token\": \"stale\"}')")
    take.click()
    see_message(worker, "没有成功：页面过期了，请刷新后再试")

    worker.goto(f"/board/{alert_id}")
    take.click()
    see_message(worker, "已由您处理")
    browsers.check(worker, f"message-success-{size['width']}")

    worker.context.clear_cookies()
    worker.get_by_role("button", name="我自己去").click()
    expect(worker.get_by_role("alert")).to_contain_text("登录过期了")
    assert worker.url.endswith(f"/login?ended=1&next=/board/{alert_id}")
    browsers.check(worker, f"message-session-ended-{size['width']}")


def test_the_pages_without_live_parts_say_it_too(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", PHONE)
    worker.goto("/shift")
    worker.get_by_label("给下一班的交接留言").fill("钥匙在门卫")
    worker.context.set_offline(True)
    worker.get_by_role("button", name="交班").click()
    see_message(worker, "连不上服务器，什么都没有改变")
    expect(worker.get_by_label("给下一班的交接留言")).to_have_value("钥匙在门卫")
    worker.context.set_offline(False)
    worker.context.clear_cookies()
    worker.get_by_role("button", name="交班").click()
    expect(worker.get_by_role("alert")).to_contain_text("登录过期了")
    assert worker.url.endswith("/login?ended=1&next=/shift")


LISTENS = """
  window.heard = { tones: 0, shakes: 0 };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) { window.heard.tones += 1; return start.call(this, at); };
  navigator.vibrate = () => (window.heard.shakes += 1);
"""
"""Counts the tones and shakes of a page."""


@pytest.mark.parametrize("path", ["/shift", "/board/{other}"], ids=["another page", "an open alert"])
def test_an_alert_is_seen_and_heard_wherever_the_worker_is(browsers: BrowserHarness, path: str) -> None:
    live = browsers.live
    other = live.raise_alert("home-03", AlertKind.INACTIVITY, ago=timedelta(hours=5))
    worker = browsers.open("worker", PHONE)
    worker.add_init_script(LISTENS)
    worker.goto(path.format(other=other))
    take_or_shift = worker.get_by_role("button", name="我来处理" if "other" in path else "交班")
    expect(take_or_shift).to_be_visible()
    ask = worker.get_by_role("button", name="没有声音：点一下打开")
    ask.click()
    expect(ask).to_be_hidden()
    before = worker.evaluate("window.heard.tones")
    live.press(HOME)
    bar = worker.locator("#alarms")
    expect(bar).to_contain_text("2 件需要您")
    expect(bar).to_contain_text("最早 5 小时前")
    expect(bar).to_be_in_viewport(ratio=1)
    expect(worker).to_have_title(re.compile(r"^\(2\) .*王桂兰"))
    worker.wait_for_function(f"window.heard.tones > {before} && window.heard.shakes > 0")
    browsers.check(worker, f"alarm-bar-{path[1:6]}")
    worker.reload()
    expect(bar).to_contain_text("2 件需要您")
    expect(worker.get_by_text("浏览器还没有允许声音")).to_be_hidden()
    bar.get_by_role("link").click()
    expect(worker.get_by_role("button", name="我来处理")).to_be_visible()


def test_the_most_urgent_opens_by_itself_where_nothing_is_taken_from_her(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    worker.clock.install()
    worker.goto("/board")
    press = live.press(HOME)
    expect(worker.locator(f"#row-{press}")).to_be_visible()
    worker.mouse.move(200, 500)
    worker.clock.fast_forward(10_000)
    expect(worker.locator("#chosen")).to_have_count(0)
    worker.clock.fast_forward(21_000)
    expect(worker.locator(f"#chosen[data-alert='{press}']")).to_be_visible()
    worker.get_by_role("button", name="我来处理").click()
    live.press("home-02")
    worker.get_by_text("加一条备注").click()
    worker.get_by_label("备注", exact=True).fill("邻居说")
    worker.clock.fast_forward(21_000)
    expect(worker.get_by_label("备注", exact=True)).to_have_value("邻居说")
    expect(worker.locator(f"#chosen[data-alert='{press}']")).to_be_visible()


def test_the_rota_shows_who_would_not_hear(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    silent = live.actor("worker2")
    with live.platform.work() as work:
        report_presence(work, silent, audible=False)
    worker.goto("/shift")
    worker.get_by_role("heading", name="交接班").click()
    hears = live.actor("worker").account_id
    with live.platform.work() as work:
        live.eventually(lambda: find_presences(work, {hears}, live.now())[hears] is Presence.AUDIBLE)
        assert find_presences(work, {hears}, live.now() + LASTS * 2)[hears] is Presence.ABSENT
    worker.reload()
    for name, presence in (("王姐", "听得到报警"), ("小李", "页面开着，但没有声音"), ("周主任", "没有打开值守台")):
        expect(worker.get_by_role("listitem").filter(has_text=name).first).to_contain_text(presence)
    browsers.check(worker, "rota-presence")


def test_a_flood_is_one_line_that_stays_until_it_is_over(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    dark = [live.raise_alert(f"home-{n:02d}", AlertKind.HOME_OFFLINE, ago=timedelta(minutes=12)) for n in range(6, 21)]
    press = live.press(HOME)
    worker.goto("/board")
    groups = worker.locator("section.group:has(form)")
    expect(worker.locator(".alert-row")).to_have_count(1)
    expect(worker.locator(f"#row-{press}")).to_be_visible()
    held = sum(len(group.locator("li").all()) for group in groups.all())
    assert held == len(dark)
    expect(groups.first).to_contain_text("号楼")
    browsers.check(worker, "flood-1-untaken")
    for left in reversed(range(len(groups.all()))):
        groups.first.get_by_role("button", name="户一起接手").click()
        expect(groups).to_have_count(left)
        see_message(worker, "已由您处理")
    expect(worker.locator("section.group.is-dark")).to_have_count(0)
    expect(worker.locator("section.group.is-way").first).to_contain_text("王姐 正在处理")
    expect(worker.locator(".alert-row")).to_have_count(1)
    browsers.check(worker, "flood-2-taken")
    live.close_all()
    worker.reload()
    expect(worker.locator("section.group")).to_have_count(0)


def test_the_first_load_is_light(browsers: BrowserHarness) -> None:
    weights = {}
    pages: dict[str, Page] = {}
    for login, path in STAFF_PAGES:
        page = pages.get(login) or pages.setdefault(login, browsers.open(login, PHONE))
        page.goto("about:blank")
        weights[path] = first_load(page, browsers.live.address + path)
    assert max(weights.values()) <= MOST_BYTES, weights


def first_load(page: Page, address: str) -> float:
    """Open an address with an empty cache; return the bytes that came over the wire."""
    wire = page.context.new_cdp_session(page)
    loaded: list[float] = []
    wire.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(address, wait_until="load")
    assert len(loaded) >= 4, "the style sheets and scripts came from somewhere else"
    wire.detach()
    return sum(loaded)
