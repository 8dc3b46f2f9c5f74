"""People of a story who lose the platform in the middle of an act."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from anju_sim.people import CallRefused, Course, Login, People, Person
from anju_sim.story import Act, Deed, Who

LOST, BUSY = "lost", httpx.Response(503, json={"detail": "the records cannot be reached"})
COLLISION = httpx.Response(409, json={"type": "urn:anju:problem:changed-meanwhile", "detail": "look again"})
CONFLICT = httpx.Response(409, json={"type": "urn:anju:problem:visit-already-requested", "detail": "already"})
LAPSED = httpx.Response(409, json={"type": "urn:anju:problem:offer-lapsed", "detail": "timed out"})
DONE = httpx.Response(200, json={})
OFFERS = httpx.Response(200, json=[{"id": "visit", "alert_id": "alert"}])
NO_OFFERS = httpx.Response(200, json=[])


class Platform:
    """Answers one request after the other."""

    def __init__(self, *answers: httpx.Response | str) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path.removeprefix('/api/v1')}")
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise httpx.ReadError(answer)
        return answer


def person(platform: Callable[[httpx.Request], httpx.Response], name: str) -> Person:
    one = Person("http://platform", Login(name, "", "worker"))
    one.client = httpx.Client(base_url="http://platform/api/v1", transport=httpx.MockTransport(platform))
    return one


def acting(platform: Platform, deed: Deed, times: int) -> Course:
    who = Who.CARER if deed is Deed.ACCEPT else Who.WORKER
    people = People(person(platform, "wang"), [person(platform, "li")], [Act(who=who, does=deed)], lambda _: None)
    course = Course("alert", "home")
    for second in range(times):
        people.act(course, float(second))
    return course


@pytest.mark.parametrize(
    ("answers", "done"),
    [
        ([DONE], 1),
        ([LOST, CONFLICT], 1),
        ([LOST, BUSY, CONFLICT], 1),
        ([LOST, COLLISION, CONFLICT], 1),
        ([LOST, COLLISION], 0),
        ([LOST, DONE], 1),
        ([CONFLICT, CONFLICT], 0),
        ([BUSY, CONFLICT], 0),
    ],
)
def test_a_conflict_says_that_it_was_done_only_after_an_answer_was_lost(
    answers: list[httpx.Response | str], done: int
) -> None:
    course = acting(Platform(*answers), Deed.DISPATCH, len(answers))
    assert (course.step, course.done) == (done, [Deed.DISPATCH] * done)
    assert bool(course.refusal) is not bool(done)


def test_an_offer_whose_acceptance_was_lost_is_accepted_again() -> None:
    platform = Platform(OFFERS, LOST, BUSY, COLLISION, DONE)
    assert acting(platform, Deed.ACCEPT, 4).step == 1
    assert platform.asked == ["GET /visits", *["POST /visits/visit/accept"] * 4]


def test_an_offer_that_lapsed_meanwhile_is_looked_for_again() -> None:
    platform = Platform(OFFERS, LOST, LAPSED, NO_OFFERS, OFFERS, DONE)
    assert acting(platform, Deed.ACCEPT, 4).step == 1
    assert platform.asked[-3:] == ["GET /visits", "GET /visits", "POST /visits/visit/accept"]


def test_what_can_never_be_done_is_said() -> None:
    with pytest.raises(CallRefused, match="403 not yours"):
        acting(Platform(httpx.Response(403, json={"detail": "not yours"})), Deed.RESOLVE, 1)
