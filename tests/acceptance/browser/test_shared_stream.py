"""All tabs of a browser share one stream of events: none starves the others, and none goes without when one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from anju_platform.web.topics import account_topic

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TABS = 8
"""More than the six lines that a browser opens to one server of HTTP/1.1."""
STREAM_ALONE = """
  const later = window.setTimeout;
  window.setTimeout = (act, ms, ...rest) => (ms === 20000 ? 0 : later(act, ms, ...rest));
"""
"""Takes from a board the look that it has by itself every 20 s: what it shows, its stream has told."""
NO_SHARED_WORKER = "delete window.SharedWorker;"
FORBIDDEN = "window.SharedWorker = function () { throw new DOMException('forbidden', 'SecurityError'); };"
SILENT = """
  window.SharedWorker = class extends EventTarget {
    port = new MessageChannel().port1;
  };
"""
"""A worker that has crashed: it takes every message and answers none."""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
HEARS = """
  window.heard = [];
  document.addEventListener("DOMContentLoaded", () => {
    for (const name of ["alert", "visit", "told"])
      document.body.addEventListener(`stream:${name}`, () => window.heard.push(name));
  });
"""


def open_boards(context: BrowserContext, count: int) -> list[Page]:
    boards = [context.new_page() for _ in range(count)]
    for board in boards:
        board.goto("/board")
    return boards


def test_eight_boards_of_one_browser_share_a_line_and_outlive_each_other(browsers: BrowserHarness) -> None:
    live, hub = browsers.live, browsers.live.platform.hub
    first = browsers.open("worker", DESKTOP)
    first.context.add_init_script(STREAM_ALONE)
    first.goto("/board")
    rest = open_boards(first.context, TABS - 1)
    for board in (first, *rest):
        assert board.evaluate("fetch('/board/alarms').then(answer => answer.status)") == 200
    live.eventually(lambda: hub.count_listeners() == 1)
    press = live.press("home-01")
    for board in (first, *rest):
        expect(board.locator(f"#row-{press}")).to_be_visible()
    browsers.check(rest[-1], "board-eighth-tab")
    first.close()
    press = live.press("home-02")
    for board in rest:
        expect(board.locator(f"#row-{press}")).to_be_visible()


def test_who_signs_in_on_the_same_browser_hears_nothing_of_who_was_there_before(browsers: BrowserHarness) -> None:
    live, hub = browsers.live, browsers.live.platform.hub
    before, after = (account_topic(live.actor(login).account_id) for login in ("carer", "carer2"))
    left = browsers.open("carer", PHONE)
    live.eventually(lambda: hub.count_listeners(before) == 1)
    page = left.context.new_page()
    page.add_init_script(HEARS)
    page.goto("/carer")
    page.evaluate("document.querySelector('form[action=\"/logout\"]').submit()")
    page.fill("#login", "carer2")
    page.fill("#password", live.passwords["carer2"])
    page.press("#password", "Enter")
    live.eventually(lambda: hub.count_listeners(after) == 1)
    hub.publish(before, "told")
    hub.publish(after, "visit")
    page.wait_for_function("window.heard.length > 0")
    assert page.evaluate("window.heard") == ["visit"]


def test_the_others_go_on_at_once_where_the_process_of_the_first_board_crashes(browsers: BrowserHarness) -> None:
    live, hub = browsers.live, browsers.live.platform.hub
    first = browsers.open("worker", DESKTOP)
    first.context.add_init_script(STREAM_ALONE)
    first.goto("/board")
    live.eventually(lambda: hub.count_listeners() == 1)
    rest = open_boards(first.context, 2)
    with first.expect_event("crash"), suppress(Error):
        first.goto("chrome://crash")
    press = live.press("home-01")
    for board in rest:
        expect(board.locator(f"#row-{press}")).to_be_visible()
    live.eventually(lambda: hub.count_listeners() == 1)


@pytest.mark.parametrize("lacking", [NO_SHARED_WORKER, FORBIDDEN, SILENT], ids=["absent", "forbidden", "crashed"])
def test_a_browser_without_the_worker_has_a_line_for_the_page_that_is_looked_at(
    browsers: BrowserHarness, lacking: str
) -> None:
    live, hub = browsers.live, browsers.live.platform.hub
    board = browsers.open("worker", DESKTOP)
    board.goto("about:blank")
    live.eventually(lambda: hub.count_listeners() == 0)
    board.add_init_script(STREAM_ALONE)
    board.add_init_script(lacking)
    board.clock.install()
    board.goto("/board")
    board.clock.run_for(20_000)
    live.eventually(lambda: hub.count_listeners() == 1)
    press = live.press("home-01")
    expect(board.locator(f"#row-{press}")).to_be_visible()
    board.evaluate(HIDE, True)
    live.eventually(lambda: hub.count_listeners() == 0)
    press = live.press("home-02")
    board.evaluate(HIDE, False)
    expect(board.locator(f"#row-{press}")).to_be_visible()


class WorkerHarness:
    """The worker's script in a page of its own, with a clock and a stream that the test moves."""

    STAGE = """
      window.name = "/events secret";
      window.lines = [];
      window.EventSource = class extends EventTarget {
        static CLOSED = 2;
        static OPEN = 1;
        readyState = 0;
        constructor(path) { super(); this.path = path; window.lines.push(this); }
        close() { this.readyState = 2; }
        become(state, name) { this.readyState = state; this.dispatchEvent(new Event(name)); }
      };
      window.ends = {};
      window.joinTab = (tab) => {
        const { port1, port2 } = new MessageChannel();
        window.ends[tab] = { port: port1, heard: [] };
        port1.onmessage = ({ data }) => window.ends[tab].heard.push(data);
        dispatchEvent(new MessageEvent("connect", { ports: [port2] }));
      };
    """

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.page.clock.install()
        self.page.evaluate(self.STAGE)
        worker = files("anju_dashboards") / "static" / "stream-worker.js"
        self.page.add_script_tag(content=worker.read_text(encoding="utf-8"))

    def join(self, tab: str) -> None:
        self.page.evaluate("tab => joinTab(tab)", tab)

    def say(self, tab: str, silence_ms: int) -> None:
        self.page.evaluate("([tab, ms]) => ends[tab].port.postMessage(ms)", [tab, silence_ms])

    def line(self, act: str) -> None:
        self.page.evaluate(f"lines.at(-1).{act}")

    def states(self) -> Any:  # noqa: ANN401 - what the page counts
        return self.page.evaluate("lines.map(line => line.readyState)")

    def heard(self, tab: str, words: list[str]) -> None:
        """Wait until a tab was told these words since it was asked last."""
        self.page.wait_for_function("([tab, count]) => ends[tab].heard.length >= count", arg=[tab, len(words)])
        assert self.page.evaluate(f"ends.{tab}.heard.splice(0)") == words


