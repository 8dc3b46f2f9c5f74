"""The tester's slice: orders drawn through their stages, saved as scenarios that the simulator can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures._simulated_homes import fleet, home

from anju_core.vocabulary import INACTIVITY_KINDS, AlertKind, AlertStep
from anju_platform.i18n.display_names import LABELS
from anju_platform.read_models.tester.command_trace import trace_stages
from anju_platform.read_models.tester.deadline_preview import InvalidLife, deadlines
from anju_platform.read_models.tester.scenario_export import write_scenario
from anju_platform.read_models.tester.simulator_link import CommandTrace, SimulatorLink
from anju_platform.settings import load
from anju_sim.resident_model import DAY_S, ResidentModel
from anju_sim.scenario import bind_homes, parse_scenario
from anju_sim.silence_history import signs_of_life
from anju_wire.simulation import ALERT_KINDS, SimAction

NOW = 1_790_000_000.0


def _at(after_s: float) -> datetime:
    return datetime.fromtimestamp(NOW + after_s, UTC)


def _alert(home_id: str = "home-01", kind: AlertKind = AlertKind.SOS, happened: float = 0.0) -> Any:  # noqa: ANN401
    steps = [
        (AlertStep.RAISED, 0.3),
        (AlertStep.NOTIFIED, 3.8),
        (AlertStep.ACKNOWLEDGED, 9.0),
        (AlertStep.REPEATED, 60.0),
    ]
    history = [SimpleNamespace(step=step, at=_at(at + happened)) for step, at in steps]
    return SimpleNamespace(
        id="a", home_id=home_id, kind=kind, happened_at=_at(happened), due_since=_at(happened), history=history
    )


def test_an_event_is_drawn_through_its_stages_with_what_was_late() -> None:
    command = CommandTrace("1", "home-01", SimAction.PRESS, stages=[("pressed", NOW), ("heard", NOW + 0.12)])
    line = trace_stages(command, [_alert("home-02"), _alert(kind=AlertKind.FALL), _alert()])
    assert {stage.name: stage.ms for stage in line.stages} == {
        "pressed": 0,
        "spooled": 120,
        "raised": 300,
        "notified": 3800,
        "taken": 9000,
        "visited": None,
        "closed": None,
    }
    assert [stage.name for stage in line.stages if stage.late] == ["notified"]


def test_another_times_alert_is_not_its_own_but_a_repetition_is() -> None:
    command = CommandTrace("1", "home-01", SimAction.PRESS, stages=[("pressed", NOW)])
    assert trace_stages(command, [_alert(happened=-3600)]).alert_id is None
    assert trace_stages(command, [_alert(happened=-60)]).alert_id == "a", "pressed again a minute later"


def test_what_happens_without_an_alert_has_one_stage() -> None:
    line = trace_stages(CommandTrace("1", "home-01", SimAction.CUT, stages=[("done", NOW)]), [])
    assert [stage.name for stage in line.stages] == ["pressed"]


def test_the_simulators_events_are_kept_by_order_and_bad_ones_left() -> None:
    link = SimulatorLink(load())
    for stage, at in (("pressed", 1.0), ("heard", 1.5), ("heard", 9.0)):
        event = {"id": "1", "home": "home-01", "action": "press", "at": at, "stage": stage}
        link.handle_event(json.dumps(event).encode())
    refused = {"id": "2", "home": "h", "action": "fall", "at": 2, "stage": "refused", "detail": {"why": "no wearable"}}
    link.handle_event(json.dumps(refused).encode())
    for bad in (b"{", b"[]", b'{"id": 1}', b"\xff"):
        link.handle_event(bad)
    for uncaused in (refused | {"id": "", "action": ""}, refused | {"id": "3", "action": "dance"}):
        link.handle_event(json.dumps(uncaused).encode())
    two, one = link.list_commands()
    assert one.stages == [("pressed", 1.0), ("heard", 1.5)]
    assert (two.refusal, two.stages) == ("no wearable", [])


def test_every_action_has_a_name_and_raises_what_the_platform_knows() -> None:
    assert set(SimAction) == set(LABELS["action"])
    assert {kind for kinds in ALERT_KINDS.values() for kind in kinds} <= set(AlertKind)
    assert ALERT_KINDS[SimAction.SILENCE] == INACTIVITY_KINDS


def test_a_saved_scenario_can_be_run_again() -> None:
    done = [
        (NOW, CommandTrace("1", "home-01", SimAction.FALL)),
        (NOW + 2.04, CommandTrace("2", "home-02", SimAction.PRESS)),
        (NOW + 5, CommandTrace("3", "home-02", SimAction.CUT, {"silent": True})),
    ]
    scenario = parse_scenario(write_scenario(done), "saved.yaml")
    assert [(e.at_s, e.action, e.id) for e in scenario.events] == [
        (0.0, "fall", "fall1"),
        (2.0, "press", "press2"),
        (5.0, "cut", ""),
    ]
    assert scenario.events[2].args == {"silent": True}
    assert len(bind_homes(scenario, fleet(4))) == 2
    assert {one.event for one in scenario.expect} == {"fall1", "press2"}


def test_deadlines_are_asked_of_the_real_detector_and_in_any_order() -> None:
    told = {device.id: (str(device.room), str(device.kind)) for device in home().devices}
    past = signs_of_life(list(ResidentModel(home(), 1).events_between(NOW - 10 * DAY_S, NOW)))
    life = [(h.at_s, *told[h.device]) for h in past]
    ends = [past[-200].at_s, past[-1].at_s, past[-50].at_s, past[0].at_s - 1]
    found = deadlines(life, ends, 1.0, 28800.0)
    assert found[3] is None, "no life yet, nothing is due"
    for end, due in zip(ends[:3], found[:3], strict=True):
        assert due is not None
        assert 900 < due - end < 24.5 * 3600
    assert found[2] == deadlines(life, [ends[2]], 1.0, 28800.0)[0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((float("nan"), "living", "motion"), "not a time"),
        ((1.0, "cellar", "motion"), "cellar"),
        ((1.0, "living", "cat"), "cat"),
    ],
)
def test_a_life_that_cannot_be_one_is_refused_with_its_place(row: tuple[float, str, str], why: str) -> None:
    with pytest.raises(InvalidLife, match=why) as caught:
        deadlines([(0.0, "living", "motion"), row], [2.0], 1.0, 0.0)
    assert caught.value.index == 1
