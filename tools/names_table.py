"""The table of names that went, read from docs/names.toml, and the question whether a use is one of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Which forms of use each kind of row looks at; the forms are those that `names_used` tells apart.
FORMS = {
    "class": {"class", "code"},
    "function": {"function", "call"},
    "module": {"module"},
    "path": {"path"},
    "name": {"class", "function", "identifier", "code", "call", "markup"},
    "word": {"class", "function", "identifier", "string", "url", "table", "module", "code", "call", "markup"},
    "url": {"url"},
    "table": {"table"},
    "prose": {"prose"},
}
IN_DOCUMENTS = (".md", ".po")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a name: the file, relative to the root, its line from 1, the form of use, and the text."""

    path: str
    line: int
    form: str
    text: str


@dataclass(frozen=True, slots=True)
class Rename:
    """One row of the table; an empty `within` means the whole repository."""

    kind: str
    old: str
    new: str
    within: tuple[str, ...] = ()

    def covers_path(self, path: str) -> bool:
        """Whether the old name counts in this file. A row for some folders says nothing of documents."""
        if not self.within:
            return True
        return not path.endswith(IN_DOCUMENTS) and is_within(path, self.within)


@dataclass(frozen=True, slots=True)
class NameException:
    """Where an old name stays, and why; `*` as kind or name stands for all of them."""

    kind: str
    old: str
    within: tuple[str, ...]
    why: str

    def covers_use(self, rename: Rename, path: str) -> bool:
        """Whether this row excuses that name in this file."""
        same = fnmatchcase(rename.kind, self.kind) and fnmatchcase(rename.old, self.old)
        return same and is_within(path, self.within)


class NamesTable:
    """All rows, ready to be asked about single uses."""

    def __init__(
        self,
        renames: Iterable[Rename],
        exceptions: Iterable[NameException] = (),
        shared_classes: Iterable[str] = (),
        one_word_methods_percent: int = 100,
    ) -> None:
        self.renames = tuple(renames)
        self.exceptions = tuple(exceptions)
        self.shared_classes = frozenset(shared_classes)
        self.one_word_methods_percent = one_word_methods_percent
        self._exact: dict[tuple[str, str], list[Rename]] = {}
        self._patterns: dict[str, list[Rename]] = {}
        for rename in self.renames:
            for form in FORMS[rename.kind]:
                if "*" in rename.old:
                    self._patterns.setdefault(form, []).append(rename)
                else:
                    self._exact.setdefault((form, rename.old), []).append(rename)

    def find_renames(self, use: Use) -> Iterator[Rename]:
        """The rows that this use breaks, before exceptions."""
        words = {match.lower() for match in WORD.findall(use.text)}
        whole = {use.text, use.text.lstrip("_")} if use.form == "class" else {use.text}  # private ones count, too
        for text in whole | words:
            for rename in self._exact.get((use.form, text), ()):
                # A row of kind `word` is about parts of a name; every other row is about the whole of it.
                if (text in whole or rename.kind == "word") and rename.covers_path(use.path):
                    yield rename
        for rename in self._patterns.get(use.form, ()):
            if any(fnmatchcase(text, rename.old) for text in whole) and rename.covers_path(use.path):
                yield rename

    def find_exception(self, rename: Rename, path: str) -> NameException | None:
        """The row that excuses this name in this file, if any."""
        return next((row for row in self.exceptions if row.covers_use(rename, path)), None)


def read_table(path: Path) -> NamesTable:
    """Read docs/names.toml. Raises ValueError where a row is of no known kind or an exception says no reason."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    excused, shared, limits = document.pop("exception", []), document.pop("shared_class", []), document.pop("limits")
    if any(not row["why"].strip() for row in (*excused, *shared)):
        raise ValueError("an exception says no reason")
    unknown = set(document) - set(FORMS)
    if unknown:
        raise ValueError(f"unknown kinds of names: {sorted(unknown)}")
    return NamesTable(
        [
            Rename(kind, row["old"], row["new"], tuple(row.get("within", ())))
            for kind, rows in document.items()
            for row in rows
        ],
        [NameException(row["kind"], row["old"], tuple(row["within"]), row["why"]) for row in excused],
        [row["name"] for row in shared],
        limits["one_word_methods_percent"],
    )


def is_within(path: str, folders: Iterable[str]) -> bool:
    """Whether the file is one of these files or lies in one of these folders; all are relative to the root."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