@pytest.fixture
def worker(chromium: Browser) -> Iterator[WorkerHarness]:
    harness = WorkerHarness(chromium)
    yield harness
    harness.page.close()


def test_the_worker_opens_one_line_for_all_and_closes_it_with_the_last(worker: WorkerHarness) -> None:
    for tab in ("a", "b"):
        worker.join(tab)
        worker.say(tab, 20_000)
        worker.heard(tab, ["here"])
    assert worker.states() == [0]
    assert worker.page.evaluate("lines[0].path") == "/events"
    worker.line("become(1, 'open')")
    worker.line("become(1, 'alert')")
    for tab in ("a", "b"):
        worker.heard(tab, ["open", "alert"])
    worker.say("a", 0)
    worker.heard("a", ["here"])
    assert worker.states() == [1]
    worker.say("b", 0)
    worker.heard("b", ["here"])
    assert worker.states() == [2]


def test_a_tab_that_falls_silent_keeps_no_line_open_and_is_told_to_look_when_it_is_back(worker: WorkerHarness) -> None:
    for tab in ("frozen", "awake"):
        worker.join(tab)
        worker.say(tab, 20_000)
        worker.heard(tab, ["here"])
    worker.line("become(1, 'open')")
    worker.say("awake", 150_000)
    worker.heard("awake", ["open", "here"])
    worker.page.clock.run_for(30_000)
    worker.line("become(1, 'alert')")
    worker.heard("awake", ["alert"])
    worker.heard("frozen", ["open"])
    worker.say("frozen", 20_000)
    worker.heard("frozen", ["open"])
    worker.page.clock.run_for(160_000)
    assert worker.states() == [2]


def test_a_line_that_was_refused_is_tried_again_and_the_tabs_know_meanwhile(worker: WorkerHarness) -> None:
    worker.join("a")
    worker.say("a", 20_000)
    worker.line("become(2, 'error')")
    worker.heard("a", ["here", "error"])
    worker.say("a", 20_000)
    worker.heard("a", ["error"])
    assert worker.states() == [2]
    worker.page.clock.run_for(6_000)
    worker.say("a", 20_000)
    worker.heard("a", ["error"])
    assert worker.states() == [2, 0]
    worker.line("become(1, 'open')")
    worker.heard("a", ["open"])
