"""The district's figures on SQLite and PostgreSQL: since when a home is counted, and every page over them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fixtures.alert_harness import AlertHarness
from fixtures.tenants import open_district
from sqlalchemy import select

from anju_core.scope import WHOLE_DISTRICT, Communities
from anju_platform.residents.enrolment import Enrolment, list_enrolments
from anju_platform.residents.models import Consent, Resident


def test_a_home_is_enrolled_from_consent_until_withdrawal(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    now = harness.clock.now()
    given, withdrawn = now - timedelta(days=9), now - timedelta(days=2)
    with harness.work() as work:
        person = work.session.scalars(select(Resident.id).where(Resident.home_id == "home-01")).one()
        for scope, at, until in (("monitoring", given, withdrawn), ("health_notes", given - timedelta(days=9), None)):
            consent = Consent(id=work.new_id(), resident_id=person, scope=scope, given_at=at, withdrawn_at=until)
            work.session.add(consent)
    with harness.work() as work:
        found = list_enrolments(work, WHOLE_DISTRICT)
        assert found["home-01"] == Enrolment("anning", given, withdrawn)
        assert found["home-99"] == Enrolment("elsewhere", None)
        assert set(list_enrolments(work, Communities(frozenset({"anning"})))) == {"home-01", "home-02"}
    assert found["home-01"].clip(now - timedelta(days=5), now) == (now - timedelta(days=5), withdrawn)
    assert found["home-01"].clip(withdrawn, now) is None
    assert found["home-99"].clip(given, now) is None


@pytest.mark.parametrize("login", ["district", "supervisor"])
def test_every_page_of_the_district_is_read_on_both_databases(database_url: str, tmp_path: Path, login: str) -> None:
    with open_district(database_url, tmp_path) as district:
        homes = {"district": 2, "supervisor": 1}[login]
        page = district.ask(login, "GET", "/district?by=month").text
        assert f"共 {homes} 户，从每户开通之日算起。" in page
        assert district.ask(login, "GET", "/district/export").content[:2] == b"PK"
        assert "王桂兰" in district.ask(login, "GET", "/district/cases?kpi=answered_180s&why=抽查").text
        assert district.ask(login, "GET", "/wall/now").status_code == 200
        for path in (f"/reports/alerts/{district.own.alert}", f"/reports/visits/{district.own.visit}"):
            assert "王桂兰" in district.ask(login, "GET", f"{path}?why=抽查").text
