"""Waveforms: whole samples, at a rate of their own device, no longer than a wearable records."""

from __future__ import annotations

import pytest

from anju_platform.ingest.clips import LONGEST_S, check_clips, clips_of
from anju_platform.timeseries.store import Clip
from anju_wire.messages import InvalidMessage
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved

SAMPLE = b"\x01\x00\x02\x00\x03\x00"


def rate(device: str, hz: float) -> Resolved:
    return Resolved(device, Quantity.SAMPLE_RATE, 10.0, value=hz)


def wave(device: str, data: bytes | None, at_s: float = 10.0) -> Resolved:
    return Resolved(device, Quantity.ACCELERATION, at_s, data=data)


def test_each_waveform_has_the_rate_of_its_own_device() -> None:
    readings = [
        rate("left", 25.0),
        wave("left", SAMPLE),
        wave("right", SAMPLE * 2, 11.0),
        rate("right", 50.0),
        wave("left", SAMPLE * 3, 12.0),
        Resolved("left", Quantity.BATTERY, 10.0, value=80.0),
    ]
    assert clips_of(readings) == [
        ("left", Clip(10.0, 25.0, SAMPLE)),
        ("right", Clip(11.0, 50.0, SAMPLE * 2)),
        ("left", Clip(12.0, 25.0, SAMPLE * 3)),
    ]


@pytest.mark.parametrize(
    "readings",
    [
        [wave("left", SAMPLE)],
        [wave("left", SAMPLE), rate("right", 25.0)],
        [wave("left", None), rate("left", 25.0)],
        [wave("left", SAMPLE), rate("left", 0.0)],
        [Resolved("left", Quantity.STEPS, 10.0, data=SAMPLE), rate("left", 25.0)],
    ],
    ids=["no rate", "the rate of another device", "no samples", "a rate of nothing", "no acceleration"],
)
def test_what_is_no_waveform_is_left_out(readings: list[Resolved]) -> None:
    assert clips_of(readings) == []
    check_clips(readings)


@pytest.mark.parametrize("samples", [1, int(LONGEST_S) - 1, int(LONGEST_S)])
def test_a_waveform_as_long_as_a_wearable_records_is_kept(samples: int) -> None:
    check_clips([rate("left", 1.0), wave("left", SAMPLE * samples)])


@pytest.mark.parametrize(
    ("data", "hz"),
    [
        (b"", 25.0),
        (SAMPLE[:-1], 25.0),
        (SAMPLE + b"\x00", 25.0),
        (SAMPLE * (int(LONGEST_S) + 1), 1.0),
        (SAMPLE * (int(LONGEST_S * 25) + 1), 25.0),
        (SAMPLE, 1e-300),
    ],
)
def test_any_other_is_refused_with_its_device(data: bytes, hz: float) -> None:
    good = [rate("right", 25.0), wave("right", SAMPLE)]
    with pytest.raises(InvalidMessage, match=f"left: {len(data)} bytes at {hz:g} Hz") as refused:
        check_clips([*good, rate("left", hz), wave("left", data)])
    assert refused.value.path == "$.pack"
