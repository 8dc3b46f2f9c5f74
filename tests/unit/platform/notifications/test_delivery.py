"""Messages: tried until they are over there, and never given up in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures._claims import claim_every_lane
from fixtures.alert_harness import AlertHarness, HeldExecutor, build_alert_harness

from anju_core.announcements import closed, visit_code
from anju_core.events import ElderTold
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Channel, DeliveryState, EscalationReason, Outcome
from anju_platform.app.scheduler import Deadlines
from anju_platform.notifications.channels import AppriseChannel, DeliveryFailed, OutboundMessage
from anju_platform.notifications.settlement import EndedTry
from anju_platform.residents.errors import HomeNotFound


@pytest.fixture
def reached_by_wecom(sqlite_url: str) -> Iterator[AlertHarness]:
    """王姐 has an Apprise address of her own, the community has one for everybody else."""
    stage, engine = build_alert_harness(sqlite_url, addresses=("wang", "anning"))
    yield stage
    engine.dispose()


def test_delivery_failed_is_said_and_escalates_at_once(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick(5, every=1)
    (failed, *_) = harness.history(alert_id, AlertStep.DELIVERY_FAILED)
    assert failed == {"channel": "board", "to": "王姐", "error": "no page is open"}
    assert harness.told(harness.liu) == 1
    assert harness.alert(alert_id).state == AlertState.RAISED


def test_one_way_that_works_is_enough(reached_by_wecom: AlertHarness) -> None:
    harness = reached_by_wecom
    alert_id = harness.raise_alert()
    harness.tick(20, every=1)
    assert harness.alert(alert_id).state == AlertState.NOTIFIED
    assert harness.services.sent == [
        ("json://wang", "【紧急求助】王桂兰 · 春晖里 3 号楼 2 单元 01 室", "卧室的求助按钮被按下")
    ]
    assert harness.told(harness.liu) == 0
    assert AlertStep.DELIVERY_FAILED in harness.steps(alert_id)


def test_a_dead_service_is_tried_four_times_while_the_next_person_is_asked(reached_by_wecom: AlertHarness) -> None:
    harness = reached_by_wecom
    harness.services.up = False
    alert_id = harness.raise_alert()
    harness.tick(2, every=1)
    assert harness.told(harness.liu) == 0, "her page may still be loading"
    harness.tick(2, every=1)
    assert harness.told(harness.liu) == 1
    assert harness.history(alert_id, AlertStep.ESCALATED)[0]["why"] == EscalationReason.DELIVERY_FAILED
    harness.tick(60, every=1)
    (message, *_) = harness.messages(Channel.APPRISE)
    assert (message.state, message.tries, message.error) == ("failed", 4, "wang: the service did not take it")
    assert harness.history(alert_id, AlertStep.DELIVERY_FAILED)[0]["channel"] == "board"


def test_what_nobody_could_be_told_of_still_climbs_to_everybody(harness: AlertHarness) -> None:
    harness.raise_alert()
    harness.tick(30, every=1)
    assert harness.told(harness.daughter) == 1


def test_nobody_reachable_makes_no_storm(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick(600, every=6)
    steps = len(harness.history(alert_id, AlertStep.ESCALATED))
    assert 4 <= steps <= 9
    assert harness.told(harness.wang) <= steps + 1


def test_a_home_that_is_not_reached_is_tried_until_it_is(harness: AlertHarness) -> None:
    harness.homes.up = False
    harness.raise_alert()
    harness.tick(40, every=4)
    assert harness.homes.commands == []
    harness.homes.up = True
    harness.tick(16, every=1)
    assert harness.homes.said() == ["seen"]
    topic, command = harness.homes.commands[0]
    assert topic == "anju/v1/anning/home-01/command"
    assert command.expires == pytest.approx(harness.clock.time() - 56 + 600)


def test_a_home_hears_things_in_the_order_in_which_they_happened(harness: AlertHarness) -> None:
    harness.homes.up = False
    alert_id = harness.raise_alert()
    harness.tick(30, every=5)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick(1)
    harness.homes.up = True
    with harness.work() as work:
        code = harness.outbox.notify_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    assert code is not None
    harness.tick(20, every=4)
    assert harness.homes.said() == ["seen", "coming", "visit_code"]


def test_what_is_overtaken_is_not_said_any_more(harness: AlertHarness) -> None:
    harness.homes.up = False
    alert_id = harness.raise_alert()
    harness.tick(1)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    with harness.work() as work:
        harness.outbox.notify_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    harness.dismiss(alert_id, harness.wang, Outcome.TEST)
    harness.homes.up = True
    harness.tick(20, every=4)
    assert harness.homes.said() == ["closed"]
    assert {message.state for message in harness.messages(Channel.HOME)} == {"dropped", "pending"}


def test_what_is_too_late_is_not_said_to_the_elder_any_more(harness: AlertHarness) -> None:
    harness.homes.up = False
    alert_id = harness.raise_alert(AlertKind.INACTIVITY)
    harness.tick(605, every=55)
    harness.homes.up = True
    harness.tick(30, every=15)
    assert harness.homes.commands == []
    failed = harness.history(alert_id, AlertStep.DELIVERY_FAILED)
    unsaid = {"channel": "home", "to": "home-01", "error": "broker: not connected", "key": "inactivity_seen"}
    assert {**unsaid, "facts": {}} in failed


def test_a_step_is_told_once_to_a_person_whatever_restarts(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    alert = harness.alert(alert_id)
    with harness.work() as work:
        merged = work.session.merge(alert)
        merged.level, merged.next_due_at = 0, harness.clock.now()
    assert Deadlines(harness.work, harness.alerts.deadlines)(harness.clock.now()) == 1
    assert harness.told(harness.wang) == 1


def test_a_try_whose_thread_hangs_is_followed_by_another(reached_by_wecom: AlertHarness) -> None:
    harness = reached_by_wecom
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, harness.services.notify)}
    threads = HeldExecutor()
    delivery_worker = harness.make_worker(channels, threads)
    harness.raise_alert()
    delivery_worker.deliver_due(harness.clock.now())
    delivery_worker.deliver_due(harness.clock.forward(19))
    assert len(threads.held) == 1
    delivery_worker.deliver_due(harness.clock.forward(2))
    first, second = threads.held
    second()
    harness.services.up = False
    first()
    (message, *_) = harness.messages(Channel.APPRISE)
    assert (message.state, message.tries) == (DeliveryState.SENT, 2)


@pytest.mark.parametrize(("channel", "tries"), [(Channel.APPRISE, 4), (Channel.BOARD, 3), (Channel.HOME, 3)])
def test_a_late_failure_of_an_older_try_counts_for_nothing(
    reached_by_wecom: AlertHarness, channel: Channel, tries: int
) -> None:
    """The last try is still under way: only its own end says whether the message came through."""
    harness = reached_by_wecom
    harness.raise_alert()
    begun: list[OutboundMessage] = []
    for _ in range(tries):
        with harness.work() as work:
            claimed = claim_every_lane(harness.notifications.claims, work, harness.clock.forward(21))
            begun += [message for message in claimed if message.channel is channel][:1]
    (newest,) = [one for one in harness.messages(channel) if one.id == begun[-1].id]
    assert [message.tries for message in begun] == list(range(1, tries + 1))
    for older in begun[:-1]:
        with harness.work() as work:
            harness.notifications.settlement.settle_free(work, [EndedTry(older, "timed out")], harness.clock.now())
        (row,) = [one for one in harness.messages(channel) if one.id == older.id]
        assert (row.state, row.error, row.due_at) == (DeliveryState.PENDING, "", newest.due_at)
    assert harness.told(harness.liu) == 0
    with harness.work() as work:
        harness.notifications.settlement.settle_free(work, [EndedTry(begun[-1], "timed out")], harness.clock.now())
    (row,) = [one for one in harness.messages(channel) if one.id == newest.id]
    assert row.error == "timed out"
    assert row.state == (DeliveryState.PENDING if channel is Channel.HOME else DeliveryState.FAILED)


def test_a_message_that_is_claimed_for_ever_is_given_up_and_escalates(reached_by_wecom: AlertHarness) -> None:
    harness = reached_by_wecom
    harness.raise_alert()
    for _ in range(6):
        with harness.work() as work:
            claim_every_lane(harness.notifications.claims, work, harness.clock.forward(21))
    harness.delivery_worker.look_after(harness.clock.now())
    assert {row.state for row in harness.messages(Channel.APPRISE) if row.address == "wang"} == {DeliveryState.FAILED}
    assert harness.told(harness.liu) == 1


def test_a_channel_that_breaks_counts_as_not_delivered(harness: AlertHarness) -> None:
    class Broken:
        def send(self, message: OutboundMessage) -> None:
            raise ZeroDivisionError

    harness.delivery_worker._channels = {Channel.BOARD: Broken()}
    harness.raise_alert()
    harness.tick(1)
    by_channel = {row.channel: row.error for row in harness.messages()}
    assert by_channel == {"board": "ZeroDivisionError", "home": "no home channel is configured"}


def test_apprise_says_what_went_wrong_without_its_secret() -> None:
    def breaks(url: str, subject: str, body: str) -> bool:
        raise RuntimeError(url)

    message = OutboundMessage(
        id=None,  # type: ignore[arg-type]
        channel=Channel.APPRISE,
        address="wang",
        subject="s",
        body="b",
        payload={},
        alert_id=None,
        tries=1,
        created_at=None,  # type: ignore[arg-type]
    )
    for channel, why in (
        (AppriseChannel({"wang": "json://token@host"}, breaks), "wang: RuntimeError"),
        (AppriseChannel({}), "no Apprise URL is configured for 'wang'"),
        (AppriseChannel({"wang": "nonsense"}), "wang: the service did not take it"),
    ):
        with pytest.raises(DeliveryFailed) as failed:
            channel.send(message)
        assert failed.value.why == why


def test_an_unknown_home_cannot_be_told(harness: AlertHarness) -> None:
    with pytest.raises(HomeNotFound), harness.work() as work:
        harness.outbox.notify_home(work, "nowhere", closed(), alert_id=None, expires_s=60)


def heard(harness: AlertHarness, said: str, reference: object, message: object = "", home: str = "home-01") -> None:
    """The gateway's `announced` record, as ingest hands it on."""
    with harness.work() as work:
        told = ElderTold(at=work.clock.now(), home_id=home, said=said, reference=str(reference), message=str(message))
        work.record(told)


