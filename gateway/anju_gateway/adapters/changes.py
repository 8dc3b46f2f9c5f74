"""Which reports say something new. Devices repeat themselves, and on a bad bus a report may overtake another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LATE_S = 600.0
"""A report older than the newest by up to this was overtaken by it; by more, a clock was set back."""
_KEPT = 32


class Report(NamedTuple):
    """What was reported of a truth value, and whether it was passed on."""

    at_s: float
    value: bool
    said: bool


class Truths:
    """The latest reports of one truth value in order of event time, whatever order they arrive in."""

    def __init__(self, reports: Sequence[Report] = ()) -> None:
        self._reports = list(reports)

    @classmethod
    def parse(cls, text: str | None) -> Truths:
        """From the form that `str` gives; None is nothing yet."""
        parts = [part.split("|") for part in text.split(";")] if text else []
        return cls([Report(float(at), value == "1", said == "1") for at, value, said in parts])

    def __str__(self) -> str:
        return ";".join(f"{r.at_s!r}|{r.value:d}|{r.said:d}" for r in self._reports)

    def add(self, value: bool, at_s: float, again_s: float | None) -> list[tuple[float, bool]]:  # noqa: FBT001
        """Take a report; times and values to pass on: changes, and `true` again after `again_s` seconds.

        A late report may bring a change to light that nobody had noticed when a newer report came.
        """
        known = self._reports
        if known and at_s < known[-1].at_s - LATE_S:
            known = [known[-1]._replace(at_s=at_s - 1e-3, said=True)]
        if any(report.at_s == at_s and report.value == value for report in known):
            return []
        reports = sorted([*known, Report(at_s, value, said=False)], key=lambda report: report.at_s)
        found: list[tuple[float, bool]] = []
        before: Report | None = None
        last_said = float("-inf")
        for place, report in enumerate(reports):
            changed = before is None or before.value != report.value
            again = report.value and again_s is not None and report.at_s - last_said >= again_s
            before = report
            if not report.said and (changed or again):
                found.append((report.at_s, report.value))
                before = reports[place] = report._replace(said=True)
            if before.said:
                last_said = before.at_s
        self._reports = _recent(reports)
        return found


def _recent(reports: list[Report]) -> list[Report]:
    """As many as late reports can concern; the oldest kept stands for all before it."""
    newest = reports[-1].at_s
    kept = [report for report in reports if report.at_s >= newest - LATE_S][-_KEPT:]
    return [kept[0]._replace(said=True), *kept[1:]]


class Number(NamedTuple):
    """The number that was passed on last, and when."""

    value: float
    at_s: float

    @classmethod
    def parse(cls, text: str) -> Number:
        """From the form that `str` gives."""
        value, _, at_s = text.partition("|")
        return cls(float(value), float(at_s))

    def __str__(self) -> str:
        return f"{self.value!r}|{self.at_s!r}"

    def is_news(self, value: float, at_s: float, step: float, again_s: float | None) -> bool:
        """Whether another number is: it moved by a step, or enough time has passed."""
        if 0.0 < self.at_s - at_s <= LATE_S:
            return False
        moved = abs(value - self.value) >= max(step, 1e-9)
        return moved or (again_s is not None and abs(at_s - self.at_s) >= again_s)
