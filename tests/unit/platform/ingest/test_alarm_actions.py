"""What each record of the alarm lane means for alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from anju_core.alert_signals import AlertSignal
from anju_core.events import ElderTold, Event
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.devices.cache import DeviceFacts, GatewayFacts
from anju_platform.ingest.alarm_actions import alarm_actions, unreadable
from anju_platform.ingest.decode import Incoming, Rejected
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import Header
from anju_wire.profiles import QUANTITIES, AlarmRole, Field, Quantity
from anju_wire.senml import Resolved
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.25
AT = datetime.fromtimestamp(AT_S, UTC)
ARRIVED = datetime.fromtimestamp(AT_S + 1, UTC)
GATEWAY = GatewayFacts("gw-1", "home-01", "anning")
TOPIC = Topic("anning", "home-01", Lane.ALARM)
DEVICES = {
    "button": DeviceFacts("button", "bedroom", "床头", known=True),
}
UNREGISTERED = DeviceFacts("", "other", "", known=False)
SOURCE = "gw-1/7/alarm/42"


class Alerts:
    """Stands in for the alerts, and for the transaction that events are said in."""

    def __init__(self) -> None:
        self.raised: list[AlertSignal] = []
        self.withdrawn: list[tuple[Any, ...]] = []
        self.said: list[Event] = []

    def withdraw_alerts(self, work: Any, home: str, kind: AlertKind, episode: str | None, **more: Any) -> None:  # noqa: ANN401
        assert work is self
        self.withdrawn.append((home, kind, episode, more))

    def record(self, event: Event) -> None:
        self.said.append(event)


def carry_out(*readings: Resolved, undated: bool = False) -> Alerts:
    incoming = Incoming(TOPIC, GATEWAY, 7, Lane.ALARM, 42, 1, AT_S + 1, list(readings), undated=undated)
    alerts: Any = Alerts()
    for action in alarm_actions(incoming, lambda device: DEVICES.get(device, UNREGISTERED)):
        if isinstance(action, AlertSignal):
            alerts.raised.append(action)
        else:
            action(alerts, alerts)
    assert isinstance(alerts, Alerts)
    return alerts


def reading(quantity: Quantity, device: str = "button", **said: Any) -> Resolved:  # noqa: ANN401
    return Resolved(device, quantity, AT_S, **said)


@pytest.mark.parametrize(
    ("quantity", "kind", "code"),
    [
        (Quantity.SOS, AlertKind.SOS, ReasonCode.SOS_PRESSED),
        (Quantity.SMOKE, AlertKind.SMOKE, ReasonCode.SMOKE),
        (Quantity.WATER_LEAK, AlertKind.LEAK, ReasonCode.WATER_LEAK),
        (Quantity.GAS, AlertKind.GAS, ReasonCode.GAS),
        (Quantity.CARBON_MONOXIDE, AlertKind.CARBON_MONOXIDE, ReasonCode.CARBON_MONOXIDE),
    ],
)
def test_an_alarm_is_raised_when_it_is_on_and_nothing_is_closed_when_it_is_off(
    quantity: Quantity, kind: AlertKind, code: ReasonCode
) -> None:
    (signal,) = carry_out(reading(quantity, truth=True)).raised
    assert signal == AlertSignal(
        kind=kind,
        home_id="home-01",
        community_id="anning",
        episode=f"button:{round(AT_S * 1000)}",
        happened_at=AT,
        due_since=AT,
        reason=Reason(code, {"room": "bedroom", "registered": True}),
        facts={"device": "button", "room": "bedroom", "known": True},
        source=f"{SOURCE}/0",
    )
    quiet = carry_out(reading(quantity, truth=False))
    assert (quiet.raised, quiet.withdrawn) == ([], [])


@pytest.mark.parametrize(
    ("text", "said"), [("freeze_alarm=true", "freeze_alarm=true"), ("x" * 500, "x" * 80), (None, "")]
)
def test_an_alarm_that_nobody_understands_is_raised_in_the_devices_own_words(text: str | None, said: str) -> None:
    (signal,) = carry_out(reading(Quantity.DEVICE_ALARM, device="new", text=text)).raised
    assert (signal.kind, signal.episode) == (AlertKind.DEVICE_ALARM, f"new:{round(AT_S * 1000)}")
    named = {"device": "new", "device_kind": "", "label": ""}
    facts = {"room": "other", "registered": False, **named, "said": said}
    assert signal.reason == Reason(ReasonCode.DEVICE_ALARM, facts)


def test_an_alarm_that_nobody_understands_names_the_device_as_it_was_registered() -> None:
    (signal,) = carry_out(reading(Quantity.DEVICE_ALARM, text="tamper=true")).raised
    named = {"room": "bedroom", "registered": True, "device_kind": "button", "label": "床头"}
    assert named.items() <= signal.reason.facts.items()


def test_a_device_that_nobody_registered_counts_all_the_same() -> None:
    (signal,) = carry_out(reading(Quantity.SOS, device="new", truth=True)).raised
    assert signal.reason.facts == {"room": "other", "registered": False}
    assert signal.facts == {"device": "new", "room": "other", "known": False}


def test_each_record_has_a_source_of_its_own_by_its_place_in_the_message() -> None:
    found = carry_out(
        reading(Quantity.BATTERY, value=80.0),
        reading(Quantity.SOS, truth=True),
        reading(Quantity.SOS_CANCEL, truth=False),
        reading(Quantity.SMOKE, truth=True),
    )
    assert [(signal.kind, signal.source) for signal in found.raised] == [
        (AlertKind.SOS, f"{SOURCE}/1"),
        (AlertKind.SMOKE, f"{SOURCE}/3"),
    ]
    assert found.withdrawn == []


def withdrawal(why: str, index: int = 0) -> dict[str, object]:
    return {"outcome": Outcome.WITHDRAWN, "why": why, "source": f"{SOURCE}/{index}", "upto": AT}


def test_only_a_registered_device_withdraws_and_nothing_from_after_its_arrival() -> None:
    assert carry_out(reading(Quantity.SOS_CANCEL, device="stranger", truth=True)).withdrawn == []
    ahead = Resolved("button", Quantity.SOS_CANCEL, AT_S + 100, truth=True)
    ((*_, more),) = carry_out(ahead).withdrawn
    assert more["upto"] == ARRIVED


@pytest.mark.parametrize("ahead_s", [1.5, 60.0, 119.0])
@pytest.mark.parametrize(
    ("calls", "over"),
    [
        ({"quantity": Quantity.SOS, "truth": True}, {"quantity": Quantity.SOS_CANCEL, "truth": True}),
        ({"quantity": Quantity.FALL, "text": "suspected:{}"}, {"quantity": Quantity.FALL, "text": "cancelled:{}"}),
        ({"quantity": Quantity.FALL, "text": "confirmed:{}"}, {"quantity": Quantity.FALL, "text": "withdrawn:{}"}),
    ],
)
def test_a_clock_that_is_ahead_does_not_put_a_call_after_its_cancel(
    calls: dict[str, Any], over: dict[str, Any], ahead_s: float
) -> None:
    """Both came in time by the platform's clock, also where they come together after an outage."""
    at_s = AT_S + ahead_s
    fall = {"text": f"{round(at_s * 1000)}"}
    told = [{**one, **({"text": one["text"].format(fall["text"])} if "text" in one else {})} for one in (calls, over)]
    found = carry_out(*(Resolved("button", at_s=at_s + after, **one) for after, one in enumerate(told)))
    (raised,), ((*_, more),) = found.raised, found.withdrawn
    assert raised.happened_at == raised.due_since == more["upto"] == ARRIVED


