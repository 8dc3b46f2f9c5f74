"""A forbidden import breaks the contract that forbids it: seen on a copy of the tree with such imports added."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("gateway", "platform", "device_sim", "dashboards", "cli", "research", "tools")

FORBIDDEN = {
    # what is added → the contract that breaks
    ("gateway/anju_wire/topics.py", "anju_core.ids"): "the wire and detection import nothing of ours",
    ("platform/anju_detect/errors.py", "anju_wire.topics"): "the wire and detection do not know each other",
    ("gateway/anju_wire/clock.py", "pydantic"): "the wire depends on msgspec alone",
    ("platform/anju_core/actor.py", "anju_wire.messages"): "the core uses the wire's vocabulary only",
    ("platform/anju_core/reasons.py", "anju_wire.profiles"): "the core uses the wire's vocabulary only",
    ("platform/anju_core/escalation.py", "sqlalchemy"): "the core and detection know no I/O",
    ("gateway/anju_gateway/settings.py", "anju_platform.settings"): "the gateway knows the wire and detection only",
    ("device_sim/anju_sim/network.py", "anju_gateway.settings"): "the simulator knows the wire only",
    ("platform/anju_platform/db/base.py", "anju_gateway.settings"): (
        "the platform knows neither the gateway nor the simulator"
    ),
    ("platform/anju_platform/app/health.py", "anju_sim.network"): (
        "the platform knows neither the gateway nor the simulator"
    ),
    ("platform/anju_platform/settings.py", "anju_cli.main"): "nothing imports the command line",
    ("platform/anju_platform/app/server.py", "anju_research.commands"): "nothing imports research",
    ("platform/anju_platform/db/base.py", "anju_platform.visits.errors"): "the platform stands in storeys",
    ("platform/anju_platform/accounts/errors.py", "anju_platform.visits.schemas"): (
        "no package imports a sibling that imports it"
    ),
    (
        "platform/anju_platform/visits/offers.py",
        "anju_platform.oncall.repository",
    ): "a repository is its own package's",
    ("platform/anju_platform/visits/queries.py", "anju_platform.alerts.models"): "a slice's tables are its own",
    ("platform/anju_platform/console/board/pages.py", "anju_platform.residents.models"): "a slice's tables are its own",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `lint-imports` says of a copy of the tree in which every forbidden import was added."""
    copy = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "static", "node_modules", "trained", "locale", "templates")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, module in FORBIDDEN:
        with (copy / path).open("a", encoding="utf-8") as file:
            file.write(f"\nimport {module}\n")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(copy / folder) for folder in FOLDERS),
        "COLUMNS": "300",
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("added", "contract"), FORBIDDEN.items(), ids=FORBIDDEN.values())
def test_a_forbidden_import_breaks_its_contract(verdicts: str, added: tuple[str, str], contract: str) -> None:
    assert re.search(rf"^{re.escape(contract)} BROKEN", verdicts, re.MULTILINE)
    importer = added[0].removesuffix(".py").split("/", 1)[1].replace("/", ".")
    reasons = verdicts[verdicts.index("Broken contracts") :]
    siblings = rf"\.{importer.split('.')[1]} -> \.{added[1].split('.')[1]} " if added[1].count(".") > 1 else r"(?!)"
    assert re.search(rf"{re.escape(importer)}\b.*\b{re.escape(added[1])}\b|{siblings}", reasons)


def test_every_contract_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(FORBIDDEN.values()) == {contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}
