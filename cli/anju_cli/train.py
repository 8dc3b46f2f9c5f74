"""`anju train`: rebuild every shipped parameter from recordings, the same bytes each time."""

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

from anju_cli.recordings import RecordingUnreadable, home_recordings, read_home
from anju_detect.errors import DetectionError
from anju_detect.inactivity.fitting import Curve
from anju_detect.inactivity.fitting import fit as fit_silences
from anju_detect.inactivity.training import RecordedHome, collect
from anju_detect.shipped import pack_arrays

app = typer.Typer(help="Rebuild the shipped parameters from recordings.", no_args_is_help=True)

# Study-wide breakdowns of the TIHM recordings, in which nothing was recorded (their README).
TIHM_OUTAGES = (("2019-04-01T14:00", "2019-04-03T15:10"), ("2019-06-15T04:05", "2019-06-17T14:16"))
SHOWN_RATES = (0.25, 1.0, 3.0)
_console = Console(stderr=True)

DataDir = Annotated[Path, typer.Option("--data", help="Folder with inactivity/tihm/*.csv.gz and fall/index.csv.")]
OutDir = Annotated[
    Path | None, typer.Option("--out", help="Where <kind>.npz and .sha256 go; the installed package if left out.")
]


@app.command()
def inactivity(data: DataDir, out: OutDir = None) -> None:
    """Fit the view of silences to recorded homes; prints what it does on homes that were left out."""
    try:
        homes = recorded_homes(data)
        with Progress(console=_console) as progress:
            running = progress.add_task("running the homes", total=1.0)
            sample = collect(homes, lambda share: progress.update(running, completed=share))
            fitting = progress.add_task("fitting", total=1.0)
            model, curve = fit_silences(sample, lambda share: progress.update(fitting, completed=share))
        digest = ship("inactivity", pack_arrays(model.arrays()), out)
    except (RecordingUnreadable, DetectionError) as error:
        raise typer.BadParameter(str(error)) from error
    _console.print(rates_table(curve, "silences, homes left out"))
    typer.echo(f"inactivity {digest}")


def recorded_homes(data: Path) -> list[RecordedHome]:
    """The homes of a data folder, with the breakdowns of their study."""
    homes = []
    for path in home_recordings(data / "inactivity" / "tihm"):
        home = read_home(path)
        spans = [tuple(np.array(span, "datetime64[us]").astype(np.int64) / 1e6) for span in TIHM_OUTAGES]
        outages = tuple((float(a), float(b)) for a, b in spans)
        homes.append(RecordedHome(home.at_s, home.room, home.kind, outages))
    return homes


def ship(kind: str, archive: bytes, out: Path | None) -> str:
    """Write the arrays and their hash; the hash."""
    folder = Path(str(files("anju_detect") / "trained")) if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(archive).hexdigest()
    (folder / f"{kind}.npz").write_bytes(archive)
    (folder / f"{kind}.sha256").write_text(f"{digest}  {kind}.npz\n", encoding="ascii")
    return digest


def rates_table(curve: Curve, title: str) -> Table:
    """Delays at equal rates of false alerts."""
    table = Table(title=title)
    for name in ("false alerts per home and month", "counted", "mean delay, h", "found in 24 h", "worst home's rate"):
        table.add_column(name)
    for at_home in (False, True):
        for rate in SHOWN_RATES:
            delay, found, worst = curve.at_rate(rate, at_home=at_home)
            figures = (f"{delay:.2f}", f"{found:.1%}", f"{worst:.1f}")
            table.add_row(f"{rate:g}", "at home" if at_home else "all", *figures)
    return table
