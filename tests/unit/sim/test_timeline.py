from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anju_sim.story import Stage, parse_story
from anju_sim.timeline import Timeline, judge, settled

STORY = parse_story(
    """name: small
title: A press
homes: {an: {with: [button]}}
happen:
  - {at: 0, home: an, action: press, id: press}
  - {at: 3, home: an, action: press, repeats: press}
must:
  - {event: press, stage: stored, within_s: 2}
  - {event: press, stage: told, say: heard, within_s: 1}
  - {event: press, stage: shown, within_s: 3}
  - {event: press, stage: visited, within_s: 60}
  - {event: press, stage: closed, within_s: 60}
""",
    "small.yaml",
)
ORIGIN = 1_790_000_000.0


def _iso(after_s: float) -> str:
    return datetime.fromtimestamp(ORIGIN + after_s, UTC).isoformat()


def _line() -> Timeline:
    line = Timeline(STORY.happen[0], "home-01", origin_s=ORIGIN, shown_s=ORIGIN + 0.4)
    line.told["heard"] = ORIGIN + 0.1
    steps = [("raised", 0.2), ("repeated", 3.2), ("taken", 5.0), ("visited", 9.0), ("resolved", 10.0)]
    history = [{"step": step, "at": _iso(at)} for step, at in steps]
    line.alerts["a"] = {"raised_at": _iso(0.2), "taken_at": _iso(5), "closed_at": _iso(10), "history": history}
    return line


def test_all_that_must_follow_did() -> None:
    lines = {"press": _line()}
    assert settled(STORY, lines)
    verdict = judge(STORY, lines, {})
    assert verdict.ok
    times = verdict.times["press"]
    assert times["stored"] == pytest.approx(0.2)
    assert times["told_heard"] == pytest.approx(0.1)
    assert times["taken"] == pytest.approx(5.0)


@pytest.mark.parametrize("stage", [Stage.SHOWN, Stage.TOLD, Stage.STORED, Stage.CLOSED])
def test_a_stage_that_is_late_or_never_came_fails(stage: Stage) -> None:
    late, never = _line(), _line()
    if stage is Stage.SHOWN:
        late.shown_s, never.shown_s = ORIGIN + 3.5, None
    elif stage is Stage.TOLD:
        late.told["heard"] = ORIGIN + 1.2
        never.told = {"seen": ORIGIN + 1}
    else:
        key = {"stored": "raised_at", "closed": "closed_at"}[stage]
        late.alerts["a"][key] = _iso(61)
        never.alerts["a"][key] = None
    for line, note in ((late, ""), (never, "worker take: 409")):
        verdict = judge(STORY, {"press": line}, {"press": note})
        failed = [finding for finding in verdict.findings if not finding.ok]
        assert [finding.what.split()[0] for finding in failed] == [stage]
        assert failed[0].note == note
    assert not settled(STORY, {"press": never})


def test_a_swallowed_repetition_a_second_alert_and_no_event_each_fail() -> None:
    swallowed, twice, nothing = _line(), _line(), Timeline(STORY.happen[0], "home-01")
    history = swallowed.alerts["a"]["history"]
    assert isinstance(history, list)
    del history[1]
    twice.alerts["b"] = dict(twice.alerts["a"])
    for line, what in ((swallowed, "the repetition counts"), (twice, "exactly one alert")):
        failed = [finding.what for finding in judge(STORY, {"press": line}, {}).findings if not finding.ok]
        assert failed == [what]
    verdict = judge(STORY, {"press": nothing}, {})
    assert not any(finding.ok for finding in verdict.findings)
    assert "never happened" in verdict.findings[0].note
