"""The oracle of what elders hear: it accepts the truth, and finds silence and every kind of untruth."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anju_sim.elder_oracle import ElderRecord, Truth, find_untruths, read_records
from anju_sim.scenario import ScenarioEvent
from anju_sim.timeline import EventTimeline
from anju_wire.simulation import SimAction

T0 = 1_790_000_000.0
Steps = list[tuple[float, str]]
MINUTES: Steps = [(0.1, "heard"), (0.5, "seen"), (60.3, "seen"), (120.3, "seen")]
TAKEN: Steps = [(0.2, "raised"), (20.0, "acknowledged")]
BACK: Steps = [*TAKEN, (40.0, "unacknowledged")]
HEARD: Steps = [(0.1, "heard"), (0.5, "seen")]


def record(steps: Steps, announced: Steps, **more: list[tuple[float, str]]) -> ElderRecord:
    alerts = {"a": steps, **more}
    all_steps = sorted((T0 + at, step, alert) for alert, those in alerts.items() for at, step in those)
    return ElderRecord([(T0 + at, said) for at, said in announced], all_steps, help_wanted=True)


CASES: list[tuple[str, ElderRecord, float, str | None]] = [
    ("each minute", record([(0.2, "raised")], MINUTES), 170, None),
    ("two minutes of silence", record([(0.2, "raised")], HEARD), 125, "and nothing was said for 66 s"),
    ("never a word", record([(0.2, "raised")], []), 30, "said was nothing"),
    ("who comes", record(TAKEN, [*HEARD, (20.5, "coming")]), 900, None),
    ("nobody says who comes", record(TAKEN, HEARD), 60, "“seen”"),
    ("a promise withdrawn aloud", record(BACK, [*HEARD, (20.5, "coming"), (40.4, "seen")]), 100, None),
    ("and in silence", record(BACK, [*HEARD, (20.5, "coming")]), 100, "“coming”"),
    ("the code", record([*TAKEN, (30.0, "en_route")], [*HEARD, (20.5, "coming"), (30.5, "visit_code")]), 99, None),
    (
        "a press while she is there",
        record([*TAKEN, (30.0, "arrived")], [*HEARD, (20.5, "coming"), (50, "heard")]),
        99,
        None,
    ),
    ("a press that is answered", record(TAKEN, [*HEARD, (20.5, "coming"), (40.0, "heard"), (43, "coming")]), 99, None),
    ("a press that is not", record(TAKEN, [*HEARD, (20.5, "coming"), (40.0, "heard"), (50, "coming")]), 99, "“heard”"),
    ("closed", record([*TAKEN, (60, "resolved")], [*HEARD, (20.5, "coming"), (60.4, "closed")]), 99, None),
    ("closed in silence", record([*TAKEN, (60, "resolved")], [*HEARD, (20.5, "coming")]), 99, "“coming”"),
    (
        "closed, with another open",
        record([*TAKEN, (60, "resolved")], [*HEARD, (20.5, "coming"), (60.4, "closed")], b=[(5.0, "raised")]),
        99,
        "nobody had taken it, and the last that was said was “closed”",
    ),
    (
        "a press beside a fall that somebody sees to",
        record(TAKEN, [*HEARD, (20.5, "coming"), (40.2, "seen")], b=[(40.0, "raised")]),
        99,
        None,
    ),
    ("cancelled", record([(0.2, "raised"), (9, "withdrawn")], [*HEARD, (9.2, "cancelled")]), 99, None),
    ("a worker judges it", record([*TAKEN, (25, "withdrawn")], [*HEARD, (20.5, "coming")]), 99, None),
]


@pytest.mark.parametrize(("heard", "until_s", "why"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_it_judges(heard: ElderRecord, until_s: float, why: str | None) -> None:
    found = find_untruths(heard, T0 + until_s)
    assert bool(found) == (why is not None), found
    assert why is None or why in found[0]


def test_a_record_holds_what_all_timelines_of_a_home_know() -> None:
    event = ScenarioEvent(at_s=0, home="an", action=SimAction.PRESS, id="press")
    one, two = EventTimeline(event, "home-01"), EventTimeline(event, "home-01")
    at = datetime.fromtimestamp(T0, UTC).isoformat()
    one.heard = two.heard = [(T0 + 0.1, "heard")]
    one.alerts["a"] = two.alerts["a"] = {"kind": "sos", "history": [{"step": "raised", "at": at}]}
    two.alerts["b"] = {"kind": "home_offline", "history": [{"step": "raised", "at": at}]}
    (found,) = read_records([one, two]).values()
    assert found == ElderRecord([(T0 + 0.1, "heard")], [(T0, "raised", "a")], help_wanted=True)
    assert found.truth_at(T0 - 1) is Truth.NOTHING


UNSENT: list[tuple[Steps, Steps, str | None]] = [
    ([(50.0, "raised")], [(0.1, "heard"), (5.0, "not_reached"), (50.4, "seen")], None),
    ([(50.0, "raised")], [(0.1, "heard"), (50.4, "seen")], "not stored for 50 s, and the last that was said was"),
    ([(50.0, "raised")], [], "was nothing"),
    ([], [(0.1, "heard")], "“heard”"),
    ([(0.4, "raised")], [(0.1, "heard"), (0.5, "seen")], None),
]


@pytest.mark.parametrize(("steps", "announced", "why"), UNSENT)
def test_a_call_that_does_not_reach_the_platform_is_said(steps: Steps, announced: Steps, why: str | None) -> None:
    heard = record(steps, announced)
    heard.called.append(T0)
    found = find_untruths(heard, T0 + 60)
    assert bool(found) == (why is not None), found
    assert why is None or why in found[0]
