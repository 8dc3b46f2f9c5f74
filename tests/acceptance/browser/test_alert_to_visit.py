"""The first path played with clicks: a press reaches a worker, a carer goes there, the visit closes it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform, write_fall
from playwright.sync_api import APIResponse, Page, Route, expect

from anju_core.vocabulary import AlertKind, DeclineReason

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-01"


def take_and_send(worker: Page, alert_id: UUID) -> None:
    worker.locator(f"#row-{alert_id}").click()
    worker.get_by_role("button", name="我来处理").click()
    worker.get_by_role("button", name="接通，需要帮助").first.click()
    worker.get_by_label("给护理员的话（可不填）").fill("电话里说站不起来")
    worker.get_by_role("button", name="派单").click()
    expect(worker.locator("#act")).to_contain_text("等护理员回应")


def offered_to(live: LivePlatform, alert_id: UUID) -> str:
    """The login of the carer who is asked."""
    live.eventually(lambda: live.visit(alert_id).state == "offered")
    with live.platform.work() as work:
        carer = live.platform.visits.queries.list_of_alert(work, alert_id)[0].offers[-1].carer_id
    return next(
        login for login in live.passwords if login.startswith("carer") and live.actor(login).account_id == carer
    )


def go_there(carer: Page, code: str) -> None:
    carer.get_by_role("button", name="我去").click()
    carer.get_by_role("button", name="我到门口了").click()
    carer.get_by_label("验证码", exact=True).fill(code)
    carer.get_by_role("button", name="签到").click()
    for done in carer.get_by_role("button", name="✓ 是").all():
        done.click()
    carer.get_by_role("button", name="都看过了").click()
    carer.get_by_label("人还好，但要留意").check()
    carer.get_by_label("写一句给值班室").fill("滑坐在地，没有受伤，已扶到床上。")
    carer.get_by_label("老人点头：来过了，做好了").check()
    carer.get_by_role("button", name="完成，离开").click()
    expect(carer.get_by_text("谢谢您，这次上门完成了")).to_be_visible()
    expect(carer.locator("#outbox")).to_contain_text("全部已发送")


def happens(live: LivePlatform, kind: AlertKind) -> UUID:
    """A press, a fall or a silence in the home, as ingest or monitoring would say it."""
    if kind is AlertKind.SOS:
        return live.press(HOME)
    if kind is AlertKind.FALL:
        write_fall(live.platform, HOME, live.now().timestamp())
        return live.raise_alert(HOME, kind, score=0.93)
    return live.raise_alert(HOME, kind, ago=timedelta(hours=5, minutes=10), score=0.82)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("kind", [AlertKind.SOS, AlertKind.FALL, AlertKind.INACTIVITY])
def test_it_reaches_a_worker_and_a_visit_closes_it(
    browsers: BrowserHarness, size: dict[str, int], kind: AlertKind
) -> None:
    live = browsers.live
    look = f"{kind}-{'phone' if size is PHONE else 'desktop'}"
    worker, family = browsers.open("worker", size), browsers.open("family", PHONE)
    expect(worker.get_by_text("0 条待处理")).to_be_visible()
    expect(family.get_by_role("heading", level=1)).to_have_text("妈妈今天很好")

    alert_id = happens(live, kind)
    expect(worker.locator(f"#row-{alert_id}")).to_be_visible()
    browsers.check(worker, f"visit-1-raised-{look}")
    family.reload()
    expect(family.get_by_role("heading", level=1)).to_contain_text("正在确认")
    expect(family.locator(".saying")).to_contain_text("还没有人接手；您可先打给妈妈，紧急请拨 120")
    expect(family.get_by_role("link", name="打给妈妈")).to_be_visible()
    browsers.check(family, f"visit-1-family-{look}")
    take_and_send(worker, alert_id)
    live.elder_heard(alert_id, HOME, "coming")
    expect(worker.locator(".told").first).to_be_visible()
    expect(worker.locator(".wave-figure")).to_have_count(1 if kind is AlertKind.FALL else 0)
    browsers.check(worker, f"visit-2-sent-{look}")

    carer = browsers.open(offered_to(live, alert_id), PHONE)
    browsers.check(carer, f"visit-3-offer-{look}", full=True)
    go_there(carer, live.code(alert_id))
    assert live.visit(alert_id).state == "checked_out"

    expect(worker.get_by_text("滑坐在地").first).to_be_visible()
    browsers.check(worker, f"visit-4-report-{look}", full=True)
    worker.get_by_role("button", name="结束这件事").click()
    expect(worker.locator("#act")).to_contain_text("已结束")
    assert live.visit(alert_id).state == "confirmed"
    family.reload()
    expect(family.get_by_role("heading", level=1)).to_have_text("妈妈现在平安")
    expect(family.locator(".saying")).to_contain_text("已上门，滑坐在地，没有受伤，已扶到床上。")
    browsers.check(family, f"visit-5-family-{look}")
    carer.goto("/carer")
    expect(carer.get_by_text("已确认").first).to_be_visible()


def logins_asked(live: LivePlatform, alert_id: UUID) -> list[str]:
    """The logins of the carers who are asked now, in the order in which they were."""
    with live.platform.work() as work:
        offers = live.platform.visits.queries.list_of_alert(work, alert_id)[0].offers
    asked = [offer.carer_id for offer in offers if offer.state == "pending"]
    logins = {live.actor(login).account_id: login for login in live.passwords if login.startswith("carer")}
    return [logins[one] for one in asked]


def test_several_are_asked_the_first_goes_and_the_other_is_told_who(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    take_and_send(worker, alert_id)
    expect(worker.locator("#act .ring")).to_be_visible()
    expect(worker.get_by_role("button", name="我自己去")).to_be_visible()
    browsers.check(worker, "asking-board", full=True)
    asked = logins_asked(live, alert_id)
    assert len(asked) >= 2
    first, second = (browsers.open(login, PHONE) for login in asked[:2])
    expect(second.get_by_role("button", name="我去")).to_be_visible()
    second.get_by_text("去不了").click()  # what is open is not redrawn
    first.get_by_role("button", name="我去").click()
    expect(first.get_by_role("button", name="我到门口了")).to_be_visible()
    second.get_by_role("button", name="我去").click()
    expect(second.get_by_role("alert")).to_contain_text("已经接了这一单")


def test_where_nobody_can_go_the_row_is_red_and_the_worker_goes(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    take_and_send(worker, alert_id)
    row = worker.locator(f"#row-{alert_id}")
    expect(row).to_have_class("alert-row is-way")
    while live.visit(alert_id).state == "offered":
        with live.platform.work() as work:
            carer, visit_id = live.actor(logins_asked(live, alert_id)[0]), live.visit(alert_id).id
            live.platform.visits.service.decline_offer(work, visit_id, carer, DeclineReason.BUSY)
    expect(row).to_have_class("alert-row is-now")
    expect(worker.locator("#act")).to_contain_text("没有护理员能去")
    browsers.check(worker, "nobody-board", full=True)
    worker.get_by_role("button", name="我自己去").click()
    expect(worker.get_by_role("button", name="我到了")).to_be_visible()


def test_the_same_with_the_keyboard_alone(browsers: BrowserHarness) -> None:
    live = browsers.live
    worker = browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    row = worker.locator(f"#row-{alert_id}")
    expect(row).to_be_visible()
    tab_to(worker, f"#row-{alert_id}")
    worker.keyboard.press("Enter")
    expect(worker.get_by_role("button", name="我来处理")).to_be_focused()
    worker.keyboard.press("Enter")
    expect(worker.get_by_text("先打给")).to_be_visible()
    tab_to(worker, "#act button[value=no_answer]")
    worker.keyboard.press("Enter")
    expect(worker.get_by_role("button", name="派单")).to_be_visible()
    tab_to(worker, "#act form[action$=dispatch] button")
    worker.keyboard.press("Enter")
    expect(worker.locator("#act")).to_contain_text("等护理员回应")

    carer = browsers.open(offered_to(live, alert_id), PHONE)
    for press in ("form[action$=accept] button", "[data-next=arrive]"):
        tab_to(carer, press)
        carer.keyboard.press("Enter")
        carer.wait_for_load_state()
    tab_to(carer, "#code")
    carer.keyboard.type(live.code(alert_id))
    carer.keyboard.press("Enter")
    expect(carer.locator("[data-step=tasks]")).to_be_visible()
    for number in range(carer.locator(".checks li").count()):
        tab_to(carer, f".checks li:nth-child({number + 1}) button[value=true]")
        carer.keyboard.press("Enter")
    tab_to(carer, "[data-next=leave]")
    carer.keyboard.press("Enter")
    tab_to(carer, "input[name=condition]")
    carer.keyboard.press("Space")
    tab_to(carer, "#summary")
    carer.keyboard.type("人很好")
    tab_to(carer, "input[name=elder]")
    carer.keyboard.press("Space")
    tab_to(carer, "[data-step=leave] .button-main")
    carer.keyboard.press("Enter")
    expect(carer.get_by_text("谢谢您，这次上门完成了")).to_be_visible()
    live.eventually(lambda: live.visit(alert_id).state == "checked_out")

    expect(worker.get_by_role("button", name="结束这件事")).to_be_visible()
    tab_to(worker, "#act form[action$=resolve] .button-main")
    worker.keyboard.press("Enter")
    expect(worker.locator("#act")).to_contain_text("已结束")


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Press Tab until the wanted element has the focus, and see that the focus can be seen."""
    wanted = page.locator(selector).first
    expect(wanted).to_be_visible()
    for _ in range(most):
        # In one look: a redrawing may come between two.
        width = wanted.evaluate(
            "element => element === document.activeElement ? parseFloat(getComputedStyle(element).outlineWidth) : -1"
        )
        if width >= 0:
            assert width >= 2, f"{selector}: the focus cannot be seen"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} is not reached with Tab")


