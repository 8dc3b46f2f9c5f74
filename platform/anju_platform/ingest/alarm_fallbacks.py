"""What is stored of an alarm message that fails: the most of it that does not fail, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import structlog

from anju_core.alert_signals import AlertSignal
from anju_core.vocabulary import AlertKind
from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.ingest.alarm_acceptance import AlarmAcceptance
from anju_platform.ingest.alarm_actions import alarm_actions, reduce_signal
from anju_platform.ingest.alarm_store import AlarmStore, NewAlarm, NumberedAlarm
from anju_platform.ingest.decode import Incoming, Rejected, refusal
from anju_platform.ingest.raw_message import RawMessage, is_status
from anju_wire.bounds import clean_text

_LONGEST_REASON = 300
log = structlog.get_logger()

_Signals = Callable[[Collection[str]], Sequence[AlertSignal]]
"""Says which alerts a message raises, given the digests of other messages that are stored under its number."""


def describe_failure(error: Exception) -> str:
    """Return an error in words that every database can hold."""
    return clean_text(f"{type(error).__name__}: {error}", _LONGEST_REASON)


class AlarmFallbacks:
    """The ways to store a message that cannot be stored as it is. Used by one thread.

    read: returns a message, or its rejection.
    """

    def __init__(
        self,
        work: WorkFactory,
        store: AlarmStore,
        acceptance: AlarmAcceptance,
        read: Callable[[RawMessage], Incoming | Rejected],
    ) -> None:
        self._work, self._store, self._acceptance, self._read = work, store, acceptance, read

    def store_rest(self, raw: RawMessage, error: Exception) -> None:
        """Store what can be stored of a message that failed, in the first of these ways that does not fail, too.

        A valid press stays the press that it is: its alert and number without what else it asks for; the alert alone,
        unanswered; an alert of its kind, then a call for help, with little else in it, and refused by number. What is
        not valid is refused, set aside unparsed, or only logged and sent again.
        """
        why = describe_failure(error)
        ways = (self._store_alert, self._raise_alert_only, self._refuse_valid, self._refuse_read, self._refuse_unread)
        for store in ways:
            try:
                if store(raw, why):
                    return
            except Exception as another:
                if is_away(self._work, another):
                    raise
                log.exception("an alarm cannot be set aside", topic=clean_text(raw.topic, _LONGEST_REASON))

    def _read_valid(self, raw: RawMessage) -> tuple[Incoming, _Signals] | None:
        """Return a message with what it calls for; None where it is not valid, or calls for nothing."""
        message = None if is_status(raw.topic) else self._read(raw)
        signals = self._find_signals(message) if isinstance(message, Incoming) else None
        return None if signals is None or not isinstance(message, Incoming) else (message, signals)

    def _store_alert(self, raw: RawMessage, reason: str) -> bool:
        """Store the alerts of a valid message and its number, with a copy in quarantine; False: it raises none."""
        valid = self._read_valid(raw)
        if valid is None:
            return False
        message, signals = valid

        def describe(_place: int, known: Collection[str]) -> NewAlarm:
            return NewAlarm(signals(known), refusal(raw, message, reason), message)

        number = NumberedAlarm(message.stream, message.seq, message.digest)

        def answer() -> None:
            self._acceptance.answer_message(raw, message.stream, message.topic, seq=message.seq, base=message.base)

        new = self._store.store_new([number], describe, answer, with_clocks=False)
        if new:
            self._acceptance.onward(message)
        return True

    def _raise_alert_only(self, raw: RawMessage, _reason: str) -> bool:
        """Raise the alerts of a valid message, which is sent again; False: it raises none."""
        valid = self._read_valid(raw)
        if valid is None:
            return False
        message, signals = valid
        number = NumberedAlarm(message.stream, message.seq, message.digest)
        self._store.act_only(number, lambda _place, known: NewAlarm(signals(known)))
        return True

    def _find_signals(self, message: Incoming) -> _Signals | None:
        """Return what says which alerts a message raises, given other messages of its number; None if it raises none.

        What withdraws an alert is not among them: of a message that failed it is not believed.
        """
        devices = self._acceptance.find_devices(message)

        def signals(known: Collection[str]) -> Sequence[AlertSignal]:
            told = replace(message, number_taken=bool(known))
            found = alarm_actions(told, devices.__getitem__)
            return [action for action in found if isinstance(action, AlertSignal)]

        return signals if signals(()) else None

    def _refuse_valid(self, raw: RawMessage, reason: str) -> bool:
        """Refuse a valid message by number, with reduced alerts of the kinds that it raises; False: it raises none."""
        valid = self._read_valid(raw)
        if valid is None:
            return False
        message, signals = valid
        self._acceptance.refuse_message(
            refusal(raw, message, reason),
            lambda refused, known: [reduce_signal(one, refused, one.kind) for one in signals(known)],
        )
        return True

    def _refuse_read(self, raw: RawMessage, reason: str) -> bool:
        """Refuse a message by number, with a call for help that says what of it could be read."""
        if is_status(raw.topic):
            return False
        message = self._read(raw)
        if isinstance(message, Rejected):
            self._acceptance.refuse_message(message)
            return True
        try:
            signals = self._find_signals(message)
        except Exception as error:
            if is_away(self._work, error):
                raise
            signals = None
        refused = refusal(raw, message, reason)
        if signals is None:
            self._acceptance.refuse_message(refused)
        else:
            found = signals
            self._acceptance.refuse_message(
                refused, lambda told, known: [reduce_signal(one, told, AlertKind.SOS) for one in found(known)]
            )
        return True

    def _refuse_unread(self, raw: RawMessage, reason: str) -> bool:
        self._acceptance.set_aside(Rejected(raw, "$", reason))
        return True
