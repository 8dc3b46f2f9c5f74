"""Hostile messages by the thousand through what reads them: none leaves an exception.

Bounded by count here; `./dev fuzz MINUTES` runs the same for as long as it is told, each part for its share of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz.corpus import DEVICES, record_corpus
from fuzz.hostile import Mutator, seeds
from fuzz.run_report import SEED, RunReport, count_rounds
from hypothesis import given
from hypothesis import strategies as st

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.esphome import EsphomeAdapter
from anju_gateway.adapters.logger import LoggerAdapter
from anju_gateway.adapters.port import Adapter
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.registry import Device, DeviceRegistry
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_platform.console import waveform_chart
from anju_platform.devices.cache import GatewayFacts
from anju_platform.i18n.translation import Words
from anju_platform.ingest.clips import clips_of
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Rejected, open_plain, read
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import encode
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0
ZH = Words("zh")


class OneGateway:
    """As much of the device cache as reading a message asks for."""

    def find_gateway(self, gateway_id: str, _home_id: str) -> GatewayFacts | None:
        return GatewayFacts(gateway_id, "home-01", "anning") if gateway_id == "gw-home-01" else None


def test_any_message_is_read_or_rejected(tmp_path: Path) -> None:
    mutator, cache, clocks = Mutator(SEED), OneGateway(), Clocks()
    honest = [*seeds("gw-home-01", AT_S), *_real_messages(tmp_path)]
    lanes = [f"anju/v1/anning/home-01/{lane}" for lane in (Lane.ALARM, Lane.TELEMETRY, Lane.CLIP)]
    report = RunReport("decoding")
    drawn = read_count = 0
    for number in count_rounds(8000):
        raw = RawMessage(lanes[number % 3], mutator.mutate(honest[number // 3 % len(honest)], honest), AT_S)
        open_plain(raw, cache, clocks)  # type: ignore[arg-type]
        found = read(raw, cache, clocks)  # type: ignore[arg-type]
        report.count("all", 1)
        if number % 1000 == 0:
            report.memory.note(number)
        read_count += isinstance(found, Incoming)
        if isinstance(found, Rejected):
            assert found.reason.isprintable()
            continue
        for _, clip in clips_of(found.readings) if found.lane is Lane.CLIP else ():
            picture = waveform_chart.draw(waveform_chart.magnitudes(clip.data), clip.fs_hz, ZH)
            assert 0 < len(picture) < 40_000
            drawn += 1
    report.notes |= {"read": read_count, "waveforms drawn": drawn}
    report.tell()
    assert drawn
    assert 0 < read_count < number


def _real_messages(folder: Path) -> list[bytes]:
    """Return what the gateway of a simulated home sends, in envelopes."""
    packs = record_corpus(folder, "gw-home-01", AT_S).packs.values()
    head = f'{{"gateway":"gw-home-01","epoch":1,"seq":9,"base":1,"sent":{AT_S},"pack":'.encode()
    return [head + pack + b"}" for lane in packs for pack in lane]


NAMES = st.sampled_from(["button-sos/sos", "wearable-1/fall", "motion-living/temperature", "stranger/", "/sos", "a"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
RECORDS = st.dictionaries(
    st.sampled_from(["bn", "bt", "n", "u", "v", "vs", "vb", "vd", "t", "zz"]), st.one_of(VALUES, NAMES), max_size=6
)
ENVELOPES = st.fixed_dictionaries(
    {
        "gateway": st.one_of(st.just("gw-home-01"), st.text(max_size=70)),
        "epoch": st.one_of(st.just(1), VALUES),
        "seq": st.one_of(st.integers(1, 2**54), VALUES),
        "base": st.one_of(st.just(1), VALUES),
        "sent": st.one_of(st.just(AT_S), VALUES),
        "pack": st.one_of(st.lists(RECORDS, max_size=4), VALUES),
    },
    optional={"zz": st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))},
)


@given(ENVELOPES, st.sampled_from(list(Lane)))
def test_any_envelope_is_read_or_rejected(envelope: dict[str, Any], lane: Lane) -> None:
    payload = json.dumps(envelope, ensure_ascii=False).encode(errors="surrogatepass")
    found = read(RawMessage(f"anju/v1/anning/home-01/{lane}", payload, AT_S), OneGateway(), Clocks())  # type: ignore[arg-type]
    if isinstance(found, Rejected):
        assert found.reason.isprintable()
    else:
        assert lane is not Lane.STATUS
        assert found.seq >= found.base >= 1


BUS: dict[str, tuple[bytes, ...]] = {
    "zigbee2mqtt/bridge/state": (b'{"state":"online"}', b"offline"),
    "zigbee2mqtt/motion-living/availability": (b'{"state":"online"}',),
    "wearable/wearable-1/acceleration": (b"\x00\x00\x00\x00T\x13\xdaA\x00\x00HB" + bytes(300),),
    "logger/history": (b'{"rows":[[1750000000,"motion-living","occupancy",true]],"awake":[1749990000,1750000000]}',),
}
"""Forms that devices of the simulator do not send."""


def test_no_message_on_the_homes_bus_leaves_an_adapter_as_an_exception(tmp_path: Path) -> None:
    mutator, state, report = Mutator(SEED), AdapterState({}), RunReport("adapters")
    registry = DeviceRegistry(Device(one.id, one.kind, one.room) for one in DEVICES)
    said = [(topic.partition("/")[2], payload) for topic, payload in record_corpus(tmp_path, "gw-1", AT_S).bus]
    said += [(topic, payload) for topic, payloads in BUS.items() for payload in payloads]
    others = [payload for _, payload in said]
    waveforms = WaveformBuffer(tmp_path / "waveforms.sqlite")
    adapters: list[Adapter] = [
        Zigbee2MqttAdapter("home-07", "gw-1", registry, state),
        EsphomeAdapter("home-07", registry, state),
        LoggerAdapter("home-07", "gw-1", registry),
        WearableAdapter("home-07", registry, state, waveforms),
    ]
    readings = refused = 0
    for number in count_rounds(3000):
        name, payload = mutator.random.choice(said)
        payload = mutator.mutate(payload, others)
        if mutator.random.random() < 0.1:
            name = name.replace("living", mutator.random.choice(("\x01", "卧室", "\u202e", "x" * 300, "/")))
        with waveforms.transaction():
            found = [
                one.read_message(f"home-07/{name}", payload, retained=number % 5 == 0, now_s=AT_S + number / 1000)
                for one in adapters
            ]
        result = next((one for one in found if one is not None), AdapterResult())
        readings, refused = readings + len(result.readings) + len(result.alarms), refused + len(result.refused)
        report.count("bus", 1)
        if number % 500 == 0:
            report.memory.note(number)
        for reading in (*result.readings, *(one for alarm in result.alarms for one in alarm)):
            encode(reading.to_record())
    waveforms.close()
    report.notes |= {"readings": readings, "refusals": refused}
    report.tell()
    assert readings
    assert refused


@pytest.mark.parametrize("rate", [1e-300, 0.0, -1.0, 0.99, 1001.0, 1e300, float("inf"), float("nan")])
def test_a_stored_clip_of_no_wearable_is_not_drawn(rate: float) -> None:
    assert waveform_chart.draw([1.0] * 600, rate, ZH) == ""


def test_a_stored_clip_of_hours_is_not_drawn() -> None:
    assert waveform_chart.draw([1.0] * 30_000, 1.0, ZH) == ""
