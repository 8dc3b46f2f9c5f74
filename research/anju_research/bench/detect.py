"""`anju bench detect`: CPU time of the detectors on many wearers and homes, relative to plain numpy and loops."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from anju_cli.recordings import RecordingUnreadable, WornRecording, worn_recordings
from anju_detect.fall.features import AFTER_S, BEFORE_S
from anju_detect.fall.fleet import FallFleet, WornChunk
from anju_detect.fall.model import FallModel, group_of
from anju_detect.inactivity import InactivityDetector, LifeBatch
from anju_research.bench.results import Measurement, cpu_s, median_cpu_s, show_missed, table
from anju_research.bench.synthetic_homes import MIDNIGHT_S, day_of_life, worn

GOAL_FALL_MS = 0.05
GOAL_EVENTS_A_S = 1_000_000.0
FS_HZ = 50.0
CHUNK_S = 10.0
TRIGGER_G = 1.5
IMPACTS_AN_HOUR = 250.0
"""Measured on the wrists of nurses at work, who move far more than an old person at home."""
LIVED_DAYS = 3
SAMPLE = 50_000
_console = Console(stderr=True)


def detect(
    wearers: Annotated[int, typer.Option(min=1, help="Wearers whose made-up streams come in turn.")] = 200,
    seconds: Annotated[float, typer.Option(min=20.0, help="Signal of each.")] = 300.0,
    homes: Annotated[int, typer.Option(min=1, help="Homes whose signs of life come mixed.")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Signs of life in one update.")] = 50_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; the median counts.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the made-up signals.")] = 7,
    recordings: Annotated[
        Path | None, typer.Option(help="Pack with index.csv whose free-living recordings are judged instead.")
    ] = None,
) -> None:
    """CPU time of fall detection per second of signal, and inactivity updates per second, on one core.

    Exits 1 when a goal is missed.
    """
    rng = np.random.default_rng(seed)
    try:
        streams = _free_living(recordings, wearers) if recordings else _made_up(rng, wearers, seconds)
    except RecordingUnreadable as error:
        raise typer.BadParameter(str(error)) from error
    with Progress(console=_console, transient=True) as progress:
        progress.add_task("judging and updating", total=None)
        figures = falls(streams, repeats) + updates(rng, homes, batch, repeats)
    Console().print(table("anju bench detect, CPU time of one core", figures))
    if show_missed(figures, _console):
        raise typer.Exit(1)


def _made_up(rng: np.random.Generator, wearers: int, seconds: float) -> list[WornRecording]:
    names = [str(number) for number in range(wearers)]
    streams = [worn(rng, seconds, FS_HZ, IMPACTS_AN_HOUR) for _ in names]
    places = ("waist", "wrist")
    return [
        WornRecording(name, one, places[i % 2], FS_HZ, 16.0, {})
        for i, (name, one) in enumerate(zip(names, streams, strict=True))
    ]


def _free_living(pack: Path, most: int) -> list[WornRecording]:
    """The first recordings of free living, at most so many."""
    found = []
    for one in worn_recordings(pack):
        if one.row.get("activity") == "free_living":
            found.append(one)
        if len(found) == most:
            break
    if not found:
        raise RecordingUnreadable(pack, "no recording of the activity free_living")
    return found


def falls(streams: list[WornRecording], repeats: int) -> list[Measurement]:
    """Measure milliseconds per second of signal: the detector, and plain numpy over the same streams."""
    total_s = sum(len(one.samples) / one.fs_hz for one in streams)
    model = FallModel.load_stored()
    judged = judge_all(streams, model)
    ours = 1e3 * median_cpu_s(lambda: judge_all(streams, model), repeats) / total_s
    bare = 1e3 * median_cpu_s(lambda: [above_trigger(one.samples) for one in streams], repeats) / total_s
    every = 1e3 * cpu_s(lambda: [judge_every_second(one, model) for one in streams]) / total_s
    share = judged / total_s * 3600.0
    unit = "ms/s"
    return [
        Measurement(f"falls, {len(streams)} wearers, {share:.0f} candidates an hour", ours, unit, GOAL_FALL_MS),
        Measurement("numpy: magnitude and trigger alone", bare, unit, yardstick=ours),
        Measurement("numpy: the model on a window of every second", every, unit, yardstick=ours),
    ]


def judge_all(streams: list[WornRecording], model: FallModel) -> int:
    """Run all streams chunk by chunk, those of all wearers together; return the number of candidates classified."""
    fleet = FallFleet(model)
    for one in streams:
        fleet.add_wearer(one.recording, one.fs_hz, one.position, one.clip_g)
    judged = 0
    for start_s in np.arange(0.0, max(len(one.samples) / one.fs_hz for one in streams), CHUNK_S).tolist():
        fleet.process_chunks([chunk for one in streams if (chunk := _chunk(one, start_s)) is not None])
        for detector in fleet.detectors.values():
            judged += len(detector.judged)
            detector.judged.clear()
    return judged


def _chunk(one: WornRecording, start_s: float) -> WornChunk | None:
    samples = one.samples[int(start_s * one.fs_hz) : int((start_s + CHUNK_S) * one.fs_hz)]
    return WornChunk(one.recording, start_s, samples) if len(samples) else None


def above_trigger(samples: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the rows whose magnitude exceeds the trigger."""
    return np.flatnonzero(np.linalg.norm(samples.astype(np.float64), axis=1) > TRIGGER_G * 1000.0)


