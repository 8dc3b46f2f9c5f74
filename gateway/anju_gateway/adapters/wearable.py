"""A worn accelerometer: the fall detector runs here, in the home, and only falls and their clips leave it."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from anju_detect.errors import SamplesRefused
from anju_detect.fall import CANCELLED, SUSPECTED, FallDetector, FallSignal
from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.values import parse_object, parse_value
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import DeviceRegistry
from anju_gateway.waveform_buffer import KEPT_S, Chunk, WaveformBuffer
from anju_wire.messages import Record
from anju_wire.profiles import COMMON_FEATURES, PROFILES, DeviceKind, Quantity
from anju_wire.senml import to_base64
from anju_wire.vocabulary import WearPosition

_HEADER = struct.Struct("<df")
_SAMPLE_BYTES = 6
_MAX_PAYLOAD_BYTES = 64 * 1024
_RATES_HZ = (20.0, 200.0)
_AHEAD_S, _OLDEST_S = 60.0, 7 * 86400.0
CLIP_AFTER_S = 8.0
_CLIP_PATIENCE_S = 20.0
"""How long a clip waits for its last samples before it is sent as it is."""
_SAME_FALL_MS = 6000
"""The detector itself takes impacts this close for one fall."""
_MOVING_MG, _WORN_AFTER_S = 50.0, 30.0
"""Acceleration that varies so much is movement, and so much of it shows that a wearable is worn, whatever it says: one
that is knocked off a table moves for a second or two. Ours."""
_OFF_BEFORE_S = 120.0
"""Samples come late, by so much at most: what comes behind "not worn" is from after it. What is older counts."""
_NOT_WORN = "not_worn"
_FEATURES = {**PROFILES[DeviceKind.WEARABLE].features, "battery": COMMON_FEATURES["battery"]}


class _Worn:
    """One device's detector, and the clips it still owes."""

    def __init__(self, fs_hz: float, position: WearPosition) -> None:
        self.fs_hz = fs_hz
        self.detector = FallDetector(fs_hz, position)
        self.newest_s = 0.0
        self.owed: dict[str, tuple[float, float]] = {}
        """Fall id → (impact, latest sending), Unix seconds."""
        self.moved_s = 0.0
        """For how long it has moved as on a body since it said that it is not worn, s."""


