"""An account that lacks what its role needs sees nothing; what a resident no longer agrees to is shown to nobody."""

from __future__ import annotations

from uuid import UUID

import pytest
from fixtures.tenants import DOOR_CODE, ILLNESS, KEY_HOLDER, PET, District
from sqlalchemy.exc import IntegrityError

from anju_core.scope import NOTHING, WHOLE_DISTRICT, ScopeKind, scope_of
from anju_core.vocabulary import Role
from anju_platform.accounts.errors import ScopeMissing
from anju_platform.accounts.models import Account
from anju_platform.accounts.service import AccountService, NewAccount
from anju_platform.devices.service import DeviceService


@pytest.mark.parametrize("role", [Role.WORKER, Role.SUPERVISOR])
@pytest.mark.parametrize("path", ["/api/v1/alerts?state=all", "/api/v1/visits", "/api/v1/residents", "/board"])
def test_staff_without_community_sees_no_home(district: District, path: str, role: Role) -> None:
    district.open_account("lost", role)
    answer = district.ask("lost", "GET", path)
    assert answer.status_code == 200, answer.text
    for tenant in district.tenants.values():
        assert tenant.elder not in answer.text
        assert tenant.home not in answer.text


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.CARER])
def test_a_provider_account_without_provider_sees_no_visit(district: District, role: Role) -> None:
    district.open_account("lost", role)
    assert district.ask("lost", "GET", "/api/v1/visits").json() == []
    for tenant in district.tenants.values():
        assert district.ask("lost", "GET", f"/api/v1/visits/{tenant.visit}").status_code == 404
    if role is Role.PROVIDER:
        assert "春晖里" not in district.ask("lost", "GET", "/provider").text


def _board(district: District) -> str:
    return district.ask("worker", "GET", f"/board/{district.own.alert}").text


def _home(district: District) -> str:
    own = district.own
    pages = [f"/homes/{own.home}", f"/api/v1/homes/{own.home}"]
    return "".join(district.ask("worker", "GET", path).text for path in pages)


def _visit(district: District) -> str:
    return district.ask("carer", "GET", f"/carer/visits/{district.own.visit}").text


def _accept(district: District) -> None:
    answer = district.ask("carer", "POST", f"/api/v1/visits/{district.own.visit}/accept")
    assert answer.status_code == 200, answer.text


def test_notes_are_shown_where_the_resident_agrees(district: District) -> None:
    _accept(district)
    for text in (_board(district), _home(district), _visit(district)):
        assert {note: note in text for note in (ILLNESS, KEY_HOLDER, PET)} == dict.fromkeys(
            (ILLNESS, KEY_HOLDER, PET), True
        )


def test_health_notes_are_shown_nowhere_once_the_consent_is_withdrawn(district: District) -> None:
    district.withdraw("health_notes")
    _accept(district)
    for text in (_board(district), _home(district), _visit(district)):
        assert ILLNESS not in text
        assert KEY_HOLDER in text


def test_how_to_get_in_is_shown_nowhere_once_the_consent_is_withdrawn(district: District) -> None:
    district.withdraw("provider_door")
    _accept(district)
    for text in (_board(district), _home(district), _visit(district)):
        assert KEY_HOLDER not in text
        assert PET not in text
        assert ILLNESS in text
    shown = district.ask("worker", "POST", f"/board/{district.own.alert}/door-code")
    assert (shown.status_code, DOOR_CODE in shown.text) == (200, False)
    asked = district.ask("worker", "GET", f"/api/v1/homes/{district.own.home}/door-code?why=x")
    assert (asked.status_code, DOOR_CODE in asked.text) == (409, False)


def test_a_carer_reads_nothing_about_the_door_before_she_accepts(district: District) -> None:
    for note in (ILLNESS, KEY_HOLDER, PET, "12800001"):
        assert note not in _visit(district)


@pytest.mark.parametrize("role", [Role.WORKER, Role.SUPERVISOR, Role.CARER, Role.PROVIDER, Role.FAMILY])
def test_no_account_is_opened_that_lacks_its_scope(district: District, role: Role) -> None:
    access = district.platform.services.get(AccountService)
    new = NewAccount(login="new", name="新", role=role, password="a long enough one")
    with pytest.raises(ScopeMissing), district.platform.work() as work:
        access.open_account(work, new)
    row = Account(id=UUID(int=1), login="new", name="新", role=role.value, password_hash="-")
    with pytest.raises(IntegrityError), district.platform.work() as work:
        work.session.add(row)


