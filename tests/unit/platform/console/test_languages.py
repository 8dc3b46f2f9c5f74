"""Every page is in one language: no word of the other one outside of what people are called or have typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from fixtures.route_rules import load_rules
from fixtures.tenants import _open_session
from fixtures.web_harness import cheap_access
from sqlalchemy import select

from anju_core.actor import Actor
from anju_core.alert_signals import AlertSignal
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, CallOutcome, Outcome, Role
from anju_platform.accounts.models import Account
from anju_platform.app.bootstrap import build
from anju_platform.app.fleet import COMMUNITY
from anju_platform.app.http import create_app
from anju_platform.app.platform import Platform
from anju_platform.app.seed import seed
from anju_platform.monitoring.models import HomeSupervision, InactivityDeadline
from anju_platform.oncall.models import Handover
from anju_platform.residents.models import Community, Contact, Home, Resident
from anju_platform.settings import load
from anju_platform.visits.models import Provider, VisitTask
from anju_platform.web.languages import accepted_locale

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]*[A-Za-z]")
SAME_IN_CHINESE = frozenset(
    "zh en ms min km wgl Anju English zigbee mqtt TSA ISA SCAIP UK QR CSV Excel home gw YAML GPS".casefold().split()
)
"""Letters that a Chinese page shows, too: units, what is typed into the search, names of things."""
MASKED = re.compile(r"[\u4e00-\u9fff]\*+")
"""The name of somebody of whom only the family name is shown."""
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-name")
NOT_READ = frozenset({"script", "style", "time"})
RULES, _ = load_rules()
PAGES = sorted(
    path for method, _, path in (route.partition(" ") for route in RULES) if method == "GET" and "/api/" not in path
)


class Reader(HTMLParser):
    """Collects what of a page is read: texts, and attributes that are spoken or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self._skipped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in NOT_READ or given.get("hreflang") or (given.get("lang") and tag != "html"):
            self._skipped.append(tag)
            return
        self.read += [str(given[name]) for name in SPOKEN if given.get(name)]

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and self._skipped[-1] == tag:
            self._skipped.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipped and data.strip():
            self.read.append(data.strip())


@dataclass(frozen=True, slots=True)
class DemoDistrict:
    """The district of the demo with something of everything, served within this process."""

    platform: Platform
    client: TestClient
    sessions: Mapping[str, str]
    ids: Mapping[str, Sequence[str]]
    typed: Sequence[str]
    """What people are called and what they have typed, the longest first."""

    def ask(self, login: str, path: str, locale: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.sessions[login]}", "Cookie": f"anju_lang={locale}"}
        answer = self.client.get(path, headers=headers, follow_redirects=False)
        return answer.status_code, answer.text if answer.headers.get("content-type", "").startswith("text/") else ""

    def strange_words(self, text: str, locale: str) -> list[str]:
        """Return what stands on a page in the other language."""
        reader = Reader()
        reader.feed(text)
        found = []
        for one in reader.read:
            rest = one
            for name in self.typed:
                rest = rest.replace(name, " ")
            if locale == "en":
                rest = MASKED.sub(" ", rest)
                strange = bool(CHINESE.search(rest))
            else:
                rest = re.sub(r"home-\d+|gw-\S+|\S+\.yaml|https?://\S+", " ", rest)
                strange = any(word.casefold() not in SAME_IN_CHINESE for word in LATIN.findall(rest))
            found += [one] if strange else []
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[DemoDistrict]:
    folder = tmp_path_factory.mktemp("languages")
    (folder / "anju.sqlite3").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{folder}/anju.sqlite3"
    platform = build(load(database_url=url, series_url=f"duckdb:///{folder}/series.duckdb", mqtt_port=1))
    with platform.work() as work:
        seed(work, cheap_access(), 8)
    sessions, actors = {}, {}
    with platform.work() as work:
        for account in work.session.scalars(select(Account)):
            sessions[account.login] = _open_session(work, account.id)
            scope = {name: getattr(account, name) for name in ("community_id", "provider_id", "home_id")}
            actors[account.login] = Actor(account.id, account.name, Role(account.role), **scope)
    alerts = _something_of_everything(platform, actors)
    with platform.work() as work:
        visits = [str(one) for one in work.session.scalars(select(VisitTask.id))]
    typed = _list_typed(platform)
    ids = {"alert_id": alerts, "visit_id": visits, "home_id": ["home-01", "home-02", "home-05"]}
    ids |= {"community_id": [COMMUNITY]}
    with TestClient(create_app(platform), base_url="http://anju.test") as client:
        yield DemoDistrict(platform, client, sessions, ids, typed)
    platform.series.close()
    platform.database.dispose()


