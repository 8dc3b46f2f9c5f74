"""Messages: tried until they are over there, and never given up in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fixtures.alert_harness import Scene, build_scene

from anju_core.announcements import closed, visit_code
from anju_core.events import ElderTold
from anju_core.vocabulary import AlertState, AlertStep, Channel, DeliveryState, Outcome
from anju_platform.notifications.channels import AppriseChannel, DeliveryFailed, OutboundMessage
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.service import UnknownHome


@pytest.fixture
def reached_by_wecom(sqlite_url: str) -> Iterator[Scene]:
    """王姐 has an Apprise address of her own, the community has one for everybody else."""
    stage, engine = build_scene(sqlite_url, addresses=("wang", "anning"))
    yield stage
    engine.dispose()


def test_delivery_failed_is_said_and_escalates_at_once(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick(5, every=1)
    (failed, *_) = scene.history(alert_id, AlertStep.DELIVERY_FAILED)
    assert failed == {"channel": "board", "to": "王姐", "error": "no page is open"}
    assert scene.told(scene.liu) == 1
    assert scene.alert(alert_id).state == AlertState.RAISED


def test_one_way_that_works_is_enough(reached_by_wecom: Scene) -> None:
    scene = reached_by_wecom
    alert_id = scene.raise_alert()
    scene.tick(20, every=1)
    assert scene.alert(alert_id).state == AlertState.NOTIFIED
    assert scene.services.sent == [
        ("json://wang", "【紧急求助】王桂兰 · 春晖里 3 号楼 2 单元 01 室", "卧室的求助按钮被按下")
    ]
    assert scene.told(scene.liu) == 0
    assert AlertStep.DELIVERY_FAILED in scene.steps(alert_id)


def test_a_dead_service_is_tried_four_times_and_then_escalates(reached_by_wecom: Scene) -> None:
    scene = reached_by_wecom
    scene.services.up = False
    alert_id = scene.raise_alert()
    scene.tick(13, every=1)
    assert scene.told(scene.liu) == 0
    scene.tick(3, every=1)
    (letter, *_) = scene.letters(Channel.APPRISE)
    assert (letter.state, letter.tries, letter.error) == ("failed", 4, "wang: the service did not take it")
    assert scene.told(scene.liu) == 1
    assert [one["channel"] for one in scene.history(alert_id, AlertStep.DELIVERY_FAILED)][:2] == ["board", "apprise"]


def test_what_nobody_could_be_told_of_still_climbs_to_everybody(scene: Scene) -> None:
    scene.raise_alert()
    scene.tick(30, every=1)
    assert scene.told(scene.daughter) == 1


def test_nobody_reachable_makes_no_storm(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick(600, every=6)
    steps = len(scene.history(alert_id, AlertStep.ESCALATED))
    assert 4 <= steps <= 9
    assert scene.told(scene.wang) <= steps + 1


def test_a_home_that_is_not_reached_is_tried_until_it_is(scene: Scene) -> None:
    scene.homes.up = False
    scene.raise_alert()
    scene.tick(40, every=4)
    assert scene.homes.commands == []
    scene.homes.up = True
    scene.tick(16, every=1)
    assert scene.homes.said() == ["seen"]
    topic, command = scene.homes.commands[0]
    assert topic == "anju/v1/anning/home-01/command"
    assert command.expires == pytest.approx(scene.clock.time() - 56 + 600)


def test_a_home_hears_things_in_the_order_in_which_they_happened(scene: Scene) -> None:
    scene.homes.up = False
    alert_id = scene.raise_alert()
    scene.tick(30, every=5)
    scene.do("take", alert_id, scene.wang)
    scene.tick(1)
    scene.homes.up = True
    with scene.work() as work:
        code = scene.outbox.tell_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    assert code is not None
    scene.tick(20, every=4)
    assert scene.homes.said() == ["seen", "coming", "visit_code"]


def test_what_is_overtaken_is_not_said_any_more(scene: Scene) -> None:
    scene.homes.up = False
    alert_id = scene.raise_alert()
    scene.tick(1)
    scene.do("take", alert_id, scene.wang)
    with scene.work() as work:
        scene.outbox.tell_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.TEST)
    scene.homes.up = True
    scene.tick(20, every=4)
    assert scene.homes.said() == ["closed"]
    assert {letter.state for letter in scene.letters(Channel.HOME)} == {"dropped", "pending"}


def test_what_is_too_late_is_not_said_to_the_elder_any_more(scene: Scene) -> None:
    scene.homes.up = False
    alert_id = scene.raise_alert()
    scene.tick(605, every=55)
    scene.homes.up = True
    scene.tick(30, every=15)
    assert scene.homes.commands == []
    failed = scene.history(alert_id, AlertStep.DELIVERY_FAILED)
    assert {"channel": "home", "to": "home-01", "error": "broker: not connected"} in failed


def test_a_step_is_told_once_to_a_person_whatever_restarts(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    alert = scene.alert(alert_id)
    with scene.work() as work:
        merged = work.session.merge(alert)
        merged.level, merged.next_due_at = 0, scene.clock.now()
    scene.do("tick", scene.clock.now())
    assert scene.told(scene.wang) == 1


def test_a_try_whose_thread_hangs_is_followed_by_another(reached_by_wecom: Scene) -> None:
    scene = reached_by_wecom
    held: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    class Hangs(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            held.append((fn, args))

    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, scene.services.notify)}
    courier = DeliveryWorker(scene.work, scene.outbox, channels, scene.alerts.wants_people, Hangs())
    scene.raise_alert()
    courier.deliver_due(scene.clock.now())
    courier.deliver_due(scene.clock.forward(19))
    assert len([args for _, args in held]) == 1
    courier.deliver_due(scene.clock.forward(2))
    assert len(held) == 2
    second, first = held.pop(), held.pop()
    second[0](*second[1])
    scene.services.up = False
    first[0](*first[1])
    (letter, *_) = scene.letters(Channel.APPRISE)
    assert (letter.state, letter.tries) == (DeliveryState.SENT, 2)


@pytest.mark.parametrize(("channel", "tries"), [(Channel.APPRISE, 4), (Channel.BOARD, 3), (Channel.HOME, 3)])
def test_a_late_failure_of_an_older_try_counts_for_nothing(
    reached_by_wecom: Scene, channel: Channel, tries: int
) -> None:
    """The last try is still under way: only its own end says whether the message came through."""
    scene = reached_by_wecom
    scene.raise_alert()
    begun: list[OutboundMessage] = []
    for _ in range(tries):
        with scene.work() as work:
            claimed = scene.outbox.claim(work, scene.clock.forward(21), lambda _alert: True)
            begun += [letter for letter in claimed if letter.channel is channel][:1]
    (newest,) = [one for one in scene.letters(channel) if one.id == begun[-1].id]
    assert [letter.tries for letter in begun] == list(range(1, tries + 1))
    for older in begun[:-1]:
        with scene.work() as work:
            scene.outbox.settle(work, older, scene.clock.now(), "timed out")
        (row,) = [one for one in scene.letters(channel) if one.id == older.id]
        assert (row.state, row.error, row.due_at) == (DeliveryState.PENDING, "", newest.due_at)
    assert scene.told(scene.liu) == 0
    with scene.work() as work:
        scene.outbox.settle(work, begun[-1], scene.clock.now(), "timed out")
    (row,) = [one for one in scene.letters(channel) if one.id == newest.id]
    assert row.error == "timed out"
    assert row.state == (DeliveryState.PENDING if channel is Channel.HOME else DeliveryState.FAILED)


def test_a_letter_that_is_claimed_for_ever_is_given_up_and_escalates(reached_by_wecom: Scene) -> None:
    scene = reached_by_wecom
    scene.raise_alert()
    for _ in range(6):
        with scene.work() as work:
            scene.outbox.claim(work, scene.clock.forward(21), lambda _alert: True)
    assert {row.state for row in scene.letters(Channel.APPRISE) if row.address == "wang"} == {DeliveryState.FAILED}
    assert scene.told(scene.liu) == 1


def test_a_channel_that_breaks_counts_as_not_delivered(scene: Scene) -> None:
    class Broken:
        slow = False

        def send(self, letter: OutboundMessage) -> None:
            raise ZeroDivisionError

    scene.courier._channels = {Channel.BOARD: Broken()}
    scene.raise_alert()
    scene.tick(1)
    by_channel = {row.channel: row.error for row in scene.letters()}
    assert by_channel == {"board": "ZeroDivisionError", "home": "no home channel is configured"}


def test_apprise_says_what_went_wrong_without_its_secret() -> None:
    def breaks(url: str, subject: str, body: str) -> bool:
        raise RuntimeError(url)

    letter = OutboundMessage(
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
            channel.send(letter)
        assert failed.value.why == why


def test_an_unknown_home_cannot_be_told(scene: Scene) -> None:
    with pytest.raises(UnknownHome), scene.work() as work:
        scene.outbox.tell_home(work, "nowhere", closed(), alert_id=None, expires_s=60)


def test_the_outbox_says_how_much_waits(scene: Scene) -> None:
    scene.raise_alert()
    with scene.work() as work:
        assert scene.outbox.waiting(work) == 2


def heard(scene: Scene, said: str, reference: object, message: object = "", home: str = "home-01") -> None:
    """The gateway's `announced` record, as ingest hands it on."""
    with scene.work() as work:
        told = ElderTold(at=work.clock.now(), home_id=home, said=said, reference=str(reference), message=str(message))
        work.record(told)


