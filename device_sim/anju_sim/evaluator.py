"""Compares what became of a scenario's events with what was expected of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anju_sim.elder_oracle import find_untruths, read_records
from anju_sim.scenario import AlertStage, Expectation, Scenario
from anju_sim.timeline import EventTimeline
from anju_sim.watcher_oracle import HomeSamples, find_board_untruths, find_family_untruths

_WITHOUT_TIME = frozenset({AlertStage.ANNOUNCED, AlertStage.NOT_RAISED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation: what was measured against what was allowed, s."""

    event: str
    what: str
    took_s: float | None
    limit_s: float | None
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings of a whole run."""

    scenario: str
    findings: list[Finding]
    times: dict[str, dict[str, float]]
    """By event: seconds from its press, impact or deadline to each stage reached."""

    @property
    def ok(self) -> bool:
        """Whether every expectation was met."""
        return all(finding.ok for finding in self.findings)


def evaluate_run(
    scenario: Scenario,
    timelines: dict[str, EventTimeline],
    pending: dict[str, str],
    until_s: float,
    shown: Mapping[str, HomeSamples] | None = None,
) -> Verdict:
    """Return the verdict on a run that ended at `until_s`, Unix s.

    Besides the scenario's own expectations, each event must have raised exactly one alert, or none where none is
    expected; that alert must count each repetition; and what each elder was last told, and what family and board were
    shown, must have been true at every second. `pending` says by event what staff were still waiting for; `shown` what
    was seen of each home.
    """
    findings = [_evaluate(one, timelines[one.event], pending.get(one.event, "")) for one in scenario.expect]
    for event, timeline in timelines.items():
        count, wanted = len(timeline.alerts), int(event not in scenario.quiet_events())
        what = "exactly one alert" if wanted else "no alert"
        findings.append(Finding(event, what, None, None, count == wanted, f"{count} alerts"))
        wanted = sum(1 for one in scenario.events if one.repeats == event)
        if wanted:
            counted = timeline.count_repeats()
            note = f"{counted} of {wanted}"
            findings.append(Finding(event, "the repetition counts", None, None, counted == wanted, note))
    for home, record in read_records(timelines.values()).items():
        if not (record.steps or record.called):
            continue
        findings.append(_judge(home, "the elder hears the truth", find_untruths(record, until_s)))
        seen = (shown or {}).get(home, HomeSamples())
        if seen.family:
            findings.append(_judge(home, "the family reads the truth", find_family_untruths(record, seen)))
        if seen.board:
            findings.append(_judge(home, "the board shows the truth", find_board_untruths(record, seen.board)))
    return Verdict(scenario.name, findings, {event: _times(timeline) for event, timeline in timelines.items()})


def is_complete(scenario: Scenario, timelines: dict[str, EventTimeline]) -> bool:
    """Return whether every expected stage and repetition has been seen, so that nothing more need be waited for."""
    wanted = (one for one in scenario.expect if one.stage is not AlertStage.NOT_RAISED)
    stages = all(timelines[one.event].reached_s(one.stage, one.announcement) is not None for one in wanted)
    repeated = {event.repeats for event in scenario.events if event.repeats}
    return stages and all(timelines[event].count_repeats() >= 1 for event in repeated)


def _judge(home: str, what: str, untrue: list[str]) -> Finding:
    return Finding(home, what, None, None, not untrue, "; ".join(untrue))


def _evaluate(wanted: Expectation, timeline: EventTimeline, pending: str) -> Finding:
    what = f"{wanted.stage}{f' “{wanted.announcement}”' if wanted.announcement else ''}"
    if wanted.stage is AlertStage.NOT_RAISED:
        return Finding(wanted.event, what, None, None, ok=not timeline.alerts, note=f"{len(timeline.alerts)} alerts")
    at = timeline.reached_s(wanted.stage, wanted.announcement)
    if timeline.origin_s is None:
        note = f"the {wanted.event} itself never happened"
        return Finding(wanted.event, what, None, wanted.within_s, ok=False, note=note)
    if at is None:
        return Finding(wanted.event, what, None, wanted.within_s, ok=False, note=pending or "never")
    took = at - timeline.origin_s
    return Finding(wanted.event, what, took, wanted.within_s, ok=took <= wanted.within_s)


def _times(timeline: EventTimeline) -> dict[str, float]:
    if timeline.origin_s is None:
        return {}
    reached = {stage.value: timeline.reached_s(stage) for stage in AlertStage if stage not in _WITHOUT_TIME}
    reached |= {f"announced_{announcement}": at for announcement, at in timeline.announced.items()}
    return {name: round(at - timeline.origin_s, 3) for name, at in reached.items() if at is not None}
