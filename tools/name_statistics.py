"""Figures about the names of the shipped code: one-word public methods, and class names that stand in two modules."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Methods whose names are not ours to choose: a property is a noun, an override has its parent's name.
NOT_COUNTED = {"property", "cached_property", "setter", "override", "overload"}


@dataclass(frozen=True, slots=True)
class MethodNames:
    """The names of all public methods, each with the places of its definitions as (file, line, class)."""

    places: dict[str, list[tuple[str, int, str]]]

    @property
    def one_word(self) -> list[str]:
        """The names of a single word, in alphabetical order."""
        return sorted(name for name in self.places if "_" not in name)

    @property
    def percent(self) -> float:
        """Share of the different names that are a single word, in percent."""
        return 100 * len(self.one_word) / max(len(self.places), 1)


def collect_method_names(root: Path, paths: Iterable[str]) -> MethodNames:
    """The public methods of all classes of these files.

    Public means: neither the method nor its class begins with an underscore. Properties and methods marked `@override`
    are left out. A name counts once, however many classes have it: a port and its adapters share their names by design.
    """
    places: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for path in paths:
        for owner in (node for node in ast.walk(_parse(root, path)) if isinstance(node, ast.ClassDef)):
            for method in owner.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and _is_counted(owner, method):
                    places[method.name].append((path, method.lineno, owner.name))
    return MethodNames(places)


def find_repeated_classes(root: Path, paths: Iterable[str]) -> dict[str, list[str]]:
    """Public class names that stand in several modules, with the modules.

    One name in two modules is right only for the same noun of two slices: the modules then have the same file name in
    different packages, as `settings.py` of the gateway and of the platform, or `schemas.py` of two slices.
    """
    places: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        for node in _parse(root, path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(path)
    return {
        name: sorted(found)
        for name, found in sorted(places.items())
        if len(found) > 1 and len({PurePosixPath(path).name for path in found}) > 1
    }


def _is_counted(owner: ast.ClassDef, method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if owner.name.startswith("_") or method.name.startswith("_"):
        return False
    return not {_name_decorator(one) for one in method.decorator_list} & NOT_COUNTED


def _name_decorator(node: ast.expr) -> str:
    match node:
        case ast.Call(func=inner):
            return _name_decorator(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _parse(root: Path, path: str) -> ast.Module:
    return ast.parse((root / path).read_text(encoding="utf-8"))
