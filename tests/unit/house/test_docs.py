"""Every setting, command and decision is in the documents, and the documents name nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from anju_cli.main import PARTS, build
from anju_platform.settings import Settings
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import DownLane, Lane

ROOT = Path(__file__).parents[3]
DOCS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """Every command of `anju`, as a person types it."""
    for name in PARTS:
        yield from below(typer.main.get_command(build(name)).commands[name], f"anju {name}")  # type: ignore[attr-defined]


def below(command: object, words: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield words
        return
    for name, sub in inner.items():
        yield from below(sub, f"{words} {name}")


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`(ANJU_[A-Z_]+)`", text("docs/operations.md")))
    assert documented == {f"ANJU_{name.upper()}" for name in Settings.model_fields}


def test_every_command_is_documented() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    missing = [words for words in commands() if not re.search(rf"{re.escape(words)}\b", said)]
    assert not missing


def test_documented_commands_exist() -> None:
    known = set(commands())
    said = {
        " ".join(found.split())
        for path in DOCS
        for found in re.findall(r"`anju ((?:[a-z]+ ?)+)", path.read_text(encoding="utf-8"))
    }
    for words in said:
        assert any(f"anju {words}".startswith(name) or name.startswith(f"anju {words}") for name in known), words


def test_protocol_names_every_lane_and_quantity() -> None:
    protocol = text("docs/protocol.md")
    for word in (*Lane, *DownLane, *Quantity):
        assert f"`{word.value}`" in protocol, word


def test_decisions_are_listed() -> None:
    index = text("docs/adr/README.md")
    for path in (ROOT / "docs" / "adr").glob("0*.md"):
        assert f"({path.name})" in index, path.name
        assert "**Check.**" in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
