"""Mutation check: change the code in small ways, run the tests of its area, and list the changes that no test saw.

    ./dev mutate                     every area below
    ./dev mutate spool escalation    only these
    ./dev mutate --sample 200        at most 200 mutants of each area, drawn with --seed
    ./dev mutate --again spool       only the survivors of the last run, against the tests as they are now
    ./dev mutate --show spool        what each survivor of the last run had changed

mutmut makes and runs the mutants (docs/adr/0011). It wants the code under `src/`, so each area is laid out anew in
`.mutants/<area>/`. It keeps modules loaded between mutants, so that a change of what runs at import is not seen by its
own run; every survivor is therefore run once more in a process of its own, and only what survives that too counts.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import functools
import itertools
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGE = ROOT / ".mutants"
TARGET = 0.85
"""Share of an area's mutants that its tests should kill."""
ALONE_S, ALONE_TIMES = 120.0, 6.0
"""A survivor's own process is given so long, or so many times what the tests take without a mutant, if that is more.

One that hangs counts as killed, as by a test's own time-out; one that is only slow, on a busy machine, does not hang.
"""
PROGRESS_S = 15.0


@dataclass(frozen=True, slots=True)
class Area:
    """What is mutated, below `src/`, and the tests that have to see it."""

    mutate: tuple[str, ...]
    tests: tuple[str, ...]


_INGEST = ("tests/unit/platform/ingest", "tests/contract/test_acknowledgement.py")
_ALERTS = ("tests/unit/platform/alerts", "tests/unit/platform/notifications")
AREAS = {
    "anju_core": Area(("anju_core/*",), ("tests/unit/core",)),
    "anju_wire": Area(("anju_wire/*",), ("tests/unit/wire",)),
    "ingest": Area(("anju_platform/ingest/*",), _INGEST),
    "spool": Area(("anju_gateway/spool.py",), ("tests/unit/gateway/test_spool.py",)),
    "escalation": Area(("anju_platform/alerts/escalation.py",), _ALERTS),
    "notifications": Area(("anju_platform/notifications/*",), _ALERTS),
}
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|BEGIN|FROM)\b", re.IGNORECASE)
_SPINNER = re.compile(r"[\u2800-\u28ff] ")
_WORDS = (r"super\(\).__init__\(", r"\blog\.", r"_log\.", r"raise (ValueError|Invalid\w+)\(")
"""Lines that are left as they are: the wording of errors and of the log may change without a test."""
_SUPPORT = ("docs", "deploy", "README.md", "dev", "requirements", "tools")
_PYTEST = ("-x", "-p", "no:cacheprovider", "-k", "not postgresql and not sigkill")
"""A database server, or a process that is killed, for each mutant would take all the time."""
_SETTINGS = """\
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "--strict-markers"]
pythonpath = ["tests", "tools"]
timeout = 600
markers = ["browser: drives a real Chromium", "slow: takes longer than ten seconds"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = {mutate}
do_not_mutate_patterns = {words}
pytest_add_cli_args = {pytest}
pytest_add_cli_args_test_selection = {tests}
also_copy = {support}
process_isolation = "forkserver"
use_git_change_detection = false
track_dependencies = false
timeout_multiplier = 10.0
timeout_constant = 5.0
"""
KILLED, SURVIVED, UNTESTED = "killed", "survived", "reached by no test"
Results = dict[str, str]
"""What became of each mutant that was tried, by its name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Check the areas named; 1 where one of them stays below `TARGET`."""
    options = _options(argv)
    shares: dict[str, float] = {}
    for name in options.areas or AREAS:
        stage = Stage(name, AREAS[name], options.jobs)
        if options.show:
            stage.show()
            continue
        print(f"\n== {name}", flush=True)
        results = stage.again() if options.again else stage.run(options.sample, options.seed)
        shares[name] = report(results)
    if len(shares) > 1:
        print("\n" + "\n".join(f"{name:15} {share:6.1%} killed" for name, share in shares.items()))
    return int(any(share < TARGET for share in shares.values()))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    about = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__, formatter_class=about)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument("--sample", type=int, metavar="N", help="try at most N mutants of each area")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="draws the sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="mutants tried side by side (default: 2)")
    parser.add_argument("--again", action="store_true", help="only the survivors of the last run")
    parser.add_argument("--show", action="store_true", help="what the survivors of the last run had changed")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.areas) - set(AREAS))
    if unknown:
        parser.error(f"unknown area {unknown[0]!r}; known: {', '.join(AREAS)}")
    return options


