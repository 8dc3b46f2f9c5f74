"""The course that a gateway is put through: each step answers only what it must, so that faults show alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from anju_gateway.conformance.findings import Check, Findings
from anju_gateway.conformance.operator import Act, Operator
from anju_gateway.conformance.platform_side import PlatformSide, ReceivedMessage
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved
from anju_wire.vocabulary import AnnouncementKey, Lane

TOLERANCE_S = 120.0
"""From here on the platform takes a gateway's clock for wrong."""
_LATE_S = 60.0
_AHEAD = 1000


class Course:
    """Tries one gateway.

    patience_s: for what must come, at most. quiet_s: for how long nothing may come; longer than the gateway's own time
    between two tries. tell: says what is being tried.
    """

    def __init__(
        self,
        platform: PlatformSide,
        operator: Operator,
        *,
        patience_s: float,
        quiet_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self._platform, self._operator, self._tell = platform, operator, tell
        self._patience_s, self._quiet_s = patience_s, quiet_s
        self.findings = Findings()
        self._ids = (f"check-{number}" for number in itertools.count(1))

    def run(self) -> Findings:
        """Play the whole course; what an earlier fault makes impossible is left untried."""
        self._tell("status")
        if self._status():
            self._tell("a press that is not answered")
            press = self._unanswered_press()
            if press is not None:
                self._false_answers(press)
                self._settle()
                self._check_forgotten()
                self._platform_away()
                self._settle()
                self._check_forgotten()
                self._commands()
                self._settle()
                self._refused()
                self._back_in_time()
                self._settle()
                self._power_cut()
        self._judge_all()
        return self.findings

    # --- steps -----------------------------------------------------------------------------------------------------

    def _status(self) -> bool:
        live = self._platform.find(lambda one: one.lane is Lane.STATUS, 0, self._patience_s)
        since = self._platform.look_again()
        kept = [one for one in self._platform.heard(since) if one.lane is Lane.STATUS and one.retained]
        seen = "no status came" if live is None else "the status is not retained"
        last = kept[-1] if kept else None
        if last is not None:
            seen = last.fault or f"online is {last.status.online}" if last.status else last.fault
        held = last is not None and last.status is not None and last.status.online
        return self.findings.note(Check.STATUS, held=held, seen=seen) or live is not None

    def _unanswered_press(self) -> ReceivedMessage | None:
        since = self._platform.mark()
        self._operator.do(Act.PRESS)
        press = self._find_press(since)
        wrong_lane = next((one for one in self._platform.heard(since) if _has(one, Quantity.SOS)), None)
        seen = "no press came" if wrong_lane is None else f"it came on the lane {wrong_lane.lane}"
        self.findings.note(Check.PRESS_COMES, held=press is not None, seen=seen)
        if press is None or press.envelope is None:
            return None
        seq = press.envelope.seq
        heard = self._platform.find(lambda one: f"heard:{seq}" in _announced(one), since, self._patience_s)
        self.findings.note(Check.HEARD, held=heard is not None, seen=f"no `announced` record `heard:{seq}`")
        copy = self._find_copy(press)
        self.findings.note(Check.SENT_AGAIN, held=copy is not None, seen="it came once")
        return press

    def _false_answers(self, press: ReceivedMessage) -> None:
        """Answers that a gateway must not believe; each is followed by the press once more."""
        assert press.envelope is not None  # noqa: S101 - the caller found it by its number
        for check, changes in (
            (Check.WRONG_DIGEST, {"digest": "0" * 32}),
            (Check.OTHER_EPOCH, {"epoch": press.envelope.epoch - 1}),
        ):
            if Check.SENT_AGAIN in self.findings.failed:
                return
            self._tell(check)
            self._platform.answer([press], **changes)
            again = self._find_copy(press, after_s=self._quiet_s / 2)
            if not self.findings.note(check, held=again is not None, seen="it was forgotten"):
                return

    def _platform_away(self) -> None:
        self._tell("the platform is away")
        self._platform.set_online(online=False)
        self._wait(self._quiet_s / 2)
        since = self._platform.mark()
        self._operator.do(Act.MOVE)
        self._operator.do(Act.PRESS)
        press = self._find_press(since)
        self.findings.note(Check.ALARM_ANYWAY, held=press is not None, seen="it waited")
        early = self._platform.find(lambda one: one.lane is Lane.TELEMETRY, since, self._quiet_s)
        self.findings.note(Check.READINGS_WAIT, held=early is None, seen="readings came")
        self._platform.set_online(online=True)
        came = self._platform.find(lambda one: one.lane is Lane.TELEMETRY, since, self._patience_s)
        self.findings.note(Check.READINGS_COME, held=came is not None, seen="no readings came")

    def _commands(self) -> None:
        self._tell("commands")
        for check, changes in (
            (Check.COMMAND_SETTLED, {}),
            (Check.COMMAND_UNKNOWN, {"key": "of_a_later_version", "facts": {"n": 1}, "later": {"field": True}}),
        ):
            since, command = self._platform.mark(), self._command(**changes)
            self._platform.command(command)
            told = self._find_told(command, since)
            held = self.findings.note(check, held=told is not None, seen=f"no `announced` record for {command['id']}")
            if check is Check.COMMAND_SETTLED and told is not None and held:
                self._settle()
                since = self._platform.mark()
                self._platform.command(command)
                twice = self._find_told(command, since, self._quiet_s)
                self.findings.note(Check.COMMAND_ONCE, held=twice is None, seen="it was carried out twice")
        since, stale = self._platform.mark(), self._command(expires=self._platform.now_s - _LATE_S)
        self._platform.command(stale)
        told_late = self._find_told(stale, since, self._quiet_s)
        self.findings.note(Check.COMMAND_STALE, held=told_late is None, seen="it was carried out")
        self._platform.command(b"{not a command")
        since, next_one = self._platform.mark(), self._command()
        self._platform.command(next_one)
        held = self._find_told(next_one, since) is not None
        self.findings.note(Check.COMMAND_BROKEN, held=held, seen="the next command was not carried out")

    def _refused(self) -> None:
        self._tell("a press that is refused")
        since = self._platform.mark()
        self._operator.do(Act.PRESS)
        press = self._find_press(since)
        if press is None or press.envelope is None:
            return
        seq = press.envelope.seq
        refusal = {"seq": seq, "path": "$", "reason": "tried by the conformance kit"}
        self._platform.answer([press], refused=[refusal])
        self._wait(self._quiet_s / 2)
        copies = [one for one in self._repeated() if one.number == press.number]
        self.findings.note(Check.REFUSED, held=not copies, seen="it came again")

    def _back_in_time(self) -> None:
        self._tell("a spool that went back in time")
        since = self._platform.mark()
        self._operator.do(Act.PRESS)
        press = self._find_press(since)
        if press is None or press.envelope is None:
            return
        epoch, seq = press.envelope.epoch, press.envelope.seq
        self._platform.answer([press], upto=0, seq=seq, digest="0" * 32, last=seq + _AHEAD)

        def newer(one: ReceivedMessage) -> bool:
            return _has(one, Quantity.SOS) and one.envelope is not None and one.envelope.epoch > epoch

        found = self._platform.find(newer, since, self._patience_s)
        self.findings.note(Check.NEW_EPOCH, held=found is not None, seen="the press did not come under a greater epoch")

    def _power_cut(self) -> None:
        self._tell("a power cut")
        since = self._platform.mark()
        self._operator.do(Act.PRESS)
        press = self._find_press(since)
        if press is None:
            return
        cut = self._platform.mark()
        self._operator.do(Act.STOP)
        gone = self._platform.find(lambda one: one.status is not None and not one.status.online, cut, self._patience_s)
        self.findings.note(Check.LAST_WILL, held=gone is not None, seen="the status stayed online")
        back = self._platform.mark()
        self._operator.do(Act.START)
        again = self._platform.find(lambda one: one.number == press.number, back, self._patience_s)
        self.findings.note(Check.SURVIVES, held=again is not None, seen="the press did not come again")
        self._settle()

    # --- what the steps share -------------------------------------------------------------------------------------

    def _find_press(self, since: int) -> ReceivedMessage | None:
        known = {one.number for one in self._platform.heard()[:since]}
        return self._platform.find(
            lambda one: one.lane is Lane.ALARM and _has(one, Quantity.SOS) and one.number not in known,
            since,
            self._patience_s,
        )

    def _find_copy(self, press: ReceivedMessage, after_s: float = 0.0) -> ReceivedMessage | None:
        """Return the next copy of a message; one that comes within `after_s` may have been on its way already."""
        if after_s:
            self._wait(after_s)
            since = self._platform.mark()
        else:
            since = self._platform.heard().index(press) + 1
        return self._platform.find(
            lambda one: one.number == press.number and one.digest == press.digest, since, self._patience_s
        )

    def _find_told(
        self, command: dict[str, object], since: int, patience_s: float | None = None
    ) -> ReceivedMessage | None:
        return self._platform.find(lambda one: _tells(one, command), since, patience_s or self._patience_s)

    def _command(self, **changes: object) -> dict[str, object]:
        now_s = self._platform.now_s
        known = {
            "id": next(self._ids),
            "announce": "seen",
            "key": str(AnnouncementKey.SOS_SEEN),
            "facts": {"name": "Wang"},
            "zh": "Wang has seen it",
            "en": "Wang has seen it",
            "alert": "conformance",
            "at": now_s,
            "expires": now_s + _LATE_S,
        }
        return known | changes

    def _settle(self) -> None:
        """Answer everything until nothing new comes."""
        answered: set[object] = set()
        while new := {one.number: one for one in self._platform.heard() if one.number not in {None, *answered}}:
            self._platform.answer(new.values())
            answered |= set(new)
            self._wait(self._quiet_s / 2)

    def _check_forgotten(self) -> None:
        again = self._repeated()
        self.findings.note(Check.FORGETS, held=not again, seen=f"{len(again)} came again")

    def _repeated(self) -> list[ReceivedMessage]:
        """Return what comes in the quiet time and had come before, answered."""
        since = self._platform.mark()
        known = {one.number for one in self._platform.heard()[:since]}
        self._wait(self._quiet_s)
        return [one for one in self._platform.heard(since) if one.number in known]

    def _wait(self, seconds: float) -> None:
        self._platform.find(lambda _: False, 0, seconds)

    # --- what is asked of every message ---------------------------------------------------------------------------

    def _judge_all(self) -> None:
        heard = [one for one in self._platform.heard() if one.lane is not Lane.STATUS]
        for one in self._platform.heard():
            self.findings.note(Check.READABLE, held=not one.fault, seen=f"{one.lane}: {one.fault}")
        kept = [one for one in self._platform.heard(self._platform.look_again()) if one.retained]
        stray = next((one for one in kept if one.lane is not Lane.STATUS), None)
        self.findings.note(Check.NOT_RETAINED, held=stray is None, seen=f"{stray.lane}" if stray else "")
        presses = [reading for one in heard for reading in one.readings if reading.quantity is Quantity.SOS]
        if presses:
            self.findings.note(Check.TRUTH, held=all(one.truth is True for one in presses), seen="a press is not true")
        for one in heard:
            self.findings.note(Check.QOS, held=one.qos == 1, seen=f"{one.lane} at QoS {one.qos}")
            if one.lane is Lane.ALARM:
                self.findings.note(Check.ALONE, held=len(_events(one)) <= 1, seen=f"{len(_events(one))} events")
        for one in {
            one.number: one for one in reversed(heard) if one.envelope is not None and not one.retained
        }.values():
            for what, late_s in _lateness(one):
                seen = f"{what} is {late_s:.0f} s off"
                self.findings.note(Check.TIME, held=abs(late_s) <= TOLERANCE_S, seen=seen)
        if heard:
            for fault in _number_faults(heard):
                self.findings.note(Check.NUMBERS, held=not fault, seen=fault)


def _has(one: ReceivedMessage, quantity: Quantity) -> bool:
    return any(reading.quantity is quantity for reading in one.readings)


def _announced(one: ReceivedMessage) -> list[str]:
    return [reading.text or "" for reading in one.readings if reading.quantity is Quantity.ANNOUNCED]


def _tells(one: ReceivedMessage, command: dict[str, object]) -> bool:
    return f"{command['announce']}:{command['alert']}:{command['id']}" in _announced(one)


def _events(one: ReceivedMessage) -> list[Resolved]:
    details = (Quantity.FALL_SCORE,)
    return [reading for reading in one.readings if reading.quantity not in details]


def _lateness(first: ReceivedMessage) -> Iterator[tuple[str, float]]:
    """Yield how far the times of a message's first copy are off, s; readings may have waited for others."""
    if first.envelope is not None:
        yield "`sent`", first.envelope.sent - first.at_s
        if first.lane is Lane.ALARM:
            yield from (("the time of an event", reading.at_s - first.envelope.sent) for reading in first.readings)


def _number_faults(heard: list[ReceivedMessage]) -> Iterator[str]:
    """Yield what is wrong with the numbers, in the order in which the messages came; nothing where all is well."""
    latest: dict[tuple[Lane, int], int] = {}
    contents: dict[object, str] = {}
    yield ""
    for one in heard:
        if one.envelope is None or one.retained:
            continue
        lane, epoch, seq, base = one.lane, one.envelope.epoch, one.envelope.seq, one.envelope.base
        if contents.setdefault(one.number, one.digest) != one.digest:
            yield f"{lane} {seq}: two contents under one number"
        if base > seq:
            yield f"{lane} {seq}: base {base} is beyond it"
        last = latest.get((lane, epoch))
        if last is not None and seq > last + 1:
            yield f"{lane}: {seq} came behind {last}"
        latest[lane, epoch] = max(seq, last or 0)
