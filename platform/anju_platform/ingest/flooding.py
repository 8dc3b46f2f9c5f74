"""Says to a person that a home's gateway sends more than it is served: once for each home and hour."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from anju_core.alerts import AlertSignal
from anju_core.errors import NotFound
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.ingest.ports import AlarmSink
from anju_wire.topics import InvalidTopic, Topic
from anju_wire.vocabulary import Lane

_HOUR_S = 3600
log = structlog.get_logger("anju.ingest")


class FloodingReporter:
    """Raises an alert of a technical kind for homes over their rate. Used by one thread."""

    def __init__(self, work: WorkFactory, alerts: AlarmSink) -> None:
        self._work, self._alerts = work, alerts
        self._hour, self._reported = 0, set[str]()

    def report_homes(self, homes: Iterable[str]) -> None:
        """Report homes, each the beginning of its topics; raises what a database raises that is away."""
        for home in homes:
            with self._work() as work:
                hour = int(work.clock.time()) // _HOUR_S
                if hour != self._hour:
                    self._hour, self._reported = hour, set()
                if home in self._reported:
                    continue
                log.warning("a home sends more than it is served", home=home[:200])
                self._raise_alert(work, home, hour)
            self._reported.add(home)

    def _raise_alert(self, work: UnitOfWork, home: str, hour: int) -> None:
        now = work.clock.now()
        try:
            topic = Topic.parse(f"{home}/{Lane.ALARM}")
            signal = AlertSignal(
                kind=AlertKind.GATEWAY_FLOODING,
                home_id=topic.home,
                community_id=topic.community,
                episode=f"hour:{hour}",
                happened_at=now,
                due_since=now,
                reason=Reason(ReasonCode.GATEWAY_FLOODING),
            )
            self._alerts.raise_alert(work, signal)
        except (InvalidTopic, NotFound):
            log.warning("what sends is no home of ours", home=home[:200])