def report(results: Results) -> float:
    """Print the score and what was not killed, by function; the share that was killed."""
    counts = Counter(results.values())
    share = counts[KILLED] / len(results) if results else 0.0
    print(f"{share:.1%} of {len(results)} mutants killed, {counts[SURVIVED]} survived, {counts[UNTESTED]} {UNTESTED}")
    left = Counter(re.sub(r"__mutmut_\d+$", "", name) for name, what in results.items() if what != KILLED)
    for function, count in left.most_common():
        print(f"  {count:3}  {_readable(function)}")
    return share


def _readable(name: str) -> str:
    """`package.module.Class.method` of mutmut's own form of a name."""
    return re.sub(r"\.x(?:_|ǁ(\w+)ǁ)", lambda found: f".{found[1]}." if found[1] else ".", name)


class Stage:
    """An area laid out as mutmut wants it, in `.mutants/<area>/`, and its results."""

    def __init__(self, name: str, area: Area, jobs: int) -> None:
        self._area, self._jobs = area, jobs
        self._folder = STAGE / name
        self._kept = self._folder / "results.json"

    def run(self, sample: int | None, seed: int) -> Results:
        """Make the mutants anew and try them, all or a sample."""
        self._lay_out()
        wanted: list[str] = []
        if sample is not None:
            self._mutmut(["no mutant has this name"])  # makes them all and tries none
            names = sorted(self._verdicts())
            wanted = random.Random(seed).sample(names, min(sample, len(names)))
            print(f"a sample of {len(wanted)} of {len(names)} mutants, seed {seed}")
        self._mutmut(wanted)
        verdicts = self._verdicts()
        results = {name: verdicts[name] for name in wanted or verdicts}
        if not results or None in results.values():
            said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            print("\n".join(line for line in said if not _SPINNER.match(line))[-2000:])
            raise SystemExit(f"mutmut did not come to an end; all it said is in {self._log}")
        return self._confirm({name: what for name, what in results.items() if what is not None})

    def again(self) -> Results:
        """Try what survived the last run against the tests of now, over the code as it was then."""
        results: Results = json.loads(self._kept.read_text(encoding="utf-8"))
        for folder in ("tests", *_SUPPORT):
            _copy(ROOT / folder, self._folder / "mutants" / folder)
        return self._confirm(results)

    def show(self) -> None:
        """Print the changes that no test saw."""
        results: Results = json.loads(self._kept.read_text(encoding="utf-8"))
        for name in sorted(name for name, what in results.items() if what != KILLED):
            print(f"\n{_readable(name)}")
            print("\n".join(f"    {line}" for line in self._change(name)))

    def _change(self, name: str) -> list[str]:
        """The lines that a mutant takes away (-) and puts in (+)."""
        module, _, function = name.rpartition(".")
        path = self._folder / "mutants" / "src" / f"{module.replace('.', '/')}.py"
        bodies = _functions(path if path.exists() else path.with_suffix("") / "__init__.py")
        original = re.sub(r"\d+$", "orig", function)
        before, after = (bodies[one].replace(one, "").splitlines() for one in (original, function))
        lines = difflib.unified_diff(before, after, lineterm="", n=0)
        return [line for line in lines if re.match(r"[-+](?![-+]{2} )", line)]

    @property
    def _log(self) -> Path:
        return self._folder / "mutmut.log"

    def _lay_out(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
            _copy(ROOT / package, self._folder / "src" / Path(package).name)
        for name in ("tests", *_SUPPORT):
            _copy(ROOT / name, self._folder / name)
        settings = _SETTINGS.format(
            mutate=json.dumps([f"src/{pattern}" for pattern in self._area.mutate]),
            words=json.dumps(_WORDS),
            pytest=json.dumps(_PYTEST),
            tests=json.dumps(self._area.tests),
            support=json.dumps(_SUPPORT),
        )
        (self._folder / "pyproject.toml").write_text(settings, encoding="utf-8")

    def _mutmut(self, names: Sequence[str]) -> None:
        """Run mutmut to its end, and say now and then how far it is."""
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(self._jobs), *names]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        with (
            self._log.open("wb") as log,
            _ended(
                subprocess.Popen(
                    command, cwd=self._folder, stdout=log, stderr=log, env=environment, start_new_session=True
                )
            ) as process,
        ):
            while True:
                try:
                    process.wait(PROGRESS_S)
                except subprocess.TimeoutExpired:
                    self._say_progress(len(names))
                else:
                    return

    def _say_progress(self, wanted: int) -> None:
        said = re.findall(r"(\d+)/(\d+)", self._log.read_text(encoding="utf-8", errors="replace")[-400:])
        print(f"  {said[-1][0]} of {wanted or said[-1][1]} tried" if said else "  making mutants", flush=True)

    def _verdicts(self) -> dict[str, str | None]:
        """What mutmut found; None for what it has not tried."""
        found: dict[str, str | None] = {}
        for path in (self._folder / "mutants" / "src").rglob("*.meta"):
            codes: dict[str, int | None] = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
            found |= {name: None if code is None else _verdict(code) for name, code in codes.items()}
        return found

    def _confirm(self, results: Results) -> Results:
        """Give each mutant that was not killed a process of its own."""
        said = time.monotonic()
        with ThreadPoolExecutor(self._jobs) as threads:
            same = [name for name in results if results[name] != KILLED and _same_to_sql(self._change(name))]
            results = {name: what for name, what in results.items() if name not in same}
            print(f"  {len(same)} left out that write the same SQL in another case", flush=True)
            left = sorted(name for name, what in results.items() if what != KILLED)
            started = time.monotonic()
            if self._dies_alone("", math.inf):
                raise SystemExit("the tests fail without any mutant; nothing that they say of one would mean anything")
            given_s = max(ALONE_S, ALONE_TIMES * (time.monotonic() - started))
            print(f"  {len(left)} of {len(results)} not killed yet: each is tried in a process of its own", flush=True)
            verdicts = threads.map(self._dies_alone, left, itertools.repeat(given_s))
            for number, (name, killed) in enumerate(zip(left, verdicts, strict=True), 1):
                if killed:
                    results[name] = KILLED
                if time.monotonic() - said > PROGRESS_S:
                    said = time.monotonic()
                    print(f"  {number} of {len(left)} tried alone", flush=True)
        self._kept.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
        return results

    def _dies_alone(self, name: str, given_s: float) -> bool:
        """Whether the tests of the area see this mutant in `given_s` seconds (or, without a name, fail as they are)."""
        folder = self._folder / "mutants"
        environment = {**os.environ, "MUTANT_UNDER_TEST": name, "PYTHONPATH": str(folder / "src")}
        command = [sys.executable, "-m", "pytest", "-q", *_PYTEST, *self._area.tests]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
        )
        with _ended(process), contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(None if math.isinf(given_s) else given_s) != 0
        return True


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group, none of which outlives this."""
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@functools.cache
def _functions(path: Path) -> dict[str, str]:
    """The functions of a module as mutmut wrote it, originals and mutants, each as its text."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in found}


def _verdict(code: int) -> str:
    """Of mutmut's exit codes: 0 the tests passed, 33 no test reaches it; all others end a mutant."""
    return {0: SURVIVED, 33: UNTESTED}.get(code, KILLED)


def _same_to_sql(change: Sequence[str]) -> bool:
    """Whether only the case of SQL changed, outside of its own quotes: the same statement."""
    taken, put = (" ".join(line[1:] for line in change if line[0] == sign) for sign in "-+")
    quoted = [re.findall(r"'[^']*'", text) for text in (taken, put)]
    return bool(_SQL.search(taken)) and taken.casefold() == put.casefold() and quoted[0] == quoted[1]


def _copy(source: Path, to: Path) -> None:
    """A file or a folder, over what is there, without what Python and the browser's packages leave behind."""
    if source.is_dir():
        left_out = shutil.ignore_patterns("__pycache__", "node_modules", "vendor", "secrets")
        shutil.copytree(source, to, ignore=left_out, dirs_exist_ok=True)
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, to)


if __name__ == "__main__":
    sys.exit(main())
