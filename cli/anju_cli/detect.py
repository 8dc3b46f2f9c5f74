"""`anju detect`: runs the live detectors over recordings, in order of time."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from anju_cli.detect_routine import routine, written
from anju_cli.recordings import HomeRecording, RecordingUnreadable, WornRecording, home_recordings, read_home
from anju_cli.recordings import worn_recordings as read_pack
from anju_detect.errors import DetectionError
from anju_detect.fall import FallFleet, Judgement, WornChunk
from anju_detect.inactivity import InactivityDetector, InactivitySignal, LifeBatch
from anju_detect.inactivity.model import InactivityModel
from anju_detect.model_store import unpack_arrays
from anju_wire.recorded_times import HOME_ZONE, UnknownZone, find_zone

app = typer.Typer(help="Run the live detectors on recordings.", no_args_is_help=True)

TICK_S = 60.0
PIECE_S = 30.0
TOGETHER = 512
_console = Console(stderr=True)

app.command()(routine)


@app.command()
def inactivity(
    events_dir: Annotated[Path, typer.Argument(help="Folder of <home>.csv.gz: ts,sensor,room,kind,value.")],
    alerts_csv: Annotated[Path, typer.Argument(help="Where the alerts go: home,raised_at,detected_kind,reason.")],
    target: Annotated[
        float, typer.Option("--target-false-alerts-per-month", help="False alerts a home and 30 days may have.")
    ] = 1.0,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder that `anju train inactivity --out` wrote, or its .npz; what is shipped if left out."),
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Of the homes: counts where times bear an offset.")] = HOME_ZONE,
) -> None:
    """Detect inactivity in recorded homes, with one sweep a minute over all homes, as the platform does."""
    try:
        trained = InactivityModel.load_stored() if model is None else trained_model(model)
        zone = find_zone(time_zone)
        homes = [
            read_home(path, zone) for path in track(home_recordings(events_dir), "reading homes", console=_console)
        ]
        signals = watch_homes(homes, target, trained)
    except (RecordingUnreadable, DetectionError, UnknownZone) as error:
        raise typer.BadParameter(str(error)) from error
    with alerts_csv.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("home", "raised_at", "detected_kind", "reason"))
        for signal in sorted(signals, key=lambda s: (s.home, s.at_s)):
            at = str(np.datetime64(round(signal.at_s * 1e6), "us")).replace("T", " ")
            out.writerow((signal.home, at, signal.kind, written(signal.reason)))
    _console.print(f"{len(homes)} homes, {len(signals)} alerts -> {alerts_csv}")


def trained_model(path: Path) -> InactivityModel:
    """Load the model that `anju train inactivity` wrote to a folder or file, checked against the hash beside it.

    Raises
    ------
    RecordingUnreadable
        The arrays or their hash cannot be read.
    ModelRefused
        The arrays have another hash, or are not such a model.

    """
    arrays = path / "inactivity.npz" if path.is_dir() else path
    try:
        digest = arrays.with_suffix(".sha256").read_text(encoding="ascii").split()[0]
        return InactivityModel.from_arrays(unpack_arrays(arrays.read_bytes(), digest))
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise RecordingUnreadable(arrays, f"no trained arrays with their hash: {error}") from error


def watch_homes(
    homes: list[HomeRecording], false_alerts_per_month: float, model: InactivityModel | None = None
) -> list[InactivitySignal]:
    """Run all homes through one detector minute by minute; alerts after a home's last row are dropped."""
    detector = InactivityDetector(capacity=max(len(homes), 1), model=model)
    for home in homes:
        detector.add_home(home.home, false_alerts_per_month=false_alerts_per_month, utc_offset_s=0.0)
    ends = {home.home: home.ends_s for home in homes}
    at_s = np.concatenate([home.at_s for home in homes])
    order = np.argsort(at_s, kind="stable")
    at_s = at_s[order]
    row = np.repeat(np.arange(len(homes)), [len(home.at_s) for home in homes])[order]
    room = np.concatenate([home.room for home in homes])[order]
    kind = np.concatenate([home.kind for home in homes])[order]
    signals: list[InactivitySignal] = []
    for tick, part in track(_minutes(at_s), "watching", console=_console):
        detector.process_batch(LifeBatch(row[part], at_s[part], room[part], kind[part]))
        signals += [signal for signal in detector.sweep_homes(tick) if tick <= ends[signal.home]]
    return signals


def _minutes(at_s: NDArray[np.float64]) -> list[tuple[float, slice]]:
    """Each full minute of the recordings, with the rows since the one before."""
    if not len(at_s):
        return []
    ticks = np.arange(np.ceil(at_s[0] / TICK_S), np.ceil(at_s[-1] / TICK_S) + 1) * TICK_S
    edges = np.searchsorted(at_s, ticks, "right").tolist()
    starts = [0, *edges[:-1]]
    return [(float(tick), slice(lo, hi)) for tick, lo, hi in zip(ticks, starts, edges, strict=True)]


@app.command()
def fall(
    pack: Annotated[Path, typer.Argument(help="Folder with index.csv and the .npz files that it names.")],
    out_csv: Annotated[Path, typer.Argument(help="Where the judgements go: recording_id,detected_at_s,score,alarm.")],
) -> None:
    """Classify recordings of wearables as the gateway does; alarm=1 is a suspected fall, alarm=0 another candidate."""
    try:
        with out_csv.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(("recording_id", "detected_at_s", "score", "alarm"))
            recordings = track(read_pack(pack), "judging", console=_console)
            while some := list(islice(recordings, TOGETHER)):
                for worn, judgements in zip(some, judge_together(some), strict=True):
                    for judgement in judgements:
                        time, score = f"{judgement.at_s:.3f}", f"{judgement.score:.6f}"
                        out.writerow((worn.recording, time, score, int(judgement.raised)))
    except (RecordingUnreadable, DetectionError) as error:
        raise typer.BadParameter(str(error)) from error


def judge_together(recordings: list[WornRecording]) -> list[list[Judgement]]:
    """Run recordings side by side, each through a detector of its own; return every candidate's judgement, in order."""
    fleet = FallFleet()
    for number, worn in enumerate(recordings):
        fleet.add_wearer(str(number), worn.fs_hz, worn.position, worn.clip_g)
    judged: list[list[Judgement]] = [[] for _ in recordings]
    step, running = 0, list(range(len(recordings)))
    while chunks := [chunk for number in running if (chunk := _chunk(number, recordings[number], step))]:
        fleet.process_chunks(chunks)
        step, running = step + 1, [int(chunk.wearer) for chunk in chunks]
        for chunk in chunks:
            fresh = fleet.detectors[chunk.wearer].judged
            judged[int(chunk.wearer)] += fresh
            fresh.clear()
    return judged


def _chunk(number: int, worn: WornRecording, step: int) -> WornChunk | None:
    """The recording's piece of this step; None after its end."""
    piece = int(PIECE_S * worn.fs_hz)
    start = step * piece
    if start >= len(worn.samples):
        return None
    return WornChunk(str(number), start / worn.fs_hz, worn.samples[start : start + piece])