def _something_of_everything(platform: Platform, actors: Mapping[str, Actor]) -> list[str]:
    """Raise an alert of every kind and deal with some; return their ids."""
    now = platform.clock.now()
    silence = {"room": "living", "last_life_s": now.timestamp() - 40_000, "silent_s": 40_000.0, "usual_s": 7500.0}
    reasons = {
        AlertKind.SOS: Reason(ReasonCode.SOS_PRESSED, {"room": "bedroom", "registered": False}),
        AlertKind.FALL: Reason(ReasonCode.FALL_CONFIRMED, {"score": 0.93}),
        AlertKind.SMOKE: Reason(ReasonCode.SMOKE, {"room": "kitchen", "registered": True}),
        AlertKind.LEAK: Reason(ReasonCode.WATER_LEAK, {"room": "bathroom", "registered": True}),
        AlertKind.INACTIVITY: Reason(ReasonCode.SILENCE, silence),
        AlertKind.AWAY_LONG: Reason(ReasonCode.SILENCE, {**silence, "due_back_s": now.timestamp() - 9000}),
        AlertKind.HOME_OFFLINE: Reason(ReasonCode.DEVICE_SILENT, {"kind": "gateway", "silence_s": 720.0}),
        AlertKind.GATEWAY_FLOODING: Reason(ReasonCode.GATEWAY_FLOODING),
    }
    found: dict[AlertKind, object] = {}
    for number, (kind, reason) in enumerate(reasons.items(), 1):
        at = now - timedelta(minutes=number)
        signal = AlertSignal(
            kind=kind,
            home_id=f"home-0{number}",
            community_id=COMMUNITY,
            episode=f"e{number}",
            happened_at=at,
            due_since=at,
            reason=reason,
            score=0.93 if kind is AlertKind.FALL else None,
        )
        with platform.work() as work:
            found[kind] = platform.alerts.intake.raise_alert(work, signal)
    worker, alerts = actors["worker"], platform.alerts.service
    for kind in (AlertKind.SOS, AlertKind.FALL, AlertKind.SMOKE):
        with platform.work() as work:
            alerts.acknowledge_alert(work, found[kind], worker)  # type: ignore[arg-type]
    with platform.work() as work:
        alerts.dispatch_carer(work, found[AlertKind.SOS], worker)  # type: ignore[arg-type]
    with platform.work() as work:
        args = {"who": "elder", "outcome": CallOutcome.REACHED_OK}
        alerts.record_contact_attempt(work, found[AlertKind.SMOKE], worker, **args)  # type: ignore[arg-type]
        alerts.resolve_alert(work, found[AlertKind.SMOKE], worker, outcome=Outcome.FALSE_ALARM)  # type: ignore[arg-type]
    with platform.work() as work:
        offline = work.session.get_one(HomeSupervision, "home-07")
        offline.offline_since, offline.reason_code = now - timedelta(minutes=12), ReasonCode.GATEWAY_OFFLINE.value
        due = now + timedelta(hours=3)
        work.session.merge(InactivityDeadline(home_id="home-01", last_life_at=now, due_at=due, explained={}))
        note = Handover(id=work.new_id(), community_id=COMMUNITY, at=now, by_name="王姐", note="猫会跑出来", read_by="")
        work.session.add(note)
    return [str(one) for one in found.values()]


