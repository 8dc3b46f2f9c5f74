"""Help calls leave at once, and where they cannot, that is measured and told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from fixtures.alert_harness import AlertHarness
from prometheus_client import CollectorRegistry

from anju_core.events import MessageQueued
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, Channel
from anju_platform.accounts.models import Account
from anju_platform.app import process
from anju_platform.app.delivery_jobs import DeliveryJobs
from anju_platform.app.outbox_watch import OutboxWatch
from anju_platform.app.scheduler import Scheduler
from anju_platform.app.technical_alerts import TechnicalAlerts
from anju_platform.i18n.translation import load_words
from anju_platform.notifications.channels import BoardChannel

PATIENCE_S = 20.0


class Stage:
    """Jobs over a harness; `shown` is set when a page was shown something."""

    def __init__(self, harness: AlertHarness, may_run: Callable[[], bool] = lambda: True) -> None:
        self.shown, self.registry = threading.Event(), CollectorRegistry()
        publish = harness.pages.publish

        def show(topic: str, event: str, data: str = "") -> int:
            count = publish(topic, event, data)
            self.shown.set()
            return count

        harness.pages.publish = show  # type: ignore[method-assign]
        worker = harness.make_worker({Channel.BOARD: BoardChannel(harness.pages)})
        technical = TechnicalAlerts(harness.work, harness.outbox, harness.oncall, load_words())
        self.watch = OutboxWatch(harness.work, harness.outbox, technical, self.registry)
        self.scheduler = Scheduler(harness.clock, CollectorRegistry())
        self.jobs = DeliveryJobs(self.scheduler, worker, self.watch, harness.clock, may_run)

    def value(self, name: str, channel: Channel, urgency: str) -> float | None:
        return self.registry.get_sample_value(name, {"channel": channel.value, "urgency": urgency})


def test_what_is_committed_leaves_without_waiting_for_an_interval(harness: AlertHarness) -> None:
    stage = Stage(harness)
    harness.open_pages(harness.wang)
    harness.raise_alert()
    stage.shown.clear()
    stage.jobs.on_message_queued(MessageQueued(at=harness.clock.now(), channel=Channel.BOARD, urgency=Urgency.HELP))
    assert stage.shown.wait(PATIENCE_S)
    stage.jobs.stop()
    assert len(harness.pages.told(harness.wang.account_id)) == 1


def test_a_process_that_does_not_lead_delivers_nothing(harness: AlertHarness) -> None:
    stage = Stage(harness, lambda: False)
    harness.open_pages(harness.wang)
    harness.raise_alert()
    stage.jobs.on_message_queued(MessageQueued(at=harness.clock.now(), channel=Channel.BOARD, urgency=Urgency.HELP))
    stage.jobs.stop()
    assert harness.pages.told(harness.wang.account_id) == []


def test_every_lane_is_a_job_of_its_own(harness: AlertHarness) -> None:
    stage = Stage(harness)
    harness.open_pages(harness.wang)
    harness.raise_alert()
    harness.raise_alert(AlertKind.INACTIVITY)
    stage.scheduler.run_all()
    assert len(harness.pages.told(harness.wang.account_id)) == 2
    assert {"outbox-help", "outbox-board-help", "outbox-home-help", "outbox-age"} <= set(stage.scheduler.last_runs())


def test_the_age_of_what_waits_is_measured_by_channel_and_urgency(harness: AlertHarness) -> None:
    stage = Stage(harness)
    harness.raise_alert(AlertKind.INACTIVITY, home_id="home-02")
    harness.clock.forward(50)
    harness.raise_alert()
    stage.watch.measure_waiting(harness.clock.forward(4))
    assert stage.value("anju_outbox_oldest_seconds", Channel.BOARD, "soon") == 54
    assert stage.value("anju_outbox_oldest_seconds", Channel.BOARD, "help") == 4
    assert stage.value("anju_outbox_waiting", Channel.BOARD, "help") == 1
    assert stage.value("anju_outbox_waiting", Channel.APPRISE, "routine") == 0
    assert stage.jobs.oldest_help_s == 4
    harness.open_pages(harness.wang)
    stage.scheduler.run_all()
    assert stage.value("anju_outbox_waiting", Channel.BOARD, "help") == 0


def test_help_calls_that_wait_are_told_to_the_district_once_an_hour(harness: AlertHarness) -> None:
    stage = Stage(harness)
    with harness.work() as work:
        account = work.session.get_one(Account, harness.people["stranger"].account_id)
        account.role, account.community_id, account.scope_kind = "district", None, "district"
    harness.raise_alert()
    stage.watch.measure_waiting(harness.clock.forward(5))
    assert harness.told(harness.stranger) == 0
    for _ in range(3):
        stage.watch.measure_waiting(harness.clock.forward(60))
    assert harness.told(harness.stranger) == 1
    (row,) = [one for one in harness.messages(Channel.BOARD) if one.address == str(harness.stranger.account_id)]
    assert row.body == "求助消息发不出去，最早的一条已经等了 65 秒"
    stage.watch.measure_waiting(harness.clock.forward(3600))
    assert harness.told(harness.stranger) == 2


def test_lesser_messages_may_wait(harness: AlertHarness) -> None:
    stage = Stage(harness)
    harness.raise_alert(AlertKind.HOME_OFFLINE)
    stage.watch.measure_waiting(harness.clock.forward(600))
    assert stage.jobs.oldest_help_s == 0


def test_threads_take_turns_quickly_while_a_platform_serves() -> None:
    before = sys.getswitchinterval()
    with process.settled():
        assert sys.getswitchinterval() < before
    assert sys.getswitchinterval() == before
