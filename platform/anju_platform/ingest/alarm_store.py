"""Stores numbered messages of the alarm lane together with what they ask for, and knows which are stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from anju_core.alert_signals import AlertSignal
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.ingest.alarm_actions import AlarmAction, carry_out
from anju_platform.ingest.alarm_ledger import AlarmLedger, MessageNumber
from anju_platform.ingest.alarm_quarantine import AlarmQuarantine
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming, Rejected, StreamKey
from anju_platform.ingest.duplicates import Run, SequenceTracker
from anju_platform.ingest.ports import AlarmSink, DeviceRecords


@dataclass(frozen=True, slots=True)
class NumberedAlarm:
    """A message by its number and content."""

    stream: StreamKey
    seq: int
    digest: str

    @property
    def number(self) -> MessageNumber:
        """What other messages may claim, too: gateway, epoch and sequence number."""
        gateway, epoch, _ = self.stream
        return gateway, epoch, self.seq


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """What is to be stored of a message: what it asks for, and what of it goes to quarantine.

    message: where it is valid, for the series and monitoring.
    """

    actions: Sequence[AlarmAction]
    rejected: Rejected | None = None
    message: Incoming | None = None


class AlarmStore:
    """The messages that are stored, the cursors of their streams, and the clocks of their gateways."""

    def __init__(
        self,
        work: WorkFactory,
        alerts: AlarmSink,
        registry: DeviceRecords,
        clocks: Clocks,
        quarantine: AlarmQuarantine,
    ) -> None:
        self._alerts, self._registry, self._clocks, self._quarantine = alerts, registry, clocks, quarantine
        self._cursors = CursorStore(work)
        self._ledger = AlarmLedger()

    def stored_from(self, stream: StreamKey, base: int) -> int:
        """Return the number up to which a stream is stored without a gap from `base` on."""
        return self._cursors.find_tracker(stream).stored_from(base)

    def last_stored(self, stream: StreamKey) -> int:
        """Return the greatest number that is stored of a stream."""
        return self._cursors.find_tracker(stream).last()

    def store_new(
        self,
        came: Sequence[NumberedAlarm],
        describe: Callable[[int, Collection[str]], NewAlarm],
        answer: Callable[[], None],
        *,
        with_clocks: bool = True,
    ) -> list[NewAlarm]:
        """Store those of the messages that are not stored yet, in one transaction, and return them.

        describe: given a message's place in `came` and the digests of other messages that are stored under its number,
        says what is to be stored. answer: acknowledges the messages, once they are stored and before anything that
        follows from them. with_clocks: store also what changed of gateways' clocks.
        """
        for one in came:
            self._cursors.find_tracker(one.stream)  # its own unit of work, which must not begin within another
        with self._quarantine.begin() as work:
            known = self._ledger.read_digests(work, [one.number for one in came])
            places = [place for place, one in enumerate(came) if one.digest not in known[one.number]]
            new = [describe(place, known[came[place].number]) for place in places]
            if with_clocks:
                self._write_clocks(work)
            streams = self._write(work, [came[place] for place in places], new)
            if with_clocks:
                work.after_commit(self._clocks.changed.clear)
            work.after_commit(lambda: self._remember(streams))
            work.after_commit(answer)
        return new

    def act_only(self, came: NumberedAlarm, describe: Callable[[int, Collection[str]], NewAlarm]) -> None:
        """Do what a message asks for and store nothing else of it: it stays unanswered, and its home sends it again."""
        with self._quarantine.begin() as work:
            known = self._ledger.read_digests(work, [came.number])[came.number]
            if came.digest not in known:
                self._act(work, [describe(0, known)])

    def _write_clocks(self, work: UnitOfWork) -> None:
        for gateway_id, offset in self._clocks.changed.items():
            self._registry.set_clock_offset(work, gateway_id, offset)

    def _write(
        self, work: UnitOfWork, numbered: Sequence[NumberedAlarm], new: Sequence[NewAlarm]
    ) -> Mapping[StreamKey, SequenceTracker]:
        """Write messages and what they ask for; return how far their streams are."""
        self._act(work, new)
        self._quarantine.keep_messages(work, [one.rejected for one in new if one.rejected is not None])
        self._ledger.add_digests(work, {one.number: one.digest for one in numbered})
        streams: dict[StreamKey, SequenceTracker] = {}
        for one in numbered:
            streams.setdefault(one.stream, self._cursors.find_tracker(one.stream).copy()).mark_stored(one.seq)
        self._cursors.save_cursors(work, _longest_runs(streams))
        return streams

    def _act(self, work: UnitOfWork, new: Sequence[NewAlarm]) -> None:
        """Do what messages ask for: in one go where they only raise alerts, else one after the other in their order."""
        signals: list[AlertSignal] = []
        others: list[AlarmAction] = []
        for one in new:
            raised = [action for action in one.actions if isinstance(action, AlertSignal)]
            if len(raised) == len(one.actions):
                signals += raised
            else:
                others += one.actions
        self._alerts.raise_alerts(work, signals)
        carry_out(work, self._alerts, others)

    def _remember(self, streams: Mapping[StreamKey, SequenceTracker]) -> None:
        """Take over what a transaction has stored, once it is committed."""
        for key, stream in streams.items():
            self._cursors.replace_tracker(key, stream)
        self._cursors.mark_saved(_longest_runs(streams))


def _longest_runs(streams: Mapping[StreamKey, SequenceTracker]) -> Mapping[StreamKey, Run]:
    return {key: run for key, stream in streams.items() if (run := stream.longest_run()) is not None}