def test_redrawing_leaves_the_focus_where_it_was(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", DESKTOP)
    alert_id = browsers.live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    tab_to(worker, "a[data-dials=call-1]")
    browsers.live.eventually(lambda: browsers.live.platform.hub.count_listeners() > 0)
    with worker.expect_response(lambda answer: answer.url.endswith(f"/board/{alert_id}")):
        browsers.live.elder_heard(alert_id, HOME, "heard")
    expect(worker.locator(".told").first).to_be_visible()
    expect(worker.locator("a[data-dials=call-1]")).to_be_focused()


def test_what_happens_during_a_redrawing_is_shown_after_it(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    live.eventually(lambda: live.platform.hub.count_listeners() > 0)
    expect(worker.locator(".history li")).to_have_count(2)
    held: list[tuple[Route, APIResponse]] = []

    def hold_the_first(route: Route) -> None:
        held.append((route, route.fetch())) if not held else route.continue_()

    worker.route(f"**/board/{alert_id}", hold_the_first)
    with worker.expect_request(f"**/board/{alert_id}"):
        live.elder_heard(alert_id, HOME, "heard")
    while not held:
        worker.wait_for_timeout(20)
    with worker.expect_event("requestfinished", lambda request: "/board/list" in request.url):
        live.elder_heard(alert_id, HOME, "coming")
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(worker.locator(".told")).to_have_count(2)


def test_a_group_that_was_opened_stays_open_through_a_redrawing(browsers: BrowserHarness) -> None:
    live = browsers.live
    family = browsers.open("family", PHONE)
    family.get_by_role("button", name="告诉社区").click()
    expect(family.get_by_role("heading", level=1)).to_contain_text("不在家")
    worker = browsers.open("worker", DESKTOP)
    worker.goto("/board")
    live.eventually(lambda: live.platform.hub.count_listeners() > 0)
    group = worker.locator("details[data-group=absences]")
    group.locator("summary").click()
    alert_id = live.press("home-02")
    expect(worker.locator(f"#row-{alert_id}")).to_be_visible()
    expect(group).to_have_attribute("open", "")


@pytest.mark.parametrize("part", ["detail", "list"])
def test_a_button_that_is_held_down_is_not_redrawn_away(browsers: BrowserHarness, part: str) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    worker.goto("/board" if part == "list" else f"/board/{alert_id}")
    live.eventually(lambda: live.platform.hub.count_listeners() > 0)
    wanted = worker.get_by_role("button", name="我来处理") if part == "detail" else worker.locator(f"#row-{alert_id}")
    wanted.hover()
    worker.mouse.down()
    path = f"/board/{alert_id}" if part == "detail" else "/board/list"
    with worker.expect_event("requestfinished", lambda request: path in request.url):
        live.elder_heard(alert_id, HOME, "heard")
    expect(worker.locator(".htmx-request")).to_have_count(0)
    worker.mouse.up()
    if part == "detail":
        expect(worker.get_by_text("先打给")).to_be_visible()
    else:
        expect(worker.get_by_role("button", name="我来处理")).to_be_visible()
    expect(worker.locator(".told").first).to_be_visible()


def test_a_release_that_is_never_told_holds_a_new_alert_up_for_moments_only(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    first = live.press(HOME)
    worker.locator(f"#row-{first}").hover()
    live.eventually(lambda: live.platform.hub.count_listeners() > 0)
    worker.mouse.down()
    with worker.expect_event("requestfinished", lambda request: "/board/list" in request.url):
        second = live.press("home-02")
    expect(worker.locator(f"#row-{second}")).to_be_visible()


def test_a_form_opened_during_a_redrawing_stays_open(browsers: BrowserHarness) -> None:
    live, worker = browsers.live, browsers.open("worker", DESKTOP)
    alert_id = live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    worker.get_by_role("button", name="我来处理").click()
    summary = worker.get_by_text("不等电话，直接派人")
    expect(summary).to_be_visible()
    live.eventually(lambda: live.platform.hub.count_listeners() > 0)
    worker.route(f"**/board/{alert_id}", lambda route: (summary.click(), route.continue_()))
    with worker.expect_event("requestfinished", lambda request: request.url.endswith(f"/board/{alert_id}")):
        live.elder_heard(alert_id, HOME, "heard")
    expect(worker.locator(".htmx-request")).to_have_count(0)
    expect(worker.get_by_role("button", name="派单")).to_be_visible()


def test_on_the_phone_the_answer_to_a_close_is_seen(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", PHONE)
    alert_id = browsers.live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    worker.get_by_role("button", name="我来处理").click()
    worker.get_by_role("button", name="没人接").first.click()
    worker.get_by_text("不用派人，直接结束").click()
    worker.get_by_label("虚惊一场").check()
    worker.get_by_role("button", name="结束这件事").click()
    refusal = worker.locator("#act [role=alert]")
    expect(refusal).to_contain_text("还没有联系上人")
    expect(refusal).to_be_in_viewport(ratio=1)

    worker.get_by_text("不用派人，直接结束").click()
    worker.get_by_label("情况属实，已叫救护车").check()
    worker.get_by_label("怎么知道的？写一句").fill("邻居在旁边，120 已经到了")
    worker.get_by_role("button", name="结束这件事").click()
    expect(worker.get_by_text("已结束：")).to_be_in_viewport(ratio=1)


def test_taking_it_can_be_undone_for_ten_seconds(browsers: BrowserHarness) -> None:
    worker = browsers.open("worker", DESKTOP)
    alert_id = browsers.live.press(HOME)
    worker.goto(f"/board/{alert_id}")
    worker.get_by_role("button", name="我来处理").click()
    worker.get_by_role("button", name="撤销").click()
    expect(worker.get_by_role("button", name="我来处理")).to_be_visible()


def test_a_second_worker_learns_who_was_first(browsers: BrowserHarness) -> None:
    first, second = browsers.open("worker", DESKTOP), browsers.open("worker2", DESKTOP)
    alert_id = browsers.live.press(HOME)
    for page in (first, second):
        page.goto(f"/board/{alert_id}")
        expect(page.get_by_role("button", name="我来处理")).to_be_visible()
    second.route("**/board/*", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    first.get_by_role("button", name="我来处理").click()
    expect(first.get_by_text("先打给")).to_be_visible()
    second.get_by_role("button", name="我来处理").click()
    expect(second.get_by_role("alert")).to_contain_text("王姐 已经接手了")
    expect(second.get_by_text("王姐 正在处理。")).to_be_visible()
