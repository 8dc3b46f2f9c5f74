from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from fixtures._simulated_homes import home

from anju_sim.command_handler import CommandHandler
from anju_sim.resident_model import DAY_S, ResidentModel
from anju_sim.simulated_home import SimulatedHome
from anju_wire.simulation import CommandRefused, SimAction, SimCommand, SimEvent, decode_command

NOW = 1_790_000_000.0


class Recorder:
    """Stands for the homes' bus."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self.said.append((topic, payload))

    def of(self, part: str) -> list[dict[str, object]]:
        return [json.loads(payload) for topic, payload in self.said if part in topic]


class FakeNetwork:
    """Stands for the homes' network."""

    def __init__(self) -> None:
        self.cuts: list[tuple[str, str]] = []

    def cut_link(self, name: str, *, silent: bool = False) -> None:
        self.cuts.append((name, "silent" if silent else "cut"))

    def restore_link(self, name: str) -> None:
        self.cuts.append((name, "restore"))


class CommandHarness:
    def __init__(self, *, wearable: bool = True) -> None:
        self.bus, self.network, self.told = Recorder(), FakeNetwork(), list[SimEvent]()
        self.house = SimulatedHome(home(wearable=wearable), 1, self.bus.publish)
        self.handler = CommandHandler({"home-01": self.house}, self.network, self.told.append)  # type: ignore[arg-type]

    def do(self, action: SimAction, name: str = "home-01", **args: str | float | bool) -> str:
        self.handler.execute_command(SimCommand(id=f"o-{action}", home=name, action=action, args=args), NOW)
        return self.told[-1].stage if self.told else ""


def test_a_press_is_what_a_real_button_says() -> None:
    harness = CommandHarness()
    assert harness.do(SimAction.PRESS) == "pressed"
    said = harness.bus.of("zigbee2mqtt/button")[0]
    assert said["action"] == "emergency"
    assert said["last_seen"] == int(NOW * 1000)
    assert {"battery", "linkquality"} <= said.keys()
    assert harness.told[-1] == SimEvent(id="o-press", home="home-01", action="press", at=NOW, stage="pressed")


def test_a_fall_streams_without_holes_and_tells_its_impact() -> None:
    harness = CommandHarness()
    harness.do(SimAction.FALL)
    assert harness.told == [], "it counts from the impact, which is still to come"
    impact, starts = None, []
    for second in range(1, 12):
        sent = harness.house.publish_acceleration(NOW + second + 0.3)
        assert sent is not None
        starts.append(sent[0])
        impact = impact or sent[1]
        if sent[1] is not None:
            harness.handler.report_impact("home-01", sent[1])
    assert np.diff(starts) == pytest.approx(1.0)
    assert [(event.stage, event.at) for event in harness.told] == [("impact", impact)]
    assert NOW + 3 < impact < NOW + 5
    assert harness.house.muted


def test_nobody_moves_after_silence_and_life_returns() -> None:
    harness = CommandHarness()
    some = next(iter(ResidentModel(home(), 1).events_between(NOW, NOW + DAY_S)))
    harness.do(SimAction.SILENCE)
    harness.house.publish_event(some)
    assert harness.bus.said == []
    harness.do(SimAction.RETURN)
    before = len(harness.bus.said)
    harness.house.publish_event(some)
    assert len(harness.bus.said) == before + 1


def test_doors_visitors_batteries_and_stuck_sensors() -> None:
    harness = CommandHarness()
    harness.do(SimAction.LEAVE)
    assert [said["contact"] for said in harness.bus.of("door-entrance")] == [False, True]
    assert harness.house.muted
    harness.do(SimAction.BATTERY_LOW)
    assert harness.bus.of("motion-living")[-1]["battery"] == 3
    harness.do(SimAction.RETURN)
    harness.do(SimAction.STICK, device="motion-kitchen")
    count = len(harness.bus.of("motion-kitchen"))
    harness.house.report_conditions(NOW)
    assert len(harness.bus.of("motion-kitchen")) == count, "a stuck sensor is not heard again"


def test_the_line_is_cut_and_restored() -> None:
    harness = CommandHarness()
    harness.do(SimAction.CUT)
    harness.do(SimAction.CUT, silent=True)
    harness.do(SimAction.RESTORE)
    assert [how for _, how in harness.network.cuts] == ["cut", "silent", "restore"]


@pytest.mark.parametrize(
    ("action", "name", "args", "why"),
    [
        (SimAction.PRESS, "home-99", {}, "no home"),
        (SimAction.FALL, "home-01", {}, "no wearable"),
        (SimAction.STICK, "home-01", {"device": "kettle"}, "no device 'kettle'"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused_with_its_reason(
    action: SimAction, name: str, args: dict[str, str], why: str
) -> None:
    harness = CommandHarness(wearable=False)
    assert harness.do(action, name, **args) == "refused"
    assert why in str(harness.told[-1].detail["why"])


def test_a_missing_recording_is_refused(tmp_path: object) -> None:
    harness = CommandHarness()
    assert harness.do(SimAction.FALL, recording="x", directory=str(tmp_path)) == "refused"
    assert "index.csv" in str(harness.told[-1].detail["why"])


@pytest.mark.parametrize("raw", [b"{", b"\xff", b'{"id":"1","home":"h","action":"fly"}', b'{"id":1}'])
def test_an_unreadable_order_is_refused(raw: bytes) -> None:
    with pytest.raises(CommandRefused):
        decode_command(raw)


def test_history_keeps_every_sign_of_life_in_order() -> None:
    harness = CommandHarness()
    life = list(ResidentModel(home(), 1).events_between(NOW - 3 * DAY_S, NOW))
    batches = [msgspec.json.decode(batch) for batch in harness.house.history_batches(iter(life), NOW)]
    rows = [row for batch in batches for row in batch["rows"]]
    wanted = [h for h in life if h.value or h.quantity == "contact"]
    assert [(row[1], row[3]) for row in rows] == [(h.device, h.value) for h in wanted]
    assert [row[0] for row in rows] == pytest.approx([h.at_s for h in wanted], abs=0.001)
    assert max(len(batch["rows"]) for batch in batches) <= 300
    awake = [batch["awake"] for batch in batches]
    assert [after[0] for after in awake[1:]] == [before[1] for before in awake[:-1]], "without a break"
    assert awake[-1][1] == NOW