def test_what_a_home_did_not_hear_is_asked_for_again_until_its_gateway_has_said_it(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick()
    (_, first) = scene.homes.commands[0]
    (letter,) = scene.letters(Channel.HOME)
    assert (letter.state, letter.sent_at is not None) == ("pending", True), "the broker has it, the elder has not"
    scene.tick(150, every=1)
    asked = [command.id for _, command in scene.homes.commands]
    assert set(asked) == {first.id}, "the gateway knows it by its id and says it once"
    assert 3 <= len(asked) <= 6
    heard(scene, "seen", alert_id, first.id, home="home-02")
    assert scene.letters(Channel.HOME)[0].state == "pending", "another home has not heard it"
    heard(scene, "seen", alert_id, first.id)
    scene.tick(400, every=10)
    assert len(scene.homes.commands) == len(asked)
    assert scene.letters(Channel.HOME)[0].state == DeliveryState.SENT


def test_a_gateway_that_is_back_is_asked_at_once_for_what_it_did_not_say(scene: Scene) -> None:
    scene.raise_alert()
    scene.tick()
    scene.clock.forward(290)
    with scene.work() as work:
        scene.courier.deliver_due(work.clock.now())
    scene.clock.forward(200)
    count = len(scene.homes.commands)
    with scene.work() as work:
        scene.outbox.say_again(work, "home-02")
    scene.tick()
    assert len(scene.homes.commands) == count, "not due for another while"
    with scene.work() as work:
        scene.outbox.say_again(work, "home-01")
    scene.tick()
    assert len(scene.homes.commands) == count + 1
    scene.clock.forward(4000)
    with scene.work() as work:
        scene.outbox.say_again(work, "home-01")
    scene.tick()
    assert len(scene.homes.commands) == count + 1, "too late to be said"


def test_what_no_gateway_said_in_time_is_known_not_to_have_been_heard(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick(620, every=20)
    assert scene.letters(Channel.HOME)[0].state == DeliveryState.FAILED
    failed = scene.history(alert_id, AlertStep.DELIVERY_FAILED)
    assert {"channel": "home", "to": "home-01", "error": "the gateway did not say it"} in failed


def test_the_platform_dies_between_the_broker_and_its_own_records(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    settle, scene.outbox.settle = scene.outbox.settle, lambda *_: None  # type: ignore[method-assign]
    scene.tick()
    scene.outbox.settle = settle  # type: ignore[method-assign]
    (_, first) = scene.homes.commands[0]
    heard(scene, "seen", alert_id, first.id)
    scene.tick(60, every=5)
    assert [command.id for _, command in scene.homes.commands] == [first.id], "its record settles it by itself"


def test_news_of_a_closed_alert_is_not_asked_for_again(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick()
    scene.do("take", alert_id, scene.wang)
    scene.tick()
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.TEST)
    scene.tick()
    assert scene.homes.said() == ["seen", "coming", "closed"]
    first_three = len(scene.homes.commands)
    with scene.work() as work:
        scene.outbox.say_again(work, "home-01")
    scene.tick(60, every=5)
    assert {command.announce.value for _, command in scene.homes.commands[first_three:]} == {"closed"}


def test_how_far_it_had_come_is_not_said_again_once_it_has_come_further(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick()
    scene.do("take", alert_id, scene.wang)
    with scene.work() as work:
        scene.outbox.tell_home(work, "home-01", visit_code("李娜", "4711"), alert_id=alert_id, expires_s=600)
    scene.tick()
    assert scene.homes.said() == ["seen", "coming", "visit_code"]
    with scene.work() as work:
        scene.outbox.say_again(work, "home-01")
    scene.tick()
    assert [command.announce.value for _, command in scene.homes.commands[3:]] == ["coming", "visit_code"]


def test_a_gateway_that_does_not_name_the_message_settles_what_fits(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick()
    scene.do("take", alert_id, scene.wang)
    scene.tick()
    heard(scene, "coming", alert_id)
    assert {letter.subject: letter.state for letter in scene.letters(Channel.HOME)} == {
        "seen": "pending",
        "coming": "sent",
    }
    with scene.work() as work:
        letter = scene.outbox.tell_home(work, "home-01", visit_code("李娜", "4711"), alert_id=None, expires_s=60)
    assert letter is not None
    scene.tick()
    heard(scene, "heard", "12")
    heard(scene, "visit_code", letter.id)
    assert [one.state for one in scene.letters(Channel.HOME) if one.subject == "visit_code"] == ["sent"]
