"""Falls are noticed in the home, once, whatever happens to the process; their waveform follows."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import Device, DeviceRegistry
from anju_gateway.waveform_buffer import KEPT_S, Chunk, WaveformBuffer
from anju_sim.wearable import AccelerationModel, encode_packet
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.senml import resolve

NOW = 1_750_000_000.0
FS = 50
TOPIC = "home-07/wearable/wearable-1"


class Worn:
    """A wearable's stream through an adapter that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """What a new process has: the state as committed, the stored waveform, and nothing else."""
        self.state = AdapterState(self.kept)
        self.waveforms = WaveformBuffer(self.folder / "waveforms.sqlite")
        registry = DeviceRegistry([Device("wearable-1", DeviceKind.WEARABLE)])
        self.adapter = WearableAdapter("home-07", registry, self.state, self.waveforms)

    def killed(self) -> None:
        self.waveforms.close()
        self.begin()

    def says(self, what: str, payload: bytes, at_s: float, *, retained: bool = False) -> AdapterResult:
        with self.waveforms.transaction():
            result = self.adapter.read_message(f"{TOPIC}/{what}", payload, retained=retained, now_s=at_s)
        assert result is not None
        self.commit()
        return result

    def commit(self) -> None:
        for key, value in self.state.changes.items():
            assert value is not None
            self.kept[key] = value
        self.state.commit()


@pytest.fixture
def worn(tmp_path: Path) -> Iterator[Worn]:
    made = Worn(tmp_path)
    yield made
    made.waveforms.close()


def fall_chunks(after_s: float = 50.0, *, set_after: int = 0, by_s: float = 0.0) -> list[tuple[float, bytes]]:
    """When each chunk begins, and the chunk; the wearable's own clock is set by `by_s` after some of them."""
    samples = AccelerationModel(np.random.default_rng(3)).sample_fall(after_s=after_s).samples
    starts = [NOW + at / FS for at in range(0, len(samples), FS)]
    told = [at_s + (by_s if number >= set_after else 0.0) for number, at_s in enumerate(starts)]
    return [
        (at_s, encode_packet(told[number], samples[number * FS : (number + 1) * FS]))
        for number, at_s in enumerate(starts)
    ]


def stages(alarms: list[list[DeviceReading]]) -> list[str]:
    return [str(alarm[0].value).partition(":")[0] for alarm in alarms]


def test_a_fall_is_suspected_confirmed_and_its_waveform_sent(worn: Worn) -> None:
    whole = AdapterResult()
    for at_s, chunk in fall_chunks():
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    (fall, score), _ = whole.alarms
    assert fall.quantity is Quantity.FALL
    assert score.quantity is Quantity.FALL_SCORE
    assert 0.5 <= float(score.value) <= 1.0
    fall_id = str(fall.value).partition(":")[2]
    assert fall.at_s == pytest.approx(int(fall_id) / 1000, abs=0.002), "the impact"
    (clip,) = whole.clips
    by_name = {reading.quantity: reading for reading in resolve(clip)}
    assert by_name[Quantity.FALL].text == f"suspected:{fall_id}"
    assert by_name[Quantity.SAMPLE_RATE].value == FS
    data = by_name[Quantity.ACCELERATION].data
    assert data is not None
    samples = np.frombuffer(data, "<i2").reshape(-1, 3)
    assert len(samples) == pytest.approx(12 * FS, abs=2)
    assert np.linalg.norm(samples.astype(float), axis=1).max() > 2500, "the impact is in it"


@pytest.mark.parametrize("killed_after", [6, 7, 9, 11, 14, 20, 30])
def test_a_gateway_killed_during_a_fall_still_notices_it_once(worn: Worn, killed_after: int) -> None:
    whole = AdapterResult()
    for number, (at_s, chunk) in enumerate(fall_chunks()):
        if number == killed_after:
            worn.killed()
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    assert len(whole.clips) == 1


