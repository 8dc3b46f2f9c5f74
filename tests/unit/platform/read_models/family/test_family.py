"""The family's sentence: never "fine" without a sign of life, never more than the elder shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fixtures.web_harness import WORDS, WebHarness

from anju_core.elder_situation import ElderSituation
from anju_core.family_sentence import FamilyPhrase, FamilyState, HomeEvent, Known, Phrase, state_family
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, AlertState, Outcome, Role, VisitCategory, VisitState
from anju_platform.alerts.models import Alert
from anju_platform.i18n.family_sentences import FamilyReader
from anju_platform.monitoring.models import HomeSupervision, InactivityDeadline
from anju_platform.read_models.family.kinship import kinship_name
from anju_platform.residents.models import Absence, Consent, Contact, Resident
from anju_platform.timeseries.store import Reading
from anju_platform.visits.models import VisitTask
from anju_wire.profiles import LIFE_QUANTITIES, Quantity

NOW = datetime(2026, 3, 2, 12, 50, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


def reader(locale: str = "zh", name: str = "妈妈") -> FamilyReader:
    return FamilyReader(WORDS[locale], name, NOW, ZONE)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_state_and_every_phrase_has_words_in_both_languages(locale: str) -> None:
    said = [reader(locale).headline(state) for state in FamilyState]
    facts = {"helper": "Wang", "at": NOW, "text": "x"}
    plain = [key for key in FamilyPhrase if key not in {FamilyPhrase.HAPPENED, FamilyPhrase.ENDED}]
    said += [reader(locale).phrase(Phrase(key, {"helper": "Wang", "text": "x"})) for key in plain]
    kinds = [kind for kind in AlertKind if kind not in TECHNICAL_KINDS]
    said += [reader(locale).phrase(Phrase(FamilyPhrase.HAPPENED, {**facts, "kind": kind.value})) for kind in kinds]
    ends = set(Outcome) - {Outcome.TEST, Outcome.TECHNICAL}
    said += [reader(locale).phrase(Phrase(FamilyPhrase.ENDED, {"outcome": one.value})) for one in ends]
    assert all(said)
    assert not any("%(" in one for one in said)
    assert all(one.isascii() for one in said) == (locale == "en")


def test_sentences_read_as_people_speak() -> None:
    assert reader(name=kinship_name("女儿", "f", "王桂兰")).headline(FamilyState.FINE) == "妈妈今天很好"
    assert reader(name=kinship_name("邻居", "f", "王桂兰")).headline(FamilyState.FINE) == "王桂兰今天很好"
    father = reader("en", kinship_name("儿子", "m", ""))
    assert father.headline(FamilyState.FINE) == "Your father is fine today"
    situation = ElderSituation(kind=AlertKind.SOS, state=AlertState.RESOLVED, outcome=Outcome.REAL_HELPED)
    at = NOW - timedelta(minutes=18)
    helped = HomeEvent(at=at, situation=situation, closed_at=NOW, visitor="陈护理员", finding="膝盖擦伤已处理。")
    told = state_family(Known(shared=True, last_life_at=NOW, events=[helped]), NOW)
    assert reader().headline(told.state) == "妈妈现在平安"
    assert reader().lines(told) == ["20:32 按过求助，陈护理员已上门，膝盖擦伤已处理。"]
    pressed = replace(helped, closed_at=None, situation=replace(situation, state=AlertState.NOTIFIED, outcome=None))
    told = state_family(Known(shared=True, events=[pressed]), NOW)
    assert reader().lines(told) == ["20:32 按过求助，社区已收到报警，还没有人接手；您可先打给妈妈，紧急请拨 120。"]


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("key", [FamilyPhrase.NOBODY, FamilyPhrase.IN_VAIN, FamilyPhrase.LATE])
def test_a_family_is_told_the_fire_service_where_it_burns_and_not_to_ring_where_there_is_gas(
    key: FamilyPhrase, locale: str
) -> None:
    def said(kind: AlertKind) -> str:
        return reader(locale).phrase(Phrase(key, {"helper": "Wang", "kind": kind.value}))

    call = {"zh": "您可先打给妈妈", "en": "you can call your mother first"}[locale]
    for kind in (AlertKind.SMOKE, AlertKind.CARBON_MONOXIDE):
        assert call in said(kind)
        assert "119" in said(kind)
    assert call not in said(AlertKind.GAS)
    assert {"zh": "先别打屋里的电话", "en": "do not call into the home yet"}[locale] in said(AlertKind.GAS)
    assert "119" in said(AlertKind.GAS)
    assert call in said(AlertKind.SOS)
    assert "119" not in said(AlertKind.SOS)


@pytest.fixture
def mother(web: WebHarness) -> WebHarness:
    with web.platform.work() as work:
        person = Resident(
            id=work.new_id(), home_id="home-01", name="王桂兰", born=date(1944, 1, 1), gender="f", phone="5"
        )
        work.session.add(person)
        work.session.flush()
        consent = Consent(id=work.new_id(), resident_id=person.id, scope="family_summary", given_at=work.clock.now())
        work.session.add(consent)
        contact = Contact(
            id=work.new_id(), resident_id=person.id, position=1, name="family 王", relation="女儿", phone="1"
        )
        work.session.add(contact)
        silence = InactivityDeadline(home_id="home-01", last_life_at=work.clock.now(), explained={})
        silence.due_at = work.clock.now() + timedelta(hours=5)
        work.session.add(silence)
    return web


def ask(web: WebHarness) -> dict[str, object]:
    answer = web.client.get("/api/v1/family", headers=web.login(Role.FAMILY))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def test_mother_is_fine_and_when_she_rose(mother: WebHarness) -> None:
    def sign(minutes: int, value: float = 1.0) -> Reading:
        at = mother.clock.now() - timedelta(minutes=minutes)
        return Reading(at.timestamp(), "motion-living", "living", "occupancy", value)

    # 12:00 there: at 03:30 she was up in the night, at 06:00 a movement ended, at 06:10 she rose.
    mother.platform.series.rows["home-01"] = [sign(510), sign(360, 0.0), sign(350), sign(10)]
    said = ask(mother)
    assert (said["state"], said["status"], said["sentence"]) == ("fine", "fine", "妈妈今天很好")
    assert said["rose_at"] == "2026-03-01T22:10:00Z"
    assert [look["what"] for look in said["audit"]] == ["family_summary"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("quantity", sorted(LIFE_QUANTITIES))
def test_every_kind_of_sign_of_life_says_that_she_rose(mother: WebHarness, quantity: Quantity) -> None:
    at = mother.clock.now() - timedelta(minutes=10)
    mother.platform.series.rows["home-01"] = [Reading(at.timestamp(), "any", "bedroom", quantity, 1.0)]
    assert datetime.fromisoformat(str(ask(mother)["rose_at"])) == at


def test_silence_past_its_deadline_is_being_checked(mother: WebHarness) -> None:
    mother.clock.advance(timedelta(hours=6))
    assert ask(mother)["state"] == "checking"


def test_an_offline_home_is_never_fine(mother: WebHarness) -> None:
    with mother.platform.work() as work:
        work.session.add(HomeSupervision(home_id="home-01", offline_since=work.clock.now()))
    said = ask(mother)
    assert (said["state"], said["status"]) == ("home_offline", "dark")


def test_told_absence_is_told_back(mother: WebHarness) -> None:
    now = mother.clock.now()
    with mother.platform.work() as work:
        work.session.add(
            Absence(id=work.new_id(), home_id="home-01", start=now, until=now + timedelta(days=1), told_by="王敏")
        )
    said = ask(mother)
    assert said["state"] == "away"
    assert len(said["absences"]) == 1  # type: ignore[arg-type]


def test_alert_names_who_sees_to_it_and_who_is_there(mother: WebHarness) -> None:
    now = mother.clock.now()
    with mother.platform.work() as work:
        alert = Alert(id=work.new_id(), community_id="anning", home_id="home-01", kind=AlertKind.SOS.value, episode="1")
        alert.state, alert.acknowledged_by_name = AlertState.ACKNOWLEDGED.value, "王姐"
        alert.happened_at = alert.due_since = alert.raised_at = alert.escalation_started_at = now
        alert.reason_code, alert.reason_facts = "", {}
        alert.facts = {}
        work.session.add(alert)
    said = ask(mother)
    assert (said["state"], said["detail"]) == ("checking", "12:00 按过求助，王姐已接手，正在联系妈妈。")
    with mother.platform.work() as work:
        visit = VisitTask(id=work.new_id(), home_id="home-01", community_id="anning", created_at=now, arrive_by=now)
        visit.category, visit.state = VisitCategory.EMERGENCY.value, VisitState.CHECKED_IN.value
        visit.carer_name, visit.checked_in_at = "陈护理员", now
        visit.check_in_proof, visit.tasks, visit.report = {}, [], {}
        work.session.add(visit)
    assert ask(mother)["with_her"] == "陈护理员"


def test_withdrawn_consent_shows_nothing_but_the_telephones(mother: WebHarness) -> None:
    with mother.platform.work() as work:
        for consent in work.session.query(Consent):
            consent.withdrawn_at = work.clock.now()
    said = ask(mother)
    assert (said["state"], said["last_life_at"], said["rose_at"], said["shared"]) == ("private", None, None, [])
    assert said["phone"] == "5"


def test_only_relatives_ask(mother: WebHarness) -> None:
    assert mother.client.get("/api/v1/family", headers=mother.login(Role.WORKER)).status_code == 403
