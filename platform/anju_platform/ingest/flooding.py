"""Says to a person what is wrong with what a home's gateway sends: once for each home and hour, or day."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from anju_core.alert_signals import AlertSignal
from anju_core.errors import NotFound
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.ingest.ports import AlarmSink
from anju_platform.residents.directory import find_community_id
from anju_wire.messages import Status
from anju_wire.topics import is_slug

_HOUR_S = 3600
DAY_S = 86_400
log = structlog.get_logger("anju.ingest")


class FloodingReporter:
    """Raises an alert of a technical kind for homes over their rate, or for another reason. Used by one thread.

    period_s: within which a home is reported once.
    """

    def __init__(
        self,
        work: WorkFactory,
        alerts: AlarmSink,
        reason: ReasonCode = ReasonCode.GATEWAY_FLOODING,
        period_s: int = _HOUR_S,
    ) -> None:
        self._work, self._alerts, self._reason, self._period_s = work, alerts, reason, period_s
        self._period, self._reported = 0, set[str]()
        self._losses: dict[str, str] = {}

    def report_homes(self, homes: Iterable[str]) -> None:
        """Report homes by their ids, as their topics name them; raises what a database raises that is away."""
        for home in homes:
            with self._work() as work:
                period = int(work.clock.time()) // self._period_s
                if period != self._period:
                    self._period, self._reported = period, set()
                if home in self._reported:
                    continue
                log.warning("a home is reported", reason=self._reason.value, home=home[:200])
                self._raise_alert(work, home, period)
            self._reported.add(home)

    def report_spool(self, home: str, status: Status) -> None:
        """Report what a gateway lost with a broken spool: once for each loss, however often its status says it."""
        loss = f"{status.gateway}:{status.lost}"
        if status.lost and self._losses.get(home) != loss:
            with self._work() as work:
                log.warning("a gateway lost messages with its spool", home=home, lost=status.lost)
                self._raise_alert(work, home, loss)
            self._losses[home] = loss

    def _raise_alert(self, work: UnitOfWork, home: str, period: int | str) -> None:
        now = work.clock.now()
        if not is_slug(home):
            log.warning("what sends is no home", home=home[:200])
            return
        try:
            signal = AlertSignal(
                kind=AlertKind.GATEWAY_FLOODING,
                home_id=home,
                community_id=find_community_id(work, home),
                episode=f"hour:{period}" if self._period_s == _HOUR_S else f"{self._reason.value}:{period}",
                happened_at=now,
                due_since=now,
                reason=Reason(self._reason),
            )
            self._alerts.raise_alert(work, signal)
        except NotFound:
            log.warning("what sends is no home of ours", home=home[:200])
