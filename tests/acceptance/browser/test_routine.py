"""A life that changes: a quiet note on the board by day, the pictures on the home's page, and the note read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from fixtures._browser import DESKTOP, PHONE, BrowserHarness, LivePlatform
from fixtures._page_views import routine_day
from playwright.sync_api import expect
from sqlalchemy import delete, select

from anju_core.reasons import ReasonCode
from anju_core.vocabulary import AlertKind
from anju_platform.accounts.models import AuditEvent
from anju_platform.app.fleet import COMMUNITY
from anju_platform.residents.models import Community
from anju_platform.routine.models import RoutineDay, RoutineNote

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOME = "home-02"
SIZES = {"desktop": DESKTOP, "phone": PHONE}
LOOKS = [("desktop", "light", "zh"), ("desktop", "dark", "en"), ("phone", "dark", "zh"), ("phone", "light", "en")]
FIELDS = ("sleep_h", "wake_h", "night_bathroom", "night_active_min", "out_h", "active_h", "day_rest_h")
ZH = "本周夜间如厕 5 次/晚，过去 4 周通常 2 次/晚"
EN = "Visits to the bathroom at night this week: 5 a night; usually 2 a night in the 4 weeks before"


@contextmanager
def local_hour(live: LivePlatform, hour: int) -> Iterator[None]:
    """As if the community lived where it is this hour now."""
    ahead = (hour - live.now().hour + 11) % 24 - 11
    with live.platform.work() as work:
        row = work.session.get_one(Community, COMMUNITY)
        before, row.timezone = row.timezone, f"Etc/GMT{-ahead:+d}"
    try:
        yield
    finally:
        with live.platform.work() as work:
            work.session.get_one(Community, COMMUNITY).timezone = before


def a_month(live: LivePlatform) -> None:
    """Thirty digests and a note that nobody has read."""
    today = _today(live)
    with live.platform.work() as work:
        work.session.execute(delete(RoutineNote))
        work.session.execute(delete(RoutineDay).where(RoutineDay.home_id == HOME))
        for number in range(1, 32):
            made = routine_day(today - timedelta(days=number), number)
            row = RoutineDay(home_id=HOME, day=made.day, known=made.known, rooms=["living"])
            for name in FIELDS:
                setattr(row, name, getattr(made, name))
            work.session.add(row)
        note = RoutineNote(id=work.new_id(), home_id=HOME, day=today, measure="night_bathroom", kind="gradual")
        note.recent, note.usual, note.p, note.at = 5.0, 2.0, 0.002, live.now()
        note.reason_code = ReasonCode.ROUTINE_CHANGE
        note.reason_facts = {"measure": note.measure, "kind": note.kind, "recent": 5.0, "usual": 2.0, "weeks": 4}
        work.session.add(note)


def _today(live: LivePlatform) -> date:
    with live.platform.work() as work:
        zone = work.session.get_one(Community, COMMUNITY).timezone
    return live.now().astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_the_note_and_the_pictures(browsers: BrowserHarness, look: tuple[str, str, str]) -> None:
    size, theme, lang = look
    with local_hour(browsers.live, 12):
        a_month(browsers.live)
        browsers.live.raise_alert("home-03", AlertKind.INACTIVITY, ago=timedelta(hours=5, minutes=10), score=0.82)
        worker = browsers.open("worker", SIZES[size], theme=theme, lang=lang)
        expect(worker.locator(".quiet")).to_contain_text(ZH if lang == "zh" else EN)
        browsers.check(worker, f"routine-note-{'-'.join(look)}", full=True)
        for days in (7, 30):
            worker.goto(f"/homes/{HOME}?days={days}")
            expect(worker.locator(".routine figure")).to_have_count(4)
            worker.locator(".routine").scroll_into_view_if_needed()
            worker.locator("section[aria-labelledby=routine] summary").click()
            section = worker.locator("section[aria-labelledby=routine]")
            browsers.check(worker, f"routine-{days}-{'-'.join(look)}", section=section)


def test_a_note_is_read_with_the_keyboard_and_gone(browsers: BrowserHarness) -> None:
    with local_hour(browsers.live, 12):
        a_month(browsers.live)
        worker = browsers.open("worker", DESKTOP)
        button = worker.get_by_role("button", name="已知晓")
        button.focus()
        worker.keyboard.press("Enter")
        expect(worker.locator(".quiet")).to_have_count(0)
        expect(worker.locator(".board-head")).to_be_visible()
    with browsers.live.platform.work() as work:
        (note,) = work.session.scalars(select(RoutineNote)).all()
        read = work.session.scalars(select(AuditEvent).where(AuditEvent.what == "routine_note")).all()
    assert note.read_by_name == "王姐"
    assert [(look.by_name, look.home_id) for look in read] == [("王姐", HOME)]


def test_at_night_no_note_is_shown_and_none_makes_a_sound(browsers: BrowserHarness) -> None:
    with local_hour(browsers.live, 2):
        a_month(browsers.live)
        worker = browsers.open("worker", DESKTOP)
        expect(worker.locator(".empty").first).to_be_visible()
        expect(worker.locator(".quiet")).to_have_count(0)
        expect(worker.locator("#alarms [data-alert]")).to_have_count(0)


def test_the_nightly_pass_runs_by_itself(browsers: BrowserHarness) -> None:
    def kept() -> bool:
        with browsers.live.platform.work() as work:
            query = select(RoutineDay).where(RoutineDay.home_id == "home-01", RoutineDay.known)
            return len(work.session.scalars(query).all()) >= 6

    browsers.live.eventually(kept, 60.0)