@pytest.mark.parametrize("lost_turn", [9, 10, 11])
def test_a_turn_that_could_not_be_stored_is_made_up_for(worn: Worn, lost_turn: int) -> None:
    whole = AdapterResult()
    for number, (at_s, chunk) in enumerate(fall_chunks()):
        if number == lost_turn:
            worn.adapter.read_message(f"{TOPIC}/acceleration", chunk, retained=False, now_s=at_s + 1)
            worn.state.rollback()
            worn.adapter.discard_state()
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]


def test_a_chunk_that_comes_twice_changes_nothing(worn: Worn) -> None:
    whole = AdapterResult()
    for at_s, chunk in fall_chunks():
        for _ in range(2):
            whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]


@pytest.mark.parametrize("swapped", range(4, 14))
def test_chunks_that_overtake_each_other_are_one_fall(worn: Worn, swapped: int) -> None:
    whole, chunks = AdapterResult(), fall_chunks()
    chunks[swapped], chunks[swapped + 1] = chunks[swapped + 1], chunks[swapped]
    for at_s, chunk in chunks:
        whole.merge(worn.says("acceleration", chunk, at_s + 2))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    assert len({str(alarm[0].value).partition(":")[2] for alarm in whole.alarms}) == 1
    assert len(whole.clips) == 1


@pytest.mark.parametrize("by_s", [-3600.0, -30.0, -0.3, 0.3, 30.0])
@pytest.mark.parametrize("set_after", [3, 9, 12])
def test_a_clock_that_is_set_makes_the_gateway_miss_nothing(worn: Worn, set_after: int, by_s: float) -> None:
    whole = AdapterResult()
    for at_s, chunk in fall_chunks(80.0, set_after=set_after, by_s=by_s):
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    assert len(whole.clips) == 1


@pytest.mark.parametrize("killed_after", [7, 11, 20])
@pytest.mark.parametrize("by_s", [-3600.0, -30.0])
def test_killed_after_the_clock_was_set_back_the_fall_is_noticed_once(
    worn: Worn, killed_after: int, by_s: float
) -> None:
    whole = AdapterResult()
    for number, (at_s, chunk) in enumerate(fall_chunks(set_after=3, by_s=by_s)):
        if number == killed_after:
            worn.killed()
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    assert len(whole.clips) == 1


def test_a_stream_that_comes_again_in_any_order_after_a_kill_is_one_fall(worn: Worn) -> None:
    whole, chunks = AdapterResult(), fall_chunks()
    for at_s, chunk in chunks[:9]:
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    worn.killed()
    for at_s, chunk in [*chunks[9:16], *chunks[3:9], *chunks[16:]]:
        whole.merge(worn.says("acceleration", chunk, at_s + 10))
    assert stages(whole.alarms) == ["suspected", "confirmed"]
    assert len(whole.clips) == 1


@pytest.mark.parametrize("killed", [False, True])
def test_the_wearer_takes_it_back(worn: Worn, killed: bool) -> None:  # noqa: FBT001
    chunks = fall_chunks()
    for at_s, chunk in chunks[:15]:
        worn.says("acceleration", chunk, at_s + 1)
    if killed:
        worn.killed()
    result = worn.says("state", b'{"cancel": true}', NOW + 16)
    assert stages(result.alarms) == ["cancelled"]
    rest = AdapterResult()
    for at_s, chunk in chunks[15:]:
        rest.merge(worn.says("acceleration", chunk, at_s + 1))
    assert stages(rest.alarms) == [], "not confirmed afterwards"
    assert not worn.says("state", b'{"cancel": true}', NOW + 60).alarms


def test_the_emergency_button_held_takes_a_suspected_fall_back(worn: Worn) -> None:
    for at_s, chunk in fall_chunks()[:15]:
        worn.says("acceleration", chunk, at_s + 1)
    assert stages(worn.adapter.cancel_alarms(NOW + 16).alarms) == ["cancelled"]


