"""Which reports say something new. Devices repeat themselves, and on a bad bus a report may overtake another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.detection_rhythm import DetectionRhythm
from anju_gateway.readings import DeviceReading
from anju_wire.profiles import Feature

LATE_S = 600.0
"""A report older than the newest by up to this was overtaken by it; by more, a clock was set back."""
_KEPT = 32
_RHYTHM = "~"
"""Stands before what is known of a device's rhythm, after its reports."""


class BooleanReport(NamedTuple):
    """One report of a truth value: event time (Unix s), and whether it was passed on."""

    at_s: float
    value: bool
    passed_on: bool


class BooleanReportFilter:
    """Passes on changes of one truth value, in order of event time whatever order the reports arrive in.

    rhythm: of a device that reports movements, as known before the first of `reports`; None for any other.
    """

    def __init__(self, reports: Sequence[BooleanReport] = (), rhythm: DetectionRhythm | None = None) -> None:
        self._reports, self._rhythm = list(reports), rhythm

    @classmethod
    def parse(cls, text: str | None, *, detects: bool = False) -> BooleanReportFilter:
        """Read the form that `str` gives; None is a filter without reports. `detects`: of movements."""
        told, _, rhythm = (text or "").partition(_RHYTHM)
        parts = [part.split("|") for part in told.split(";")] if told else []
        reports = [BooleanReport(float(at), value == "1", passed_on == "1") for at, value, passed_on in parts]
        if not detects:
            return cls(reports)
        return cls(reports, DetectionRhythm.parse(rhythm) if rhythm else DetectionRhythm())

    def __str__(self) -> str:
        told = ";".join(f"{r.at_s!r}|{r.value:d}|{r.passed_on:d}" for r in self._reports)
        return told if self._rhythm is None else f"{told}{_RHYTHM}{self._rhythm}"

    def add_report(self, value: bool, at_s: float, again_s: float | None) -> list[tuple[float, bool]]:  # noqa: FBT001
        """Add a report and return what to pass on, as (Unix s, value): changes, and `true` again after `again_s`.

        A late report may reveal a change that went unnoticed when a newer report came, and the end of a movement that
        the `true` before it was a detection.
        """
        known = self._reports
        if known and at_s < known[-1].at_s - LATE_S:
            known = [known[-1]._replace(at_s=at_s - 1e-3, passed_on=True)]
            self._rhythm = self._rhythm and self._rhythm.set_back(known[0].value, at_s)
        if any(report.at_s == at_s and report.value == value for report in known):
            return []
        self._reports = sorted([*known, BooleanReport(at_s, value, passed_on=False)], key=lambda report: report.at_s)
        found = self._pass_on(again_s)
        self._trim()
        return found

    def _pass_on(self, again_s: float | None) -> list[tuple[float, bool]]:
        found: list[tuple[float, bool]] = []
        before: BooleanReport | None = None
        last_passed_s = float("-inf")
        rhythm = self._rhythm
        for place, report in enumerate(self._reports):
            value = (before.value if before else None) if rhythm is None else rhythm.value
            changed = value != report.value
            again = report.value and again_s is not None and report.at_s - last_passed_s >= again_s
            if rhythm is not None:
                if before is not None and not report.value and rhythm.is_end(report.at_s):
                    found += self._pass_late(place - 1)
                detection = report.value and rhythm.is_detection(report.at_s)
                again = again and detection
                rhythm = rhythm.add_report(report.value, report.at_s, detection=detection)
            before = report
            if not report.passed_on and (changed or again):
                found.append((report.at_s, report.value))
                before = self._reports[place] = report._replace(passed_on=True)
            if before.passed_on:
                last_passed_s = before.at_s
        return found

    def _pass_late(self, place: int) -> list[tuple[float, bool]]:
        report = self._reports[place]
        if report.passed_on:
            return []
        self._reports[place] = report._replace(passed_on=True)
        return [(report.at_s, report.value)]

    def _trim(self) -> None:
        """Keep as many as late reports can concern; the oldest kept stands for all before it."""
        newest = self._reports[-1].at_s
        kept = [report for report in self._reports if report.at_s >= newest - LATE_S][-_KEPT:]
        for report in self._reports[: -len(kept)]:
            if self._rhythm is not None:
                detection = report.value and self._rhythm.is_detection(report.at_s)
                self._rhythm = self._rhythm.add_report(report.value, report.at_s, detection=detection)
        self._reports = kept if self._rhythm is not None else [kept[0]._replace(passed_on=True), *kept[1:]]


class NumberReportFilter(NamedTuple):
    """The number that was passed on last, and its event time (Unix s)."""

    value: float
    at_s: float

    @classmethod
    def parse(cls, text: str) -> NumberReportFilter:
        """Read the form that `str` gives."""
        value, _, at_s = text.partition("|")
        return cls(float(value), float(at_s))

    def __str__(self) -> str:
        return f"{self.value!r}|{self.at_s!r}"

    def is_news(self, value: float, at_s: float, step: float, again_s: float | None) -> bool:
        """Return whether to pass another number on: it moved by `step`, or `again_s` seconds have passed."""
        if 0.0 < self.at_s - at_s <= LATE_S:
            return False
        moved = abs(value - self.value) >= max(step, 1e-9)
        return moved or (again_s is not None and abs(at_s - self.at_s) >= again_s)


def filter_reading(
    state: AdapterState, device: str, feature: Feature, value: float, at_s: float, *, part: str = ""
) -> list[DeviceReading]:
    """Return what is new in a report and keep it in `state`: the reading, none, or also one that a late one reveals.

    `part` tells apart what a device reports of one quantity under several names.
    """
    key = f"last:{device}/{feature.quantity}{part}"
    kept = state.get(key)
    if feature.low is None:
        reports = BooleanReportFilter.parse(kept, detects=feature.detects)
        found = reports.add_report(bool(value), at_s, feature.again_s)
        state.put(key, str(reports))
        return [DeviceReading(device, feature.quantity, when, what) for when, what in found]
    if kept is not None and not NumberReportFilter.parse(kept).is_news(value, at_s, feature.step, feature.again_s):
        return []
    state.put(key, str(NumberReportFilter(value, at_s)))
    return [DeviceReading(device, feature.quantity, at_s, value)]