def _list_typed(platform: Platform) -> list[str]:
    """Return what people are called and have typed: names of people and places, notes of the register."""
    with platform.work() as work:
        session, said = work.session, {"猫会跑出来"}
        for resident in session.scalars(select(Resident)):
            names = ("name", "mobility", "hearing", "illnesses", "pets", "key_holder")
            said |= {getattr(resident, name) for name in names}
        said |= set(session.scalars(select(Contact.name))) | set(session.scalars(select(Account.name)))
        said |= set(session.scalars(select(Account.login))) | set(session.scalars(select(Home.estate)))
        said |= set(session.scalars(select(Provider.name))) | set(session.scalars(select(Community.name)))
        said |= set(session.scalars(select(Community.district))) | set(session.scalars(select(Community.town)))
    return sorted(said - {""}, key=len, reverse=True)


def paths_of(demo: DemoDistrict, pattern: str) -> Iterator[str]:
    names = re.findall(r"{(\w+)}", pattern)
    for values in product(*(demo.ids.get(name, ["x"]) for name in names)):
        path = pattern
        for name, value in zip(names, values, strict=True):
            path = path.replace(f"{{{name}}}", value)
        yield path
        if path in {"/residents", "/homes"}:
            yield {"/residents": "/residents?q=3", "/homes": "/homes?supervision=lost"}[path]


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_no_page_holds_a_word_of_the_other_language(demo: DemoDistrict, locale: str) -> None:
    strange: dict[str, list[str]] = {}
    seen: set[str] = set()
    for pattern in PAGES:
        for path, login in product(paths_of(demo, pattern), demo.sessions):
            status, text = demo.ask(login, path, locale)
            assert status < 500, (login, path)
            if "<" in text:
                seen |= {pattern} if status == 200 else set()
                strange |= {f"{login} {path} {status}": found} if (found := demo.strange_words(text, locale)) else {}
    assert strange == {}, "\n".join(f"{page}: {found}" for page, found in strange.items())
    assert {"/board/{alert_id}", "/shift", "/family", "/carer", "/provider", "/district", "/tester"} <= seen


def test_a_language_in_the_address_lasts_through_redirects(demo: DemoDistrict) -> None:
    client = demo.client
    client.cookies.clear()
    first = client.get("/?lang=en", headers={"Accept": "text/html"}, follow_redirects=False)
    assert first.status_code == 303
    page = client.get(first.headers["location"], headers={"Accept": "text/html"})
    assert 'lang="en"' in page.text
    assert "Sign in" in page.text
    client.cookies.clear()
    headers = {"Authorization": f"Bearer {demo.sessions['worker']}"}
    board = client.get("/?lang=en", headers=headers)
    assert board.url.path == "/board"
    assert 'lang="en"' in board.text
    client.cookies.clear()


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.3, zh;q=0.7", "zh"),
        ("de", None),
        ("", None),
        ("en;q=0", None),
        ("en;q=x,zh", "zh"),
        ("*", None),
    ],
)
def test_the_browsers_language_is_taken_where_there_is_one_of_ours(header: str, locale: str | None) -> None:
    assert accepted_locale(header) == locale


def test_signing_in_is_in_the_browsers_language_until_another_is_chosen(demo: DemoDistrict) -> None:
    client = demo.client
    client.cookies.clear()
    assert "Sign in to Anju" in client.get("/login", headers={"Accept-Language": "en-US"}).text
    assert "登录安居" in client.get("/login").text
    assert "登录安居" in client.get("/login", headers={"Accept-Language": "en", "Cookie": "anju_lang=zh"}).text
    client.cookies.clear()


@pytest.mark.parametrize(
    ("locale", "page"),
    [
        ("zh", "<p>王姐 has seen it</p>"),
        ("zh", '<button title="Close">关</button>'),
        ("en", "<p>Seen by 值班人员</p>"),
        ("en", "<p>Emergency visit：SOS</p>"),
        ("en", '<input placeholder="姓名">'),
    ],
)
def test_a_word_of_the_other_language_is_seen(demo: DemoDistrict, locale: str, page: str) -> None:
    assert demo.strange_words(page, locale)


def test_names_and_what_people_typed_are_of_no_language(demo: DemoDistrict) -> None:
    assert demo.strange_words("<p>王姐 · 春晖里 Building 3</p><time title='一'>1</time>", "en") == []
    assert demo.strange_words("<p>zigbee2mqtt 停了 · home-01</p>", "zh") == []
