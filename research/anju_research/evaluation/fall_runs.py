"""Runs the live fall detector over worn recordings, each person classified by a model fitted on the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anju_cli.recordings import RecordingUnreadable, WornRecording
from anju_detect.fall import FallDetector
from anju_detect.fall.classifier import FallClassifier
from anju_research.evaluation.fall_statistics import FreeLiving, Trial
from anju_research.fall.candidates import Candidates, RecordingLabel, hold_postures

Floats = NDArray[np.float64]

FREE_LIVING = "free_living"
PIECE_S = 10.0
HIT_BEFORE_S, HIT_AFTER_S = 2.0, 10.0


def worn_label(worn: WornRecording) -> RecordingLabel:
    """Read a recording's row of the index. Raises `RecordingUnreadable`."""
    row = worn.row
    try:
        impact = float(row["impact_s"] or "nan") if row["is_fall"] == "1" else float("nan")
        person, trial = row["dataset"] + row["subject"], row["activity"] != FREE_LIVING
    except (KeyError, ValueError) as error:
        raise RecordingUnreadable(Path(row.get("file", "index.csv")), f"{worn.recording}: {error}") from error
    return RecordingLabel(person, worn.position, impact, trial, len(worn.samples) / worn.fs_hz / 3600.0)


def only(
    labels: list[RecordingLabel], found: Candidates, keep: NDArray[np.bool_]
) -> tuple[list[RecordingLabel], Candidates]:
    """Return the labels that are kept and their candidates, renumbered."""
    number = np.cumsum(keep) - 1
    rows = keep[found.recording]
    columns = {one.name: getattr(found, one.name)[rows] for one in dataclasses.fields(found)}
    columns["recording"] = number[columns["recording"]]
    return [label for label, kept in zip(labels, keep, strict=True) if kept], Candidates(**columns)


@dataclass(frozen=True, slots=True)
class ScoredRecordings:
    """Trials and free living of one wearing position, as recorded or clipped to ±2 g."""

    trials: list[Trial]
    living: list[FreeLiving]


def judge_recordings(
    recordings: Iterable[tuple[WornRecording, RecordingLabel]],
    judge_of: Callable[[str], FallClassifier],
    clip_g: float | None,
) -> ScoredRecordings:
    """Feed each recording to a detector of its own; `judge_of` returns the classifier for a person."""
    judged = ScoredRecordings([], [])
    for number, (worn, label) in enumerate(recordings):
        samples, before_s = worn.samples, 0.0
        if label.trial:
            samples, before_s = hold_postures(worn.samples, worn.fs_hz, np.random.default_rng([23, number]))
        clip = worn.clip_g
        if clip_g is not None and clip > clip_g:
            limit = round(clip_g * 1000)
            samples, clip = np.clip(samples, -limit, limit).astype(np.int16), clip_g
        detector = FallDetector(worn.fs_hz, worn.position, clip, classifier=judge_of(label.person))
        rows = _judgements(detector, samples, worn.fs_hz) - np.array([before_s, before_s, 0.0, 0.0])
        if label.trial:
            judged.trials.append(_trial(worn, label, rows))
        else:
            order = np.argsort(rows[:, 1])
            judged.living.append(FreeLiving(label.person, label.hours, rows[order, 1], rows[order, 2]))
    return judged


def _judgements(detector: FallDetector, samples: NDArray[np.int16], fs_hz: float) -> Floats:
    """Impact, decision, score and whether it was raised, of each candidate."""
    found: list[tuple[float, float, float, float]] = []
    piece = int(PIECE_S * fs_hz)
    for start in range(0, len(samples), piece):
        detector.process_samples(start / fs_hz, samples[start : start + piece])
        found += [(one.impact_s, one.at_s, one.score, float(one.raised)) for one in detector.judged]
        detector.judged.clear()
    return np.array(found, np.float64).reshape(-1, 4)


def _trial(worn: WornRecording, label: RecordingLabel, rows: Floats) -> Trial:
    fell = bool(np.isfinite(label.impact_s))
    if fell:
        rows = rows[(rows[:, 1] >= label.impact_s - HIT_BEFORE_S) & (rows[:, 1] <= label.impact_s + HIT_AFTER_S)]
    raised = rows[rows[:, 3] > 0]
    latency = float(raised[0, 1] - label.impact_s) if fell and len(raised) else float("nan")
    age, activity = worn.row.get("age_group", ""), worn.row.get("activity", "")
    return Trial(label.person, age, activity, fell, float(rows[:, 2].max(initial=0.0)), bool(len(raised)), latency)
