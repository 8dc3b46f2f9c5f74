"""One command line that loads only the part that is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anju_cli.main import SUBCOMMANDS, Subcommand, build_cli, load_subcommand


def test_help_names_every_part_and_imports_none() -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anju_cli", "--help"], capture_output=True, text=True, check=True
    )
    assert all(name in told.stdout for name in SUBCOMMANDS)
    for heavy in ("fastapi", "sqlalchemy", "duckdb", "numpy", "paho"):
        assert f"| {heavy}\n" not in told.stderr, heavy


@pytest.mark.parametrize("name", list(SUBCOMMANDS))
def test_every_part_of_the_table_can_be_loaded(name: str) -> None:
    module = load_subcommand(name, SUBCOMMANDS[name])
    assert hasattr(module, "app") or hasattr(module, "command")
    assert build_cli(name) is not None


def test_a_missing_extra_is_said_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(SystemExit) as ended:
        load_subcommand("platform", Subcommand("anju_cli.platform", "platform", "", ""))
    assert ended.value.code == 2
    assert "pip install 'anju[platform]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["train", "evaluate", "bench"])
def test_without_the_research_distribution_its_commands_say_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in [one for one in sys.modules if one.partition(".")[0] == "anju_research"]:
        monkeypatch.delitem(sys.modules, module)
    without = [folder for folder in sys.path if not (Path(folder) / "anju_research").is_dir()]
    assert without != sys.path
    monkeypatch.setattr(sys, "path", without)
    with pytest.raises(SystemExit) as ended:
        load_subcommand(name, SUBCOMMANDS[name])
    assert ended.value.code == 2
    assert "pip install 'anju[research]'" in capsys.readouterr().err


def test_another_missing_module_of_ours_is_not_taken_for_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anju_cli.detect", None)
    with pytest.raises(ModuleNotFoundError):
        load_subcommand("detect", SUBCOMMANDS["detect"])