def test_an_impact_by_the_gateways_own_clock_is_not_after_the_arrival_of_a_corrected_record() -> None:
    (signal,) = carry_out(reading(Quantity.FALL, text=f"suspected:{round((AT_S + 150) * 1000)}")).raised
    assert signal.happened_at == ARRIVED
    assert signal.facts["impact_s"] == AT_S + 150, "the waveform is found by the home's clock"


def test_what_happened_long_before_its_arrival_keeps_its_order() -> None:
    found = carry_out(
        Resolved("button", Quantity.SOS, AT_S - 600, truth=True),
        Resolved("button", Quantity.SOS_CANCEL, AT_S - 601, truth=True),
    )
    assert found.raised[0].happened_at > found.withdrawn[0][-1]["upto"], "a cancel that was before the press"


def test_a_button_that_is_held_withdraws_every_press_of_the_home() -> None:
    found = carry_out(reading(Quantity.SOS_CANCEL, truth=True))
    assert found.withdrawn == [("home-01", AlertKind.SOS, None, withdrawal("elder_cancelled"))]


def test_a_cancel_of_an_unknown_time_withdraws_no_press_and_still_the_fall_that_it_names() -> None:
    assert carry_out(reading(Quantity.SOS_CANCEL, truth=True), undated=True).withdrawn == []
    named = carry_out(reading(Quantity.FALL, text=f"cancelled:{FALL}"), undated=True)
    assert [one[:3] for one in named.withdrawn] == [("home-01", AlertKind.FALL, FALL)]
    assert carry_out(reading(Quantity.SOS, truth=True), undated=True).raised, "a press of such a time calls for help"


