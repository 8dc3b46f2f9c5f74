"""The hooks before a commit run every check of `./dev check`, and fetch nothing from anywhere."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    """The script `dev`, imported without running it."""
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("dev", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def hooks() -> list[dict[str, Any]]:
    """The hooks of .pre-commit-config.yaml, all of the one local repository."""
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    return repos[0]["hooks"]  # type: ignore[no-any-return]


def test_every_check_is_a_hook(dev: ModuleType, hooks: list[dict[str, Any]]) -> None:
    assert {hook["entry"] for hook in hooks} == {f"./dev check {name}" for name in dev.CHECKS}
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks)


def test_the_help_names_every_check(dev: ModuleType) -> None:
    assert all(name in (dev.__doc__ or "") for name in dev.CHECKS)


def test_the_help_and_the_documents_name_every_command(dev: ModuleType) -> None:
    source = (ROOT / "dev").read_text(encoding="utf-8")
    commands = set(re.findall(r'"([a-z]+)": (?:\[|lambda|[a-z]+[,}])', source))
    assert commands >= {"demo", "test", "check", "names", "map", "lock", "siege"}
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for command in commands:
        assert re.search(rf"^    \./dev {command}\b", dev.__doc__ or "", re.MULTILINE), command
        assert re.search(rf"`{command}\b", documented), command


def test_only_the_named_checks_run(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(dev, "call", lambda command: called.append(Path(command[0]).name) or 0)
    assert dev.check(["imports"]) == 0
    assert called == ["lint-imports"]
    assert dev.check(["no-such-check"]) == 2
    assert called == ["lint-imports"]


def test_every_check_runs_though_one_fails(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(dev, "call", lambda command: called.append(command) or 1)
    assert dev.check([]) == 1
    assert len(called) == len(dev.CHECKS)


def test_the_tests_run_side_by_side_unless_a_path_is_named(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(dev, "call", lambda command: called.append(command[3:]) or 0)
    assert dev.test(["--cov", "-k", "escalation"]) == 0
    assert dev.test(["-x", "tests/unit/core"]) == 0
    assert dev.test(["tests/unit/house/test_hooks.py::test_every_check_is_a_hook"]) == 0
    side_by_side, *one_by_one = called
    assert side_by_side == [*dev.SIDE_BY_SIDE, "--cov", "-k", "escalation"]
    assert one_by_one == [["-x", "tests/unit/core"], ["tests/unit/house/test_hooks.py::test_every_check_is_a_hook"]]
