"""What is installed where: a gateway's or a platform's wheel holds no research, and research is a wheel of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[3]
LEARNING = {"scipy", "sklearn", "lightgbm", "catboost", "matplotlib", "altair"}
FITTING = ("fit", "train", "solve_", "augment", "bench", "evaluat")


def wheel_files(folder: Path) -> dict[str, Path]:
    """Where each file of a wheel goes, and where it comes from."""
    builder = WheelBuilder(str(folder))
    return {file.distribution_path: Path(file.path) for file in builder.recurse_included_files()}


@pytest.fixture(scope="module")
def product() -> dict[str, Path]:
    return wheel_files(ROOT)


def test_the_wheel_of_anju_holds_inference_and_no_research(product: dict[str, Path]) -> None:
    assert "anju_detect/fall/model.py" in product
    assert "anju_detect/trained/fall.npz" in product
    assert not [name for name in product if name.startswith(("research/", "anju_research/"))]


def test_no_module_of_the_wheel_imports_research_or_a_learning_library(product: dict[str, Path]) -> None:
    found = set()
    for name, path in product.items():
        if name.endswith(".py"):
            found |= {(name, one) for one in imported(path) & (LEARNING | {"anju_research"})}
    assert found == set()


def test_no_detector_module_of_the_wheel_fits_anything(product: dict[str, Path]) -> None:
    named = [
        f"{name}: {node.name}"
        for name, path in product.items()
        if name.startswith("anju_detect/") and name.endswith(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith(FITTING)
    ]
    assert named == []


def test_the_wheel_of_research_holds_nothing_else(product: dict[str, Path]) -> None:
    research = wheel_files(ROOT / "research")
    assert {"anju_research/commands/train.py", "anju_research/fall/training.py"} <= set(research)
    assert {name.partition("/")[0] for name in research} == {"anju_research"}
    assert not set(research) & set(product)


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports anywhere in it."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages.add(node.module.partition(".")[0])
    return packages