IMPACT_S = AT_S - 30
FALL = f"{round(IMPACT_S * 1000)}"


def test_episodes_of_any_length_are_told_apart_and_withdrawn_by_their_name() -> None:
    ids = ["f" * length + end for length in (10, 89, 90, 91, 60_000) for end in ("", "1", "2")]
    raised = [carry_out(reading(Quantity.FALL, text=f"confirmed:{one}")).raised[0].episode for one in ids]
    withdrawn = [carry_out(reading(Quantity.FALL, text=f"withdrawn:{one}")).withdrawn[0][2] for one in ids]
    assert raised == withdrawn
    assert len(set(raised)) == len(ids)
    assert max(len(episode) for episode in raised) == 90
    assert raised[0] == ids[0], "what the column can hold is kept as it is"


@pytest.mark.parametrize(
    ("said", "suspected", "code"),
    [
        (f"suspected:{FALL}", True, ReasonCode.FALL_SUSPECTED),
        (f"confirmed:{FALL}", False, ReasonCode.FALL_CONFIRMED),
        (f"of a later version:{FALL}", False, ReasonCode.FALL_CONFIRMED),
    ],
)
def test_a_fall_counts_from_its_impact(said: str, suspected: bool, code: ReasonCode) -> None:  # noqa: FBT001
    found = carry_out(reading(Quantity.FALL, text=said), reading(Quantity.FALL_SCORE, value=0.75))
    (signal,) = found.raised
    impact = datetime.fromtimestamp(IMPACT_S, UTC)
    assert (signal.kind, signal.episode, signal.suspected, signal.score) == (AlertKind.FALL, FALL, suspected, 0.75)
    assert (signal.happened_at, signal.due_since) == (impact, impact)
    assert signal.reason == Reason(code, {"score": 0.75})
    assert signal.facts == {
        "device": "button",
        "room": "bedroom",
        "known": True,
        "fall_id": FALL,
        "impact_s": IMPACT_S,
    }
    assert signal.source == f"{SOURCE}/0"


@pytest.mark.parametrize(("score", "believed"), [(7.0, 1.0), (-0.5, 0.0), (0.0, 0.0), (1.0, 1.0)])
def test_a_score_is_kept_within_its_range(score: float, believed: float) -> None:
    found = carry_out(reading(Quantity.FALL, text=f"suspected:{FALL}"), reading(Quantity.FALL_SCORE, value=score))
    assert (found.raised[0].score, found.raised[0].reason.facts) == (believed, {"score": believed})


@pytest.mark.parametrize(
    ("fall_id", "impact_s"),
    [
        (f"{round((AT_S - 179.5) * 1000)}", AT_S - 179.5),
        (f"{round((AT_S + 179.5) * 1000)}", AT_S + 1),
        (f"{round((AT_S - 180) * 1000)}", AT_S),
        ("12", AT_S),
        ("f-1", AT_S),
        ("", AT_S),
    ],
)
def test_an_impact_is_believed_near_the_time_of_its_record(fall_id: str, impact_s: float) -> None:
    (signal,) = carry_out(reading(Quantity.FALL, text=f"confirmed:{fall_id}")).raised
    assert signal.happened_at.timestamp() == pytest.approx(impact_s)
    assert (signal.score, signal.reason.facts) == (None, {"score": None})
    assert signal.episode == (fall_id or f"{SOURCE}/0")


def test_a_fall_that_says_nothing_is_a_fall() -> None:
    (signal,) = carry_out(reading(Quantity.FALL, text=None)).raised
    assert (signal.episode, signal.suspected, signal.happened_at) == (f"{SOURCE}/0", False, AT)


