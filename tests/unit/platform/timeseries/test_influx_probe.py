"""The probe of the district's series store leaves one point a day, however often it asks."""

from __future__ import annotations

import re

import pytest

from anju_platform.timeseries.influx import InfluxSeries
from anju_wire.clock import Clock

DAY_S = 86_400


class FixedClock(Clock):
    """Shows the time that it is told."""

    now_s: float = 0.0

    def time(self) -> float:
        return type(self).now_s


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(InfluxSeries, "_send", lambda _self, line: lines.append(line))
    return lines


def test_a_days_probes_overwrite_one_another(sent: list[str]) -> None:
    series = InfluxSeries("http://127.0.0.1:1", token="t" * 20, org="anju", bucket="b", clock=FixedClock())
    for number in range(3 * DAY_S // 5):
        FixedClock.now_s = 1_790_000_000 + number * 5.0
        series.check_write()
    series.close()
    points = [re.fullmatch(r"(probe) value=\d+i (\d+)", line) for line in sent]
    assert all(points)
    assert len({point.groups() for point in points if point}) <= 4, "points of one series and time are one point"
    assert len(set(sent)) == len(sent), "each is a write of its own"
    assert all(int(point[2]) // 10**9 % DAY_S == 0 for point in points if point)
