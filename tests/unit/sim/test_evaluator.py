from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anju_sim.evaluator import evaluate_run, is_complete
from anju_sim.scenario import AlertStage, parse_scenario
from anju_sim.timeline import EventTimeline

SCENARIO = parse_scenario(
    """name: small
title: A press
homes: {an: {devices: [button]}}
events:
  - {at_s: 0, home: an, action: press, id: press}
  - {at_s: 3, home: an, action: press, repeats: press}
expect:
  - {event: press, stage: stored, within_s: 2}
  - {event: press, stage: announced, announcement: heard, within_s: 1}
  - {event: press, stage: shown, within_s: 3}
  - {event: press, stage: visited, within_s: 60}
  - {event: press, stage: closed, within_s: 60}
""",
    "small.yaml",
)
ORIGIN = 1_790_000_000.0


def _iso(after_s: float) -> str:
    return datetime.fromtimestamp(ORIGIN + after_s, UTC).isoformat()


def _timeline() -> EventTimeline:
    timeline = EventTimeline(SCENARIO.events[0], "home-01", origin_s=ORIGIN, shown_s=ORIGIN + 0.4)
    timeline.announced["heard"] = ORIGIN + 0.1
    said = [("heard", 0.1), ("seen", 0.4), ("coming", 5.2), ("closed", 10.2)]
    timeline.heard = [(ORIGIN + at, what) for what, at in said]
    steps = [("raised", 0.2), ("repeated", 3.2), ("acknowledged", 5.0), ("visited", 9.0), ("resolved", 10.0)]
    history = [{"step": step, "at": _iso(at)} for step, at in steps]
    timeline.alerts["a"] = {
        "kind": "sos",
        "raised_at": _iso(0.2),
        "acknowledged_at": _iso(5),
        "closed_at": _iso(10),
        "history": history,
    }
    return timeline


def test_every_expectation_is_met() -> None:
    timelines = {"press": _timeline()}
    assert is_complete(SCENARIO, timelines)
    verdict = evaluate_run(SCENARIO, timelines, {}, ORIGIN + 60)
    assert verdict.ok
    times = verdict.times["press"]
    assert times["stored"] == pytest.approx(0.2)
    assert times["announced_heard"] == pytest.approx(0.1)
    assert times["acknowledged"] == pytest.approx(5.0)


@pytest.mark.parametrize("stage", [AlertStage.SHOWN, AlertStage.ANNOUNCED, AlertStage.STORED, AlertStage.CLOSED])
def test_a_stage_that_is_late_or_never_came_fails(stage: AlertStage) -> None:
    late, never = _timeline(), _timeline()
    if stage is AlertStage.SHOWN:
        late.shown_s, never.shown_s = ORIGIN + 3.5, None
    elif stage is AlertStage.ANNOUNCED:
        late.announced["heard"] = ORIGIN + 1.2
        never.announced = {"seen": ORIGIN + 1}
    else:
        key = {"stored": "raised_at", "closed": "closed_at"}[stage]
        late.alerts["a"][key] = _iso(61)
        never.alerts["a"][key] = None
    for timeline, pending in ((late, ""), (never, "worker acknowledge: 409")):
        verdict = evaluate_run(SCENARIO, {"press": timeline}, {"press": pending}, ORIGIN + 60)
        failed = [finding for finding in verdict.findings if not finding.ok]
        assert [finding.what.split()[0] for finding in failed] == [stage]
        assert failed[0].note == pending
    assert not is_complete(SCENARIO, {"press": never})


def test_a_lost_repetition_a_second_alert_and_no_event_each_fail() -> None:
    lost, twice, nothing = _timeline(), _timeline(), EventTimeline(SCENARIO.events[0], "home-01")
    history = lost.alerts["a"]["history"]
    assert isinstance(history, list)
    del history[1]
    twice.alerts["b"] = dict(twice.alerts["a"])
    for timeline, what in ((lost, "the repetition counts"), (twice, "exactly one alert")):
        verdict = evaluate_run(SCENARIO, {"press": timeline}, {}, ORIGIN + 60)
        assert [finding.what for finding in verdict.findings if not finding.ok] == [what]
    verdict = evaluate_run(SCENARIO, {"press": nothing}, {}, ORIGIN + 60)
    assert not any(finding.ok for finding in verdict.findings)
    assert "never happened" in verdict.findings[0].note
