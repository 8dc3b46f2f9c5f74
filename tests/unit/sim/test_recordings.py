from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from fixtures._simulated_homes import DEVICES, home

from anju_sim.recordings import (
    DeviceMapping,
    RecordingBroken,
    RecordingsMissing,
    find_fall_recording,
    find_logs,
    read_index,
    read_log,
)
from anju_wire.fleet import BrokerAddress, FleetHome

LOG = """ts,sensor,room,kind,value
2019-04-15 13:22:50.000000,front-door,entrance,door,1
2019-04-15 13:24:22.500000,lounge,lounge,motion,1
2019-04-15 13:27:09.000000,fridge-door,kitchen,door,1
2019-04-15 13:30:00.000000,hallway,hallway,motion,1
"""
INDEX = """recording_id,dataset,position,is_fall,duration_s,impact_s,file
walk,sisfall,waist,0,15,,a.npz
short,sisfall,waist,1,10,8.0,a.npz
fall,sisfall,waist,1,15,9.5,a.npz
"""


def _log(folder: Path, text: str) -> Path:
    path = folder / "inactivity" / "set" / "abc.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def _index(folder: Path, text: str = INDEX) -> Path:
    (folder / "fall").mkdir()
    (folder / "fall" / "index.csv").write_text(text)
    return folder


def test_a_log_becomes_what_the_homes_own_devices_say(tmp_path: Path) -> None:
    rows = read_log(_log(tmp_path, LOG))
    mapping = DeviceMapping(home())
    told = mapping.to_events(rows, 10.0)
    assert [(h.device, h.value) for h in told] == [
        ("door-entrance", False),
        ("door-entrance", True),
        ("motion-living", True),
        ("fridge", False),
        ("fridge", True),
    ]
    assert told[2].at_s == rows[1].at_s + 10.0
    assert mapping.unmapped == {"hallway": 1}, "a sensor that the home has not is counted, not dropped in silence"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (LOG.replace("2019-04-15 13:24:22.500000", "yesterday"), 3, "isoformat"),
        (LOG.replace("motion,1\n2019", "motion,lots\n2019"), 3, "lots"),
        (LOG.replace("13:27:09", "13:23:09"), 4, "sorted"),
        (LOG.replace("sensor,room", "sensor,place"), 1, "room"),
        ("ts,sensor,room,kind,value\n", None, "no events"),
    ],
)
def test_a_broken_log_says_where(tmp_path: Path, text: str, line: int | None, why: str) -> None:
    with pytest.raises(RecordingBroken, match=why) as caught:
        read_log(_log(tmp_path, text))
    assert caught.value.line == line


def test_a_log_that_is_no_gzip_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(b"not gzip")
    with pytest.raises(RecordingBroken, match="gzip"):
        read_log(path)
    with pytest.raises(RecordingsMissing, match="no such file"):
        read_log(tmp_path / "y.csv.gz")
    with pytest.raises(RecordingsMissing, match="inactivity"):
        find_logs(tmp_path)


def test_the_index_and_what_it_names(tmp_path: Path) -> None:
    folder = _index(tmp_path)
    np.savez(folder / "fall" / "a.npz", fall=np.zeros((10, 3), np.int16), walk=np.zeros((10, 2), np.int16))
    entries = {entry.recording_id: entry for entry in read_index(folder)}
    assert find_fall_recording(folder) == "fall", "the first fall at the waist that goes on long enough"
    assert entries["fall"].load_samples().shape == (10, 3)
    with pytest.raises(RecordingBroken, match="int16"):
        entries["walk"].load_samples()
    with pytest.raises(RecordingsMissing, match="short"):
        entries["short"].load_samples()


def test_a_missing_or_broken_pack(tmp_path: Path) -> None:
    folder = _index(tmp_path)
    with pytest.raises(RecordingsMissing, match="no such file"):
        read_index(folder)[0].load_samples()
    (folder / "fall" / "a.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(RecordingBroken):
        read_index(folder)[0].load_samples()
    with pytest.raises(RecordingsMissing):
        read_index(tmp_path / "elsewhere")


def test_a_home_without_an_inner_lid_leaves_the_fridge_out(tmp_path: Path) -> None:
    here = BrokerAddress("127.0.0.1", 1)
    bare = FleetHome("h", "c", here, here, [d for d in DEVICES if d.id != "fridge"])
    mapping = DeviceMapping(bare)
    mapping.to_events(read_log(_log(tmp_path, LOG)), 0.0)
    assert mapping.unmapped == {"fridge-door": 1, "hallway": 1}