@pytest.mark.parametrize(("stage", "why"), [("withdrawn", "recovered"), ("cancelled", "elder_cancelled")])
def test_a_fall_that_is_over_withdraws_itself_and_no_other(stage: str, why: str) -> None:
    found = carry_out(reading(Quantity.FALL, text=f"{stage}:{FALL}"))
    assert (found.raised, found.withdrawn) == ([], [("home-01", AlertKind.FALL, FALL, withdrawal(why))])


@pytest.mark.parametrize(
    ("text", "said", "reference", "message"),
    [
        ("seen:a-1:m-1", "seen", "a-1", "m-1"),
        ("heard:12", "heard", "12", ""),
        ("closed", "closed", "", ""),
        (None, "", "", ""),
        ("seen:a-1:m:1", "seen", "a-1", "m:1"),
    ],
)
def test_what_the_speaker_said_is_passed_on(text: str | None, said: str, reference: str, message: str) -> None:
    (event,) = carry_out(reading(Quantity.ANNOUNCED, text=text)).said
    alarm = "gw-1/7/alarm/12" if reference == "12" else ""
    assert event == ElderTold(at=AT, home_id="home-01", said=said, reference=reference, message=message, alarm=alarm)


SENT: dict[Field, dict[str, Any]] = {
    Field.TRUTH: {"truth": True},
    Field.TEXT: {"text": f"suspected:{FALL}"},
    Field.NUMBER: {"value": 1.0},
}


@pytest.mark.parametrize("quantity", [row.quantity for row in QUANTITIES.values() if row.lane is Lane.ALARM])
def test_every_quantity_of_the_alarm_lane_has_its_action(quantity: Quantity) -> None:
    row = QUANTITIES[quantity]
    found = carry_out(reading(quantity, **SENT[row.field]))
    assert ReasonCode.ALARM_UNREADABLE not in [signal.reason.code for signal in found.raised]
    done = (len(found.raised), len(found.withdrawn))
    assert done == {AlarmRole.DANGER: (1, 0), AlarmRole.CANCEL: (0, 1), AlarmRole.DETAIL: (0, 0)}[row.alarm or ""]


@pytest.mark.parametrize("said", [{"truth": True}, {"text": "here"}, {"value": 0.0}])
def test_an_alarm_of_a_quantity_without_a_row_is_a_call_for_help(said: dict[str, Any]) -> None:
    (signal,) = carry_out(Resolved("button", "gas", AT_S, **said)).raised
    assert (signal.kind, signal.reason.code) == (AlertKind.SOS, ReasonCode.ALARM_UNREADABLE)
    assert (signal.episode, signal.source, signal.facts["quantity"]) == (f"unhandled:{SOURCE}/0", f"{SOURCE}/0", "gas")
    assert carry_out(Resolved("button", "gas", AT_S, truth=False)).raised == []


def test_an_alarm_of_a_row_without_an_action_is_a_call_for_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anju_platform.ingest.alarm_actions._ACTIONS", {})
    (signal,) = carry_out(reading(Quantity.SMOKE, truth=True), reading(Quantity.FALL_SCORE, value=0.5)).raised
    assert (signal.reason.code, signal.facts["quantity"]) == (ReasonCode.ALARM_UNREADABLE, "smoke")


def test_an_alarm_that_cannot_be_read_is_a_call_for_help() -> None:
    raw = RawMessage(str(TOPIC), b"?", AT_S)
    header = Header(gateway="gw-1", epoch=7, seq=42, base=1)
    signal = unreadable(Rejected(raw, "$.pack", "broken", TOPIC, GATEWAY, header))
    assert signal == AlertSignal(
        kind=AlertKind.SOS,
        home_id="home-01",
        community_id="anning",
        episode=f"unreadable:{SOURCE}",
        happened_at=AT,
        due_since=AT,
        reason=Reason(ReasonCode.ALARM_UNREADABLE),
        facts={"path": "$.pack", "why": "broken"},
        source=SOURCE,
    )


def test_nobody_is_called_for_what_no_home_can_have_sent() -> None:
    header = Header(gateway="gw-1", epoch=7, seq=1, base=1)
    assert unreadable(Rejected(RawMessage("t", b"?", AT_S), "$", "broken", TOPIC, None, header)) is None


def test_what_has_no_number_is_known_by_its_content() -> None:
    sources = [
        Rejected(RawMessage("t", b"?", AT_S), "$", "broken", TOPIC, GATEWAY, None, digest).source
        for digest in ("aa", "bb")
    ]
    assert sources == ["gw-1/~aa", "gw-1/~bb"]
