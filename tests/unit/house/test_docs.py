"""Every setting, command and decision is in the documents, and the documents name nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from anju_cli.main import SUBCOMMANDS, build_cli
from anju_platform.settings import Settings
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import DownLane, Lane

ROOT = Path(__file__).parents[3]
DOCS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """Every command of `anju`, as a person types it."""
    for name in SUBCOMMANDS:
        yield from below(typer.main.get_command(build_cli(name)).commands[name], f"anju {name}")  # type: ignore[attr-defined]


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
        if path.name != "CHANGELOG.md"  # it tells what former commands became
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


def code_spans(path: Path) -> Iterator[str]:
    """Code spans of a document, and the lines of its fenced blocks."""
    fenced = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def find_module(dotted: str) -> tuple[Path | None, list[str]]:
    """The file or folder of the longest part of a dotted name that is there, and the parts that are left."""
    parts = dotted.split(".")
    found, left = None, parts
    for end in range(1, len(parts) + 1):
        below = Path(*parts[:end])
        places = [place for folder in ROOT.iterdir() for place in (folder / below, folder / below.with_suffix(".py"))]
        there = next((place for place in places if place.exists()), None)
        if there is None:
            break
        found, left = there, parts[end:]
    return found, left


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_modules_are_there(path: Path) -> None:
    for span in code_spans(path):
        for dotted in re.findall(r"\banju_[a-z]+(?:\.\w+)+", span):
            found, left = find_module(dotted.removesuffix(".py"))
            assert found, dotted
            source = found if found.is_file() else found / "__init__.py"
            assert not left or left[0] in source.read_text(encoding="utf-8"), dotted


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_are_there(path: Path) -> None:
    folders = {folder.name for folder in ROOT.iterdir() if folder.is_dir()} - {".anju", ".venv"}
    for span in code_spans(path):
        for word in re.findall(r"(?<![\w/.-])[\w.-]+/[\w./*-]*", span):
            # Not there yet: what `deploy/prepare` writes, and the slice that CONTRIBUTING adds.
            made = word.startswith("deploy/secrets") or "/register" in word
            if word.split("/")[0] in folders and not made:
                assert list(ROOT.glob(word.rstrip("/."))), word


NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
REASONS = ("**not met**", "**partly**", "does not apply", "](")


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = set(NAMED_TEST.findall(text("docs/security.md")))
    assert len(named) > 100
    missing = [
        f"{path}::{test}"
        for path, test in sorted(named)
        if not (ROOT / path).is_file() or not re.search(rf"^(async )?def {test}\(", text(path), re.MULTILINE)
    ]
    assert not missing


def test_what_hurts_most_is_what_the_lines_say_is_missing() -> None:
    page, hurts = text("docs/security.md").split("## What hurts most")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    missing = {
        number
        for first, *rest in rows
        if re.search(r"\*\*(not met|partly)\*\*", " ".join(rest))
        for number in re.split(r", | to ", first.removeprefix("| "))
    }
    named = {number for found in re.findall(r"\(([\d., -]+)\)", hurts) for number in found.split(", ")}
    assert len(named) > 5
    assert named - missing == set()
    assert len(re.findall(r"^- .*\(\d", hurts, re.MULTILINE)) == len(re.findall(r"^- ", hurts, re.MULTILINE))


def test_every_line_of_the_threat_model_is_shown_or_says_why_not() -> None:
    rows = [line for line in text("docs/security.md").splitlines() if line.startswith("| ") and "|---" not in line]
    heads = {rows[0]} | {line for line in rows if line.startswith(("| no.", "| provision"))}
    bare = [
        line
        for line in rows
        if line not in heads and not NAMED_TEST.search(line) and not any(r in line for r in REASONS)
    ]
    assert not bare
