"""The rota, and the note for the next on duty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures.alert_harness import Scene

from anju_core.escalation import Audience
from anju_platform.accounts.models import Account
from anju_platform.oncall.service import InvalidShift, RotaNotYours, ShiftNotFound


def test_who_is_on_duty_by_rank(scene: Scene) -> None:
    with scene.work() as work:
        assert [turn.name for turn in scene.duty.current(work, "anning", scene.clock.now())] == ["王姐", "小刘"]
        assert scene.duty.current(work, "elsewhere", scene.clock.now()) == []


def test_a_disabled_account_is_told_nothing(scene: Scene) -> None:
    with scene.work() as work:
        work.session.get_one(Account, scene.wang.account_id).disabled_at = scene.clock.now()
    with scene.work() as work:
        now = scene.clock.now()
        found = scene.duty.people(work, "anning", "home-01", list(Audience), now)
        assert scene.duty.person(work, scene.wang.account_id) is None
    assert found[Audience.DUTY_FIRST] == []
    assert [person.name for person in found[Audience.COMMUNITY]] == ["小刘"]
    assert [person.name for person in found[Audience.FAMILY]] == ["女儿"]


def test_only_a_supervisor_changes_the_rota(scene: Scene) -> None:
    now = scene.clock.now()
    times = {"rank": 1, "start": now, "end": now + timedelta(hours=8)}
    with scene.work() as work:
        with pytest.raises(RotaNotYours):
            scene.duty.put_on(work, scene.wang, "anning", scene.liu.account_id, **times)
        shift = scene.duty.put_on(work, scene.zhao, "anning", scene.liu.account_id, **times)
        assert len(scene.duty.current(work, "anning", now)) == 3
        with pytest.raises(RotaNotYours):
            scene.duty.take_off(work, scene.liu, shift.id)
        scene.duty.take_off(work, scene.zhao, shift.id)
        with pytest.raises(ShiftNotFound):
            scene.duty.take_off(work, scene.zhao, shift.id)
        with pytest.raises(ShiftNotFound):
            scene.duty.put_on(work, scene.stranger, "anning", scene.liu.account_id, **times)


@pytest.mark.parametrize(
    ("who", "change", "what"),
    [
        ("li", {}, "account"),
        ("stranger", {}, "account"),
        ("liu", {"rank": 0}, "rank"),
        ("liu", {"end": timedelta(0)}, "shift"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(scene: Scene, who: str, change: dict[str, object], what: str) -> None:
    now = scene.clock.now()
    times: dict[str, object] = {"rank": 1, "start": now, "end": now + timedelta(hours=8)}
    if "end" in change:
        change = {"end": now}
    with scene.work() as work, pytest.raises(InvalidShift) as refused:
        scene.duty.put_on(work, scene.zhao, "anning", scene.people[who].account_id, **{**times, **change})  # type: ignore[arg-type]
    assert refused.value.what == what


def test_a_note_waits_until_somebody_has_read_it(scene: Scene) -> None:
    with scene.work() as work:
        note = scene.duty.hand_over(work, scene.wang, "anning", " 3 号楼王奶奶今天没吃午饭 ")
        assert [row.note for row in scene.duty.unread(work, "anning")] == ["3 号楼王奶奶今天没吃午饭"]
        scene.duty.read(work, scene.liu, note.id)
        scene.duty.read(work, scene.wang, note.id)
        assert note.read_by == "小刘"
        assert scene.duty.unread(work, "anning") == []
        assert [row.id for row in scene.duty.latest(work, "anning")] == [note.id]
        for wrong in ("", " " * 9, "长" * 4001):
            with pytest.raises(InvalidShift):
                scene.duty.hand_over(work, scene.wang, "anning", wrong)
        with pytest.raises(ShiftNotFound):
            scene.duty.read(work, scene.stranger, note.id)
        with pytest.raises(ShiftNotFound):
            scene.duty.read(work, scene.liu, scene.liu.account_id)
