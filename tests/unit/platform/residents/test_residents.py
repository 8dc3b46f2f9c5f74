"""Homes and their people: found, shown within scope, logged; absences told and taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from fixtures.web_harness import WebHarness
from hypothesis import given
from hypothesis import strategies as st

from anju_core.events import AbsenceChanged, Event
from anju_core.vocabulary import AlertKind, AlertState, Role, VisitCategory, VisitState
from anju_platform.accounts.models import AuditEvent
from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.models import Device
from anju_platform.monitoring.models import HomeSupervision, InactivityDeadline
from anju_platform.residents.models import Consent, Contact, Home, Resident
from anju_platform.residents.pinyin import search_words
from anju_platform.residents.records import age_on
from anju_platform.residents.search import Query, parse
from anju_platform.timeseries.store import Reading
from anju_platform.visits.models import VisitTask


@pytest.fixture
def peopled(web: WebHarness) -> WebHarness:
    """王桂兰 in home-01, 李明 in another community's home-99."""
    with web.platform.work() as work:
        home = work.session.get_one(Home, "home-01")
        home.door_code = "1234#"
        for home_id, name in (("home-01", "王桂兰"), ("home-99", "李明")):
            person = Resident(id=work.new_id(), home_id=home_id, name=name, pinyin=search_words(name))
            person.born, person.phone, person.illnesses = date(1944, 3, 3), "12800001", "高血压"
            work.session.add(person)
            work.session.flush()
            for scope in ("health_notes", "family_summary"):
                work.session.add(
                    Consent(id=work.new_id(), resident_id=person.id, scope=scope, given_at=work.clock.now())
                )
            contact = Contact(id=work.new_id(), resident_id=person.id, position=1, name="family 王", phone="1")
            contact.relation = "女儿"
            work.session.add(contact)
        work.session.add(Device(home_id="home-01", id="door-entrance", kind="door", room="entrance"))
    return web


def looks(web: WebHarness, what: str) -> list[AuditEvent]:
    with web.platform.work() as work:
        return work.session.query(AuditEvent).filter_by(what=what).all()


@pytest.mark.parametrize(
    "text", ["王桂兰", "桂", "wgl", "wanggui", "WGL", "春晖里", "3号楼", "3", "3-2-501", "501室", "", "春晖里 3 栋"]
)
def test_residents_are_found_as_people_ask_for_them(peopled: WebHarness, text: str) -> None:
    answer = peopled.client.get("/api/v1/residents", params={"q": text}, headers=peopled.login(Role.WORKER))
    assert [row["name"] for row in answer.json()["rows"]] == ["王桂兰"]
    assert answer.json()["more"] is False


@pytest.mark.parametrize("text", ["李", "lm", "gl", "9号楼", "%", "_", "2-2-501"])
def test_what_does_not_match_or_is_out_of_scope_is_not_found(peopled: WebHarness, text: str) -> None:
    answer = peopled.client.get("/api/v1/residents", params={"q": text}, headers=peopled.login(Role.WORKER))
    assert answer.json()["rows"] == []


def test_search_tells_of_what_is_hidden_and_is_logged(peopled: WebHarness) -> None:
    headers = peopled.login(Role.TESTER)
    answer = peopled.client.get("/api/v1/residents", params={"limit": 1}, headers=headers).json()
    assert (len(answer["rows"]), answer["more"]) == (1, True)
    peopled.client.get("/api/v1/residents", headers=headers)
    assert sorted(str(look.home_id) for look in looks(peopled, "search")) == ["home-01", "home-99"]
    peopled.clock.advance(timedelta(minutes=11))
    peopled.client.get("/api/v1/residents", headers=headers)
    assert len(looks(peopled, "search")) == 4


def test_search_shows_the_state_of_each_home(peopled: WebHarness) -> None:
    now = peopled.clock.now()
    with peopled.platform.work() as work:
        work.session.add(HomeSupervision(home_id="home-01", offline_since=now))
        work.session.add(InactivityDeadline(home_id="home-01", last_life_at=now, due_at=None, explained={}))
        work.session.add(alert_of(peopled, AlertKind.SOS, AlertState.ACKNOWLEDGED))
    row = peopled.client.get("/api/v1/residents", headers=peopled.login(Role.WORKER)).json()["rows"][0]
    assert (row["age"], row["open_alerts"], row["all_acknowledged"]) == (81, 1, True)
    assert datetime.fromisoformat(row["offline_since"]) == datetime.fromisoformat(row["last_life_at"]) == now


