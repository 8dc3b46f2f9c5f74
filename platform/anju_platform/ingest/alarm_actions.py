"""What each record of the alarm lane means for alerts. Pure: readings in, signals and actions out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from anju_core.alert_signals import AlertSignal
from anju_core.events import ElderTold
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.cache import DeviceFacts
from anju_platform.ingest.decode import Incoming, Rejected
from anju_platform.ingest.ports import AlarmSink
from anju_wire.profiles import QUANTITIES, AlarmRole, Quantity
from anju_wire.senml import Resolved
from anju_wire.vocabulary import FallStage, Lane

AlarmEffect = Callable[[UnitOfWork, AlarmSink], object]
"""Something to do inside the message's transaction, other than to raise an alert."""
AlarmAction = AlertSignal | AlarmEffect


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One record of an alarm message with what is known about where it came from."""

    incoming: Incoming
    reading: Resolved
    device: DeviceFacts
    source: str
    others: Sequence[Resolved]
    """All records of the message."""

    @property
    def at(self) -> datetime:
        """Event time. A clock that is ahead puts nothing after its arrival: press and cancel stay in their order."""
        return self.date_event(self.reading.at_s)

    def date_event(self, at_s: float) -> datetime:
        """Return an event time of the home's clock, Unix s, but the message's arrival where that was earlier."""
        return datetime.fromtimestamp(min(at_s, self.incoming.arrived_s), UTC)

    def device_reason(self, code: ReasonCode) -> Reason:
        """Return the reason of a device's own alarm."""
        return Reason(code, {"room": self.device.room, "registered": self.device.known})

    def signal(self, kind: AlertKind, episode: str, reason: Reason, **more: object) -> AlertSignal:
        """The alert signal of this event."""
        facts: dict[str, object] = {"device": self.reading.device, "room": self.device.room, "known": self.device.known}
        if self.incoming.number_taken:
            facts["number_taken"] = True
        given: dict[str, object] = {"happened_at": self.at, "due_since": self.at, **more}
        return AlertSignal(
            kind=kind,
            home_id=self.incoming.facts.home_id,
            community_id=self.incoming.facts.community_id,
            episode=_bounded(episode),
            reason=reason,
            facts={**facts, **dict(given.pop("facts", {}) or {})},  # type: ignore[call-overload]
            source=self.source,
            **given,  # type: ignore[arg-type]
        )


def alarm_actions(incoming: Incoming, device: Callable[[str], DeviceFacts]) -> list[AlarmAction]:
    """Return what an alarm message's readings ask for, in their order; readings without action ask for nothing."""
    found: list[AlarmAction] = []
    for index, reading in enumerate(incoming.readings):
        act = _action_of(reading.quantity)
        if act is not None:
            source = f"{incoming.source}/{index}"
            event = AlarmEvent(incoming, reading, device(reading.device), source, incoming.readings)
            action = act(event)
            if action is not None:
                found.append(action)
    return found


def carry_out(work: UnitOfWork, alerts: AlarmSink, actions: Iterable[AlarmAction]) -> None:
    """Do what messages ask for, one after the other in their order."""
    for action in actions:
        if isinstance(action, AlertSignal):
            alerts.raise_alert(work, action)
        else:
            action(work, alerts)


def unreadable(rejected: Rejected) -> AlertSignal | None:
    """Return the SOS alert that an unreadable alarm raises; None where its gateway is not known."""
    facts, source = rejected.facts, rejected.source
    if facts is None or source is None:
        return None
    at = datetime.fromtimestamp(rejected.raw.arrived_s, UTC)
    return AlertSignal(
        kind=AlertKind.SOS,
        home_id=facts.home_id,
        community_id=facts.community_id,
        episode=_bounded(f"unreadable:{source}"),
        happened_at=at,
        due_since=at,
        reason=Reason(ReasonCode.ALARM_UNREADABLE),
        facts={
            "path": rejected.path,
            "why": rejected.reason,
            **({"number_taken": True} if rejected.number_taken else {}),
        },
        source=source,
    )


