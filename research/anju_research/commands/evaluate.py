"""`anju evaluate`: evaluates the detectors on homes and people left out of training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from anju_cli.recordings import RecordingUnreadable, WornRecording, home_recordings, read_home, worn_recordings
from anju_detect.errors import DetectionError
from anju_detect.fall.model import CLIP_G, PLACE_OF, FallModel
from anju_detect.inactivity.model import InactivityModel
from anju_research.commands.train import worn_candidates
from anju_research.evaluation.collapses import tihm_outages
from anju_research.evaluation.fall_runs import ScoredRecordings, judge_recordings, only, worn_label
from anju_research.evaluation.inactivity_runs import EvaluationPlan, folds_of, plan_evaluation, run_detector
from anju_research.fall.candidates import RecordingLabel
from anju_research.fall.training import fit_fall_model
from anju_research.inactivity.fitting import fit_inactivity_model
from anju_research.inactivity.sampling import RecordedHome, collect_sample
from anju_research.reports.fall import Section, console_table, fall_report
from anju_research.reports.inactivity import compare, console_tables, inactivity_report, read_baselines

app = typer.Typer(help="Judge the detectors on homes and people that they never saw.", no_args_is_help=True)

Ints = NDArray[np.int64]
# Close together where communities choose: a straight line between distant targets is later than what is measured there.
TARGETS = "0.1,0.3,0.5,0.7,1,1.3,1.7,2.2,3,4,5.5,8"
HELD_BACK = ("各户由在其他住户上训练的参数判断。", "Each home is judged by parameters fitted on the others.")
BY_PERSON = ("每个人由在其他人身上训练的参数判断。", "Each person is judged by parameters fitted on the others.")
AS_SHIPPED = (
    "由随程序发布的参数判断：只有未参与训练的人，数字才有意义。",
    "Judged by the shipped parameters: the figures mean something for people who had no part in their training only.",
)
_console = Console(stderr=True)

DataDir = Annotated[Path, typer.Option("--data", help="Folder with inactivity/tihm/*.csv.gz and fall/index.csv.")]
Report = Annotated[Path, typer.Option("--report", help="Where the HTML report goes.")]
Folds = Annotated[int, typer.Option("--folds", min=2, help="Parts that are left out in turn.")]
Shipped = Annotated[
    bool,
    typer.Option("--shipped", help="Judge by the shipped parameters: for homes and people they never saw."),
]


@app.command()
def inactivity(
    data: DataDir,
    report: Report,
    baselines: Annotated[
        Path | None, typer.Option("--baselines", help="Folder of baselines' scored results to compare with.")
    ] = None,
    folds: Folds = 4,
    targets: Annotated[str, typer.Option("--targets", help="Wished rates that are run.")] = TARGETS,
    collapses: Annotated[int, typer.Option("--collapses", min=1, help="Simulated collapses a home.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Of the collapses.")] = 1,
    *,
    shipped: Shipped = False,
) -> None:
    """Cross-validate by home: delay against false alerts, each home, and the baselines at equal false alerts."""
    try:
        chosen = tuple(float(target) for target in targets.split(","))
        homes = [read_home(path) for path in home_recordings(data / "inactivity" / "tihm")]
        plan = plan_evaluation(homes, tihm_outages(), chosen, collapses, seed)
        _need_homes(plan, data)
        days = {home.home: one.scored_days for home, one in zip(plan.homes, plan.scored, strict=True)}
        others = read_baselines(baselines, days) if baselines else {}
        parts = np.zeros(len(plan.homes), np.int64) if shipped else folds_of(len(plan.homes), folds)
        with _progress() as progress:
            watched = progress.add_task("watching", total=1.0)
            model_of = _stored_model if shipped else _models_of_others(plan, progress)
            ours = run_detector(plan, model_of, parts, lambda share: progress.update(watched, completed=share))
        compared = compare(ours, others)
    except (RecordingUnreadable, DetectionError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    for table in console_tables(ours, compared):
        Console().print(table)
    how = AS_SHIPPED if shipped else HELD_BACK
    report.write_text(inactivity_report(ours, others, compared, how), encoding="utf-8")
    _console.print(f"{len(ours.homes)} homes -> {report}")


def _need_homes(plan: EvaluationPlan, data: Path) -> None:
    if not plan.homes:
        raise RecordingUnreadable(data, "no home is recorded for longer than three weeks")


def _stored_model(homes: Ints) -> InactivityModel:
    del homes
    return InactivityModel.load_stored()


def _models_of_others(plan: EvaluationPlan, progress: Progress) -> Callable[[Ints], InactivityModel]:
    recorded = [
        RecordedHome(home.at_s, home.room, home.kind, one.outages)
        for home, one in zip(plan.homes, plan.scored, strict=True)
    ]

    def fitted(left_out: Ints) -> InactivityModel:
        others = [home for number, home in enumerate(recorded) if number not in left_out]
        running = progress.add_task(f"running {len(others)} homes", total=1.0)
        sample = collect_sample(others, lambda share: progress.update(running, completed=share))
        fitting = progress.add_task("fitting", total=1.0)
        model, _ = fit_inactivity_model(sample, lambda share: progress.update(fitting, completed=share))
        return model

    return fitted


@app.command()
def fall(data: DataDir, report: Report, folds: Folds = 5, *, shipped: Shipped = False) -> None:
    """Cross-validate by person: sensitivity, specificity, free living, calibration, errors and latency."""
    try:
        with _progress() as progress:
            sections = _fall_sections(data / "fall", folds, progress, shipped=shipped)
    except (RecordingUnreadable, DetectionError) as error:
        raise typer.BadParameter(str(error)) from error
    for section in sections:
        Console().print(console_table(section))
    report.write_text(fall_report(sections, AS_SHIPPED if shipped else BY_PERSON), encoding="utf-8")
    _console.print(f"{sum(len(section.judged.trials) for section in sections)} trials -> {report}")


def _fall_sections(pack: Path, folds: int, progress: Progress, *, shipped: bool) -> list[Section]:
    recordings = list(worn_recordings(pack))
    if shipped:
        model = FallModel.load_stored()
        labels = [worn_label(worn) for worn in recordings]
        models = {label.person: model for label in labels}
    else:
        labels, found = worn_candidates(pack, progress)
        people = sorted({label.person for label in labels})
        models = {}
        for fold in range(min(folds, len(people))):
            out = set(people[fold::folds])
            keep = np.array([label.person not in out for label in labels])
            task = progress.add_task(f"fitting, fold {fold + 1}", total=1.0)
            fitted, _ = fit_fall_model(*only(labels, found, keep), partial(_show, progress, task))
            models |= dict.fromkeys(out, fitted)
    pairs = list(zip(recordings, labels, strict=True))
    return [
        section
        for place, zh in (("waist", "腰部"), ("wrist", "手腕"))
        for section in _place_sections([one for one in pairs if PLACE_OF[one[1].position] == place], place, zh, models)
    ]


def _show(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=share)


def _place_sections(
    pairs: list[tuple[WornRecording, RecordingLabel]], place: str, zh: str, models: dict[str, FallModel]
) -> list[Section]:
    if not pairs:
        return []
    whole: ScoredRecordings = judge_recordings(pairs, models.__getitem__, None)
    cut = judge_recordings(pairs, models.__getitem__, CLIP_G)
    return [
        Section(zh, place, whole),
        Section(f"{zh}（±2 g 传感器）", f"{place}, as a ±2 g sensor shows it", cut),
    ]


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=_console)
