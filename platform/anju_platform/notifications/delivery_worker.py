"""Delivers the outbox: claims messages in one short transaction, sends outside of any, settles in another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.notifications.assembly import NotificationSlice
from anju_platform.notifications.channels import DeliveryFailed, MessageChannel, OutboundMessage
from anju_platform.notifications.lanes import LANES, ClaimScope, DeliveryLane
from anju_platform.notifications.sends import CUT_S, OVERDUE_S, Send, SendTracker

_STALE_S = 0.5
"""A claim older than this, s, is read again before it is sent."""
_ANSWER = timedelta(seconds=OVERDUE_S)


class DeliveryWorker:
    """Delivers due messages, each lane by itself. A message is claimed only when a thread can send it at once.

    needed: whether an alert still wants people to be told.
    threads: where channels send that may take seconds; never full, since the lanes bound what is under way.
    lines: as in `SendTracker`.
    """

    def __init__(
        self,
        work: WorkFactory,
        notifications: NotificationSlice,
        channels: Mapping[Channel, MessageChannel],
        needed: Callable[[UnitOfWork, UUID], bool],
        threads: Executor,
        *,
        lines: Mapping[str, str] | None = None,
    ) -> None:
        self._work = work
        self._claims, self._settlement = notifications.claims, notifications.settlement
        self._channels = dict(channels)
        self._needed = needed
        self._threads = threads
        self._sends = SendTracker(lines)
        self._claiming = {lane.name: threading.Lock() for lane in LANES}
        self._begun: datetime | None = None
        self._log = structlog.get_logger("anju.notifications")
        self.on_room: Callable[[DeliveryLane], None] = lambda _lane: None
        """Called when a send of a lane has ended, so that its address and the lane have room again."""

    def deliver_due(self, now: datetime) -> int:
        """Try every message that is due; return how many tries were begun."""
        self.look_after(now)
        return sum(self.deliver_lane(lane, now) for lane in LANES)

    def deliver_lane(self, lane: DeliveryLane, now: datetime) -> int:
        """Try the messages of a lane that are due, as many as it has room for; return how many tries were begun."""
        begun = 0
        with self._claiming[lane.name]:
            while messages := self._claim(lane, now):
                begun += len(messages)
                if lane.in_order:
                    self._deliver_in_order(messages)
                    if len(messages) < lane.room:  # that was all
                        break
                else:
                    self._deliver_in_threads(messages, lane, now)
        return begun

    def try_lane(self, lane: DeliveryLane, now: datetime) -> None:
        """Do as `deliver_lane`; an error is logged, and what it kept back stays due."""
        try:
            self.deliver_lane(lane, now)
        except Exception:  # noqa: BLE001 - the database may be away; the lane is tried again at its next interval
            self._log.exception("lane_failed", lane=lane.name)

    def shift_times(self, by_s: float) -> None:
        """Move every remembered time by `by_s` seconds, as the clock is moved."""
        self._sends.shift_times(by_s)

    def look_after(self, now: datetime) -> int:
        """Cut off sends that last too long, and ask other people where a help call is not answered.

        Returns how many sends were cut off.
        """
        self._begun = self._begun or now
        overdue = self._sends.cut_overdue(now)
        for send in overdue:
            send.sockets.cut()
            self._settle(send.message, f"no answer within {CUT_S:.0f} s")
        if now - self._begun >= _ANSWER:  # what waited for this process to start must have had its chance
            self._refuse_unanswered(now - _ANSWER)
        return len(overdue)

    def _refuse_unanswered(self, before: datetime) -> None:
        with self._work() as work:
            work.only_read()
            unanswered = self._settlement.list_unanswered(work, before)
        for message_id in unanswered:
            self._try_to_settle(message_id, partial(self._settlement.refuse_unanswered, message_id=message_id))

    def _claim(self, lane: DeliveryLane, now: datetime) -> list[OutboundMessage]:
        scope = self._sends.scope_of(lane, now)
        if scope is None or (scope.only is not None and not scope.only):
            return []
        with self._work() as work:
            work.only_read()
            if not self._claims.has_due(work, now, scope):
                return []
        chosen: Counter[str] = Counter()
        with self._work() as work:
            return self._claims.claim_due(
                work,
                now,
                scope,
                needed=lambda alert_id: self._needed(work, alert_id),
                admit=lambda address: self._admit(address, scope, chosen),
            )

    def _admit(self, address: str, scope: ClaimScope, chosen: Counter[str]) -> bool:
        if scope.per_address is None:
            return True
        fits = self._sends.admit(address, scope, chosen)
        chosen[self._sends.line_of(address)] += fits
        return fits

    def _deliver_in_threads(self, messages: Sequence[OutboundMessage], lane: DeliveryLane, now: datetime) -> None:
        sends = [self._sends.begin_send(message, lane, now) for message in messages]
        for send in sends:
            try:
                self._threads.submit(self._deliver_send, send)
            except RuntimeError:  # the machine gives no more threads: the claim's lease runs out
                self._sends.forget_send(send)
                raise

    def _deliver_send(self, send: Send) -> None:
        try:
            message = self._read_current(send.message)
            if message is not None:
                with send.sockets:
                    error = self._send(message)
                in_time = self._sends.end_send(send, self._work().clock.now(), well=error is None)
                self.on_room(send.lane)
                if in_time:  # what was cut off has failed, even where the cut looks like the end of an answer
                    self._settle(message, error)
        except Exception:  # noqa: BLE001 - logged; the claim's lease runs out and the message is tried again
            self._log.exception("message_not_sent", message=str(send.message.id), channel=send.message.channel.value)
        finally:
            self._sends.forget_send(send)
            self.on_room(send.lane)

    def _deliver_in_order(self, messages: Sequence[OutboundMessage]) -> None:
        unreached: dict[str, str] = {}
        claimed_s = time.monotonic()
        for claimed in messages:
            # What comes after a message that did not reach a home waits with it: the order is kept.
            error = unreached.get(claimed.address)
            stale = error is None and time.monotonic() - claimed_s > _STALE_S
            message = self._read_current(claimed) if stale else claimed
            if message is None:
                continue
            error = error or self._send(message)
            self._settle(message, error)
            if error is not None and message.channel is Channel.HOME:
                unreached[message.address] = error

    def _read_current(self, message: OutboundMessage) -> OutboundMessage | None:
        with self._work() as work:
            work.only_read()
            return self._claims.read_current(work, message, lambda alert_id: self._needed(work, alert_id))

    def _settle(self, message: OutboundMessage, error: str | None) -> None:
        def settle_one(work: UnitOfWork, one: OutboundMessage) -> None:
            self._settlement.settle_delivery(work, one, work.clock.now(), error)

        for one in (message, *message.others):
            self._try_to_settle(one.id, partial(settle_one, one=one))

    def _try_to_settle(self, message_id: UUID, settle: Callable[[UnitOfWork], None]) -> None:
        try:
            with self._work() as work:
                settle(work)
        except Exception:  # noqa: BLE001 - logged; an unsettled message is found again, a claim when its lease runs out
            self._log.exception("message_not_settled", message=str(message_id))

    def _send(self, message: OutboundMessage) -> str | None:
        channel = self._channels.get(message.channel)
        if channel is None:
            return f"no {message.channel.value} channel is configured"
        try:
            channel.send(message)
        except DeliveryFailed as failure:
            return failure.why
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, the message was not delivered
            return type(error).__name__
        return None