def reduce_signal(signal: AlertSignal, rejected: Rejected, kind: AlertKind) -> AlertSignal:
    """Return what a valid alarm calls for, as an alert of `kind` that says why and where, and happened when it came.

    For an alarm that cannot be stored as it is.
    """
    at = datetime.fromtimestamp(rejected.raw.arrived_s, UTC)
    return AlertSignal(
        kind=kind,
        home_id=signal.home_id,
        community_id=signal.community_id,
        episode=_bounded(f"reduced:{signal.source}"),
        happened_at=at,
        due_since=at,
        reason=signal.reason,
        facts={
            "room": signal.facts.get("room"),
            "path": rejected.path,
            "why": rejected.reason,
            **({"number_taken": True} if rejected.number_taken else {}),
        },
        source=signal.source,
    )


def _bounded(episode: str) -> str:
    """Return the name of an episode at most `_LONGEST_EPISODE` long: of a longer one its beginning and a digest."""
    if len(episode) <= _LONGEST_EPISODE:
        return episode
    digest = blake2b(episode.encode(), digest_size=16).hexdigest()
    return f"{episode[: _LONGEST_EPISODE - len(digest) - 1]}:{digest}"


_LONGEST_EPISODE = 90
"""The column holds 100 characters; an episode that is raised anew has `#<n>` after it."""


def _action_of(quantity: Quantity | str) -> Callable[[AlarmEvent], AlarmAction | None] | None:
    """What a record asks for; None for readings and details, which call nobody by themselves."""
    row = QUANTITIES[quantity] if isinstance(quantity, Quantity) else None
    if row is None:
        return _unhandled
    calls = row.lane is Lane.ALARM and row.alarm is not AlarmRole.DETAIL
    return _ACTIONS.get(row.quantity, _unhandled if calls else None)


def _unhandled(event: AlarmEvent) -> AlarmAction | None:
    """An alarm that the platform knows no action for, as of a newer gateway, is a call for help; its all-clear none."""
    if event.reading.truth is False:
        return None
    facts = {"quantity": str(event.reading.quantity)}
    reason = Reason(ReasonCode.ALARM_UNREADABLE)
    return event.signal(AlertKind.SOS, f"unhandled:{event.source}", reason, facts=facts)


def _held(event: AlarmEvent) -> AlarmEffect | None:
    if not event.reading.truth:
        return None
    return _withdrawal(event, AlertKind.SOS, None, "elder_cancelled")


def _withdrawal(event: AlarmEvent, kind: AlertKind, episode: str | None, why: str) -> AlarmEffect | None:
    """Return the action that withdraws what happened before the event.

    None for a device that nobody registered in this home, and for a message whose number another one has: either may be
    somebody else's. None where nobody knows when it happened, and it does not name what it means: that may be newer.
    """
    if event.incoming.number_taken or not event.device.known or (event.incoming.undated and episode is None):
        return None
    home, source, upto = event.incoming.facts.home_id, event.source, event.at
    meant = None if episode is None else _bounded(episode)
    return lambda work, alerts: alerts.withdraw_alerts(
        work, home, kind, meant, outcome=Outcome.WITHDRAWN, why=why, source=source, upto=upto
    )


_DANGERS: Mapping[Quantity, tuple[AlertKind, ReasonCode]] = {
    Quantity.SOS: (AlertKind.SOS, ReasonCode.SOS_PRESSED),
    Quantity.SMOKE: (AlertKind.SMOKE, ReasonCode.SMOKE),
    Quantity.GAS: (AlertKind.GAS, ReasonCode.GAS),
    Quantity.CARBON_MONOXIDE: (AlertKind.CARBON_MONOXIDE, ReasonCode.CARBON_MONOXIDE),
    Quantity.WATER_LEAK: (AlertKind.LEAK, ReasonCode.WATER_LEAK),
}
"""The alert that a true record raises, and why."""


