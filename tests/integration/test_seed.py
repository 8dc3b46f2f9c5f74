"""The made-up community: seeded whole on both databases, and the same when it is seeded again."""

from __future__ import annotations

import json
import os
import pwd
import stat
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from fixtures.web_harness import ManualClock, cheap_access, cheap_sign_ins
from sqlalchemy import func, select
from typer.testing import CliRunner

from anju_cli.platform import app
from anju_core.escalation import parse_steps
from anju_core.vocabulary import Role, VisitCategory
from anju_platform.accounts.errors import SignInRefused
from anju_platform.accounts.models import AuditEvent
from anju_platform.accounts.sign_in import SignInRequest
from anju_platform.alerts.models import EscalationPolicy
from anju_platform.app import fleet
from anju_platform.app.models import METADATA
from anju_platform.app.seed import seed
from anju_platform.app.seed_people import PEOPLE
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.models import Device, Gateway
from anju_platform.oncall.models import Shift
from anju_platform.residents.models import Home, Resident
from anju_platform.sensitivity.models import SensitivityChange
from anju_platform.visits.models import Carer, Contract
from anju_wire.profiles import DeviceKind


def counts(work: UnitOfWork) -> dict[str, int]:
    return {
        name: work.session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in METADATA.tables.items()
        if name != "sign_in"
    }


@pytest.mark.parametrize("homes", [1, 20, 43])
def test_seeding_twice_adds_nothing_and_gives_fresh_logins(database_url: str, homes: int) -> None:
    engine, clock, access = make_engine(database_url), ManualClock(), cheap_access()
    sessions = make_sessions(engine)
    with UnitOfWork(sessions, EventDispatcher(), clock) as work:
        first = seed(work, access, homes)
    with UnitOfWork(sessions, EventDispatcher(), clock) as work:
        before = counts(work)
        second = seed(work, access, homes)
        assert counts(work) == before
    assert before["home"] == before["gateway"] == before["resident"] == homes
    sign_ins, work_factory = cheap_sign_ins(), partial(UnitOfWork, sessions, EventDispatcher(), clock)
    for login in second:
        given = SignInRequest(login=login.login, password=login.password)
        assert sign_ins.sign_in(work_factory, given).actor.role is login.role
    with pytest.raises(SignInRefused):
        sign_ins.sign_in(work_factory, SignInRequest(login=first[0].login, password=first[0].password))
    engine.dispose()


def test_seeded_community_can_act_on_its_own(sqlite_url: str) -> None:
    engine, clock = make_engine(sqlite_url), ManualClock()
    with UnitOfWork(make_sessions(engine), EventDispatcher(), clock) as work:
        logins = seed(work, cheap_access(), 20)
        session = work.session
        assert {login.role for login in logins} == set(Role)
        assert len(list(session.scalars(select(Carer).where(Carer.on_duty)))) >= 3
        categories = {row.category for row in session.scalars(select(Contract))}
        assert categories == {category.value for category in VisitCategory}
        for policy in session.scalars(select(EscalationPolicy)):
            assert parse_steps(policy.steps)[0].after_s == 0
        ages = [clock.now().year - person.born.year for person in session.scalars(select(Resident)) if person.born]
        assert min(ages) >= 70
        assert max(ages) <= 95
        for hours in range(24 * 7):
            at = clock.now() + timedelta(hours=hours)
            on_duty = session.scalars(select(Shift.rank).where(Shift.start <= at, Shift.end > at)).all()
            assert sorted(on_duty) == [1, 2, 3]
        kinds = {row.kind for row in session.scalars(select(Device))}
        assert kinds == {device.kind for number in (1, 2) for device in fleet.devices_of(number)}
        assert {DeviceKind.BUTTON, DeviceKind.MOTION, DeviceKind.SMOKE, DeviceKind.WEARABLE} <= kinds
    engine.dispose()


