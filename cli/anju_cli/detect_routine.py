"""`anju detect routine`: digests of recorded days and changes of routine, by the platform's detector."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from anju_cli.recordings import HomeRecording, RecordingUnreadable, home_recordings, read_home
from anju_detect.errors import DetectionError
from anju_detect.inactivity import LifeBatch
from anju_detect.reasons import Fact, Reason
from anju_detect.routine import Digest, RoutineChange, RoutineDetector, RoutineParameters
from anju_wire.recorded_times import HOME_ZONE, UnknownZone, find_zone

DAY_S = 86400.0
FIGURES = ("sleep_h", "wake_h", "night_bathroom", "night_active_min", "out_h", "active_h", "day_rest_h")
COLUMNS = ("home", "day", "known", *FIGURES, "rooms", "changed", "kind", "recent", "usual", "p", "reason")
_FULL_FROM = 1e6
"""Figures from here on are Unix times and keep all their digits."""
_console = Console(stderr=True)


def routine(
    events_dir: Annotated[Path, typer.Argument(help="Folder of <home>.csv.gz: ts,sensor,room,kind,value.")],
    out_csv: Annotated[Path, typer.Argument(help="Where the days go, one row per home and day.")],
    target: Annotated[
        float, typer.Option("--target-false-alerts-per-month", help="False changes a home and 30 days may have.")
    ] = 0.1,
    time_zone: Annotated[str, typer.Option(help="Of the homes: counts where times bear an offset.")] = HOME_ZONE,
) -> None:
    """Digest every recorded day, and report changes against the person's own past weeks."""
    try:
        zone = find_zone(time_zone)
        homes = [
            read_home(path, zone) for path in track(home_recordings(events_dir), "reading homes", console=_console)
        ]
        digests = list(digest_homes(homes, RoutineParameters(false_alerts_per_month=target)))
    except (RecordingUnreadable, DetectionError, UnknownZone) as error:
        raise typer.BadParameter(str(error)) from error
    with out_csv.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        out.writerows(_row(digest, change) for digest, change in sorted(digests, key=lambda pair: pair[0].home))
    changes = [change for _, change in digests if change is not None]
    for change in changes:
        day = np.datetime64(change.day, "D")
        _console.print(f"{change.home} {day} {written(change.reason)}", markup=False, soft_wrap=True)
    _console.print(f"{len(homes)} homes, {len(digests)} days, {len(changes)} changes -> {out_csv}")


def digest_homes(
    homes: list[HomeRecording], parameters: RoutineParameters
) -> Iterator[tuple[Digest, RoutineChange | None]]:
    """Run all homes through one detector day by day; return each closed day and its changes."""
    detector = RoutineDetector(parameters, capacity=max(len(homes), 1))
    for home in homes:
        detector.add_home(home.home, utc_offset_s=0.0)
    at_s = np.concatenate([home.at_s for home in homes])
    order = np.argsort(at_s, kind="stable")
    at_s = at_s[order]
    row = np.repeat(np.arange(len(homes)), [len(home.at_s) for home in homes])[order]
    room, kind = (np.concatenate([getattr(home, name) for home in homes])[order] for name in ("room", "kind"))
    days = np.arange(at_s[0] // DAY_S, at_s[-1] // DAY_S + 1) if len(at_s) else np.zeros(0)
    for day in track(days, "digesting days", console=_console):
        closes_s = (day + 1) * DAY_S + parameters.close_after_s
        lo, hi = (
            np.searchsorted(at_s, (closes_s - DAY_S, closes_s))
            if day > days[0]
            else (0, np.searchsorted(at_s, closes_s))
        )
        detector.process_batch(LifeBatch(row[lo:hi], at_s[lo:hi], room[lo:hi], kind[lo:hi]))
        changes = {change.home: change for change in detector.close_days(float(closes_s))}
        for home in homes:
            if detector.last_closed_day(home.home) == day and day * DAY_S <= home.ends_s:
                yield detector.digest_day(home.home), changes.get(home.home)


def written(reason: Reason) -> str:
    """Return a reason as one line for a table: its code, then its facts."""
    return " ".join(
        (reason.code, *(f"{name}={_short(fact)}" for name, fact in reason.facts.items() if fact is not None))
    )


def _short(fact: Fact) -> str:
    return f"{fact:.6g}" if isinstance(fact, float) and abs(fact) < _FULL_FROM else str(fact)


def _row(digest: Digest, change: RoutineChange | None) -> list[object]:
    figures = ["" if np.isnan(value) else round(value, 3) for value in (getattr(digest, name) for name in FIGURES)]
    days = [digest.home, str(np.datetime64(digest.day, "D")), int(digest.known), *figures, " ".join(digest.rooms)]
    if change is None:
        return [*days, "", "", "", "", "", ""]
    reason = written(change.reason)
    return [*days, change.measure, change.kind, round(change.recent, 3), round(change.usual, 3), change.p, reason]
