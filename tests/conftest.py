"""Fixtures that every test may ask for, each in a module of its own under `fixtures/`."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
pytest_plugins = [f"fixtures.{path.stem}" for path in sorted((_HERE / "fixtures").glob("[!_]*.py"))]