def test_device_that_spoke_before_it_was_registered_is_taken_over(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with UnitOfWork(make_sessions(engine), EventDispatcher(), ManualClock()) as work:
        seed(work, cheap_access(), 1)
        device = work.session.get_one(Device, ("home-01", "button-sos"))
        device.kind, device.room, device.known = "door", "other", False
        named = work.session.get_one(Device, ("home-01", "door-entrance"))
        named.label = "renamed by hand"
        seed(work, cheap_access(), 1)
        assert (device.kind, device.room, device.known) == ("button", "bedroom", True)
        assert named.label == "renamed by hand"
    engine.dispose()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("ANJU_DATABASE_URL", f"sqlite:///{tmp_path / 'records.sqlite3'}")
    return CliRunner()


def test_seed_and_fleet_describe_the_same_homes(run: CliRunner, tmp_path: Path) -> None:
    logins, out = tmp_path / "logins.json", tmp_path / "fleet.json"
    passwords = tmp_path / "passwords.json"
    passwords.write_text('{"home-02": "long and random"}')
    seeded = run.invoke(app, ["seed", "--homes", "3", "--print-logins", str(logins)], catch_exceptions=False)
    assert seeded.exit_code == 0, seeded.output
    words = ["fleet", "--homes", "3", "--out", str(out), "--broker", "127.0.0.1:9", "--bus", "[::1]:8"]
    written = run.invoke(
        app, [*words, "--spool", str(tmp_path / "spool"), "--passwords", str(passwords)], catch_exceptions=False
    )
    assert written.exit_code == 0, written.output
    assert {stat.S_IMODE(path.stat().st_mode) for path in (logins, out)} == {0o600}
    rows = json.loads(logins.read_text())
    assert {"login", "password", "role", "name", "community"} <= set(rows[0])
    assert {row["login"] for row in rows} >= {person.login for person in PEOPLE if person.home is None}
    homes = json.loads(out.read_text())["homes"]
    engine = make_engine(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    with UnitOfWork(make_sessions(engine), EventDispatcher(), ManualClock()) as work:
        for home in homes:
            row = work.session.get_one(Home, home["home"])
            assert row.community_id == home["community"]
            assert work.session.get_one(Gateway, home["gateway"]).home_id == home["home"]
            devices = work.session.scalars(select(Device).where(Device.home_id == row.id)).all()
            told = {(device.id, device.kind, device.room) for device in devices}
            assert told == {(device["id"], device["kind"], device["room"]) for device in home["devices"]}
    engine.dispose()
    assert [home["uplink"]["password"] for home in homes] == ["", "long and random", ""]
    assert (homes[0]["bus"]["host"], homes[0]["bus"]["port"]) == ("[::1]", 8)


OS_USER = pwd.getpwuid(os.getuid()).pw_name


def read_commands(folder: Path) -> list[tuple[str, str, str, str]]:
    """Return what commands wrote into the record, in order: who, as what, what and about what."""
    engine = make_engine(f"sqlite:///{folder / 'records.sqlite3'}")
    with UnitOfWork(make_sessions(engine), EventDispatcher(), ManualClock()) as work:
        rows = work.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        found = [(row.by_name, row.role, row.what, row.why) for row in rows]
    engine.dispose()
    return found


def test_accounts_are_opened_reset_and_closed_from_the_command_line(run: CliRunner) -> None:
    opened = run.invoke(app, ["accounts", "add", "li", "--name", "小李", "--role", "district"])
    assert opened.exit_code == 0, opened.output
    assert opened.output.startswith("li: ")
    assert run.invoke(app, ["accounts", "add", "li", "--name", "x", "--role", "district"]).exit_code == 1
    assert run.invoke(app, ["accounts", "reset", "nobody"]).exit_code == 1
    assert run.invoke(app, ["accounts", "reset", "li"]).output != opened.output
    assert run.invoke(app, ["accounts", "close", "li"]).exit_code == 0
    assert "小李" in run.invoke(app, ["accounts", "list"]).output


def test_the_record_says_whose_shell_changed_an_account(run: CliRunner, tmp_path: Path) -> None:
    for words in (
        ["add", "li", "--name", "小李", "--role", "district"],
        ["add", "li", "--name", "x", "--role", "district"],
        ["reset", "nobody"],
        ["reset", "li"],
        ["close", "li"],
    ):
        run.invoke(app, ["accounts", *words], env={"USER": "somebody-else", "LOGNAME": "somebody-else"})
    assert read_commands(tmp_path) == [
        (OS_USER, "command_line", "account_add", "li (district)"),
        (OS_USER, "command_line", "account_reset", "li"),
        (OS_USER, "command_line", "account_close", "li"),
    ]


def test_a_community_chooses_how_often_the_detectors_may_be_wrong(run: CliRunner, tmp_path: Path) -> None:
    logins = tmp_path / "logins.json"
    assert run.invoke(app, ["seed", "--homes", "1", "--print-logins", str(logins)]).exit_code == 0
    (place,) = {row["community"] for row in json.loads(logins.read_text())} - {"", None}
    words = ["communities", "sensitivity", place]
    chosen = run.invoke(app, [*words, "--false-alerts", "0.5"])
    assert (chosen.exit_code, "0.5 false alerts, 0.1 changes" in chosen.output) == (0, True), chosen.output
    assert run.invoke(app, [*words, "--routine-changes", "0.2"]).exit_code == 0
    for bad in (["--false-alerts", "0"], ["--false-alerts", "nan"], ["--routine-changes", "6", "--false-alerts", "9"]):
        refused = run.invoke(app, [*words, *bad])
        assert (refused.exit_code, "per home and month: choose" in refused.output) == (1, True), refused.output
    assert run.invoke(app, ["communities", "sensitivity", "nowhere", "--false-alerts", "1"]).exit_code == 1
    assert run.invoke(app, [*words, "--false-alerts", "0.7", "--by", "陈主任"]).exit_code == 0
    engine = make_engine(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    with UnitOfWork(make_sessions(engine), EventDispatcher(), ManualClock()) as work:
        kept = [
            (one.by_name, one.false_alerts_before, one.false_alerts)
            for one in work.session.query(SensitivityChange).order_by(SensitivityChange.id)
        ]
    engine.dispose()
    typed = f"{OS_USER} (command line)"
    assert kept == [(typed, 1.0, 0.5), (typed, 0.5, 0.5), (f"陈主任 · {typed}", 0.5, 0.7)]
    assert read_commands(tmp_path) == [(OS_USER, "command_line", "sensitivity", place)] * 3
    listed = run.invoke(app, ["communities", "list"]).output
    assert [place in listed, "0.7" in listed, "0.2" in listed] == [True] * 3


def test_wrong_settings_end_with_their_names(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_DATABASE_URL", "oracle://x")
    ended = run.invoke(app, ["migrate"])
    assert ended.exit_code == 2
    assert "ANJU_DATABASE_URL" in ended.output + ended.stderr


def test_names_follow_the_convention() -> None:
    assert (fleet.home_id(7), fleet.gateway_id("home-07")) == ("home-07", "gw-home-07")
    assert any(device.kind is DeviceKind.WEARABLE for device in fleet.devices_of(1))
    assert not any(device.kind is DeviceKind.WEARABLE for device in fleet.devices_of(2))
    assert all(any(device.kind is DeviceKind.BUTTON for device in fleet.devices_of(n)) for n in range(1, 5))
