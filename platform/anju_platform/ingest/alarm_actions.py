"""What each record of the alarm lane means for alerts. Pure: readings in, deeds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from anju_core.alerts import AlertSignal
from anju_core.events import ElderTold
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.cache import DeviceFacts
from anju_platform.ingest.decode import Incoming, Rejected
from anju_platform.ingest.ports import AlarmSink
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved
from anju_wire.vocabulary import FallStage

AlarmAction = Callable[[UnitOfWork, AlarmSink], object]
"""Something to do inside the message's transaction."""


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
        """Event time."""
        return datetime.fromtimestamp(self.reading.at_s, UTC)

    def device_reason(self, code: ReasonCode) -> Reason:
        """Return the reason of a device's own alarm."""
        return Reason(code, {"room": self.device.room, "registered": self.device.known})

    def signal(self, kind: AlertKind, episode: str, reason: Reason, **more: object) -> AlertSignal:
        """The alert signal of this happening."""
        facts: dict[str, object] = {"device": self.reading.device, "room": self.device.room, "known": self.device.known}
        given: dict[str, object] = {"happened_at": self.at, "due_since": self.at, **more}
        return AlertSignal(
            kind=kind,
            home_id=self.incoming.facts.home_id,
            community_id=self.incoming.facts.community_id,
            episode=episode,
            reason=reason,
            facts={**facts, **dict(given.pop("facts", {}) or {})},  # type: ignore[call-overload]
            source=self.source,
            **given,  # type: ignore[arg-type]
        )


def alarm_actions(incoming: Incoming, device: Callable[[str], DeviceFacts]) -> list[AlarmAction]:
    """Everything that an alarm message asks for, in its order."""
    found = []
    for index, reading in enumerate(incoming.readings):
        act = _ACTS.get(reading.quantity)  # type: ignore[call-overload]
        if act is not None:
            source = f"{incoming.source}/{index}"
            happening = AlarmEvent(incoming, reading, device(reading.device), source, incoming.readings)
            deed = act(happening)
            if deed is not None:
                found.append(deed)
    return found


def unreadable(rejected: Rejected) -> AlarmAction | None:
    """An alarm of a home's own gateway that cannot be read is a call for help all the same."""
    stream, facts = rejected.stream, rejected.facts
    if stream is None or facts is None or rejected.header is None:
        return None
    at = datetime.fromtimestamp(rejected.raw.arrived_s, UTC)
    source = f"{stream[0]}/{stream[1]}/{stream[2]}/{rejected.header.seq}"
    signal = AlertSignal(
        kind=AlertKind.SOS,
        home_id=facts.home_id,
        community_id=facts.community_id,
        episode=f"unreadable:{source}",
        happened_at=at,
        due_since=at,
        reason=Reason(ReasonCode.ALARM_UNREADABLE),
        facts={"path": rejected.path, "why": rejected.reason},
        source=source,
    )
    return lambda work, alerts: alerts.raise_alert(work, signal)


def _press(happening: AlarmEvent) -> AlarmAction | None:
    if not happening.reading.truth:
        return None
    episode = f"{happening.reading.device}:{round(happening.reading.at_s * 1000)}"
    signal = happening.signal(AlertKind.SOS, episode, happening.device_reason(ReasonCode.SOS_PRESSED))
    return lambda work, alerts: alerts.raise_alert(work, signal)


def _held(happening: AlarmEvent) -> AlarmAction | None:
    if not happening.reading.truth:
        return None
    return _withdrawal(happening, AlertKind.SOS, None, "elder_cancelled")


def _withdrawal(happening: AlarmEvent, kind: AlertKind, episode: str | None, why: str) -> AlarmAction:
    home, source = happening.incoming.facts.home_id, happening.source
    return lambda work, alerts: alerts.withdraw(
        work, home, kind, episode, outcome=Outcome.WITHDRAWN, why=why, source=source
    )


def _smoke(happening: AlarmEvent) -> AlarmAction | None:
    return _hazard(happening, AlertKind.SMOKE, ReasonCode.SMOKE)


def _leak(happening: AlarmEvent) -> AlarmAction | None:
    return _hazard(happening, AlertKind.LEAK, ReasonCode.WATER_LEAK)


def _hazard(happening: AlarmEvent, kind: AlertKind, code: ReasonCode) -> AlarmAction | None:
    """The all-clear of a hazard closes nothing: whether it is over is for a person to see."""
    if not happening.reading.truth:
        return None
    episode = f"{happening.reading.device}:{round(happening.reading.at_s * 1000)}"
    signal = happening.signal(kind, episode, happening.device_reason(code))
    return lambda work, alerts: alerts.raise_alert(work, signal)


def _fall(happening: AlarmEvent) -> AlarmAction | None:
    stage, _, fall_id = (happening.reading.text or "").partition(":")
    if stage in {FallStage.WITHDRAWN, FallStage.CANCELLED}:
        why = "recovered" if stage == FallStage.WITHDRAWN else "elder_cancelled"
        return _withdrawal(happening, AlertKind.FALL, fall_id, why)
    impact = _impact(happening, fall_id)
    score = next((r.value for r in happening.others if r.quantity == Quantity.FALL_SCORE), None)
    score = None if score is None else min(max(score, 0.0), 1.0)
    suspected = stage == FallStage.SUSPECTED
    code = ReasonCode.FALL_SUSPECTED if suspected else ReasonCode.FALL_CONFIRMED
    signal = happening.signal(
        AlertKind.FALL,
        fall_id or happening.source,
        Reason(code, {"score": score}),
        happened_at=impact,
        due_since=impact,
        score=score,
        suspected=suspected,
        facts={"fall_id": fall_id, "impact_s": impact.timestamp()},
    )
    # Of a fall that is known already this is the confirmation, and its reason takes the suspicion's place.
    return lambda work, alerts: alerts.raise_alert(work, signal)


def _impact(happening: AlarmEvent, fall_id: str) -> datetime:
    """The fall's id is its impact in milliseconds, by the gateway's clock; believed near the record's own time."""
    if fall_id.isdigit() and abs(int(fall_id) / 1000 - happening.reading.at_s) < _NEAR_S:
        return datetime.fromtimestamp(int(fall_id) / 1000, UTC)
    return happening.at


_NEAR_S = 180.0


def _announced(happening: AlarmEvent) -> AlarmAction | None:
    said, reference, message = f"{happening.reading.text or ''}::".split(":", 2)
    home_id = happening.incoming.facts.home_id
    event = ElderTold(at=happening.at, home_id=home_id, said=said, reference=reference, message=message.rstrip(":"))
    return lambda work, _alerts: work.record(event)


_ACTS: dict[Quantity, Callable[[AlarmEvent], AlarmAction | None]] = {
    Quantity.SOS: _press,
    Quantity.SOS_CANCEL: _held,
    Quantity.SMOKE: _smoke,
    Quantity.WATER_LEAK: _leak,
    Quantity.FALL: _fall,
    Quantity.ANNOUNCED: _announced,
}
