"""SIGKILL at a random moment of the scenario: nothing is lost, nothing doubled, and every alert ends closed.

In each of three rounds a press (twice), a fall and a silence are in flight, each with the whole way of its visit; the
victim is killed at a moment drawn by the round's seed. What runs longer than its round meets the next kill too.
`ANJU_SIEGE_ROUNDS` makes it longer.

What is delivered at least once is made to count once at its end: a home's command is known to its gateway by its id,
which is the outbox row's; a page's message carries the same id; an outbox row is unique by its `dedup`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from acceptance.siege import KINDS, ROUNDS, Facts, Siege, rounds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 30 * ROUNDS)]
ROUND_S = {"platform": 14.0, "gateway": 9.0, "broker": 14.0}
"""A platform that was away, or cut off, listens for ten seconds before it believes a silence."""
ONCE = ("raised", "acknowledged", "visited", "resolved")
TOLD = {
    "press": {"seen", "coming", "visit_code", "closed"},
    "fall": {"coming", "visit_code", "closed"},
    "silence": {"seen", "coming", "visit_code", "closed"},
}
"""What each elder hears at least; a fall that was taken while it was suspected is seen by who comes."""
SOUGHT = {"正在请人上门": "dispatched", "暂时没有人能上门": "visit_failed", "还没有请到人上门": "escalated"}
"""What a home says while somebody is sought, with the step that has it said: it says so again for each such step."""
WAITING = "还没有人接手"
"""With this a home begins each minute, until somebody has taken the alert."""
SAYING_S = 3.0
"""Between saying something and having written down that it was said a gateway may be killed: then it says it again."""


@pytest.fixture(scope="module")
def sieges(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[Facts]]:
    """One for each victim that a chosen test asks for, all at the same time."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    victims = sorted({str(params["siege"]) for params in chosen if "siege" in params})
    with ThreadPoolExecutor(len(victims)) as threads:
        return {
            victim: threads.submit(Siege(tmp_path_factory.mktemp(victim), victim, ROUND_S[victim]).run)
            for victim in victims
        }


@pytest.fixture(params=sorted(ROUND_S))
def siege(request: pytest.FixtureRequest, sieges: dict[str, Future[Facts]]) -> tuple[str, Facts]:
    return request.param, sieges[request.param].result()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_each_event_of_a_round_is_one_alert_that_went_its_whole_way(siege: tuple[str, Facts], seed: int) -> None:
    _, facts = siege
    one = rounds()[seed]
    for what, kinds in KINDS.items():
        alerts = facts.of(getattr(one, what))
        assert [alert["kind"] in kinds for alert in alerts] == [True], f"{what}: {[a['kind'] for a in alerts]}"
        steps = Counter(step["step"] for step in alerts[0]["history"])
        assert {step: steps[step] for step in ONCE} == dict.fromkeys(ONCE, 1), f"{what}: {steps}"
        assert alerts[0]["outcome"] == "real_helped"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_each_press_of_a_round_is_told_exactly_once(siege: tuple[str, Facts], seed: int) -> None:
    _, facts = siege
    home = rounds()[seed].press
    told = [
        step["detail"]["happened_at"]
        for alert in facts.of(home)
        for step in alert["history"]
        if step["step"] in {"raised", "repeated", "noted"} and "happened_at" in step["detail"]
    ]
    assert len(told) == len(set(told)) == len(facts.pressed[home]) == 2


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_movement_of_a_round_is_stored_once(siege: tuple[str, Facts], seed: int) -> None:
    _, facts = siege
    home = rounds()[seed].press
    wanted = sorted((device, ms) for where, device, ms in facts.measured if where == home)
    assert sorted(facts.stored[home]) == wanted


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_elders_of_a_round_are_told_everything_and_nothing_twice(siege: tuple[str, Facts], seed: int) -> None:
    victim, facts = siege
    one = rounds()[seed]
    for what in KINDS:
        home = getattr(one, what)
        said = [message for where, message in facts.said if where == home]
        overtaken = {one["subject"] for one in facts.messages if one["address"] == home and one["state"] == "dropped"}
        assert TOLD[what] <= {message["announce"] for message in said} | (overtaken - {"closed"}), what
        if what != "silence":
            assert {"heard", "not_reached"} & {message["announce"] for message in said}, "an answer at once, and true"
        # Who presses again is told again how it stands, and a worker asks again where nobody could come; a gateway that
        # is killed while it says something says it again.
        pressed_again = max(len(facts.pressed.get(home, [])) - 1, 0)
        steps = [step["step"] for alert in facts.of(home) for step in alert["history"]]
        unexplained = [
            again
            for again in _repeated(said)
            if victim != "gateway" or not facts.near_a_kill(again[0]["at"], 0.0, SAYING_S)
        ]
        explained = pressed_again
        for text, step in SOUGHT.items():
            of_it = [pair for pair in unexplained if text in pair[0]["zh"]]
            explained += min(len(of_it), max(steps.count(step) - 1, 0))
        killed = [round(at, 1) for at in facts.killed]
        assert len(unexplained) <= explained, f"{what}: {unexplained}; {steps}; killed: {killed}"


def test_every_message_arrived_and_none_was_written_twice(siege: tuple[str, Facts]) -> None:
    _, facts = siege
    home = [message for message in facts.messages if message["channel"] == "home"]
    assert {message["state"] for message in home} <= {"sent", "dropped"}, (
        "said by its gateway, or overtaken by newer news"
    )
    assert all(message["sent_at"] for message in home if message["state"] == "sent")
    assert len({message["dedup"] for message in facts.messages}) == len(facts.messages)
    shown = Counter(facts.shown)
    twice = [message for message in facts.messages if shown[message["id"]] > 1]
    assert not [message for message in twice if message["tries"] == 1], "one try shows a message once"


def _repeated(said: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Sayings that were given to the annunciator again, each with the one before."""
    by_key: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for message in said:
        if not message["zh"].startswith(WAITING):
            by_key.setdefault((message["announce"], message["reference"], message["zh"]), []).append(message)
    return [pair for messages in by_key.values() for pair in pairwise(messages)]
