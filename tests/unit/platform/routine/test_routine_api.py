"""The routine of a home over the API: within scope, logged; its notes by day, read once and kept with the name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fixtures.web_harness import WebHarness

from anju_core.vocabulary import Role
from anju_platform.accounts.models import AuditEvent
from anju_platform.residents.models import Home, Resident
from anju_platform.routine.models import RoutineDay, RoutineNote

TODAY = date(2026, 3, 2)
REASON: dict[str, Any] = {
    "code": "routine_change",
    "facts": {"measure": "night_bathroom", "kind": "gradual", "recent": 5.0, "usual": 2.0, "weeks": 4},
}


def keep(web: WebHarness, home: str = "home-01") -> UUID:
    """Ten days of digests and a note."""
    with web.platform.work() as work:
        for number in range(1, 11):
            day = RoutineDay(home_id=home, day=TODAY - timedelta(days=number), known=True, rooms=["living"])
            day.sleep_h, day.wake_h, day.night_bathroom, day.out_h = -1.5, 6.5, float(number), None
            work.session.add(day)
        note = RoutineNote(id=work.new_id(), home_id=home, day=TODAY, measure="night_bathroom", kind="gradual")
        note.recent, note.usual, note.p, note.at = 5.0, 2.0, 0.002, work.clock.now()
        note.reason_code, note.reason_facts = REASON["code"], REASON["facts"]
        work.session.add(note)
        work.session.add(Resident(id=work.new_id(), home_id=home, name="王桂兰"))
        return note.id


def looks(web: WebHarness, what: str) -> list[AuditEvent]:
    with web.platform.work() as work:
        return work.session.query(AuditEvent).filter_by(what=what).all()


@pytest.mark.parametrize("role", [Role.WORKER, Role.SUPERVISOR])
def test_the_last_days_are_told_and_the_look_is_logged(web: WebHarness, role: Role) -> None:
    keep(web)
    headers = web.login(role)
    for _ in range(2):
        answer = web.client.get("/api/v1/homes/home-01/routine", params={"days": 7}, headers=headers)
    told = answer.json()
    assert (told["since"], told["until"]) == ("2026-02-23", "2026-03-01")
    assert [day["night_bathroom"] for day in told["days"]] == [7, 6, 5, 4, 3, 2, 1]
    assert (told["days"][0]["out_h"], told["days"][0]["sleep_h"]) == (None, -1.5)
    assert [(look.home_id, look.role) for look in looks(web, "routine")] == [("home-01", role.value)]


def test_a_home_out_of_scope_is_not_there(web: WebHarness) -> None:
    note = keep(web, "home-99")
    headers = web.login(Role.WORKER)
    assert web.client.get("/api/v1/homes/home-99/routine", headers=headers).status_code == 404
    assert web.client.get("/api/v1/homes/nowhere/routine", headers=headers).status_code == 404
    assert web.client.get("/api/v1/routine/notes", headers=headers).json() == []
    assert web.client.post(f"/api/v1/routine/notes/{note}/read", headers=headers).status_code == 404
    assert web.client.post(f"/api/v1/routine/notes/{uuid4()}/read", headers=headers).status_code == 404


@pytest.mark.parametrize("role", [Role.FAMILY, Role.CARER, Role.DISTRICT, Role.TESTER])
def test_others_see_no_routine(web: WebHarness, role: Role) -> None:
    note, headers = keep(web), web.login(role)
    assert web.client.get("/api/v1/homes/home-01/routine", headers=headers).status_code == 403
    assert web.client.get("/api/v1/routine/notes", headers=headers).status_code == 403
    assert web.client.post(f"/api/v1/routine/notes/{note}/read", headers=headers).status_code == 403


@pytest.mark.parametrize(("hours", "shown"), [(0, 1), (9.9, 1), (10, 0), (14, 0), (19.9, 0), (20, 1)])
def test_notes_wait_for_the_day(web: WebHarness, hours: float, shown: int) -> None:
    keep(web)
    web.clock.advance(timedelta(hours=hours))  # from noon in Shanghai
    answer = web.client.get("/api/v1/routine/notes", headers=web.login(Role.WORKER))
    assert [note["reason"] for note in answer.json()] == [REASON] * shown


def test_a_note_is_read_once_and_kept_with_who_did(web: WebHarness) -> None:
    note = keep(web)
    worker, supervisor = web.login(Role.WORKER), web.login(Role.SUPERVISOR)
    (told,) = web.client.get("/api/v1/routine/notes", headers=worker).json()
    assert (told["name"], told["building"], told["read_at"]) == ("王桂兰", "3", None)
    first = web.client.post(f"/api/v1/routine/notes/{note}/read", headers=worker).json()
    web.clock.advance(timedelta(minutes=5))
    second = web.client.post(f"/api/v1/routine/notes/{note}/read", headers=supervisor).json()
    assert first["read_by_name"] == second["read_by_name"] == "worker 王"
    assert first["read_at"] == second["read_at"]
    assert web.client.get("/api/v1/routine/notes", headers=worker).json() == []
    assert [(look.by_name, look.home_id, look.why) for look in looks(web, "routine_note")] == [
        ("worker 王", "home-01", str(note)),
        ("supervisor 王", "home-01", str(note)),
    ]


def test_a_page_reads_it_and_goes_back_to_the_board(web: WebHarness) -> None:
    note, headers = keep(web), web.login(Role.WORKER)
    plain = web.client.post(f"/routine/notes/{note}/read", headers=headers, follow_redirects=False)
    assert (plain.status_code, plain.headers["location"]) == (303, "/board")
    part = web.client.post(
        f"/routine/notes/{note}/read", headers=headers | {"hx-request": "true"}, follow_redirects=False
    )
    assert part.headers["location"] == "/board/list"


def test_a_home_without_people_is_called_by_its_id(web: WebHarness) -> None:
    keep(web)
    with web.platform.work() as work:
        for person in work.session.get_one(Home, "home-01").residents:
            work.session.delete(person)
    (told,) = web.client.get("/api/v1/routine/notes", headers=web.login(Role.WORKER)).json()
    assert told["name"] == "home-01"
