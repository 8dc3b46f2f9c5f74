"""The supervisor takes a shift off the rota on the page, with a reason; the record says who, when, whose and why."""

from __future__ import annotations

from datetime import timedelta

from fixtures.tenants import District
from sqlalchemy import select

from anju_platform.oncall.models import Shift, ShiftChange


def _second_shift(district: District) -> Shift:
    """Add a shift beside the one that the community has."""
    with district.platform.work() as work:
        known = work.session.get_one(Shift, district.own.shift)
        other = Shift(id=work.new_id(), community_id=known.community_id, account_id=known.account_id, rank=2)
        other.start, other.end = known.start - timedelta(hours=1), known.end + timedelta(hours=1)
        work.session.add(other)
    return other


def test_a_shift_is_taken_off_with_its_reason_on_record(district: District) -> None:
    other = _second_shift(district)
    way = f"/shift/rota/{district.own.shift}/remove"
    page = district.ask("supervisor", "GET", "/shift").text
    assert way in page
    assert f"/shift/rota/{other.id}/remove" in page
    assert page.index('action="/shift"') < page.index("/shift/rota/"), "handing over comes before weeks of shifts"
    done = district.ask("supervisor", "POST", way, data={"why": "王姐请假"})
    assert (done.status_code, done.headers.get("location")) == (303, "/shift")
    after = district.ask("supervisor", "GET", "/shift").text
    assert way not in after
    assert "王姐请假" in after, "the page shows the record"
    with district.platform.work() as work:
        (change,) = work.session.scalars(select(ShiftChange).where(ShiftChange.shift_id == district.own.shift))
        assert (change.what, change.why, change.by_name) == ("removed", "王姐请假", "supervisor 王")
        assert work.session.get(Shift, district.own.shift) is None


def test_only_who_keeps_the_rota_is_offered_it_and_only_there(district: District) -> None:
    _second_shift(district)
    assert "/shift/rota/" not in district.ask("worker", "GET", "/shift").text
    way = f"/shift/rota/{district.own.shift}/remove"
    assert district.ask("worker", "POST", way, data={"why": "x"}).status_code == 403
    assert district.ask("supervisor-2", "POST", way, data={"why": "x"}).status_code == 404
    assert district.own.shift.hex not in district.ask("supervisor-2", "GET", "/shift").text.replace("-", "")
    with district.platform.work() as work:
        assert work.session.get(Shift, district.own.shift) is not None


def test_the_last_on_call_stays_and_the_page_says_why(district: District) -> None:
    way = f"/shift/rota/{district.own.shift}/remove"
    refused = district.ask("supervisor", "POST", way, data={"why": "x"})
    assert refused.status_code == 409
    assert "这样就没有人值班了" in refused.text
    assert way in district.ask("supervisor", "GET", "/shift").text
