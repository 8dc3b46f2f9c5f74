from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
from fixtures._simulated_homes import fleet

from anju_sim.control import Action
from anju_sim.fleet import FleetUnreadable, HomeUnknown, load_fleet
from anju_sim.story import Deed, PartNotCast, Stage, StoryInvalid, cast, load_story, parse_story, shipped

TEXT = """name: small
title: A press
homes:
  an: {with: [button]}
  bo: {with: [wearable]}
happen:
  - {at: 0, home: an, action: press, id: press}
  - {at: 3, home: an, action: press, repeats: press}
  - {at: 3, home: bo, action: cut}
people:
  - {who: worker, does: take}
must:
  - {event: press, stage: stored, within_s: 2}
"""


def test_every_shipped_story_can_be_cast() -> None:
    assert "first-path" in shipped()
    for name in shipped():
        story = load_story(name)
        parts = cast(story, fleet(6))
        assert len({home.home for home in parts.values()}) == len(story.homes)


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("action: press, id", "action: pres, id", 7, "happen[0].action"),
        ("at: 0", "at: -1", 7, "happen[0].at"),
        ("at: 0", "att: 0", 7, "happen[0]"),
        ("stage: stored", "stage: stord", 13, "must[0].stage"),
        ("event: press, stage", "event: fall, stage", 13, "must[0].event"),
        ("home: bo, action", "home: cy, action", 9, "happen[2].home"),
        ("repeats: press", "repeats: fall", 8, "happen[1].repeats"),
        ("action: cut}", "action: cut, id: cut}", 9, "happen[2].id"),
        ("repeats: press", "id: press", 7, "happen"),
        (", id: press", "", 8, "happen[1].repeats"),
        ("[wearable]", "[watch]", 5, "homes[...].with[0]"),
        ("who: worker", "who: [", 11, ""),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, field: str) -> None:
    assert old in TEXT
    with pytest.raises(StoryInvalid) as caught:
        parse_story(TEXT.replace(old, new), "small.yaml")
    if field != "homes[...].with[0]":
        assert caught.value.line == line
    assert caught.value.field == field
    assert str(caught.value).startswith("small.yaml")


def test_a_story_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(StoryInvalid, match="first-path"):
        load_story("no-such-story")


def test_the_hardest_part_to_cast_comes_first_and_none_twice() -> None:
    story = parse_story(TEXT, "small.yaml")
    parts = cast(story, fleet(2))
    assert parts["bo"].home == "home-01", "the only wearable"
    assert parts["an"].home == "home-02"
    with pytest.raises(PartNotCast, match="wearable"):
        cast(parse_story(TEXT.replace("[button]", "[button, wearable]"), "s"), fleet(2))


def test_homes_that_fall_silent_live_no_life_of_their_own() -> None:
    story = load_story("first-path")
    assert story.quiet_parts() == {h.home for h in story.happen if h.action is Action.SILENCE}


def test_a_fleet_file_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_bytes(msgspec.json.encode(fleet(2)))
    assert load_fleet(path) == fleet(2)
    with pytest.raises(HomeUnknown, match="home-01"):
        load_fleet(path).home("nowhere")
    path.write_text('{"homes": [{"home": 3}]}')
    with pytest.raises(FleetUnreadable, match=r"homes\[0\]\.home"):
        load_fleet(path)
    with pytest.raises(FleetUnreadable, match="No such file"):
        load_fleet(tmp_path / "none.json")


def test_the_document_names_every_action_stage_and_deed_and_its_story_can_be_read() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for word in (*Action, *Stage, *Deed):
        assert f"`{word}`" in text, word
    lines = text.partition("    name: small\n")[2].partition("\nStages:")[0]
    story = parse_story("name: small\n" + dedent(lines), "docs/simulator.md")
    assert [must.stage for must in story.must] == [Stage.TOLD, Stage.STORED, Stage.SHOWN, Stage.CLOSED]
