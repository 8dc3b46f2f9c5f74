from __future__ import annotations

import warnings
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
from fixtures._simulated_homes import fleet

from anju_sim.scenario import (
    AlertStage,
    HomeNotBound,
    StaffAction,
    bind_homes,
    load_scenario,
    parse_scenario,
    shipped_scenarios,
)
from anju_sim.scenario_yaml import FormerNames, ScenarioInvalid
from anju_wire.fleet import FleetUnreadable, HomeUnknown, load_fleet
from anju_wire.simulation import SimAction

TEXT = """name: small
title: A press
homes:
  an: {devices: [button]}
  bo: {devices: [wearable]}
events:
  - {at_s: 0, home: an, action: press, id: press}
  - {at_s: 3, home: an, action: press, repeats: press}
  - {at_s: 3, home: bo, action: cut}
staff:
  - {role: worker, action: acknowledge}
expect:
  - {event: press, stage: stored, within_s: 2}
"""
FORMER = """name: small
title: A press
homes:
  an: {with: [button]}
  bo: {with: [wearable]}
happen:
  - {at: 0, home: an, action: press, id: press, args: {at: 1}}
  - {at: 3, home: an, action: press, repeats: press}
people:
  - {who: worker, does: take}
  - {who: worker, does: contacted}
  - {who: carer, does: tasks}
must:
  - {event: press, stage: told, say: heard, within_s: 2}
  - {event: press, stage: taken, within_s: 2}
"""


def test_every_shipped_scenario_can_be_bound_to_the_demos_homes() -> None:
    assert "first-path" in shipped_scenarios()
    for name in shipped_scenarios():
        scenario = load_scenario(name)
        bindings = bind_homes(scenario, fleet(6))
        assert len({home.home for home in bindings.values()}) == len(scenario.homes)


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("action: press, id", "action: pres, id", 7, "events[0].action"),
        ("at_s: 0", "at_s: -1", 7, "events[0].at_s"),
        ("at_s: 0", "att: 0", 7, "events[0]"),
        ("stage: stored", "stage: stord", 13, "expect[0].stage"),
        ("event: press, stage", "event: fall, stage", 13, "expect[0].event"),
        ("home: bo, action", "home: cy, action", 9, "events[2].home"),
        ("repeats: press", "repeats: fall", 8, "events[1].repeats"),
        ("action: cut}", "action: cut, id: cut}", 9, "events[2].id"),
        ("repeats: press", "id: press", 7, "events"),
        (", id: press", "", 8, "events[1].repeats"),
        ("[wearable]", "[watch]", 5, "homes[...].devices[0]"),
        ("role: worker", "role: [", 11, ""),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, field: str) -> None:
    assert old in TEXT
    with pytest.raises(ScenarioInvalid) as caught:
        parse_scenario(TEXT.replace(old, new), "small.yaml")
    if field != "homes[...].devices[0]":
        assert caught.value.line == line
    assert caught.value.field == field
    assert str(caught.value).startswith("small.yaml")


def test_names_of_the_release_before_are_read_with_a_warning_that_says_todays() -> None:
    with pytest.warns(FormerNames, match=r"small.yaml.*does \(now action\).*take \(now acknowledge\)") as caught:
        scenario = parse_scenario(FORMER, "small.yaml")
    for former in ("at", "contacted", "happen", "must", "people", "say", "taken", "tasks", "told", "who", "with"):
        assert f"{former} (now " in str(caught[0].message)
    assert [(event.at_s, event.id, event.args) for event in scenario.events] == [(0, "press", {"at": 1}), (3, "", {})]
    actions = [StaffAction.ACKNOWLEDGE, StaffAction.LOG_CONTACT, StaffAction.COMPLETE_TASKS]
    assert [step.action for step in scenario.staff] == actions
    assert [(one.stage, one.announcement) for one in scenario.expect] == [
        (AlertStage.ANNOUNCED, "heard"),
        (AlertStage.ACKNOWLEDGED, None),
    ]
    assert bind_homes(scenario, fleet(2)).keys() == {"an", "bo"}


def test_a_mistake_under_a_former_name_has_its_line_and_todays_name_of_the_field() -> None:
    with pytest.warns(FormerNames), pytest.raises(ScenarioInvalid) as caught:
        parse_scenario(FORMER.replace("does: contacted", "does: contcted"), "small.yaml")
    assert (caught.value.line, caught.value.field) == (11, "staff[1].action")


def test_todays_names_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_scenario(TEXT, "small.yaml")


def test_a_scenario_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ScenarioInvalid, match="first-path"):
        load_scenario("no-such-scenario")


def test_the_home_that_is_hardest_to_bind_comes_first_and_none_twice() -> None:
    bindings = bind_homes(parse_scenario(TEXT, "small.yaml"), fleet(2))
    assert bindings["bo"].home == "home-01", "the only wearable"
    assert bindings["an"].home == "home-02"
    with pytest.raises(HomeNotBound, match="wearable"):
        bind_homes(parse_scenario(TEXT.replace("[button]", "[button, wearable]"), "s"), fleet(2))


def test_homes_that_fall_silent_have_no_events_of_their_own() -> None:
    scenario = load_scenario("first-path")
    assert scenario.silent_homes() == {event.home for event in scenario.events if event.action is SimAction.SILENCE}


def test_a_fleet_file_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_bytes(msgspec.json.encode(fleet(2)))
    assert load_fleet(path) == fleet(2)
    with pytest.raises(HomeUnknown, match="home-01"):
        load_fleet(path).find_home("nowhere")
    path.write_text('{"homes": [{"home": 3}]}')
    with pytest.raises(FleetUnreadable, match=r"homes\[0\]\.home"):
        load_fleet(path)
    with pytest.raises(FleetUnreadable, match="No such file"):
        load_fleet(tmp_path / "none.json")


def test_the_document_names_every_action_and_stage_and_its_scenario_can_be_read() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for word in (*SimAction, *AlertStage, *StaffAction):
        assert f"`{word}`" in text, word
    lines = text.partition("    name: small\n")[2].partition("\nStages:")[0]
    scenario = parse_scenario("name: small\n" + dedent(lines), "docs/simulator.md")
    stages = [AlertStage.ANNOUNCED, AlertStage.STORED, AlertStage.SHOWN, AlertStage.CLOSED]
    assert [one.stage for one in scenario.expect] == stages