def alert_of(web: WebHarness, kind: AlertKind, state: AlertState = AlertState.RAISED) -> Alert:
    now = web.clock.now()
    with web.platform.work() as work:
        number = work.new_id()
    alert = Alert(id=number, community_id="anning", home_id="home-01", kind=kind.value, episode="1", state=state.value)
    alert.happened_at = alert.due_since = alert.raised_at = alert.escalation_started_at = now
    alert.reason_code, alert.reason_facts = "", {}
    alert.facts = {}
    return alert


def test_home_is_shown_whole_and_the_look_is_logged(peopled: WebHarness) -> None:
    with peopled.platform.work() as work:
        work.session.add(alert_of(peopled, AlertKind.FALL))
    home = peopled.client.get("/api/v1/homes/home-01", headers=peopled.login(Role.WORKER)).json()
    assert home["residents"][0]["illnesses"] == "高血压"
    assert home["residents"][0]["contacts"][0]["relation"] == "女儿"
    assert home["devices"][0]["id"] == "door-entrance"
    assert home["open_alerts"][0]["kind"] == "fall"
    assert home["inactivity"] == {"last_life_at": None, "deadline_at": None, "explained": {}}
    assert home["has_door_code"] is True
    assert "1234#" not in str(home)
    assert [look.home_id for look in looks(peopled, "home")] == ["home-01"]


def test_health_is_hidden_without_consent(peopled: WebHarness) -> None:
    with peopled.platform.work() as work:
        for consent in work.session.query(Consent).filter_by(scope="health_notes"):
            consent.withdrawn_at = work.clock.now()
    home = peopled.client.get("/api/v1/homes/home-01", headers=peopled.login(Role.WORKER)).json()
    assert home["residents"][0]["illnesses"] == ""


@pytest.mark.parametrize("path", ["", "/activity", "/door-code?why=x"])
def test_home_of_another_community_is_not_there(peopled: WebHarness, path: str) -> None:
    headers = peopled.login(Role.WORKER)
    theirs = peopled.client.get(f"/api/v1/homes/home-99{path}", headers=headers)
    none = peopled.client.get(f"/api/v1/homes/home-00{path}", headers=headers)
    assert theirs.status_code == 404
    assert theirs.json() == none.json()


@pytest.mark.parametrize("role", [Role.CARER, Role.PROVIDER, Role.FAMILY, Role.DISTRICT])
def test_homes_are_for_the_community_s_people(peopled: WebHarness, role: Role) -> None:
    headers = peopled.login(role)
    for path in ("residents", "homes/home-01", "homes?supervision=lost", "homes/home-01/activity"):
        assert peopled.client.get(f"/api/v1/{path}", headers=headers).status_code == 403


def test_door_code_wants_a_reason_and_is_logged(peopled: WebHarness) -> None:
    headers = peopled.login(Role.WORKER)
    assert peopled.client.get("/api/v1/homes/home-01/door-code", headers=headers).status_code == 422
    assert peopled.client.get("/api/v1/homes/home-01/door-code?why=%20", headers=headers).status_code == 422
    assert looks(peopled, "door_code") == []
    answer = peopled.client.get("/api/v1/homes/home-01/door-code?why=no+answer", headers=headers)
    assert answer.json() == {"home_id": "home-01", "door_code": "1234#"}
    assert [(look.home_id, look.why) for look in looks(peopled, "door_code")] == [("home-01", "no answer")]
    with peopled.platform.work() as work:
        work.session.get_one(Home, "home-01").door_code = ""
    assert peopled.client.get("/api/v1/homes/home-01/door-code?why=x", headers=headers).status_code == 409


def test_strip_is_the_day_as_it_is_there(peopled: WebHarness) -> None:
    def at(hour: int, day: int = 1) -> Reading:
        moment = datetime(2026, 3, day, hour, tzinfo=UTC).timestamp()
        return Reading(moment, "motion-living", "living", "occupancy", 1.0)

    peopled.platform.series.rows["home-01"] = [at(15), at(16), at(15, 2), at(16, 2)]
    answer = peopled.client.get(
        "/api/v1/homes/home-01/activity?day=2026-03-02", headers=peopled.login(Role.WORKER)
    ).json()
    assert [sign["at"] for sign in answer["readings"]] == ["2026-03-01T16:00:00Z", "2026-03-02T15:00:00Z"]
    assert len(looks(peopled, "activity")) == 1


