"""An account that lacks what its role needs sees nothing; what a resident no longer agrees to is shown to nobody."""

from __future__ import annotations

import pytest
from fixtures.tenants import DOOR_CODE, ILLNESS, KEY_HOLDER, PET, District

from anju_core.vocabulary import Role


@pytest.mark.parametrize("path", ["/api/v1/alerts?state=all", "/api/v1/visits", "/api/v1/residents", "/board"])
def test_a_worker_without_community_sees_no_home(district: District, path: str) -> None:
    district.open_account("lost", Role.WORKER)
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