def test_the_district_is_seen_by_a_supervisor_only_of_whom_it_is_said(district: District) -> None:
    district.open_account("of-all", Role.SUPERVISOR, scope_kind="district")
    rows = district.ask("of-all", "GET", "/api/v1/residents").text
    assert all(tenant.elder in rows for tenant in district.tenants.values())
    for kind in ("provider", "home", "community"):
        district.open_account(f"wrong-{kind}", Role.SUPERVISOR, scope_kind=kind)
        assert district.own.elder not in district.ask(f"wrong-{kind}", "GET", "/api/v1/residents").text
    contradiction = {"community_id": "anning", "scope_kind": "district"}
    district.open_account("both", Role.SUPERVISOR, **contradiction)
    assert district.own.elder not in district.ask("both", "GET", "/api/v1/residents").text
    for role in (Role.SUPERVISOR, Role.DISTRICT, Role.WORKER):
        row = Account(id=UUID(int=2), login="new", name="新", role=role.value, password_hash="-", **contradiction)
        with pytest.raises(IntegrityError), district.platform.work() as work:
            work.session.add(row)


@pytest.mark.parametrize("kind", list(ScopeKind))
@pytest.mark.parametrize("role", list(Role))
def test_no_kind_of_scope_gives_more_than_it_says(role: Role, kind: ScopeKind) -> None:
    assert scope_of(role, None, None, None, kind) in {NOTHING, WHOLE_DISTRICT}
    if kind is not ScopeKind.DISTRICT or role in {Role.WORKER, Role.CARER, Role.PROVIDER, Role.FAMILY}:
        for empty in (None, ""):
            assert scope_of(role, empty, empty, empty, kind) == NOTHING
    else:
        assert scope_of(role, None, None, None, kind) == WHOLE_DISTRICT
        for named in ("", "anning"):
            assert scope_of(role, named, None, None, kind) == NOTHING


@pytest.mark.parametrize("login", ["district", "tester"])
def test_who_works_with_figures_reads_homes_by_their_ids(district: District, login: str) -> None:
    own = district.own
    for path in ("/api/v1/alerts", "/api/v1/visits", f"/api/v1/alerts/{own.alert}", f"/api/v1/visits/{own.visit}"):
        text = district.ask(login, "GET", path).text
        assert own.home in text, path
        for told in (own.elder, "春晖里", "12800001", "32.93"):
            assert told not in text, path
    page = district.ask(login, "GET", f"/{login}").text
    assert own.elder not in page
    if login == "tester":
        for path in (f"/api/v1/homes/{own.home}", "/api/v1/residents", f"/api/v1/homes?supervision=lost&q={own.elder}"):
            assert own.elder not in district.ask(login, "GET", path).text
        assert district.ask(login, "GET", f"/api/v1/residents?q={own.elder}").json()["rows"] == []
        assert own.home in page


def test_the_district_opens_a_case_for_a_reason_that_is_kept(district: District) -> None:
    own = district.own
    opened = district.ask("district", "GET", f"/api/v1/alerts/{own.alert}?why=complaint 17").json()
    assert opened["name"] == own.elder
    assert district.ask("tester", "GET", f"/api/v1/alerts/{own.alert}?why=complaint 17").json()["name"] == own.home
    why = [look.why for look in district.looks(role="district", what="alert")]
    assert why == [f"{own.alert} complaint 17"]


def test_quarantine_is_of_the_community_on_whose_topic_it_came(district: District) -> None:
    devices = district.platform.services.get(DeviceService)
    topics = [f"anju/v1/{one.community}/{one.home}/alarm" for one in district.tenants.values()]
    topics += ["anju/v1/anningx/home-01/alarm", "elsewhere/anju/v1/anning/home-01/alarm"]
    with district.platform.work() as work:
        for topic in topics:
            devices.quarantine_message(work, topic, "$", "a reason", b"x")

    def seen(login: str) -> set[str]:
        answer = district.ask(login, "GET", "/api/v1/devices/quarantine")
        return {row["topic"] for row in answer.json()["messages"]}

    assert seen("supervisor") == {topics[0]}
    assert seen("supervisor-2") == {topics[1]}
    assert seen("tester") == set(topics)
    assert {look.home_id for look in district.looks(role="supervisor", what="quarantine")} == {"home-01", "home-99"}
