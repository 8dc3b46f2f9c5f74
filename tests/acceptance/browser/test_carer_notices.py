"""A carer sees and hears by itself what is offered to her, taken from her, given to another first or called off."""

from __future__ import annotations

from uuid import UUID

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform
from playwright.sync_api import Page, expect

from anju_core.assignment import AssignmentReason
from anju_core.vocabulary import Outcome, VisitCategory

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OWN = ("carer", "carer2")
SOON_MS = 9_000
"""Sooner than a page looks by itself: its stream must have said so."""


def requested(live: LivePlatform, category: VisitCategory | None = None) -> UUID:
    alert_id, worker = live.press("home-01"), live.actor("worker")
    with live.platform.work() as work:
        live.platform.alerts.service.acknowledge_alert(work, alert_id, worker)
    with live.platform.work() as work:
        live.platform.alerts.service.dispatch_carer(work, alert_id, worker, category=category)
    return alert_id


def own_carers(live: LivePlatform, alert_id: UUID) -> tuple[str, str]:
    """The logins of one provider's two carers; the first one is asked now."""
    logins = {live.actor(login).account_id: login for login in OWN}
    with live.platform.work() as work:
        offers = live.platform.visits.queries.list_of_alert(work, alert_id)[0].offers
    first = next(logins[one.carer_id] for one in offers if one.carer_id in logins)
    return first, next(login for login in OWN if login != first)


def accept(live: LivePlatform, alert_id: UUID, login: str) -> None:
    with live.platform.work() as work:
        live.platform.visits.service.accept_offer(work, live.visit(alert_id).id, live.actor(login), 10)


def assign(live: LivePlatform, alert_id: UUID, login: str, taken_from: str | None = None) -> None:
    held = None if taken_from is None else live.actor(taken_from).account_id
    with live.platform.work() as work:
        live.platform.visits.assignments.assign_carer(
            work,
            live.visit(alert_id).id,
            live.actor("provider"),
            live.actor(login).account_id,
            AssignmentReason.LATE,
            taken_from=held,
            note="堵在路上",
        )


def told(page: Page, text: str) -> None:
    """The notice is seen, and announced to who cannot see it."""
    notice = page.locator("#notices [data-notice]").filter(has_text=text)
    expect(notice.first).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#heard[aria-live=assertive]")).to_contain_text(text)


@pytest.mark.parametrize(
    ("size", "theme", "lang"),
    [(PHONE, "light", "zh"), (PHONE, "dark", "zh"), (DESKTOP, "light", "zh"), (PHONE, "light", "en")],
)
def test_a_visit_that_is_taken_on_the_way_is_said_on_the_open_page(
    browsers: BrowserHarness, size: dict[str, int], theme: str, lang: str
) -> None:
    live, look = browsers.live, f"{theme}-{size['width']}-{lang}"
    alert_id = requested(live)
    first, second = own_carers(live, alert_id)
    accept(live, alert_id, first)
    page = browsers.open(first, size, theme=theme, lang=lang)
    page.goto(f"/carer/visits/{live.visit(alert_id).id}")
    expect(page.locator("#visit")).to_be_visible()
    other = browsers.open(second, size, theme=theme, lang=lang)

    assign(live, alert_id, second, first)
    by = live.actor("provider").name
    if lang == "zh":
        told(page, f"{by}把这次上门改派给了别的护理员（原来的人赶不及：堵在路上），您不用去了。")
    else:
        told(page, f"{by} has given this visit to another carer")
    expect(page.locator("#visit")).to_be_hidden()
    expect(page.locator("#help")).to_be_hidden()
    browsers.check(page, f"notice-taken-{look}", full=True)
    expect(other.locator(".offer")).to_be_visible(timeout=SOON_MS)
    browsers.check(other, f"notice-offered-{look}", full=True)

    page.reload()
    expect(page).to_have_url(f"{live.address}/carer")
    notices = page.locator(f"#notices [data-over='{live.visit(alert_id).id}']:visible")
    expect(notices).to_have_count(1)
    notices.get_by_role("button").click()
    expect(notices).to_have_count(0)
    page.reload()
    expect(notices).to_have_count(0)


def test_what_is_offered_given_first_and_over_is_said_without_a_reload(browsers: BrowserHarness) -> None:
    live = browsers.live
    waiting = browsers.open("carer", PHONE)
    expect(waiting.get_by_text("现在没有要去的地方")).to_be_visible()
    alert_id = requested(live)
    if own_carers(live, alert_id)[0] != "carer":
        assign(live, alert_id, "carer")
    expect(waiting.locator(".offer")).to_be_visible(timeout=SOON_MS)
    assign(live, alert_id, "carer2")
    told(waiting, "先请别的护理员去（原来的人赶不及：堵在路上），您不用去。")
    expect(waiting.locator(".offer")).to_have_count(0, timeout=SOON_MS)
    browsers.check(waiting, "notice-given-first", full=True)

    accept(live, alert_id, "carer2")
    going = browsers.open("carer2", PHONE)
    going.goto(f"/carer/visits/{live.visit(alert_id).id}")
    worker = live.actor("worker")
    with live.platform.work() as work:
        live.platform.alerts.service.resolve_alert(
            work, alert_id, worker, outcome=Outcome.REAL_HELPED, note="邻居已经扶起来了，人没事"
        )
    told(going, "这件事已经结束了，不用去。")
    expect(going.locator("#visit")).to_be_hidden()
    browsers.check(going, "notice-over", full=True)


def test_without_a_network_the_page_says_that_it_hears_nothing(browsers: BrowserHarness) -> None:
    page = browsers.open("carer", PHONE)
    expect(page.locator("#unheard")).to_be_hidden()
    page.context.set_offline(True)
    expect(page.locator("#unheard")).to_contain_text("没有网络")
    page.context.set_offline(False)
    expect(page.locator("#unheard")).to_be_hidden()
