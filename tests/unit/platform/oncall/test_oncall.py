"""The rota, and the note for the next on duty."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import AlertHarness

from anju_core.escalation import Audience
from anju_core.scope import WHOLE_DISTRICT
from anju_platform.accounts.models import Account
from anju_platform.oncall.models import Shift
from anju_platform.oncall.service import InvalidShift, NobodyOnCall, RotaNotYours, ShiftNotFound


def test_who_is_on_duty_by_rank(harness: AlertHarness) -> None:
    with harness.work() as work:
        assert [turn.name for turn in harness.oncall.list_on_call(work, "anning", harness.clock.now())] == [
            "王姐",
            "小刘",
        ]
        assert harness.oncall.list_on_call(work, "elsewhere", harness.clock.now()) == []


def test_a_disabled_account_is_told_nothing(harness: AlertHarness) -> None:
    with harness.work() as work:
        work.session.get_one(Account, harness.wang.account_id).disabled_at = harness.clock.now()
    with harness.work() as work:
        now = harness.clock.now()
        found = harness.oncall.resolve_audiences(work, "anning", "home-01", list(Audience), now)
        assert harness.oncall.find_person(work, harness.wang.account_id) is None
    assert found[Audience.DUTY_FIRST] == []
    assert [person.name for person in found[Audience.COMMUNITY]] == ["小刘"]
    assert [person.name for person in found[Audience.FAMILY]] == ["女儿"]


def test_only_a_supervisor_changes_the_rota(harness: AlertHarness) -> None:
    now = harness.clock.now()
    times = {"rank": 1, "start": now, "end": now + timedelta(hours=8)}
    with harness.work() as work:
        with pytest.raises(RotaNotYours):
            harness.oncall.add_shift(work, harness.wang, "anning", harness.liu.account_id, **times)
        shift = harness.oncall.add_shift(work, harness.zhao, "anning", harness.liu.account_id, **times)
        assert len(harness.oncall.list_on_call(work, "anning", now)) == 3
        with pytest.raises(RotaNotYours):
            harness.oncall.remove_shift(work, harness.liu, shift.id)
        harness.oncall.remove_shift(work, harness.zhao, shift.id)
        with pytest.raises(ShiftNotFound):
            harness.oncall.remove_shift(work, harness.zhao, shift.id)
        with pytest.raises(ShiftNotFound):
            harness.oncall.add_shift(work, harness.stranger, "anning", harness.liu.account_id, **times)


@pytest.mark.parametrize(
    ("who", "change", "what"),
    [
        ("li", {}, "account"),
        ("stranger", {}, "account"),
        ("liu", {"rank": 0}, "rank"),
        ("liu", {"end": timedelta(0)}, "shift"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(
    harness: AlertHarness, who: str, change: dict[str, object], what: str
) -> None:
    now = harness.clock.now()
    times: dict[str, object] = {"rank": 1, "start": now, "end": now + timedelta(hours=8)}
    if "end" in change:
        change = {"end": now}
    with harness.work() as work, pytest.raises(InvalidShift) as refused:
        harness.oncall.add_shift(work, harness.zhao, "anning", harness.people[who].account_id, **{**times, **change})  # type: ignore[arg-type]
    assert refused.value.what == what


def test_a_note_waits_until_somebody_has_read_it(harness: AlertHarness) -> None:
    with harness.work() as work:
        note = harness.oncall.leave_handover(work, harness.wang, "anning", " 3 号楼王奶奶今天没吃午饭 ")
        assert [row.note for row in harness.oncall.list_unread_handovers(work, "anning")] == [
            "3 号楼王奶奶今天没吃午饭"
        ]
        harness.oncall.mark_handover_read(work, harness.liu, note.id)
        harness.oncall.mark_handover_read(work, harness.zhao, note.id)
        assert note.read_by == "小刘"
        assert harness.oncall.list_unread_handovers(work, "anning") == []
        assert [row.id for row in harness.oncall.list_handovers(work, "anning")] == [note.id]
        for wrong in ("", " " * 9, "长" * 4001):
            with pytest.raises(InvalidShift):
                harness.oncall.leave_handover(work, harness.wang, "anning", wrong)
        with pytest.raises(ShiftNotFound):
            harness.oncall.mark_handover_read(work, harness.stranger, note.id)
        with pytest.raises(ShiftNotFound):
            harness.oncall.mark_handover_read(work, harness.liu, harness.liu.account_id)


def shift_ids(harness: AlertHarness) -> list[UUID]:
    with harness.work() as work:
        return [turn.shift_id for turn in harness.oncall.list_on_call(work, "anning", harness.clock.now())]


def test_the_last_shift_is_not_removed_and_every_change_says_who_when_and_why(harness: AlertHarness) -> None:
    first, last = shift_ids(harness)
    with harness.work() as work:
        harness.oncall.remove_shift(work, harness.zhao, first, "病假")
    with pytest.raises(NobodyOnCall) as refused, harness.work() as work:
        harness.oncall.remove_shift(work, harness.zhao, last)
    assert refused.value.community_id == "anning"
    assert shift_ids(harness) == [last]
    removed_at, now = harness.clock.now(), harness.clock.forward(1)
    with harness.work() as work:
        start, end = now - timedelta(hours=1), now + timedelta(days=15)
        harness.oncall.add_shift(work, harness.zhao, "anning", harness.wang.account_id, rank=1, start=start, end=end)
    harness.clock.forward(1)
    with harness.work() as work:
        harness.oncall.remove_shift(work, harness.zhao, last)
        changes = harness.oncall.list_changes(work, harness.wang, "anning")
    assert [(one.what, one.by_name, one.why) for one in reversed(changes)] == [
        ("removed", "赵主任", "病假"),
        ("added", "赵主任", ""),
        ("removed", "赵主任", ""),
    ]
    assert (changes[-1].account_id, changes[-1].shift_id, changes[-1].at) == (
        harness.wang.account_id,
        first,
        removed_at,
    )
    with pytest.raises(ShiftNotFound), harness.work() as work:
        harness.oncall.list_changes(work, harness.stranger, "anning")


def test_a_shift_of_a_closed_account_covers_nothing(harness: AlertHarness) -> None:
    with harness.work() as work:
        work.session.get_one(Account, harness.liu.account_id).disabled_at = harness.clock.now()
    (only,) = shift_ids(harness)
    with pytest.raises(NobodyOnCall), harness.work() as work:
        harness.oncall.remove_shift(work, harness.zhao, only)


def test_who_alone_is_on_call_cannot_leave(harness: AlertHarness) -> None:
    with harness.work() as work:
        harness.oncall.check_leaving(work, harness.wang.account_id)
        for shift in work.session.query(Shift).filter_by(account_id=harness.liu.account_id):
            work.session.delete(shift)
    with pytest.raises(NobodyOnCall), harness.work() as work:
        harness.oncall.check_leaving(work, harness.wang.account_id)


def test_a_community_without_anybody_on_call_is_named(harness: AlertHarness) -> None:
    with harness.work() as work:
        everywhere = harness.oncall.list_unattended(work, WHOLE_DISTRICT, harness.clock.now())
        here = harness.oncall.list_unattended(work, harness.wang.scope, harness.clock.now())
    assert ([one.id for one in everywhere], here) == (["elsewhere"], [])