def judge_every_second(one: WornRecording, model: FallModel) -> int:
    """Score a window at each second, without a trigger; return the number of windows."""
    length = round((BEFORE_S + AFTER_S) * FS_HZ) + 1
    if len(one.samples) < length:
        return 0
    windows = np.lib.stride_tricks.sliding_window_view(one.samples, length, axis=0)[:: int(FS_HZ)]
    for lo in range(0, len(windows), 64):
        model.score_windows(windows[lo : lo + 64].transpose(0, 2, 1) / 1000.0, group_of(one.position, one.clip_g))
    return len(windows)


def updates(rng: np.random.Generator, homes: int, batch: int, repeats: int) -> list[Measurement]:
    """Measure signs of life per second: the detector that learns from them, and loops that only keep the last time."""
    days = [_in_time(day_of_life(rng, homes, MIDNIGHT_S + day * 86400.0)) for day in range(LIVED_DAYS)]
    parts = [_part(day, lo, batch) for day in days for lo in range(0, len(day.home), batch)]
    count = sum(len(part.home) for part in parts)
    ours = count / median_cpu_s(lambda: _update_all(homes, parts), repeats)
    highest = count / median_cpu_s(lambda: _last_by_maximum(homes, parts), repeats)
    grouped = count / median_cpu_s(lambda: _last_by_group(homes, parts), repeats)
    sample = min(SAMPLE, count)
    pairs = list(zip(days[0].home[:sample].tolist(), days[0].at_s[:sample].tolist(), strict=True))
    looped = len(pairs) / median_cpu_s(lambda: _last_by_loop(pairs), repeats)
    unit = "events/s"
    return [
        Measurement(f"inactivity, batches of {batch:,}, {homes:,} homes", ours, unit, GOAL_EVENTS_A_S, at_least=True),
        Measurement("numpy: np.maximum.at of the last sign of life", highest, unit, yardstick=ours),
        Measurement("numpy: lexsort, then np.maximum.reduceat", grouped, unit, yardstick=ours),
        Measurement(f"Python: a dict, from {len(pairs):,} events", looped, unit, yardstick=ours),
    ]


def _in_time(day: LifeBatch) -> LifeBatch:
    order = np.argsort(day.at_s, kind="stable")
    return LifeBatch(day.home[order], day.at_s[order], day.room[order], day.kind[order])


def _part(day: LifeBatch, lo: int, size: int) -> LifeBatch:
    rows = slice(lo, lo + size)
    return LifeBatch(day.home[rows], day.at_s[rows], day.room[rows], day.kind[rows])


def _update_all(homes: int, parts: list[LifeBatch]) -> None:
    detector = InactivityDetector(capacity=homes)
    for number in range(homes):
        detector.add_home(str(number))
    for part in parts:
        detector.process_batch(part)


def _last_by_maximum(homes: int, parts: list[LifeBatch]) -> None:
    last = np.full(homes, -np.inf)
    for part in parts:
        np.maximum.at(last, part.home, part.at_s)


def _last_by_group(homes: int, parts: list[LifeBatch]) -> None:
    last = np.full(homes, -np.inf)
    for part in parts:
        order = np.lexsort((part.at_s, part.home))
        home, at_s = part.home[order], part.at_s[order]
        first = np.flatnonzero(np.diff(home, prepend=-1))
        last[home[first]] = np.maximum(last[home[first]], np.maximum.reduceat(at_s, first))


def _last_by_loop(pairs: list[tuple[int, float]]) -> None:
    last: dict[int, float] = {}
    for home, at_s in pairs:
        if at_s > last.get(home, -np.inf):
            last[home] = at_s
