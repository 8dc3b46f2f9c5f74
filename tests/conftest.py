"""Fixtures that every test may ask for, each in a module of its own under `fixtures/`; and how Hypothesis runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from hypothesis import strategies as st

from anju_cli import ports

_HERE = Path(__file__).parent
pytest_plugins = [f"fixtures.{path.stem}" for path in sorted((_HERE / "fixtures").glob("[!_]*.py"))]

# No deadline: it would measure how busy the machine is. `print_blob` lets a failure of another machine be repeated;
# in CI the examples are the same in every run, so that a change fails for what it changed.
hypothesis.settings.register_profile("anju", deadline=None, print_blob=True)
hypothesis.settings.register_profile("anju-ci", parent=hypothesis.settings.get_profile("anju"), derandomize=True)
hypothesis.settings.load_profile("anju-ci" if os.environ.get("CI") else "anju")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process of `pytest -n` ports of its own: one must not choose what another is about to listen on."""
    about = getattr(config, "workerinput", None)
    if about is not None:
        share = (ports.HIGHEST - ports.LOWEST) // about["workercount"]
        ports.LOWEST += int(about["workerid"].removeprefix("gw")) % about["workercount"] * share
        ports.HIGHEST = ports.LOWEST + share


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:  # noqa: ANN401 - xdist's own
    """Choose how `pytest -n` hands out files; None leaves it to pytest-xdist."""
    from fixtures._side_by_side import TreesInTurns  # noqa: PLC0415 - pytest-xdist calls this, so it is installed

    return TreesInTurns(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let Hypothesis build its tables before the first test.

    On a fresh checkout it takes seconds to build those of Unicode, and to read the constants of all modules. It would
    do so within the first example of some test, whose health check then calls the strategy too slow.
    """
    if any(item.get_closest_marker("hypothesis") for item in session.items):
        _draw_once()


@hypothesis.settings(max_examples=1, database=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.tuples(st.text(min_size=1), st.integers(), st.floats(), st.binary(min_size=1)))
def _draw_once(drawn: tuple[str, int, float, bytes]) -> None:
    """Draw one example of what the tables are for."""
    assert drawn[0]


# Errors that a test provokes are logged as plain tracebacks: with every local variable drawn, one costs ten seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Undo what a test sets up of the process's log: one that ends with it, or draws every variable again."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
