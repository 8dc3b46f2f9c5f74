"""The waveforms of a clip message, within what a wearable records. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from anju_platform.timeseries.store import Clip
from anju_wire.messages import InvalidMessage
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved

LONGEST_S = 120.0
"""Of a clip, seconds; a wearable's gateway sends 12."""
_SAMPLE_BYTES = 6


def clips_of(readings: Sequence[Resolved]) -> list[tuple[str, Clip]]:
    """Return each device's waveform; one whose device reports no sample rate is left out."""
    rates = {r.device: r.value for r in readings if r.quantity == Quantity.SAMPLE_RATE and r.value}
    return [
        (r.device, Clip(r.at_s, rates[r.device], r.data))
        for r in readings
        if r.quantity == Quantity.ACCELERATION and r.data is not None and r.device in rates
    ]


def check_clips(readings: Sequence[Resolved]) -> None:
    """Raise `InvalidMessage` for a waveform that is no whole samples, or lasts longer than `LONGEST_S`."""
    for device, clip in clips_of(readings):
        samples, rest = divmod(len(clip.data), _SAMPLE_BYTES)
        if rest or not 0 < samples <= LONGEST_S * clip.fs_hz:
            why = f"{len(clip.data)} bytes at {clip.fs_hz:g} Hz are not whole samples of at most {LONGEST_S:g} s"
            raise InvalidMessage("$.pack", f"{device}: {why}")
