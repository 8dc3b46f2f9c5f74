"""`anju evaluate` on small made-up recordings: who is left out, what is written, and what it refuses."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, START, beats, days_of_life, fall_stream
from typer.testing import CliRunner

from anju_cli.recordings import RecordingUnreadable, WornRecording
from anju_detect.fall.model import FallModel
from anju_detect.inactivity.model import InactivityModel
from anju_research.commands import evaluate
from anju_research.evaluation.fall_runs import judge_recordings, only
from anju_research.evaluation.inactivity_runs import folds_of
from anju_research.fall.candidates import Candidates, RecordingLabel
from anju_research.reports.charts import ChartAxis, ChartSeries, bars, chart
from anju_research.reports.inactivity import read_baselines

DAYS = 26


def _stamp(at_s: float) -> str:
    return str(np.datetime64(round(at_s * 1e6), "us")).replace("T", " ")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four homes of 26 days and eight worn recordings of four people."""
    root = tmp_path_factory.mktemp("data")
    homes = root / "inactivity" / "tihm"
    homes.mkdir(parents=True)
    for number, name in enumerate("abcd"):
        rows = days_of_life(0, DAYS, seed=number) + beats(0, START, START + DAYS * DAY)
        lines = [
            f"{_stamp(at)},s,{'lounge' if room == 'living' else room},{'diag' if kind == 'heartbeat' else kind},1\n"
            for _, at, room, kind in sorted(rows, key=lambda row: row[1])
        ]
        with gzip.open(homes / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write("ts,sensor,room,kind,value\n" + "".join(lines))
    pack = root / "fall"
    pack.mkdir()
    head = "recording_id,dataset,subject,age_group,position,activity,is_fall,fs_hz,clip_g,impact_s,file"
    lines = [head]
    for number, person in enumerate(("p", "q", "r", "s")):
        fall = fall_stream(after="still", seconds=24.0, seed=number)
        walk = np.tile(fall[:400], (8, 1))
        np.savez(pack / f"{person}.npz", **{f"{person}1": fall, f"{person}2": walk, f"{person}3": walk})
        age = "elderly" if person == "s" else "young"
        lines.append(f"{person}1,set,{person},{age},waist,slip,1,50,16,10.0,{person}.npz")
        lines.append(f"{person}2,set,{person},{age},waist,walk,0,50,16,,{person}.npz")
        lines.append(f"{person}3,set,{person},{age},wrist,free_living,0,50,16,,{person}.npz")
    (pack / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def _page(path: Path) -> str:
    html = path.read_text(encoding="utf-8")
    for picture in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(picture)  # noqa: S314 - our own
    assert not re.search(r"(src|href)=", html)
    assert '<html lang="zh-CN">' in html
    return html


def test_homes_are_judged_by_models_of_other_homes(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def fit(sample: int, _: object) -> tuple[InactivityModel, None]:
        given.append(sample)
        return InactivityModel.load_stored(), None

    monkeypatch.setattr(evaluate, "collect_sample", lambda homes, _: len(homes))
    monkeypatch.setattr(evaluate, "fit_inactivity_model", fit)
    out = tmp_path / "report.html"
    words = [
        "inactivity",
        "--data",
        str(data),
        "--report",
        str(out),
        "--folds",
        "2",
        "--targets",
        "1,6",
        "--collapses",
        "2",
    ]
    done = CliRunner().invoke(evaluate.app, words)
    assert done.exit_code == 0, done.output
    assert given == [2, 2]
    html = _page(out)
    for zh in ("静默报警评估", "延迟与误报", "各户", "由在其他住户上训练的参数判断"):
        assert zh in html
    assert html.count("<svg") == 4
    assert all(f"<td>{home}</td>" in html for home in "abcd")


def test_a_rival_is_compared_on_the_same_homes(data: Path, tmp_path: Path) -> None:
    baselines = tmp_path / "baselines"
    baselines.mkdir()
    runs = [[[[0.0, 0.0]] * 4, [[23.0, 1e9]] * 4], [[[9.0, 9.0]] * 4, [[20.0, 22.0]] * 4]]
    raw = {"homes": [f"set/{home}" for home in "abcx"], "runs": runs}
    (baselines / "dev_slow.json").write_text(json.dumps({"raw": raw}), encoding="utf-8")
    out = tmp_path / "report.html"
    words = ["inactivity", "--data", str(data), "--report", str(out), "--shipped", "--baselines", str(baselines)]
    done = CliRunner().invoke(evaluate.app, [*words, "--targets", "1,60", "--collapses", "2"])
    assert done.exit_code == 0, done.output
    assert "slow" in _page(out)
    assert "与已发表方法相比" in out.read_text(encoding="utf-8")
    known = read_baselines(baselines, {"a": (10.0, 9.0), "b": (12.0, 11.0)})["slow"]
    assert known.homes == ("a", "b")
    assert known.runs[0].delay_h.tolist() == [[23.0, np.inf]] * 2


def test_an_unreadable_rival_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable, match="no <baseline>"):
        read_baselines(tmp_path, {})
    (tmp_path / "x.json").write_text('{"raw": {"homes": []}}', encoding="utf-8")
    with pytest.raises(RecordingUnreadable, match=r"x\.json"):
        read_baselines(tmp_path, {})


def test_people_are_judged_by_models_of_other_people(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[set[str]] = []

    def fit(labels: list[RecordingLabel], found: Candidates, _: object) -> tuple[FallModel, None]:
        taught.append({label.person for label in labels})
        assert found.recording.max() < len(labels)
        return FallModel.load_stored(), None

    monkeypatch.setattr(evaluate, "fit_fall_model", fit)
    out = tmp_path / "report.html"
    done = CliRunner().invoke(evaluate.app, ["fall", "--data", str(data), "--report", str(out), "--folds", "2"])
    assert done.exit_code == 0, done.output
    assert taught == [{"setq", "sets"}, {"setp", "setr"}]
    html = _page(out)
    for zh in ("跌倒识别评估", "腰部", "手腕", "每个人由在其他人身上训练的参数判断"):
        assert zh in html


def test_what_is_missing_is_refused(tmp_path: Path) -> None:
    for words in (["inactivity"], ["fall"]):
        done = CliRunner().invoke(evaluate.app, [*words, "--data", str(tmp_path), "--report", str(tmp_path / "r.html")])
        assert done.exit_code == 2


def test_a_fall_is_hit_near_its_impact_and_its_latency_is_counted_from_it() -> None:
    row = {"activity": "slip", "age_group": "young"}
    worn = WornRecording("a", fall_stream(after="still", seconds=30.0), "waist", 50.0, 16.0, row)
    near, far = (RecordingLabel("p", "waist", impact, True, 0.01) for impact in (10.0, 25.0))
    model = FallModel.load_stored()
    judged = judge_recordings([(worn, near), (worn, far)], lambda _: model, None)
    hit, missed = judged.trials
    assert hit.raised
    assert hit.latency_s == pytest.approx(4.0, abs=0.2)
    assert not missed.raised
    assert np.isnan(missed.latency_s)


def test_only_the_chosen_recordings_teach() -> None:
    labels = [RecordingLabel(person, "waist", np.nan, True, 0.1) for person in "abc"]
    found = Candidates(np.array([0, 1, 2, 2]), np.arange(4.0), np.zeros(4, bool), np.arange(8.0).reshape(4, 2))
    kept, rows = only(labels, found, np.array([True, False, True]))
    assert [label.person for label in kept] == ["a", "c"]
    assert rows.recording.tolist() == [0, 1, 1]
    assert rows.at_s.tolist() == [0.0, 2.0, 3.0]


def test_every_home_is_in_one_fold() -> None:
    assert folds_of(5, 2).tolist() == [0, 1, 0, 1, 0]
    assert folds_of(2, 9).tolist() == [0, 1]


def test_axes_have_round_ticks_and_keep_what_lies_outside_at_their_ends() -> None:
    assert ChartAxis("", "", 0.0, 1.0).tick_values() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ChartAxis("", "", 0.1, 10.0, log=True).tick_values() == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5, 10])
    assert ChartAxis("", "", 0.1, 10.0, log=True).position_of(1.0) == pytest.approx(0.5)
    assert ChartAxis("", "", 0.0, 1.0).position_of(7.0) == 1.0


def test_drawings_are_well_formed_and_escape_their_words() -> None:
    axis = ChartAxis("横", "x", 0.0, 1.0)
    line = ChartSeries("a & <b>", [0.0, float("nan"), 1.0], [0.0, 0.5, 1.0], ([0.0, 0.0, 0.5], [0.5, 1.0, 1.0]))
    drawn = chart("t", axis, axis, [line, ChartSeries("dots", [0.5], [0.5], ([0.4], [0.6]), joined=False)])
    assert "a &amp; &lt;b&gt;" in drawn
    ET.fromstring(drawn)  # noqa: S314 - our own
    ET.fromstring(bars([("x < y", 0.5, (0.2, 0.8), "1/2")]))  # noqa: S314 - our own
