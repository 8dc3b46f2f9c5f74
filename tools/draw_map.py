#!/usr/bin/env python3
"""Draw the picture of the house from its imports, as mermaid text in docs/architecture.md, between two markers.

`./dev map` writes it. With `--check` the script only compares, and fails where the picture is not that of the imports.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
PLATFORM = "anju_platform"
TITLES = {
    "app": "app: composition",
    "console": "console: every page",
    "read_models": "read models: over many slices",
    "db": "know no slice",
}
"""What the storey of a package is called in the picture."""
OF_SLICES = "slices, ingest, monitoring"

Edge = tuple[str, str]


def main(argv: list[str]) -> int:
    """Write the pictures, or compare with `--check`. Returns 1 where they differ."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    graph = grimp.build_graph(*contracts["root_packages"])
    told = DOCUMENT.read_text(encoding="utf-8")
    drawn = replace_picture(told, "packages", draw_packages(find_edges(graph, contracts["root_packages"])))
    children = sorted(graph.find_children(PLATFORM))
    drawn = replace_picture(drawn, "storeys", draw_storeys(find_edges(graph, children), read_storeys(contracts)))
    if "--check" not in argv:
        DOCUMENT.write_text(drawn, encoding="utf-8")
        return 0
    if drawn != told:
        print("docs/architecture.md shows other imports than there are: run ./dev map")
        return 1
    return 0


def find_edges(graph: grimp.ImportGraph, packages: Iterable[str]) -> set[Edge]:
    """Which of these packages imports which other, itself or by a module below it."""
    places = set(packages)

    def find_place(module: str) -> str | None:
        parts = module.split(".")
        return next((name for end in (1, 2) if (name := ".".join(parts[:end])) in places), None)

    found = set()
    for module in graph.modules:
        importer = find_place(module)
        for imported in graph.find_modules_directly_imported_by(module) if importer else ():
            target = find_place(imported)
            if importer and target and target != importer:
                found.add((importer, target))
    return found


def read_storeys(contracts: dict[str, Any]) -> list[list[str]]:
    """The storeys of the platform from above, as the contract of the same name has them."""
    contract = next(one for one in contracts["contracts"] if one.get("id") == "storeys")
    return [re.split(r"\s*:\s*", layer) for layer in contract["layers"]]


def draw_packages(edges: set[Edge]) -> str:
    """The root packages, each with an arrow to what it imports; what is reached by a detour anyway is left out."""
    return "\n".join(["flowchart TD", *draw_edges(leave_out_detours(edges))])


def draw_storeys(edges: set[Edge], storeys: list[list[str]]) -> str:
    """The packages of the platform in their storeys.

    Between storeys one arrow stands for all imports; inside the storey of the slices each arrow is one.
    """
    lines = ["flowchart TD"]
    for number, names in enumerate(storeys):
        title = next((TITLES[name] for name in names if name in TITLES), OF_SLICES)
        lines += [f'  subgraph storey{number}["{title}"]', *(f"    {name}" for name in names), "  end"]
    lines += [f"  storey{upper} --> storey{lower}" for upper, lower in pairwise(range(len(storeys)))]
    inside = {
        (importer, imported)
        for importer, imported in ((one.partition(".")[2], other.partition(".")[2]) for one, other in edges)
        if any(importer in names and imported in names for names in storeys)
    }
    return "\n".join([*lines, *draw_edges(leave_out_detours(inside))])


def leave_out_detours(edges: set[Edge]) -> set[Edge]:
    """Without each edge whose end is reached from its beginning over another package, too; cycles stay whole."""
    after: dict[str, set[str]] = defaultdict(set)
    for importer, imported in edges:
        after[importer].add(imported)

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            for following in after[ahead.pop()] - seen:
                seen.add(following)
                ahead.append(following)
        return seen

    reached = {name: reach(name) for name in list(after)}
    return {
        (importer, imported)
        for importer, imported in edges
        if importer in reached.get(imported, ())
        or not any(imported in reached.get(other, ()) for other in after[importer] - {imported})
    }


def draw_edges(edges: set[Edge]) -> Iterator[str]:
    """One line for each arrow, in alphabetical order, so that the same imports give the same text."""
    yield from (f"  {importer} --> {imported}" for importer, imported in sorted(edges))


def replace_picture(text: str, name: str, picture: str) -> str:
    """The document with this picture between its markers. Raises ValueError where the markers are missing."""
    begin, end = f"<!-- map: {name} -->", "<!-- map: end -->"
    pattern = re.compile(rf"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the document has no place for the picture of the {name}")
    return pattern.sub(lambda found: f"{found[1]}```mermaid\n{picture}\n```\n{found[2]}", text, count=1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
