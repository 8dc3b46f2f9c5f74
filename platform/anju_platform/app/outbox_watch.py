"""Measures how long messages wait in the outbox, and says when help calls do."""

from __future__ import annotations

from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel
from anju_platform.app.technical_alerts import HELP_CALLS_WAIT, TechnicalAlerts
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.notifications.service import OutboxService

WAIT_S = 5.0
"""A help call that nobody has tried to send for so long, s, is told to the district's people."""
log = structlog.get_logger("anju.notifications")


class OutboxWatch:
    """Keeps the figures about waiting messages, and tells the district's people once an hour where help calls wait."""

    def __init__(
        self, work: WorkFactory, outbox: OutboxService, technical: TechnicalAlerts, registry: CollectorRegistry
    ) -> None:
        self._work, self._outbox, self._technical = work, outbox, technical
        labels = ["channel", "urgency"]
        self._waiting = Gauge("anju_outbox_waiting", "Messages not sent yet.", labels, registry=registry)
        self._oldest = Gauge(
            "anju_outbox_oldest_seconds", "Age of the oldest message not sent yet.", labels, registry=registry
        )
        self.oldest_help_s = 0.0
        """How long the oldest help call waits that nobody has tried to send yet, s; 0 where none waits."""

    def measure_waiting(self, now: datetime) -> None:
        """Measure, and tell the district's people where a help call waits for longer than `WAIT_S`."""
        with self._work() as work:
            work.only_read()
            found = {(one.channel, one.urgency): one for one in self._outbox.measure_waiting(work)}
        for channel in Channel:
            for urgency in Urgency:
                one = found.get((channel, urgency))
                labels = channel.value, urgency.name.lower()
                self._waiting.labels(*labels).set(one.count if one else 0)
                self._oldest.labels(*labels).set(_age_s(one.since, now) if one else 0.0)
        untried = [one.untried_since for key, one in found.items() if key[1] is Urgency.HELP and one.untried_since]
        self.oldest_help_s = max((_age_s(since, now) for since in untried), default=0.0)
        if self.oldest_help_s > WAIT_S:
            log.error("help_calls_wait", oldest_s=self.oldest_help_s)
            hour = f"help-calls-wait-{now:%Y-%m-%dT%H}"
            self._technical.tell(HELP_CALLS_WAIT, once=hour, seconds=int(self.oldest_help_s))


def _age_s(since: datetime, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)