def test_a_clip_whose_end_never_comes_is_sent_as_it_is(worn: Worn) -> None:
    for at_s, chunk in fall_chunks()[:12]:
        assert not worn.says("acceleration", chunk, at_s + 1).clips
    assert not worn.adapter.read_due(NOW + 20).clips
    (clip,) = worn.adapter.read_due(NOW + 60).clips
    (acceleration,) = [r.data for r in resolve(clip) if r.quantity is Quantity.ACCELERATION]
    assert acceleration is not None
    assert 6 * 6 * FS < len(acceleration) < 6 * 12 * FS
    assert not worn.adapter.read_due(NOW + 61).clips


def test_walking_is_no_fall(worn: Worn) -> None:
    samples = AccelerationModel(np.random.default_rng(1)).sample_walking(60.0)
    for at in range(0, len(samples), FS):
        assert not worn.says(
            "acceleration", encode_packet(NOW + at / FS, samples[at : at + FS]), NOW + at / FS + 1
        ).alarms


def test_worn_and_battery_are_said_when_they_change(worn: Worn) -> None:
    result = worn.says("state", b'{"worn": true, "battery": 80, "steps": 12, "firmware": "1"}', NOW)
    assert {(r.quantity, r.value) for r in result.readings} == {
        (Quantity.WORN, True),
        (Quantity.BATTERY, 80.0),
        (Quantity.STEPS, 12.0),
    }
    again = worn.says("state", b'{"worn": true, "battery": 80, "steps": 0}', NOW + 1)
    assert [r.quantity for r in again.readings] == [Quantity.STEPS]
    off = worn.says("state", b'{"worn": false}', NOW + 2)
    assert off.readings == [DeviceReading("wearable-1", Quantity.WORN, NOW + 2, False)]


GOOD = np.zeros((50, 3), "<i2").tobytes()


@pytest.mark.parametrize(
    ("what", "payload"),
    [
        ("acceleration", b""),
        ("acceleration", struct.pack("<df", NOW, 50.0)),
        ("acceleration", struct.pack("<df", NOW, 50.0) + GOOD[:-1]),
        ("acceleration", struct.pack("<df", NOW, 50.0) + bytes(70_002)),
        ("acceleration", struct.pack("<df", NOW, 5.0) + GOOD),
        ("acceleration", struct.pack("<df", NOW, float("nan")) + GOOD),
        ("acceleration", struct.pack("<df", float("nan"), 50.0) + GOOD),
        ("acceleration", struct.pack("<df", NOW + 315_360_000, 50.0) + GOOD),
        ("acceleration", struct.pack("<df", NOW - 315_360_000, 50.0) + GOOD),
        ("state", b"{"),
        ("state", b'{"worn": "yes"}'),
        ("state", b'{"battery": 180}'),
    ],
)
def test_what_means_nothing_is_refused(worn: Worn, what: str, payload: bytes) -> None:
    result = worn.says(what, payload, NOW)
    assert len(result.refused) == 1
    assert result.refused[0].why
    assert not result.readings
    assert not worn.waveforms.list_devices()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.binary(max_size=80), what=st.sampled_from(["acceleration", "state", "else"]))
def test_no_bytes_break_the_adapter(worn: Worn, what: str, payload: bytes) -> None:
    worn.says(what, payload, NOW)


def test_a_change_of_rate_begins_a_new_stream(worn: Worn) -> None:
    worn.says("acceleration", struct.pack("<df", NOW, 50.0) + GOOD, NOW + 1)
    assert not worn.says("acceleration", struct.pack("<df", NOW + 1, 100.0) + GOOD, NOW + 2).refused