def _danger(event: AlarmEvent) -> AlarmAction | None:
    """Return the action that raises a danger; None for its all-clear, since a person must see that it is over."""
    if not event.reading.truth:
        return None
    kind, code = _DANGERS[Quantity(event.reading.quantity)]
    episode = f"{event.reading.device}:{round(event.reading.at_s * 1000)}"
    return event.signal(kind, episode, event.device_reason(code))


def _device_alarm(event: AlarmEvent) -> AlarmAction:
    """Return the alert of an alarm in the device's own words, for which nobody has found a kind yet."""
    reason = event.device_reason(ReasonCode.DEVICE_ALARM)
    device, said = event.device, (event.reading.text or "")[:_LONGEST_SAID]
    named = {"device": event.reading.device, "device_kind": device.kind, "label": device.label}
    facts = {**reason.facts, **named, "said": said}
    episode = f"{event.reading.device}:{round(event.reading.at_s * 1000)}"
    return event.signal(AlertKind.DEVICE_ALARM, episode, Reason(reason.code, facts))


_LONGEST_SAID = 80


def _fall(event: AlarmEvent) -> AlarmAction | None:
    stage, _, fall_id = (event.reading.text or "").partition(":")
    if stage in {FallStage.WITHDRAWN, FallStage.CANCELLED}:
        why = "recovered" if stage == FallStage.WITHDRAWN else "elder_cancelled"
        return _withdrawal(event, AlertKind.FALL, fall_id, why)
    impact_s = _impact_s(event, fall_id)
    impact = event.date_event(impact_s)
    score = next((r.value for r in event.others if r.quantity == Quantity.FALL_SCORE), None)
    score = None if score is None else min(max(score, 0.0), 1.0)
    suspected = stage == FallStage.SUSPECTED
    code = ReasonCode.FALL_SUSPECTED if suspected else ReasonCode.FALL_CONFIRMED
    # Of a fall that is known already this is the confirmation, and its reason takes the suspicion's place.
    return event.signal(
        AlertKind.FALL,
        fall_id or event.source,
        Reason(code, {"score": score}),
        happened_at=impact,
        due_since=impact,
        score=score,
        suspected=suspected,
        facts={"fall_id": fall_id, "impact_s": impact_s},
    )


def _impact_s(event: AlarmEvent, fall_id: str) -> float:
    """Return the time of impact by the home's clock, Unix s: the fall's id if near the record's time, else that."""
    in_ms = fall_id.isascii() and fall_id.isdecimal() and len(fall_id) <= _LONGEST_MS
    if in_ms and abs(int(fall_id) / 1000 - event.reading.at_s) < _NEAR_S:
        return int(fall_id) / 1000
    return event.reading.at_s


_NEAR_S = 180.0
_LONGEST_MS = 15
"""Digits of a Unix time in milliseconds, with room to spare."""


def _announced(event: AlarmEvent) -> AlarmEffect | None:
    said, reference, message = f"{event.reading.text or ''}::".split(":", 2)
    home_id = event.incoming.facts.home_id
    stem = event.incoming.source.rpartition("/")[0]  # the gateway names an alarm of its own by its number alone
    alarm = f"{stem}/{reference}" if reference.isascii() and reference.isdecimal() else ""
    told = ElderTold(
        at=event.at, home_id=home_id, said=said, reference=reference, message=message.rstrip(":"), alarm=alarm
    )
    return lambda work, _alerts: work.record(told)


_ACTIONS: Mapping[Quantity, Callable[[AlarmEvent], AlarmAction | None]] = {
    **dict.fromkeys(_DANGERS, _danger),
    Quantity.SOS_CANCEL: _held,
    Quantity.FALL: _fall,
    Quantity.DEVICE_ALARM: _device_alarm,
    Quantity.ANNOUNCED: _announced,
}
