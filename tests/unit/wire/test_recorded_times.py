"""A time in a file means the same however it is written."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anju_cli.recordings import read_home
from anju_sim.recordings import read_log
from anju_wire.recorded_times import HOME_ZONE, UnknownZone, find_zone, local_seconds

LOCAL_S = datetime(2026, 10, 21, 14, 0, tzinfo=UTC).timestamp()
FORMS = ["2026-10-21 14:00:00", "2026-10-21T14:00:00", "2026-10-21T14:00:00+08:00", "2026-10-21T06:00:00Z"]
FORMS += ["2026-10-21T06:00:00.000000+00:00", "2026-10-21 01:00:00-0500"]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_the_home_s_own_time(form: str, tmp_path: Path) -> None:
    assert local_seconds(form, find_zone(HOME_ZONE)) == LOCAL_S
    log = tmp_path / "h.csv.gz"
    log.write_bytes(gzip.compress(f"ts,sensor,room,kind,value\n{form},lounge,lounge,motion,1\n".encode()))
    assert read_log(log)[0].at_s == LOCAL_S
    assert read_home(log).at_s.tolist() == [LOCAL_S]


def test_another_zone_counts_where_there_is_an_offset() -> None:
    london = find_zone("Europe/London")
    assert local_seconds("2026-10-21T14:00:00", london) == LOCAL_S
    assert local_seconds("2026-10-21T13:00:00Z", london) == LOCAL_S, "summer time there"


@pytest.mark.parametrize("name", ["", "Bengbu", "../etc/passwd", "Asia"])
def test_a_zone_that_is_none_is_named(name: str) -> None:
    with pytest.raises(UnknownZone, match="no time zone"):
        find_zone(name)
