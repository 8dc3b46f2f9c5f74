"""The script behind `./dev names` finds each kind of old name, and only those; and counts names as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_names import describe_figures, find_leftovers
from name_statistics import collect_method_names, find_repeated_classes
from names_table import NameException, NamesTable, Rename, read_table

ROOT = Path(__file__).parents[3]


def write(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return sorted(files)


def leftovers(root: Path, files: dict[str, str], *renames: Rename) -> list[tuple[str, int, str]]:
    """What is found in files just written: file, line, text."""
    left, _ = find_leftovers(root, NamesTable(renames), write(root, files))
    return [(use.path, use.line, use.text) for use, _ in left]


def test_a_class_is_found_where_it_is_defined_and_where_a_document_names_it(tmp_path: Path) -> None:
    files = {"a.py": "x = 1\nclass Door: ...\nDoor()\n", "b.md": "The door is open.\nSee `Door`.\n"}
    assert leftovers(tmp_path, files, Rename("class", "Door", "VisitExecution")) == [
        ("a.py", 2, "Door"),
        ("b.md", 2, "Door"),
    ]


@pytest.mark.parametrize(("old", "found"), [("Door", ["_Door"]), ("*Door", ["_Door", "_SideDoor"])])
def test_a_class_of_its_module_alone_is_found_too(tmp_path: Path, old: str, found: list[str]) -> None:
    files = {"a.py": "class _Door: ...\nclass _SideDoor: ...\nclass _Doors: ...\n"}
    assert [text for _, _, text in leftovers(tmp_path, files, Rename("class", old, "x"))] == found


def test_a_pattern_stands_for_any_letters(tmp_path: Path) -> None:
    files = {"a.py": "class SightBook: ...\nclass Insight: ...\n"}
    assert leftovers(tmp_path, files, Rename("class", "Sight*", "x")) == [("a.py", 1, "SightBook")]


def test_a_function_is_found_as_definition_and_as_call_in_a_document(tmp_path: Path) -> None:
    files = {
        "a.py": "class A:\n    def take(self, board): ...\n    def take_all(self): ...\n",
        "b.md": "They take it. `take` is a word, `desk.take` and `take()` are not.\n",
    }
    assert leftovers(tmp_path, files, Rename("function", "take", "x")) == [("a.py", 2, "take"), ("b.md", 1, "take")]


def test_a_module_is_found_by_file_folder_test_and_mention(tmp_path: Path) -> None:
    files = {
        "p/ladder.py": "",
        "ladder/a.py": "",
        "t/test_ladder.py": "ladder = 1\n",
        "t/ladder.html": "",
        "a.md": "A ladder.\n`p/ladder.py`\n",
    }
    found = leftovers(tmp_path, files, Rename("module", "ladder", "x"))
    assert [(path, line) for path, line, _ in found] == [
        ("a.md", 2),
        ("ladder/a.py", 1),
        ("p/ladder.py", 1),
        ("t/ladder.html", 1),
        ("t/test_ladder.py", 1),
    ]


def test_a_path_is_found_in_the_tree_and_in_documents(tmp_path: Path) -> None:
    files = {"p/anju_platform/watch/a.py": "", "p/anju_platform/web/watch.py": "", "a.md": "`anju_platform.watch.a`\n"}
    found = leftovers(tmp_path, files, Rename("path", "anju_platform.watch", "x"))
    assert [path for path, _, _ in found] == ["a.md", "p/anju_platform/watch/a.py"]


@pytest.mark.parametrize(
    "text",
    [
        "wish = 1",
        "a.wish",
        "f(wish=1)",
        "def f(wish): ...",
        "class WishChange: ...",
        "x = 'wish_changed'",
        "f('/homes/wish')",
    ],
)
def test_a_word_is_found_inside_any_name(tmp_path: Path, text: str) -> None:
    assert leftovers(tmp_path, {"a.py": f"{text}\nswishes = 'do as you wish'\n"}, Rename("word", "wish", "x"))
    assert not leftovers(tmp_path, {"a.py": "swishes = 'do as you wish'\n"}, Rename("word", "wish", "x"))


def test_a_name_is_found_whole(tmp_path: Path) -> None:
    files = {"a.py": "fridge = 1\nridge_offline = 2\nmodel.ridge\n"}
    assert leftovers(tmp_path, files, Rename("name", "ridge", "l2")) == [("a.py", 3, "ridge")]


def test_an_address_is_found_by_its_segments(tmp_path: Path) -> None:
    files = {
        "a.py": "@post('/alerts/{alert_id}/go')\ndef set_out(): ...\nlog('go')\nf'/board/{i}/go'\n",
        "a.html": '<form action="/board/{{ i }}/go">go</form>\n<a href="/goods">go</a>\n',
        "a.json": '{\n  "/api/alerts/{alert_id}/go": {\n',
        "a.md": "`POST /alerts/{id}/go`, and go\n",
    }
    found = leftovers(tmp_path, files, Rename("url", "go", "en-route"))
    assert [(path, line) for path, line, _ in found] == [
        ("a.html", 1),
        ("a.json", 2),
        ("a.md", 1),
        ("a.py", 1),
        ("a.py", 4),
    ]


def test_a_table_and_its_columns_are_found(tmp_path: Path) -> None:
    files = {
        "a.py": "class AuditEvent(Base):\n    __tablename__ = 'look'\n    seen: int\n\nclass View:\n    seen: int\n"
    }
    assert leftovers(tmp_path, files, Rename("table", "look", "x"), Rename("table", "seen", "y")) == [
        ("a.py", 1, "look"),
        ("a.py", 3, "seen"),
    ]


def test_an_option_is_found(tmp_path: Path) -> None:
    files = {"a.py": "Option('--wish')\n"}
    assert leftovers(tmp_path, files, Rename("word", "wish", "x")) == [("a.py", 1, "wish")]


def test_prose_is_found_in_documents_docstrings_and_translations(tmp_path: Path) -> None:
    files = {
        "a.md": "A Kernel machine, `kernel machine` in code.\n",
        "a.py": '"""The kernel machine."""\nx = "kernel machine"\n',
        "a.po": 'msgid "kernel machine"\nmsgstr ""\n"a kernel machine"\n',
    }
    found = leftovers(tmp_path, files, Rename("prose", "kernel machine", "x"))
    assert [(path, line) for path, line, _ in found] == [("a.md", 1), ("a.po", 3), ("a.py", 1)]


def test_a_row_for_some_folders_holds_there_only(tmp_path: Path) -> None:
    files = {"gateway/a.py": "class Line: ...\n", "gateway_b/a.py": "class Line: ...\n", "a.md": "`Line`\n"}
    found = leftovers(tmp_path, files, Rename("class", "Line", "x", ("gateway",)))
    assert found == [("gateway/a.py", 1, "Line")]


def test_an_exception_excuses_and_is_missed_when_nothing_needs_it(tmp_path: Path) -> None:
    paths = write(tmp_path, {"a.py": "class Door: ...\n", "b.py": "class Door: ...\n"})
    needed = NameException("class", "Door", ("a.py",), "the reason")
    idle = NameException("*", "*", ("c.py",), "the reason")
    left, unused = find_leftovers(tmp_path, NamesTable([Rename("class", "Door", "x")], [needed, idle]), paths)
    assert [use.path for use, _ in left] == ["b.py"]
    assert unused == [idle]


def test_method_names_are_counted_once_each_and_properties_are_not(tmp_path: Path) -> None:
    text = (
        "class A:\n    def take(self): ...\n    def send_pack(self): ...\n    def _own(self): ...\n"
        "    @property\n    def size(self): ...\n    @override\n    def run(self): ...\n"
        "class B:\n    def take(self): ...\n"
        "class _C:\n    def other(self): ...\n"
        "def free(): ...\n"
    )
    counted = collect_method_names(tmp_path, write(tmp_path, {"a.py": text}))
    assert counted.one_word == ["take"]
    assert sorted(counted.places) == ["send_pack", "take"]
    assert counted.percent == 50


def test_one_class_name_is_right_in_two_slices_only(tmp_path: Path) -> None:
    files = {
        "a/schemas.py": "class View: ...\nclass X: ...\n",
        "b/schemas.py": "class View: ...\n",
        "a/b.py": "class X: ...\n",
    }
    assert find_repeated_classes(tmp_path, write(tmp_path, files)) == {"X": ["a/b.py", "a/schemas.py"]}


def test_limits_are_held(tmp_path: Path) -> None:
    files = {
        "cli/a.py": "class X:\n    def take(self): ...\n",
        "cli/b.py": "class X: ...\n",
        "tests/c.py": "class X: ...\n",
    }
    paths = write(tmp_path, files)
    strict = NamesTable([], one_word_methods_percent=99)
    assert len(list(describe_figures(tmp_path, strict, paths, listed=False))) == 2
    excused = NamesTable([], shared_classes=["X"])
    assert not list(describe_figures(tmp_path, excused, paths, listed=False))
    stale = NamesTable([], shared_classes=["X", "Y"])
    assert len(list(describe_figures(tmp_path, stale, paths, listed=False))) == 1


def test_the_table_of_this_repository_can_be_read() -> None:
    table = read_table(ROOT / "docs" / "names.toml")
    assert {rename.old for rename in table.renames} >= {"wishes", "Memory", "take", "sign_in", "anju_platform.watch"}
    assert table.one_word_methods_percent == 25


def test_an_exception_needs_a_reason(tmp_path: Path) -> None:
    row = (
        '[[exception]]\nkind = "class"\nold = "A"\nwithin = ["a"]\nwhy = " "\n[limits]\none_word_methods_percent = 25\n'
    )
    (tmp_path / "names.toml").write_text(row, encoding="utf-8")
    with pytest.raises(ValueError, match="reason"):
        read_table(tmp_path / "names.toml")