def test_what_a_home_did_not_hear_is_asked_for_again_until_its_gateway_has_said_it(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert(AlertKind.INACTIVITY)
    harness.tick()
    (_, first) = harness.homes.commands[0]
    (message,) = harness.messages(Channel.HOME)
    assert (message.state, message.sent_at is not None) == ("pending", True), "the broker has it, the elder has not"
    harness.tick(150, every=1)
    asked = [command.id for _, command in harness.homes.commands]
    assert set(asked) == {first.id}, "the gateway knows it by its id and says it once"
    assert 3 <= len(asked) <= 6
    heard(harness, "seen", alert_id, first.id, home="home-02")
    assert harness.messages(Channel.HOME)[0].state == "pending", "another home has not heard it"
    heard(harness, "seen", alert_id, first.id)
    harness.tick(400, every=10)
    assert len(harness.homes.commands) == len(asked)
    (said,) = harness.messages(Channel.HOME)
    assert (said.state, said.error, said.sent_at) == (DeliveryState.SENT, "", message.sent_at)


def test_a_gateway_that_is_back_is_asked_at_once_for_what_it_did_not_say(harness: AlertHarness) -> None:
    harness.raise_alert(AlertKind.INACTIVITY)
    harness.tick()
    harness.clock.forward(290)
    with harness.work() as work:
        harness.delivery_worker.deliver_due(work.clock.now())
    harness.clock.forward(200)
    count = len(harness.homes.commands)
    with harness.work() as work:
        harness.notifications.confirmations.redeliver(work, "home-02")
    harness.tick()
    assert len(harness.homes.commands) == count, "not due for another while"
    with harness.work() as work:
        harness.notifications.confirmations.redeliver(work, "home-01")
    harness.tick()
    assert len(harness.homes.commands) == count + 1
    harness.clock.forward(4000)
    with harness.work() as work:
        harness.notifications.confirmations.redeliver(work, "home-01")
    harness.tick()
    assert len(harness.homes.commands) == count + 1, "too late to be said"


def test_what_no_gateway_said_in_time_is_known_not_to_have_been_heard(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert(AlertKind.INACTIVITY)
    harness.tick(620, every=20)
    assert harness.messages(Channel.HOME)[0].state == DeliveryState.FAILED
    failed = harness.history(alert_id, AlertStep.DELIVERY_FAILED)
    unsaid = {"channel": "home", "to": "home-01", "error": "the gateway did not say it", "key": "inactivity_seen"}
    assert {**unsaid, "facts": {}} in failed


def test_the_platform_dies_between_the_broker_and_its_own_records(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert(AlertKind.INACTIVITY)
    settlement = harness.notifications.settlement
    settle, settlement.settle_free = settlement.settle_free, lambda *_: []  # type: ignore[method-assign]
    harness.tick()
    settlement.settle_free = settle  # type: ignore[method-assign]
    (_, first) = harness.homes.commands[0]
    heard(harness, "seen", alert_id, first.id)
    harness.tick(60, every=5)
    assert [command.id for _, command in harness.homes.commands] == [first.id], "its record settles it by itself"


def test_news_of_a_closed_alert_is_not_asked_for_again(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick()
    harness.dismiss(alert_id, harness.wang, Outcome.TEST)
    harness.tick()
    assert harness.homes.said() == ["seen", "coming", "closed"]
    first_three = len(harness.homes.commands)
    with harness.work() as work:
        harness.notifications.confirmations.redeliver(work, "home-01")
    harness.tick(60, every=5)
    assert {command.announce.value for _, command in harness.homes.commands[first_three:]} == {"closed"}


def test_how_far_it_had_come_is_not_said_again_once_it_has_come_further(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    with harness.work() as work:
        harness.outbox.notify_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    harness.tick()
    assert harness.homes.said() == ["seen", "coming", "visit_code"]
    with harness.work() as work:
        harness.notifications.confirmations.redeliver(work, "home-01")
    harness.tick()
    assert [command.announce.value for _, command in harness.homes.commands[3:]] == ["coming", "visit_code"]


def test_a_gateway_that_does_not_name_the_message_settles_what_fits(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick()
    heard(harness, "coming", alert_id)
    assert {message.subject: message.state for message in harness.messages(Channel.HOME)} == {
        "seen": "pending",
        "coming": "sent",
    }
    with harness.work() as work:
        message = harness.outbox.notify_home(work, "home-01", visit_code("李娜", "4711"), alert_id=None, expires_s=60)
    assert message is not None
    harness.tick()
    heard(harness, "heard", "12")
    heard(harness, "visit_code", message.id)
    assert [one.state for one in harness.messages(Channel.HOME) if one.subject == "visit_code"] == ["sent"]
