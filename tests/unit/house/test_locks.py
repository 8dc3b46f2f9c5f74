"""The locks name the extras that anything in them asks for: a pip that finds a package bare looks for it anew."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]+)\])?==", re.MULTILINE)


def locked(path: Path) -> dict[str, set[str]]:
    """Packages of a lock, each with its extras."""
    found = LOCKED.findall(path.read_text(encoding="utf-8"))
    return {canonicalize_name(name): set(filter(None, extras.split(","))) for name, extras in found}


def asked_for(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed package needs with these extras; nothing where it is not installed on this platform."""
    try:
        wanted = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    kinds = [{"extra": extra} for extra in ("", *extras)]
    return [one for one in wanted if one.marker is None or any(one.marker.evaluate(kind) for kind in kinds)]


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_a_lock_keeps_the_extras(path: Path) -> None:
    packages = locked(path)
    assert packages
    lacking = {
        (name, str(needed))
        for name, extras in packages.items()
        for needed in asked_for(name, extras)
        if needed.extras - packages.get(canonicalize_name(needed.name), set())
    }
    assert not lacking
