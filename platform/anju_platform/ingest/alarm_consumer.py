"""The alarm lane and the gateways' status: what different homes send is stored together, then acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog

from anju_core.reasons import ReasonCode
from anju_platform.db.availability import is_away, is_busy
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.alarm_acceptance import AlarmAcceptance
from anju_platform.ingest.alarm_fallbacks import AlarmFallbacks, describe_failure
from anju_platform.ingest.alarm_quarantine import AlarmQuarantine
from anju_platform.ingest.alarm_store import AlarmStore
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Rejected, read
from anju_platform.ingest.flooding import DAY_S, FloodingReporter
from anju_platform.ingest.locked_homes import LockedHomes
from anju_platform.ingest.ports import AlarmSink, DeviceRecords, Post
from anju_platform.ingest.raw_message import RawMessage, home_of, is_status
from anju_wire.bounds import clean_text
from anju_wire.messages import InvalidMessage, Status, decode
from anju_wire.topics import InvalidTopic, Topic, is_slug

_TRIES = 3
_LONGEST_REASON = 300
log = structlog.get_logger()


class AlarmConsumer:
    """Turns alarm messages into alerts and stores gateways' status. Used by one thread.

    onward: gets each new message, for the series and monitoring.
    """

    def __init__(
        self,
        *,
        work: WorkFactory,
        device_cache: DeviceCache,
        alerts: AlarmSink,
        registry: DeviceRecords,
        post: Post,
        onward: Callable[[Incoming], None],
    ) -> None:
        self._work, self._device_cache, self._alerts, self._registry = work, device_cache, alerts, registry
        self._clocks = Clocks()
        self._quarantine = AlarmQuarantine(work, registry)
        store = AlarmStore(work, alerts, registry, self._clocks, self._quarantine)
        self._acceptance = AlarmAcceptance(
            store, self._quarantine, device_cache=device_cache, alerts=alerts, post=post, onward=onward
        )
        self._fallbacks = AlarmFallbacks(work, store, self._acceptance, self._read)
        self._flooding = FloodingReporter(work, alerts)
        self._lost = FloodingReporter(work, alerts, ReasonCode.MESSAGES_LOST, DAY_S)
        self._locked = LockedHomes()

    @property
    def waiting_since_s(self) -> float | None:
        """Since when a message waits because its home is locked (monotonic clock, s); None where none does."""
        return self._locked.waiting_since_s

    def report_flooding(self, homes: Sequence[str]) -> None:
        """Say to a person which homes are over their rate; raises only what a database raises that is away."""
        self._flooding.report_homes(homes)

    def report_lost(self, homes: Sequence[str]) -> None:
        """Say to a person of which homes messages were neither used nor kept; raises as `report_flooding` does."""
        self._lost.report_homes(homes)

    def drain_flooding(self) -> Sequence[str]:
        """Return the homes of which a rejected message was not kept since the last call."""
        return self._quarantine.drain_flooding()

    def update_records(self, *, final: bool = False) -> None:
        """Store how many rejected messages were not kept, at its interval; `final`: now. Raises nothing."""
        self._quarantine.save_dropped(final=final)

    def consume_batch(self, batch: Sequence[RawMessage]) -> None:
        """Store and acknowledge each message. Raises only where the database is away: the homes then send again.

        The first messages of different homes are stored in one transaction; where that fails, and all other messages,
        each is stored by itself. What can never be stored goes to quarantine, with an alert if its gateway is known.
        What another transaction stands in the way of is kept, and tried again in this call or a later one.
        """
        batch = self._locked.keep_back(batch)
        for raw in self._store_together(batch) if len(batch) > 1 else batch:
            if self._locked.keep_back([raw]) and not self._store_alone(raw):
                self._locked.keep_message(raw)
        self._store_kept()

    def _store_kept(self) -> None:
        """Store what waited for homes that are free now, in order; whatever is still busy ends this round."""
        homes = self._locked.list_due()
        if not homes:
            return
        locked = self._find_locked(homes)
        for home in homes:
            while home not in locked and (raw := self._locked.find_first(home)) is not None:
                if not self._store_alone(raw):
                    self._locked.postpone()
                    return
                self._locked.drop_first(home)
        self._locked.postpone()

    def _find_locked(self, homes: Iterable[str]) -> set[str]:
        """Return those homes that another transaction has locked."""
        with self._work() as work:
            return set(self._alerts.find_locked_homes(work, set(filter(is_slug, homes))))

    def _store_alone(self, raw: RawMessage) -> bool:
        """Store a message or set it aside; False where another transaction stands in its way."""
        try:
            try:
                self._several_times(raw)
            except Exception as error:
                if is_away(self._work, error):
                    raise
                log.exception("an alarm cannot be stored", topic=clean_text(raw.topic, _LONGEST_REASON))
                self._fallbacks.store_rest(raw, error)
        except Exception as error:
            if not is_busy(error):
                raise
            return False
        return True

    def _store_together(self, batch: Sequence[RawMessage]) -> Sequence[RawMessage]:
        """Store and acknowledge what can be stored in one transaction; return what is left, in order."""
        together: list[tuple[RawMessage, Incoming]] = []
        left: list[RawMessage] = []
        homes: set[str] = set()
        try:
            for raw in batch:
                home = home_of(raw.topic)
                first = home not in homes and not is_status(raw.topic)
                homes.add(home)
                message = self._read(raw) if first else None
                if isinstance(message, Incoming):
                    together.append((raw, message))
                else:
                    left.append(raw)
            self._acceptance.accept_messages(together)
        except Exception as error:
            if is_busy(error):
                return self._keep_locked(batch)
            if is_away(self._work, error):
                raise
            log.warning("alarms are stored one by one", messages=len(batch), error=describe_failure(error))
            return batch
        return left

    def _keep_locked(self, batch: Sequence[RawMessage]) -> Sequence[RawMessage]:
        """Keep the messages of homes that are locked; return the others, which are stored one by one."""
        locked = self._find_locked({home_of(raw.topic) for raw in batch})
        for raw in batch:
            if home_of(raw.topic) in locked:
                self._locked.keep_message(raw)
        return [raw for raw in batch if home_of(raw.topic) not in locked]

    def _several_times(self, raw: RawMessage) -> None:
        """Process a message, up to `_TRIES` times: a conflict with another writer passes."""
        for _ in range(_TRIES - 1):
            try:
                return self._one(raw)
            except Exception as error:
                if is_away(self._work, error):
                    raise
                log.warning(
                    "an alarm is tried again",
                    topic=clean_text(raw.topic, _LONGEST_REASON),
                    error=describe_failure(error),
                )
        return self._one(raw)

    def _one(self, raw: RawMessage) -> None:
        if is_status(raw.topic):
            self._status(raw)
            return
        message = self._read(raw)
        if isinstance(message, Rejected):
            self._acceptance.refuse_message(message)
        else:
            self._acceptance.accept_messages([(raw, message)])

    def _read(self, raw: RawMessage) -> Incoming | Rejected:
        return read(raw, self._device_cache, self._clocks)

    def _status(self, raw: RawMessage) -> None:
        """Store a gateway's state; it has no sequence number and is not acknowledged."""
        try:
            topic, status = Topic.parse(raw.topic), decode(Status, raw.payload)
        except (InvalidTopic, InvalidMessage) as error:
            self._acceptance.set_aside(Rejected(raw, getattr(error, "path", "topic"), str(error)))
            return
        facts = self._device_cache.find_gateway(status.gateway, topic.home)
        if facts is None or (facts.home_id, facts.community_id) != (topic.home, topic.community):
            self._acceptance.set_aside(
                Rejected(raw, "$.gateway", f"{status.gateway[:80]!r} does not speak for {topic.home}")
            )
            return
        with self._work() as work:
            self._registry.update_status(work, facts.gateway_id, status, raw.arrived_s)
        self._lost.report_spool(topic.home, status)
