"""Every page and state, in both themes, wide and narrow: nothing serious for axe, nothing cut off, a picture."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, OFFLINE_HOMES, PHONE, BrowserHarness, LivePlatform, write_fall
from playwright.sync_api import Page, Route, expect
from sqlalchemy import update

from anju_core.vocabulary import AlertKind
from anju_platform.accounts.service import AccountService
from anju_platform.devices.models import Device, Gateway

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = {"desktop": DESKTOP, "phone": PHONE}
LOOKS = [("desktop", "light", "zh"), ("desktop", "dark", "zh"), ("phone", "dark", "zh"), ("phone", "light", "en")]


@pytest.fixture(params=LOOKS, ids="-".join)
def look(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    found: tuple[str, str, str] = request.param
    return found


def a_busy_night(live: LivePlatform) -> dict[str, UUID]:
    """One of each kind that the board knows."""
    silence = live.raise_alert("home-03", AlertKind.INACTIVITY, ago=timedelta(hours=5, minutes=10), score=0.82)
    fall = live.raise_alert("home-02", AlertKind.FALL, ago=timedelta(seconds=40), score=0.93)
    write_fall(live.platform, "home-02", live.now().timestamp() - 40)
    offline = live.raise_alert(OFFLINE_HOMES[0], AlertKind.HOME_OFFLINE, ago=timedelta(minutes=12))
    press = live.press("home-01")
    live.elder_heard(press, "home-01", "heard")
    return {"silence": silence, "fall": fall, "offline": offline, "press": press}


def test_the_board(browsers: BrowserHarness, look: tuple[str, str, str]) -> None:
    size, theme, lang = look
    name = "-".join(look)
    worker = browsers.open("worker", SIZES[size], theme=theme, lang=lang)
    expect(worker.locator(".empty").first).to_be_visible()
    browsers.check(worker, f"board-quiet-{name}")
    alerts = a_busy_night(browsers.live)
    expect(worker.locator(".alert-row")).to_have_count(4)
    browsers.check(worker, f"board-list-{name}")
    for kind in ("silence", "fall"):
        worker.goto(f"/board/{alerts[kind]}")
        expect(worker.locator(".strip")).to_be_visible()
        browsers.check(worker, f"board-{kind}-{name}", full=size == "phone")
    expect(worker.locator(".wave-figure")).to_be_visible()


def test_a_page_that_looks_again_by_itself_leaves_the_button_as_it_is(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", PHONE)
    press = browsers.live.press("home-01")
    held: list[Route] = []
    worker.route(
        "**/board/*", lambda route: held.append(route) if "hx-request" in route.request.headers else route.continue_()
    )
    worker.goto(f"/board/{press}")
    button = worker.locator("[data-main]")
    expect(button).to_have_css("opacity", "1")
    worker.evaluate("htmx.trigger('#detail', 'board:connected')")
    expect(worker.locator("#detail.htmx-request")).to_be_visible()
    expect(button).to_have_css("opacity", "1")
    worker.locator("form.htmx-request, form").filter(has=button).evaluate("form => form.classList.add('htmx-request')")
    expect(button).to_have_css("opacity", "0.6")
    for route in held:
        route.continue_()


PAGES = [
    ("worker", "/residents?q=wgl", "residents"),
    ("worker", "/homes/home-01?days=7", "home"),
    ("worker", "/homes?supervision=lost", "homes"),
    ("worker", "/shift", "shift"),
    ("worker", "/closed", "closed"),
    ("carer", "/carer", "carer-none"),
    ("provider", "/provider", "provider"),
    ("family", "/family", "family"),
    ("district", "/district", "district"),
    ("tester", "/tester?home=home-01", "tester"),
]


def let_it_want_maintenance(live: LivePlatform) -> None:
    """Two weak batteries, one of them told in per cent, and a key that the gateway refuses."""
    refused = {"device": "motion-living", "key": "illuminance", "count": 12, "why": "'dark' has no meaning there"}
    with live.platform.work() as work:
        work.session.execute(update(Gateway).where(Gateway.home_id == "home-01").values(refused_keys=[refused]))
        for device, said in (("motion-living", {"battery": 3.0}), ("button-sos", {"battery_low": True})):
            row = (Device.home_id == "home-01") & (Device.id == device)
            work.session.execute(update(Device).where(row).values(**said))


def test_every_other_page(browsers: BrowserHarness, look: tuple[str, str, str]) -> None:
    size, theme, lang = look
    let_it_want_maintenance(browsers.live)
    pages: dict[str, Page] = {}
    for login, path, name in PAGES:
        page = pages.get(login) or pages.setdefault(login, browsers.open(login, SIZES[size], theme=theme, lang=lang))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        browsers.check(page, f"{name}-{'-'.join(look)}", full=True)


def test_what_is_not_yours_is_not_there(browsers: BrowserHarness) -> None:
    family = browsers.open("family", PHONE)
    answer = family.goto("/board")
    assert answer is not None
    assert answer.status == 403
    browsers.check(family, "error-no-permission")
    worker = browsers.open("worker", DESKTOP)
    answer = worker.goto("/homes/home-99")
    assert answer is not None
    assert answer.status == 404
    browsers.check(worker, "error-not-there")


def test_signing_in_wrongly_says_so_and_signing_out_ends_it(browsers: BrowserHarness) -> None:
    page = browsers.open("worker", DESKTOP)
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(
        re.compile(r"/login(\?.*)?$")
    )  # what the page asks for meanwhile may lead there first, by its own way
    page.fill("#login", "worker")
    page.fill("#password", "not the password")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("账号或密码不对")
    browsers.check(page, "login-wrong")
    answer = page.goto("/board")
    assert answer is not None
    assert page.url.endswith("/login?next=/board")


@pytest.mark.parametrize(("login", "path"), [("carer", "/carer"), ("family", "/family")])
def test_the_first_load_is_light(browsers: BrowserHarness, login: str, path: str) -> None:
    """Under 200 KB over the wire, on a fresh phone."""
    page = browsers.open(login, PHONE)
    page.goto("about:blank")
    wire = page.context.new_cdp_session(page)
    loaded: list[float] = []
    wire.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    wire.send("Network.enable")
    wire.send("Network.clearBrowserCache")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(browsers.live.address + path, wait_until="load")
    assert len(loaded) >= 4
    assert sum(loaded) < 200_000


def test_the_door_code_is_shown_on_request_kept_and_logged(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", DESKTOP)
    alert_id = browsers.live.press("home-01")
    worker.goto(f"/board/{alert_id}")
    worker.get_by_role("button", name="显示（会记录是谁看的）").click()
    code = worker.locator(f"#door-code-{alert_id} strong")
    expect(code).to_be_visible()
    browsers.live.eventually(lambda: browsers.live.platform.hub.count_listeners() > 0)
    with worker.expect_response(lambda answer: answer.url.endswith(f"/board/{alert_id}")):
        browsers.live.elder_heard(alert_id, "home-01", "heard")
    expect(worker.locator(".told").first).to_be_visible()
    expect(code).to_be_visible()
    with browsers.live.platform.work() as work:
        looks = browsers.live.platform.services.get(AccountService).list_audit_events(work, "home-01")
    assert any(one.what == "door_code" and one.by_name == "王姐" for one in looks)


def test_an_absence_is_told_and_ended(browsers: BrowserHarness) -> None:
    family = browsers.open("family", PHONE)
    family.get_by_role("button", name="告诉社区").click()
    expect(family.get_by_role("heading", level=1)).to_contain_text("不在家")
    family.get_by_role("button", name="已经回家了").click()
    expect(family.get_by_role("heading", level=1)).to_have_text("妈妈今天很好")


def test_a_handover_is_read_by_the_next(browsers: BrowserHarness) -> None:
    worker, next_one = browsers.open("worker", DESKTOP), browsers.open("worker2", DESKTOP)
    worker.goto("/shift")
    worker.get_by_label("给下一班的交接留言").fill("2 号楼 501 的猫会跑出来，开门小心。")
    worker.get_by_role("button", name="交班").click()
    next_one.goto("/shift")
    expect(next_one.get_by_text("猫会跑出来")).to_be_visible()
    next_one.get_by_role("button", name="我读过了").first.click()
    expect(next_one.get_by_text("小李 读过").first).to_be_visible()