def test_the_waveform_buffer_keeps_two_minutes(tmp_path: Path) -> None:
    buffer = WaveformBuffer(tmp_path / "w.sqlite")
    for second in range(400):
        buffer.add_chunk("w", Chunk(NOW + second, 50.0, b"x" * 300))
    kept = buffer.recent_chunks("w")
    assert kept[0].start_s == pytest.approx(NOW + 399 - KEPT_S)
    assert kept[-1].start_s == NOW + 399
    rows = buffer._db.execute("SELECT COUNT(*) FROM wave").fetchone()[0]
    assert rows < KEPT_S + 40, "older ones are deleted"
    buffer.close()


def test_a_broken_waveform_buffer_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "w.sqlite").write_bytes(b"not a database, whatever it says" * 40)
    buffer = WaveformBuffer(tmp_path / "w.sqlite")
    assert buffer.list_devices() == []
    buffer.close()


def test_other_topics_and_retained_states_are_passed_over(worn: Worn) -> None:
    assert worn.adapter.read_message("home-08/wearable/w/state", b"{}", retained=False, now_s=NOW) is None
    assert not worn.says("state", b'{"worn": true}', NOW, retained=True).readings


def say_worn(worn: Worn, at_s: float, *, on: bool) -> None:
    worn.says("state", b'{"worn": true}' if on else b'{"worn": false}', at_s)


def walk_chunks(seconds: int) -> list[tuple[float, bytes]]:
    samples = AccelerationModel(np.random.default_rng(4)).sample_walking(seconds)
    starts = range(0, len(samples), FS)
    begins = NOW - seconds - 1
    return [(begins + at / FS, encode_packet(begins + at / FS, samples[at : at + FS])) for at in starts]


def told_stages(worn: Worn, chunks: list[tuple[float, bytes]]) -> list[str]:
    whole = AdapterResult()
    for at_s, chunk in chunks:
        whole.merge(worn.says("acceleration", chunk, at_s + 1))
    assert bool(whole.clips) == bool(whole.alarms), "no waveform of what was no fall"
    return stages(whole.alarms)


@pytest.mark.parametrize("killed", [False, True])
def test_a_wearable_that_is_not_worn_falls_alone(worn: Worn, killed: bool) -> None:  # noqa: FBT001 - a row of the table
    say_worn(worn, NOW - 60, on=False)
    chunks = fall_chunks()
    half = len(chunks) // 2
    told = told_stages(worn, chunks[:half])
    if killed:
        worn.killed()
    say_worn(worn, chunks[half][0], on=True)
    assert told + told_stages(worn, chunks[half:]) == [], "nor is it confirmed once it is put on"


def test_what_was_on_its_way_when_it_said_so_is_of_the_same_table(worn: Worn) -> None:
    say_worn(worn, NOW + 90, on=False)
    assert told_stages(worn, fall_chunks()) == []


def test_a_fall_of_before_it_was_taken_off_counts_however_late_it_comes(worn: Worn) -> None:
    say_worn(worn, NOW + 300, on=False)
    assert told_stages(worn, fall_chunks()) == ["suspected", "confirmed"]


def test_who_walks_about_with_it_wears_it_whatever_it_says(worn: Worn) -> None:
    say_worn(worn, NOW - 100, on=False)
    assert told_stages(worn, walk_chunks(45)) == []
    assert told_stages(worn, fall_chunks()) == ["suspected", "confirmed"]


def test_put_on_again_it_counts(worn: Worn) -> None:
    for on in (False, True):
        say_worn(worn, NOW - 60, on=on)
    assert told_stages(worn, fall_chunks()) == ["suspected", "confirmed"]


def test_a_fall_that_knocks_it_off_is_still_confirmed(worn: Worn) -> None:
    chunks = fall_chunks()
    whole = AdapterResult()
    for at_s, chunk in chunks:
        found = worn.says("acceleration", chunk, at_s + 1)
        whole.merge(found)
        if stages(found.alarms) == ["suspected"]:
            say_worn(worn, at_s + 1.5, on=False)
    assert stages(whole.alarms) == ["suspected", "confirmed"]
