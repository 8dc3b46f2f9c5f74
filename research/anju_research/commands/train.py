"""`anju train`: fits the stored models to recordings; deterministic to the byte."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from anju_cli.recordings import RecordingUnreadable, home_recordings, read_home, worn_recordings
from anju_detect.errors import DetectionError
from anju_research.evaluation.collapses import tihm_outages
from anju_research.fall.candidates import Candidates, RecordingLabel, find_candidates, join_candidates
from anju_research.fall.curves import GroupCurve
from anju_research.fall.training import fit_fall_model
from anju_research.inactivity.cost_curve import CostCurve
from anju_research.inactivity.fitting import fit_inactivity_model
from anju_research.inactivity.sampling import RecordedHome, collect_sample
from anju_research.learning.model_archive import pack_arrays

app = typer.Typer(help="Rebuild the shipped parameters from recordings.", no_args_is_help=True)

# Study-wide breakdowns of the TIHM recordings, in which nothing was recorded (their README).
SHOWN_RATES = (0.25, 1.0, 3.0)
SHOWN_AS = {"waist": "waist, ±2 g", "wrist": "wrist, ±2 g", "wrist_wide": "wrist, ±4 g and more"}
SHOWN_SHARES = (0.92, 0.97, 0.993)
SHOWN_REJECTED = (0.993, 0.997)
FREE_LIVING = "free_living"
_console = Console(stderr=True)

DataDir = Annotated[Path, typer.Option("--data", help="Folder with inactivity/tihm/*.csv.gz and fall/index.csv.")]
OutDir = Annotated[
    Path | None, typer.Option("--out", help="Where <kind>.npz and .sha256 go; the installed package if left out.")
]


@app.command()
def inactivity(
    data: DataDir,
    out: OutDir = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A home that is not to be learnt from, to judge the result by; repeatable.")
    ] = None,
) -> None:
    """Fit the inactivity model to recorded homes; prints its figures on homes left out."""
    try:
        homes = recorded_homes(data, frozenset(without or ()))
        with Progress(console=_console) as progress:
            running = progress.add_task("running the homes", total=1.0)
            sample = collect_sample(homes, lambda share: progress.update(running, completed=share))
            fitting = progress.add_task("fitting", total=1.0)
            model, curve = fit_inactivity_model(sample, lambda share: progress.update(fitting, completed=share))
        digest = ship("inactivity", pack_arrays(model.to_arrays()), out)
    except (RecordingUnreadable, DetectionError) as error:
        raise typer.BadParameter(str(error)) from error
    _console.print(rates_table(curve, "gaps, homes left out"))
    typer.echo(f"inactivity {digest}")


@app.command()
def fall(data: DataDir, out: OutDir = None) -> None:
    """Fit the fall model to worn recordings; prints its figures on people left out."""
    try:
        with Progress(console=_console) as progress:
            labels, found = worn_candidates(data / "fall", progress)
            fitting = progress.add_task("fitting", total=1.0)
            model, curves = fit_fall_model(labels, found, lambda share: progress.update(fitting, completed=share))
        digest = ship("fall", pack_arrays(model.to_arrays()), out)
    except (RecordingUnreadable, DetectionError) as error:
        raise typer.BadParameter(str(error)) from error
    for group, curve in curves.items():
        _console.print(falls_table(curve, group, model.threshold_of(group)))
    typer.echo(f"fall {digest}")


def worn_candidates(pack: Path, progress: Progress) -> tuple[list[RecordingLabel], Candidates]:
    """Read the labels of a pack's recordings and find every candidate in them."""
    labels: list[RecordingLabel] = []
    parts: list[Candidates] = []
    reading = progress.add_task("looking for impacts", total=None)
    for number, worn in enumerate(worn_recordings(pack)):
        row = worn.row
        try:
            impact = float(row["impact_s"] or "nan") if row["is_fall"] == "1" else float("nan")
            person, trial = row["dataset"] + row["subject"], row["activity"] != FREE_LIVING
        except (KeyError, ValueError) as error:
            raise RecordingUnreadable(pack / "index.csv", f"{worn.recording}: {error}") from error
        hours = len(worn.samples) / worn.fs_hz / 3600.0
        labelled = row["activity"], row.get("age_group", "")
        labels.append(RecordingLabel(person, worn.position, impact, trial, hours, *labelled))
        parts.append(find_candidates(number, worn.samples, worn.fs_hz, worn.clip_g, worn.position))
        progress.update(reading, completed=number + 1)
    progress.update(reading, total=len(labels))
    return labels, join_candidates(parts)


def falls_table(curve: GroupCurve, group: str, threshold: float) -> Table:
    """Tabulate sensitivity, specificity and free-living alarms at the threshold and at equal rates of false alarms."""
    table = Table(title=f"falls, {SHOWN_AS[group]}, people left out")
    for name in ("operating point", "sensitivity", "specificity", "false alarms per 24 h of free living"):
        table.add_column(name)
    points = {"as shipped": float(np.log(threshold / (1.0 - threshold)))}
    if curve.free:
        points |= {"1 per 24 h": curve.logit_at(1.0), "1 per week": curve.logit_at(1.0 / 7.0)}
    points |= {f"{share:.1%} of falls": curve.logit_finding(share) for share in SHOWN_SHARES}
    points |= {f"{share:.1%} rejected": curve.logit_rejecting(share) for share in SHOWN_REJECTED}
    for name, logit in points.items():
        figures = curve.sensitivity_at(logit), curve.specificity_at(logit)
        table.add_row(name, *(f"{figure:.2%}" for figure in figures), f"{curve.free_alarms_per_day(logit):.2f}")
    return table


def recorded_homes(data: Path, without: frozenset[str] = frozenset()) -> list[RecordedHome]:
    """Read the homes of a data folder except `without`, with the outages of their study.

    Raises
    ------
    RecordingUnreadable
        A recording cannot be read, or `without` names a home that is not there.

    """
    folder = data / "inactivity" / "tihm"
    recordings = [read_home(path) for path in home_recordings(folder)]
    unknown = without - {home.home for home in recordings}
    if unknown:
        raise RecordingUnreadable(folder, f"no home called {', '.join(sorted(unknown))} in it")
    homes = []
    for home in recordings:
        if home.home in without:
            continue
        outages = tihm_outages()
        homes.append(RecordedHome(home.at_s, home.room, home.kind, outages))
    return homes


def ship(kind: str, archive: bytes, out: Path | None) -> str:
    """Write the arrays and their hash, by default into the installed package; return the hash."""
    folder = Path(str(files("anju_detect") / "trained")) if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(archive).hexdigest()
    (folder / f"{kind}.npz").write_bytes(archive)
    (folder / f"{kind}.sha256").write_text(f"{digest}  {kind}.npz\n", encoding="ascii")
    return digest


def rates_table(curve: CostCurve, title: str) -> Table:
    """Tabulate delays at equal rates of false alerts."""
    table = Table(title=title)
    for name in ("false alerts per home and month", "counted", "mean delay, h", "found in 24 h", "worst home's rate"):
        table.add_column(name)
    for at_home in (False, True):
        for rate in SHOWN_RATES:
            delay, found, worst = curve.at_rate(rate, at_home=at_home)
            figures = (f"{delay:.2f}", f"{found:.1%}", f"{worst:.1f}")
            table.add_row(f"{rate:g}", "at home" if at_home else "all", *figures)
    return table