class WearableAdapter:
    """Reads `{home}/wearable/{device}/acceleration` and `…/state`."""

    def __init__(self, home: str, registry: DeviceRegistry, state: AdapterState, waveforms: WaveformBuffer) -> None:
        self._base = f"{home}/wearable/"
        self._registry, self._state, self._waveforms = registry, state, waveforms
        self._worn: dict[str, _Worn] = {}

    @property
    def filters(self) -> Sequence[str]:
        """Both topics of every wearable."""
        return (f"{self._base}+/acceleration", f"{self._base}+/state")

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        """Read samples or a state; retained messages are old and are passed over."""
        if not topic.startswith(self._base):
            return None
        name, _, what = topic.removeprefix(self._base).rpartition("/")
        result = AdapterResult()
        if retained:
            return result
        if what == "acceleration":
            self._acceleration(name, payload, now_s, result)
        elif what == "state":
            self._read_state(self._registry.wire_name(name), payload, now_s, result)
        return result

    def read_due(self, now_s: float) -> AdapterResult:
        """Return the clips whose last samples did not come in time."""
        result = AdapterResult()
        for device, worn in self._worn.items():
            self._clips(device, worn, now_s, result)
        return result

    def cancel_alarms(self, now_s: float) -> AdapterResult:
        """Withdraw every fall that is suspected in this home."""
        result = AdapterResult()
        for device in self._waveforms.list_devices():
            self._cancel(device, now_s, result)
        return result

    def _cancel(self, device: str, now_s: float, result: AdapterResult) -> None:
        worn = self._worn.get(device)
        if worn is None and (recent := self._waveforms.recent_chunks(device)):
            worn = self._rebuild(device, recent[-1].fs_hz, now_s, result)
        if worn is not None:
            self._signals(device, worn, worn.detector.cancel_falls(now_s), now_s, result)

    def discard_state(self) -> None:
        """Drop the detectors; they are rebuilt from the stored waveform."""
        self._worn.clear()

    def _acceleration(self, name: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        device = self._registry.wire_name(name)
        chunk = parse_chunk(device, payload, now_s, result)
        if chunk is None:
            return
        worn = self._worn.get(device) or self._rebuild(device, chunk.fs_hz, now_s, result)
        if worn.fs_hz != chunk.fs_hz:
            worn = self._worn[device] = _Worn(chunk.fs_hz, self._position(device))
        fresh = self._waveforms.add_chunk(device, chunk)
        behind_s = worn.newest_s - chunk.start_s
        ahead_s = worn.detector.ahead_s
        self._feed(device, worn, chunk, now_s, result)
        if worn.detector.ahead_s > ahead_s:
            self._waveforms.delete_after(device, chunk.start_s)
            worn.newest_s = chunk.end_s
        elif fresh and 0.5 / chunk.fs_hz < behind_s <= KEPT_S:
            self._rebuild(device, chunk.fs_hz, now_s, result)  # overtaken on its way: hear it in its place

    def _feed(self, device: str, worn: _Worn, chunk: Chunk, now_s: float, result: AdapterResult) -> None:
        samples = np.frombuffer(chunk.samples, "<i2").astype(np.int16).reshape(-1, 3)
        try:
            signals = worn.detector.process_samples(chunk.start_s, samples)
        except SamplesRefused as error:
            result.add_refusal(device, "acceleration", str(error))
            return
        worn.newest_s = max(worn.newest_s, chunk.end_s)
        if np.linalg.norm(samples.astype(np.float64), axis=1).std() >= _MOVING_MG:
            worn.moved_s += len(samples) / worn.fs_hz
        self._signals(device, worn, signals, now_s, result)
        self._clips(device, worn, now_s, result)

    def _rebuild(self, device: str, fs_hz: float, now_s: float, result: AdapterResult) -> _Worn:
        """A detector that has seen what the one before this process saw."""
        worn = self._worn[device] = _Worn(fs_hz, self._position(device))
        for chunk in self._waveforms.recent_chunks(device):
            if chunk.fs_hz == fs_hz:
                self._feed(device, worn, chunk, now_s, result)
        return worn

    def _position(self, device_id: str) -> WearPosition:
        device = self._registry.find_by_id(device_id)
        return device.position if device else WearPosition.WAIST

    def _signals(
        self, device: str, worn: _Worn, signals: Sequence[FallSignal], now_s: float, result: AdapterResult
    ) -> None:
        for signal in signals:
            fall_id = self._told_as(device, signal)
            key = f"fall:{device}/{fall_id}"
            told = self._state.get(key) or ""
            if _NOT_WORN in told.split() or (not told and self._is_off(device, worn, signal.impact_s)):
                self._state.put(key, _NOT_WORN)
                continue
            if signal.stage == SUSPECTED and "clip" not in told.split():
                worn.owed[signal.fall_id] = (signal.impact_s, now_s + _CLIP_PATIENCE_S)
            if signal.stage in told.split() or CANCELLED in told.split():
                continue
            self._state.put(key, f"{told} {signal.stage}".strip())
            at_s = signal.impact_s if signal.stage == SUSPECTED else signal.at_s
            stage = DeviceReading(device, Quantity.FALL, at_s, f"{signal.stage}:{fall_id}")
            result.alarms.append([stage, DeviceReading(device, Quantity.FALL_SCORE, at_s, round(signal.score, 4))])

    def _is_off(self, device: str, worn: _Worn, impact_s: float) -> bool:
        """Return whether a thing fell and nobody with it: not worn, as it says, and not moved as on a body since."""
        off_since = self._state.get(f"off:{device}")
        return bool(off_since) and impact_s >= float(off_since or 0.0) - _OFF_BEFORE_S and worn.moved_s < _WORN_AFTER_S

    def _told_as(self, device: str, signal: FallSignal) -> str:
        """The fall's name on the wire: that of one told before, where heard again the impact moved a little."""
        same = f"same:{device}/{signal.fall_id}"
        if known := self._state.get(same):
            return known
        last = self._state.get(f"fall:{device}")
        if last is not None and abs(int(last) - round(signal.impact_s * 1000)) < _SAME_FALL_MS:
            name = last
        else:
            name = signal.fall_id
            self._state.put(f"fall:{device}", name)
        self._state.put(same, name)
        return name

    def _clips(self, device: str, worn: _Worn, now_s: float, result: AdapterResult) -> None:
        """The waveform around each fall, once: when it is complete, or when the rest does not come."""
        for fall_id, (impact_s, latest_s) in list(worn.owed.items()):
            if worn.newest_s < impact_s + CLIP_AFTER_S and now_s < latest_s:
                continue
            del worn.owed[fall_id]
            clip = worn.detector.copy_waveform(fall_id)
            fall_id = self._state.get(f"same:{device}/{fall_id}") or fall_id  # noqa: PLW2901 - its name on the wire
            key = f"fall:{device}/{fall_id}"
            told = self._state.get(key) or ""
            if clip is not None and "clip" not in told.split():
                self._state.put(key, f"{told} clip")
                result.clips.append(_clip_pack(device, fall_id, clip[0], clip[1].astype("<i2").tobytes(), worn.fs_hz))

    def _read_state(self, device: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        said = parse_object(device, payload, result)
        if said is None:
            return
        for key in sorted(said.keys() & _FEATURES.keys()):
            row = _FEATURES[key]
            value = parse_value(row, said[key])
            if value is None:
                result.add_refusal(device, key, f"{str(said[key])[:60]!r} has no meaning there")
            elif key == "steps" or self._state.get(f"state:{device}/{key}") != repr(value):
                self._state.put(f"state:{device}/{key}", repr(value))
                result.readings.append(DeviceReading(device, row.quantity, now_s, value))
                if row.quantity is Quantity.WORN:
                    self._state.put(f"off:{device}", "" if value else repr(now_s))
                    if device in self._worn:
                        self._worn[device].moved_s = 0.0
        if said.get("cancel") is True:
            self._cancel(device, now_s, result)


def _clip_pack(device: str, fall_id: str, start_s: float, samples: bytes, fs_hz: float) -> list[Record]:
    """Which fall, how fast, and the samples."""
    at_s = round(start_s, 3)
    return [
        Record(n=f"{device}/{Quantity.FALL}", t=at_s, vs=f"{SUSPECTED}:{fall_id}"),
        Record(n=f"{device}/{Quantity.SAMPLE_RATE}", t=at_s, u="Hz", v=fs_hz),
        Record(n=f"{device}/{Quantity.ACCELERATION}", t=at_s, vd=to_base64(samples)),
    ]


def parse_chunk(device: str, payload: bytes, now_s: float, result: AdapterResult) -> Chunk | None:
    """Parse an acceleration message; return None with the reason in `result.refused` where it has no meaning."""
    body = len(payload) - _HEADER.size
    if body <= 0 or body % _SAMPLE_BYTES or len(payload) > _MAX_PAYLOAD_BYTES:
        result.add_refusal(
            device, "acceleration", f"{len(payload)} bytes are not a header of 12 and whole samples of 6"
        )
        return None
    start_s, fs_hz = _HEADER.unpack_from(payload)
    fs_hz = round(fs_hz, 3)
    if not math.isfinite(fs_hz) or not _RATES_HZ[0] <= fs_hz <= _RATES_HZ[1]:
        result.add_refusal(device, "acceleration", f"{fs_hz!r} Hz is not within {_RATES_HZ[0]:g} to {_RATES_HZ[1]:g}")
        return None
    if not now_s - _OLDEST_S <= start_s <= now_s + _AHEAD_S:
        result.add_refusal(device, "acceleration", f"start {start_s!r} is not a time of this week")
        return None
    return Chunk(start_s, fs_hz, payload[_HEADER.size :])
