"""Chinese stands in the modules of the wheel only as what gettext translates from, and where it is data, not words."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

ROOT = Path(__file__).parents[3]
CHINESE = re.compile(r"[\u3400-\u9fff]")
KEYWORDS = {"_": None, "gettext": None, "N_": None, "words": None, "counted": (1, 1)}
NAME_OF_THE_PRODUCT = "安居"
RELATIONS = {"女儿", "儿子", "孙女", "孙子"}
"""A contact's relation, as a worker types it; the family's page knows these."""
DATA = {
    "anju_gateway/adapters/truths.py": "values that devices report, in the language of who made them",
    "anju_platform/app/seed.py": "made-up places and people of the demo",
    "anju_platform/app/seed_people.py": "the same",
    "anju_platform/app/fleet.py": "names of the demo's devices, which a worker could have typed",
    "anju_platform/i18n/addresses.py": "parts of a Chinese address, which are spoken by rules of their own",
    "anju_platform/residents/repository.py": "the same, as an address is written",
    "anju_platform/residents/records.py": "the same",
    "anju_platform/residents/search.py": "the same, as somebody types an address",
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the wheel: its name in the wheel, and where it stands."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        folder = ROOT / package
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(folder.parent).as_posix(), path


def literals(path: Path) -> set[str]:
    """Every string of a module that holds Chinese and is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return {one.value for one in found if isinstance(one.value, str) and CHINESE.search(one.value)}


def translated(path: Path) -> set[str]:
    """What gettext translates from in a module."""
    found = (message for _line, message, _comments, _context in extract_from_file("python", path, KEYWORDS))
    return {str(message[0] if isinstance(message, tuple) else message) for message in found}


def test_chinese_is_what_is_translated_or_data() -> None:
    loose = [
        f"{name}: {text!r}"
        for name, path in modules()
        if name not in DATA
        for text in sorted(literals(path) - translated(path) - RELATIONS)
        if CHINESE.search(text.replace(NAME_OF_THE_PRODUCT, ""))
    ]
    assert loose == []


GONE = {
    "误报": "虚惊",
    "放回": "转回",
    "告诉老人": "家里播报，and the sentence itself",
    "把握": "系统判断：很可能",
    "穿戴设备": "佩戴设备",
    "求助键": "求助按钮",
    "久无动静": "长时间无活动",
    "没有动静": "没有活动",
    "说话": "上报",
    "的钱": "结算",
    "等确认": "待确认",
    "看看": "查看、预览",
    "存为场景": "存为剧本",
    "快没电": "电量低",
    "值班台": "值守台",
    "社区主管": "社区主任",
    "真的有事": "情况属实",
}
"""Words that went, and what is said instead: one thing is called by one word."""


def test_one_thing_is_called_by_one_word() -> None:
    folder = ROOT / "dashboards/anju_dashboards/templates"
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.html")]
    texts += [text for name, path in modules() if name not in DATA for text in literals(path)]
    assert {word: instead for word, instead in GONE.items() if any(word in text for text in texts)} == {}


@pytest.mark.parametrize("name", DATA)
def test_what_is_excepted_holds_chinese(name: str) -> None:
    path = dict(modules())[name]
    assert literals(path) - translated(path)


@pytest.mark.parametrize(
    ("source", "loose"),
    [
        ('x = "求助"', {"求助"}),
        ('x = f"求助{1}"', {"求助"}),
        ('N_("求助")', set()),
        ('"""求助"""', set()),
        ('f(a, {"b": ["求助"]})', {"求助"}),
    ],
)
def test_a_chinese_string_outside_of_gettext_is_seen(tmp_path: Path, source: str, loose: set[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert literals(path) - translated(path) == loose
