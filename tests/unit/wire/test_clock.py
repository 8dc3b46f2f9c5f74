"""One clock for all parts: it maps the machine's time, and refuses what is no clock."""

from __future__ import annotations

import time

import pytest

from anju_wire.clock import Clock


def test_unset_is_the_machines_clock() -> None:
    before = time.time_ns() / 1e9
    assert before - 0.001 <= Clock.parse("").time() <= time.time_ns() / 1e9 + 0.001


def test_a_fast_clock_runs_ahead() -> None:
    real = time.time_ns() / 1e9 - 10
    clock = Clock(real, 1_750_000_000.0, 60.0)
    assert 1_750_000_600 <= clock.time() <= 1_750_000_700
    assert clock.real_seconds(60.0) == 1.0
    assert clock.now().timestamp() == pytest.approx(clock.time(), abs=1.0)
    assert clock.now().utcoffset() is not None


def test_a_clock_is_handed_on_as_text() -> None:
    clock = Clock(1_700_000_000.123456, 1_600_000_000.5, 12.5)
    assert Clock.parse(str(clock)) == clock


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4", "a,b,c", "1,2,0", "1,2,-1", "1,2,nan"])
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)clock|could not convert"):
        Clock.parse(text)
