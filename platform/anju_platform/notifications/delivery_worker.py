"""Delivers the outbox: claims messages in one short transaction, sends outside of any, settles in another."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
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
from anju_platform.notifications.settlement import EndedTry
from anju_platform.notifications.settler import Settler

_STALE_S = 0.5
"""A claim older than this, s, is read again before it is sent."""
_IN_ORDER_S = 2.0
"""How long a lane in order sends what it claimed at once, s; the rest is given back before its lease can run out."""
_UNTAKEN = timedelta(seconds=15.0)
"""What is due for so long and was not claimed is looked at: is its alert closed? A claim asks that, too."""
_DROP_EVERY = timedelta(seconds=5.0)
_ANSWER = timedelta(seconds=OVERDUE_S)


class DeliveryWorker:
    """Delivers due messages, each lane by itself. A message is claimed only when a thread can send it at once.

    find_open: which of some alerts people must still be told of.
    threads: where channels send that may take seconds; never full, since the lanes bound what is under way.
    destinations: as in `SendTracker`.
    """

    def __init__(
        self,
        work: WorkFactory,
        notifications: NotificationSlice,
        channels: Mapping[Channel, MessageChannel],
        find_open: Callable[[UnitOfWork, Collection[UUID]], Collection[UUID]],
        threads: Executor,
        *,
        destinations: Mapping[str, str] | None = None,
    ) -> None:
        self._work = work
        self._claims, self._settlement = notifications.claims, notifications.settlement
        self._retirement = notifications.retirement
        self._channels = dict(channels)
        self._find_open = find_open
        self._threads = threads
        self._sends = SendTracker(destinations)
        self._settler = Settler(work, notifications.settlement)
        self._claiming = {lane.name: threading.Lock() for lane in LANES}
        self._begun: datetime | None = None
        self._looked_at: datetime | None = None
        self._log = structlog.get_logger("anju.notifications")
        self.on_room: Callable[[DeliveryLane], None] = lambda _lane: None
        """Called when a thread of a lane has ended, so that its address and the lane have room again."""

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
        """Cut off sends that last too long, end what is not tried any more, and ask others where nobody answers.

        Returns how many sends were cut off.
        """
        self._begun = self._begun or now
        overdue = self._sends.cut_overdue(now)
        for send in overdue:
            send.sockets.cut()
        self._settler.add(*(EndedTry(send.message, f"no answer within {CUT_S:.0f} s") for send in overdue))
        self._settler.settle_added()
        self._settler.give_back(self._sends.take_stuck(now))
        self._end_over(now)
        if self._looked_at is None or abs(now - self._looked_at) >= _DROP_EVERY:
            self._looked_at = now
            self._drop_closed(now - _UNTAKEN)
        return len(overdue)

    def _end_over(self, now: datetime) -> None:
        """Give up what can't be tried any more, and count help calls that are not answered as refused."""
        with self._work() as work:
            work.only_read()
            over = self._retirement.list_over(work, now)
            waited = self._begun is not None and now - self._begun >= _ANSWER
            # What waited for this process to start must have had its chance.
            unanswered = self._settlement.list_unanswered(work, now - _ANSWER) if waited else ()
        for message_id in over:
            self._settler.attempt(partial(self._retirement.give_up_over, message_id=message_id, now=now))
        for message_id in unanswered:
            self._settler.attempt(partial(self._settlement.refuse_unanswered, message_id=message_id))

    def _drop_closed(self, before: datetime) -> None:
        """Drop messages about closed alerts that no lane claims, because their address is not tried."""
        with self._work() as work:
            work.only_read()
            closed = self._retirement.list_closed(work, before, partial(self._find_open, work))
        if closed:
            self._settler.attempt(partial(self._retirement.drop_closed, alert_ids=closed, before=before))

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
                find_open=partial(self._find_open, work),
                admit=lambda address: self._admit(address, scope, chosen, now),
            )

    def _admit(self, address: str, scope: ClaimScope, chosen: Counter[str], now: datetime) -> bool:
        if scope.per_address is None:
            return True
        fits = self._sends.admit(address, scope.lane, chosen, now)
        chosen[self._sends.destination_of(address)] += fits
        return fits

    def _deliver_in_threads(self, messages: Sequence[OutboundMessage], lane: DeliveryLane, now: datetime) -> None:
        runs = self._sends.share_out(messages, lane)
        sends = [self._sends.begin_send(first, lane, now, rest) for first, *rest in runs]
        for number, send in enumerate(sends):
            try:
                self._threads.submit(self._deliver_run, send)
            except RuntimeError:  # the machine gives no more threads
                for unsent in sends[number:]:
                    self._sends.forget_send(unsent)
                    self._settler.give_back([unsent.message, *unsent.waiting])
                raise

    def _deliver_run(self, begun: Send) -> None:
        """Send a message, and after it what waits behind it; what is left is given back."""
        send, read_s = begun, -math.inf
        try:
            following: Send | None = begun
            while following is not None:
                send, stale = following, time.monotonic() - read_s > _STALE_S
                read_s = time.monotonic() if stale else read_s
                following = self._deliver_send(send, stale=stale)
        except Exception:  # noqa: BLE001 - logged; the claim's lease runs out and the message is tried again
            self._log.exception("message_not_sent", message=str(send.message.id), channel=send.message.channel.value)
        finally:
            self._sends.forget_send(send)
            self._settler.give_back(self._sends.take_waiting(send))
            self.on_room(send.lane)
            self._settler.settle_added()

    def _deliver_send(self, send: Send, *, stale: bool) -> Send | None:
        """Send one message of a run; returns the next. stale: its claim is read again first."""
        try:
            message = self._read_run(send) if stale else send.message
        except Exception:
            self._sends.forget_send(send)
            self._settler.give_back([send.message])  # no channel had it
            raise
        if message is None:
            return self._sends.skip_send(send, self._now())
        with send.sockets:
            error = self._send(message)
        following = self._sends.end_send(send, self._now(), well=error is None)
        if not send.cut:  # what was cut off has failed, even where the cut looks like the end of an answer
            self._settler.add(EndedTry(message, error))
            if following is not None:
                self._settler.settle_if_due()
        return following

    def _read_run(self, send: Send) -> OutboundMessage | None:
        claimed = [send.message, *send.waiting]
        first, *rest = self._read_current(claimed)
        self._sends.keep_waiting(send, dict(zip([one.id for one in claimed[1:]], rest, strict=True)))
        return first

    def _deliver_in_order(self, messages: Sequence[OutboundMessage]) -> None:
        unreached: dict[str, str] = {}
        left, claimed_s = deque(messages), time.monotonic()
        read_s = claimed_s
        try:
            while left and time.monotonic() - claimed_s < _IN_ORDER_S:
                if time.monotonic() - read_s > _STALE_S:
                    left, read_s = deque(filter(None, self._read_current(left))), time.monotonic()
                    continue
                message = left.popleft()
                # What comes after a message that did not reach a home waits with it: the order is kept.
                error = unreached.get(message.address) or self._send(message)
                self._settler.add(EndedTry(message, error))
                if error is not None and message.channel is Channel.HOME:
                    unreached[message.address] = error
        finally:
            self._settler.settle_added()
            self._settler.give_back(left)

    def _read_current(self, messages: Collection[OutboundMessage]) -> list[OutboundMessage | None]:
        with self._work() as work:
            work.only_read()
            return self._claims.read_current(work, list(messages), partial(self._find_open, work))

    def _now(self) -> datetime:
        return self._work().clock.now()

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