def test_offline_homes_name_the_alert_and_the_repair(peopled: WebHarness) -> None:
    now = peopled.clock.now()
    with peopled.platform.work() as work:
        work.session.add(HomeSupervision(home_id="home-01", offline_since=now, reason_code="gateway_offline"))
        work.session.add(HomeSupervision(home_id="home-99", offline_since=now))
        offline = alert_of(peopled, AlertKind.HOME_OFFLINE)
        work.session.add(offline)
        repair = VisitTask(id=work.new_id(), home_id="home-01", community_id="anning", created_at=now, arrive_by=now)
        repair.category, repair.state = VisitCategory.REPAIR.value, VisitState.OFFERED.value
        repair.check_in_proof, repair.tasks, repair.report = {}, [], {}
        work.session.add(repair)
    rows = peopled.client.get("/api/v1/homes?supervision=lost", headers=peopled.login(Role.WORKER)).json()
    assert [(row["home_id"], row["alert_id"], row["repair"]) for row in rows] == [
        ("home-01", str(offline.id), "offered")
    ]


def test_absence_is_told_and_taken_back(peopled: WebHarness) -> None:
    headers = peopled.login(Role.FAMILY)
    until = peopled.clock.now() + timedelta(days=2)
    told = peopled.client.post("/api/v1/homes/home-01/absences", json={"until": until.isoformat()}, headers=headers)
    assert told.status_code == 201
    assert told.json()["told_by"] == "family 王"
    ended = peopled.client.post(f"/api/v1/absences/{told.json()['id']}/end", headers=headers)
    assert ended.status_code == 200
    assert peopled.client.post(f"/api/v1/absences/{told.json()['id']}/end", headers=headers).status_code == 409
    other = peopled.client.post("/api/v1/homes/home-99/absences", json={"until": until.isoformat()}, headers=headers)
    assert other.status_code == 404


def test_absence_is_an_event_for_the_watch(peopled: WebHarness) -> None:
    told: list[Event] = []
    dispatcher = EventDispatcher()
    dispatcher.subscribe_after(AbsenceChanged, told.append)
    now = peopled.clock.now()
    with peopled.platform.work() as plain:
        secret = peopled.login(Role.WORKER)["Authorization"].removeprefix("Bearer ")
        actor = peopled.platform.access.find_session(plain, secret).actor
    with UnitOfWork(lambda: peopled.platform.work().__enter__().session, dispatcher, peopled.clock) as work:  # type: ignore[arg-type]
        peopled.platform.residents.tell_absence(
            work, actor, "home-01", now + timedelta(days=1), now + timedelta(hours=1)
        )
    start, until = now + timedelta(hours=1), now + timedelta(days=1)
    assert told == [AbsenceChanged(at=now, home_id="home-01", start=start, until=until, by_name="worker 王")]


@pytest.mark.parametrize(
    ("start_h", "until_h"), [(0, 0), (0, -1), (5, 4), (-10, -1), (0, 24 * 31 + 1), (24 * 20, 24 * 40), (0, 24 * 92)]
)
def test_absences_that_cannot_be_are_refused(peopled: WebHarness, start_h: int, until_h: int) -> None:
    now = peopled.clock.now()
    given = {"start": now + timedelta(hours=start_h), "until": now + timedelta(hours=until_h)}
    body = {name: at.isoformat() for name, at in given.items()}
    answer = peopled.client.post("/api/v1/homes/home-01/absences", json=body, headers=peopled.login(Role.WORKER))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:anju:problem:invalid-absence")


def test_naive_times_are_refused(peopled: WebHarness) -> None:
    body = {"until": "2026-03-05T10:00:00"}
    answer = peopled.client.post("/api/v1/homes/home-01/absences", json=body, headers=peopled.login(Role.WORKER))
    assert answer.status_code == 422


def test_queries_are_taken_apart() -> None:
    assert parse(" 春晖里 3 号楼2单元 501室 ") == Query("春晖里", "3", "2", "501")
    assert parse("3-2-501") == Query("", "3", "2", "501")
    assert parse("WGL") == Query("wgl")
    assert search_words("王桂兰") == "wangguilan wgl"


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for(text: str) -> None:
    query = parse(text)
    assert len(query.text) <= 200
    assert " " not in query.text


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.dates(date(2020, 1, 2), date(2100, 1, 1)))
def test_age_counts_birthdays(born: date, day: date) -> None:
    age = age_on(born, day)
    assert age is not None
    assert age == sum((day >= _birthday(born, year)) for year in range(born.year + 1, day.year + 1))


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
