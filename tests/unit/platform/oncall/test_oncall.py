"""The rota, and the note for the next on duty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures.alert_harness import AlertHarness

from anju_core.escalation import Audience
from anju_platform.accounts.models import Account
from anju_platform.oncall.service import InvalidShift, RotaNotYours, ShiftNotFound


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
        harness.oncall.mark_handover_read(work, harness.wang, note.id)
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
