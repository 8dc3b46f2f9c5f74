"""Staff of a scenario who lose the platform in the middle of a step."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from anju_sim.scenario import StaffAction, StaffRole, StaffStep
from anju_sim.staff import AlertProgress, CallRefused, SeededLogin, StaffClient, StaffScript

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


def person(platform: Callable[[httpx.Request], httpx.Response], name: str) -> StaffClient:
    one = StaffClient("http://platform", SeededLogin(name, "", "worker"))
    one.http = httpx.Client(base_url="http://platform/api/v1", transport=httpx.MockTransport(platform))
    return one


def acting(platform: Platform, action: StaffAction, times: int) -> AlertProgress:
    role = StaffRole.CARER if action is StaffAction.ACCEPT else StaffRole.WORKER
    staff = StaffScript(
        person(platform, "wang"), [person(platform, "li")], [StaffStep(role=role, action=action)], lambda _: None
    )
    progress = AlertProgress("alert", "home")
    for second in range(times):
        staff.advance(progress, float(second))
    return progress


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
    progress = acting(Platform(*answers), StaffAction.DISPATCH, len(answers))
    assert (progress.step, progress.done) == (done, [StaffAction.DISPATCH] * done)
    assert bool(progress.refusal) is not bool(done)


def test_an_offer_whose_acceptance_was_lost_is_accepted_again() -> None:
    platform = Platform(OFFERS, LOST, BUSY, COLLISION, DONE)
    assert acting(platform, StaffAction.ACCEPT, 4).step == 1
    assert platform.asked == ["GET /visits", *["POST /visits/visit/accept"] * 4]


def test_an_offer_that_lapsed_meanwhile_is_looked_for_again() -> None:
    platform = Platform(OFFERS, LOST, LAPSED, NO_OFFERS, OFFERS, DONE)
    assert acting(platform, StaffAction.ACCEPT, 4).step == 1
    assert platform.asked[-3:] == ["GET /visits", "GET /visits", "POST /visits/visit/accept"]


def test_a_lost_list_of_offers_makes_no_refusal_an_acceptance() -> None:
    platform = Platform(LOST, OFFERS, CONFLICT, OFFERS, DONE)
    progress = acting(platform, StaffAction.ACCEPT, 2)
    assert (progress.step, progress.unsure) == (0, False)
    assert platform.asked[-1] == "POST /visits/visit/accept"


def test_what_can_never_be_done_is_said() -> None:
    with pytest.raises(CallRefused, match="403 not yours"):
        acting(Platform(httpx.Response(403, json={"detail": "not yours"})), StaffAction.RESOLVE, 1)
