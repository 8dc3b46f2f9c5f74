"""`anju detect` on small recordings: what it writes, and what it says of files that it can't read."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, beats, days_of_life, fall_stream
from fixtures._routine_days import Habit, one_day
from typer.testing import CliRunner

from anju_cli.detect import app
from anju_cli.recordings import RecordingUnreadable, read_home, worn_recordings
from anju_detect.inactivity.model import InactivityModel
from anju_research.commands.train import ship
from anju_research.learning.model_archive import pack_arrays

HEADER = "ts,sensor,room,kind,value\n"


def _stamp(at_s: float) -> str:
    return str(np.datetime64(round(at_s * 1e6), "us")).replace("T", " ")


def _write_home(folder: Path, name: str, cut_s: float) -> None:
    rows = [row for row in days_of_life(0, 5) if row[1] <= cut_s] + beats(0, cut_s, cut_s + 24 * HOUR)
    lines = []
    for _, at, room, kind in sorted(rows, key=lambda row: row[1]):
        word, value = ("diag", "1") if kind == "heartbeat" else (kind, "1")
        lines.append(f"{_stamp(at)},s,{'lounge' if room == 'living' else room},{word},{value}\n")
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
        file.write(HEADER + "".join(lines))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_silence_in_a_file_is_raised_within_its_rows(tmp_path: Path) -> None:
    cut = START + 4 * DAY + 11 * HOUR
    _write_home(tmp_path, "quiet", cut)
    _write_home(tmp_path, "short", cut - DAY)
    out = tmp_path / "alerts.csv"
    done = CliRunner().invoke(app, ["inactivity", str(tmp_path), str(out), "--target-false-alerts-per-month", "3"])
    assert done.exit_code == 0, done.output
    rows = [row for row in _read(out) if row["home"] == "quiet" and row["raised_at"] > _stamp(cut)]
    assert [row["detected_kind"] for row in rows] == ["inactivity"]
    assert rows[0]["raised_at"] < _stamp(cut + 24 * HOUR)
    assert rows[0]["reason"].startswith("silence room=hall last_life_s=")


def test_another_model_may_judge(tmp_path: Path) -> None:
    shipped = InactivityModel.load_stored()
    patient = InactivityModel(shipped.hazard, shipped.weight, shipped.targets, shipped.false_alert_costs_h * 1e4)
    ship("inactivity", pack_arrays(patient.to_arrays()), tmp_path / "patient")
    events = tmp_path / "events"
    events.mkdir()
    cut = START + 4 * DAY + 11 * HOUR
    _write_home(events, "quiet", cut)
    delays = []
    for words in (
        [],
        ["--model", str(tmp_path / "patient")],
        ["--model", str(tmp_path / "patient" / "inactivity.npz")],
    ):
        out = tmp_path / "alerts.csv"
        done = CliRunner().invoke(app, ["inactivity", str(events), str(out), *words])
        assert done.exit_code == 0, done.output
        delays.append([row["raised_at"] for row in _read(out) if row["raised_at"] > _stamp(cut)])
    assert delays[1] == delays[2]
    assert len(delays[0]) == 1
    assert delays[1] == [] or delays[1][0] > delays[0][0]


def test_a_model_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    _write_home(tmp_path, "quiet", START + DAY)
    words = ["inactivity", str(tmp_path), str(tmp_path / "o.csv"), "--model"]
    assert CliRunner().invoke(app, [*words, str(tmp_path / "nowhere")]).exit_code == 2
    ship("inactivity", pack_arrays(InactivityModel.load_stored().to_arrays()), tmp_path / "torn")
    (tmp_path / "torn" / "inactivity.npz").write_bytes(b"torn")
    assert CliRunner().invoke(app, [*words, str(tmp_path / "torn")]).exit_code == 2


def test_a_fall_in_a_pack_is_judged(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", a=fall_stream(after="still", seconds=30.0), b=np.zeros((500, 3), np.int16))
    lines = ["recording_id,file,position,fs_hz,clip_g,n", "a,one.npz,waist,50,16,1500", "b,one.npz,wrist,50,4,500"]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out.csv"
    done = CliRunner().invoke(app, ["fall", str(tmp_path), str(out)])
    assert done.exit_code == 0, done.output
    raised = [row for row in _read(out) if row["alarm"] == "1"]
    assert [row["recording_id"] for row in raised] == ["a"]
    assert float(raised[0]["detected_at_s"]) == pytest.approx(14.0, abs=0.2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("time,what\n", "first line"),
        (HEADER + "yesterday,s,hall,motion,1\n", "yesterday"),
        (HEADER + "2024-01-01 00:00:00,s,hall\n", "line 2"),
        (HEADER + "2024-01-01 00:00:00,s,hall,dance,1\n", "dance"),
        (HEADER + "2024-01-01 00:00:00,s,hall,motion,loud\n", "line 2"),
    ],
)
def test_an_unreadable_log_is_named_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "h.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(RecordingUnreadable, match=why):
        read_home(path)


def test_torn_missing_and_empty_recordings(tmp_path: Path) -> None:
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress(HEADER.encode())[:-6])
    with pytest.raises(RecordingUnreadable):
        read_home(tmp_path / "torn.csv.gz")
    with pytest.raises(RecordingUnreadable):
        list(worn_recordings(tmp_path))
    (tmp_path / "index.csv").write_text("recording_id,file,position,fs_hz,clip_g\na,gone.npz,waist,50,16\n", "utf-8")
    with pytest.raises(RecordingUnreadable, match="gone"):
        list(worn_recordings(tmp_path))
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (["inactivity", str(empty), str(tmp_path / "o.csv")], ["fall", str(empty), str(tmp_path / "o.csv")]):
        assert CliRunner().invoke(app, words).exit_code == 2
    (empty / "h.csv.gz").write_bytes(gzip.compress(HEADER.encode()))
    assert CliRunner().invoke(app, ["inactivity", str(empty), str(tmp_path / "o.csv")]).exit_code == 0


def test_days_are_digested_and_a_change_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    habits = [Habit()] * 24 + [Habit(visits=7)] * 8
    lines = [
        f"{_stamp(at)},s,{'lounge' if room == 'living' else room},{'diag' if kind == 'heartbeat' else kind},1\n"
        for number, habit in enumerate(habits)
        for _, at, room, kind in one_day(number, habit, rng)
    ]
    with gzip.open(tmp_path / "one.csv.gz", "wt", encoding="utf-8") as file:
        file.write(HEADER + "".join(lines))
    out = tmp_path / "days.csv"
    done = CliRunner().invoke(app, ["routine", str(tmp_path), str(out)])
    assert done.exit_code == 0, done.output
    rows = _read(out)
    assert len(rows) == len(habits)
    assert {row["home"] for row in rows} == {"one"}
    assert float(rows[5]["wake_h"]) == pytest.approx(7.0, abs=0.6)
    changed = [row for row in rows if row["changed"]]
    assert changed[0]["changed"].startswith("night_")
    assert float(changed[0]["recent"]) > float(changed[0]["usual"])
    assert changed[0]["reason"].split(" | ")[0] in done.output
