#!/usr/bin/env python3
"""Find names of the left column of docs/names.toml, and hold the figures about names to their limits.

./dev names [WORD…]     what is left, everything or of these old names, and the figures; always ends with 0
./dev check names       the same, and fails where anything is left or a limit is broken
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from name_statistics import collect_method_names, find_repeated_classes
from names_table import NameException, NamesTable, Rename, Use, read_table
from names_used import find_uses

ROOT = Path(__file__).resolve().parents[1]
TABLE = "docs/names.toml"
SHIPPED = ("gateway/", "platform/", "device_sim/", "dashboards/", "cli/", "research/")
GENERATED = ("dashboards/package-lock.json", "requirements/")


def main(argv: list[str]) -> int:
    """Print what is left and the figures. Returns 1 where something is left, or 0 with `--report`."""
    report_only = "--report" in argv
    wanted = {word for word in argv if not word.startswith("-")}
    table = read_table(ROOT / TABLE)
    paths = list_files(ROOT)
    left, idle = find_leftovers(ROOT, table, paths)
    broken = [
        *(describe_leftover(use, rename) for use, rename in left if not wanted or rename.old in wanted),
        *(f"{TABLE}: exception for {row.old!r} in {', '.join(row.within)} excuses nothing" for row in idle),
        *describe_figures(ROOT, table, paths, listed=report_only and not wanted),
    ]
    print("\n".join(broken))
    counted = Counter(f"{rename.kind} {rename.old}" for _, rename in left)
    print(f"\n{len(left)} uses of {len(counted)} old names left")
    return 0 if report_only or not broken else 1


def list_files(root: Path) -> list[str]:
    """Every file that git tracks or would track, relative to the root, without what tools write."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(path for path in set(listed) if (root / path).is_file() and not path.startswith(GENERATED))


def find_leftovers(
    root: Path, table: NamesTable, paths: list[str]
) -> tuple[list[tuple[Use, Rename]], list[NameException]]:
    """Uses of old names, each once a line, and exceptions that excuse nothing any more."""
    seen: dict[tuple[str, int, str], tuple[Use, Rename]] = {}
    needed = set()
    for path in paths:
        for use in find_uses(root, path):
            for rename in table.find_renames(use):
                excuse = table.find_exception(rename, path)
                if excuse:
                    needed.add(excuse)
                else:
                    seen.setdefault((path, use.line, rename.old), (use, rename))
    return [seen[key] for key in sorted(seen)], [row for row in table.exceptions if row not in needed]


def describe_leftover(use: Use, rename: Rename) -> str:
    """One line for one use, as compilers write them."""
    said = f"{rename.old!r}" if use.text == rename.old else f"{rename.old!r} in {use.text!r}"
    return f"{use.path}:{use.line}: {rename.kind} {said} → {rename.new}"


def describe_figures(root: Path, table: NamesTable, paths: list[str], *, listed: bool) -> Iterator[str]:
    """Print the figures; yield a line for each limit that is broken, and each one-word name where `listed`."""
    code = [path for path in paths if path.startswith(SHIPPED) and PurePosixPath(path).suffix == ".py"]
    methods, limit = collect_method_names(root, code), table.one_word_methods_percent
    counted = f"{len(methods.one_word)} of {len(methods.places)} names of public methods are one word"
    print(f"{counted}: {methods.percent:.1f} % (at most {limit} %)")
    if methods.percent > limit:
        yield f"{counted}: more than {limit} %"
        for name in methods.one_word if listed else ():
            yield from (f"  {path}:{line}: {owner}.{name}" for path, line, owner in methods.places[name])
    repeated = find_repeated_classes(root, code)
    for name, places in repeated.items():
        if name not in table.shared_classes:
            yield f"class {name} stands in {', '.join(places)}"
    for name in sorted(table.shared_classes - set(repeated)):
        yield f"{TABLE}: class {name!r} stands in one module only and needs no excuse"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
