"""What became of one event of a story, as times; and the verdict over all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from anju_sim.story import Happen, Must, Stage, Story


@dataclass(slots=True)
class Timeline:
    """Times are Unix seconds; None is "not yet"."""

    happen: Happen
    home: str
    origin_s: float | None = None
    """The press, the impact, or the deadline."""
    alerts: dict[str, dict[str, object]] = field(default_factory=dict)
    """By id, as the API last gave them: one, if all is well."""
    shown_s: float | None = None
    told: dict[str, float] = field(default_factory=dict)
    """By what was said, when first."""
    code: str | None = None
    """The visit's code, as the annunciator told it."""

    @property
    def alert(self) -> dict[str, object] | None:
        """The first alert that came of it."""
        return next(iter(self.alerts.values()), None)

    def reached_s(self, stage: Stage, say: str | None = None) -> float | None:
        """When a stage was reached."""
        if stage is Stage.TOLD:
            return self.told.get(say) if say else min(self.told.values(), default=None)
        if stage is Stage.SHOWN:
            return self.shown_s
        if stage is Stage.STORED:
            return self._of_alert("raised_at")
        if stage is Stage.TAKEN:
            return self._of_alert("taken_at") or self._step("taken")
        if stage is Stage.VISITED:
            return self._step("visited")
        return self._of_alert("closed_at")

    def repeats(self) -> int:
        """How often the alert says that it came again."""
        return sum(1 for step in self._history() if step.get("step") == "repeated")

    def _of_alert(self, key: str) -> float | None:
        return unix((self.alert or {}).get(key))

    def _step(self, name: str) -> float | None:
        return next((unix(step.get("at")) for step in self._history() if step.get("step") == name), None)

    def _history(self) -> list[dict[str, object]]:
        history = (self.alert or {}).get("history")
        return [step for step in history if isinstance(step, dict)] if isinstance(history, list) else []


def unix(value: object) -> float | None:
    """Seconds of an ISO time; None for anything else."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that had to follow: what was measured against what was allowed."""

    event: str
    what: str
    took_s: float | None
    limit_s: float | None
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all that had to follow did."""

    story: str
    findings: list[Finding]
    times: dict[str, dict[str, float]]
    """By event: seconds from its press, impact or deadline to each stage reached."""

    @property
    def ok(self) -> bool:
        """True if every finding is."""
        return all(finding.ok for finding in self.findings)


def judge(story: Story, timelines: dict[str, Timeline], notes: dict[str, str]) -> Verdict:
    """Compare what happened with what had to; `notes` say by event what people are still waiting for."""
    findings = [_must(must, timelines[must.event], notes.get(must.event, "")) for must in story.must]
    for event, line in timelines.items():
        count = len(line.alerts)
        findings.append(Finding(event, "exactly one alert", None, None, count == 1, f"{count} alerts"))
        wanted = sum(1 for happen in story.happen if happen.repeats == event)
        if wanted:
            told = line.repeats()
            findings.append(Finding(event, "the repetition counts", None, None, told == wanted, f"{told} of {wanted}"))
    return Verdict(story.name, findings, {event: _times(line) for event, line in timelines.items()})


def settled(story: Story, timelines: dict[str, Timeline]) -> bool:
    """Whether nothing more needs to be waited for."""
    stages = all(timelines[must.event].reached_s(must.stage, must.say) is not None for must in story.must)
    wanted = {happen.repeats for happen in story.happen if happen.repeats}
    return stages and all(timelines[event].repeats() >= 1 for event in wanted)


def _must(must: Must, line: Timeline, note: str) -> Finding:
    what = f"{must.stage}{f' “{must.say}”' if must.say else ''}"
    at = line.reached_s(must.stage, must.say)
    if line.origin_s is None:
        return Finding(must.event, what, None, must.within_s, ok=False, note=f"the {must.event} itself never happened")
    if at is None:
        return Finding(must.event, what, None, must.within_s, ok=False, note=note or "never")
    took = at - line.origin_s
    return Finding(must.event, what, took, must.within_s, ok=took <= must.within_s)


def _times(line: Timeline) -> dict[str, float]:
    if line.origin_s is None:
        return {}
    reached = {stage.value: line.reached_s(stage) for stage in Stage if stage is not Stage.TOLD}
    reached |= {f"told_{said}": at for said, at in line.told.items()}
    return {name: round(at - line.origin_s, 3) for name, at in reached.items() if at is not None}
