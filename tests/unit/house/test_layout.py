"""The house stands as the map says."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def test_platform_folder_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    asked = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.python_version())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.startswith("3.")


def test_pages_stand_in_the_console_and_json_below_it() -> None:
    platform = ROOT / "platform" / "anju_platform"
    console = set((platform / "console").rglob("*.py"))
    assert not [path for path in console if path.name in {"endpoints.py", "schemas.py"}]
    below = set(platform.rglob("*.py")) - console
    assert not [path for path in below if path.name == "pages.py" or "HTMLResponse(" in path.read_text("utf-8")]


def test_no_lock_names_a_registry() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(encoding="utf-8"), path
    assert "resolved" not in (ROOT / "dashboards" / "package-lock.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ["gateway", "sim"])
def test_a_home_installs_no_platform(role: str) -> None:
    locked = (ROOT / "requirements" / f"{role}.txt").read_text(encoding="utf-8")
    names = {line.partition("==")[0] for line in locked.splitlines() if "==" in line}
    assert not names & {"fastapi", "sqlalchemy", "duckdb", "alembic", "uvicorn"}
    assert "paho-mqtt" in names


def test_every_lock_agrees_with_the_developers() -> None:
    def versions(path: Path) -> dict[str, str]:
        rows = (line.split()[0].split("==") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line)
        return {name.partition("[")[0]: version.rstrip("\\") for name, version in rows}

    every = versions(ROOT / "requirements" / "dev.txt")
    for path in (ROOT / "requirements").glob("*.txt"):
        assert versions(path).items() <= every.items(), path


def test_every_package_is_built_and_checked() -> None:
    def wheel(folder: str) -> tuple[dict[str, Any], set[str]]:
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))
        return project, {Path(path).name for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}

    project, shipped = wheel(".")
    _, research = wheel("research")
    assert not shipped & research
    packages = shipped | research
    assert packages == set(project["tool"]["importlinter"]["root_packages"]) == set(project["tool"]["mypy"]["packages"])
