"""Who leads: the lock of each database, what a process does with and without it, and what it may commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from fixtures._home_client import eventually
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs
from typer.testing import CliRunner

from anju_cli.platform import app as commands
from anju_platform.app import migrate
from anju_platform.app.leadership import DatabaseInUse, Leadership, LeadershipLost
from anju_platform.db.leader_lock import KEY, ServerTooOld, open_leader_lock
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.monitoring.models import DetectorSnapshot
from anju_wire.clock import Clock

NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/none"
Compete = Callable[[str, str, "Duties"], Leadership]


class Duties:
    """Writes down what happened to it; fails as often as it is told."""

    def __init__(self, fails: int = 0) -> None:
        self.done: list[str] = []
        self.fails = fails

    def take_over(self) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("not now")
        self.done.append("take over")

    def hand_over(self, *, orderly: bool) -> None:
        self.done.append("hand over" if orderly else "stop")


class SlowDuties(Duties):
    """Takes over only once the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ready = threading.Event(), threading.Event()

    def take_over(self) -> None:
        self.begun.set()
        assert self.ready.wait(30)
        super().take_over()


@pytest.fixture
def compete() -> Iterator[Compete]:
    """Starts processes that compete, and stops them at the end."""
    started: list[Leadership] = []

    def start(url: str, process_id: str, duties: Duties) -> Leadership:
        leadership = Leadership(open_leader_lock(url, process_id))
        leadership.start(duties)
        started.append(leadership)
        return leadership

    yield start
    for leadership in started:
        leadership.stop()


def end_session(url: str) -> None:
    """What a network that is gone or a database that restarts does to the holder of the lock."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as link:
        link.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND l.objid = %s AND d.datname = current_database()",
            (KEY,),
        )


def test_one_leads_and_the_next_takes_over_when_it_stops(postgres_url: str, compete: Compete) -> None:
    first, second = Duties(), Duties()
    leading, following = compete(postgres_url, "first", first), compete(postgres_url, "second", second)
    assert (leading.leads(), following.leads()) == (True, False)
    assert following.find_leader() == leading.find_leader() == "first"
    leading.stop()
    eventually(following.leads, 5, "the other leads")
    eventually(lambda: second.done, 5, "its duties")
    assert (first.done, second.done) == (["take over", "hand over"], ["take over"])
    assert following.find_leader() == "second"
    assert not leading.leads()


def test_a_leader_that_loses_its_session_stops_and_may_lead_again(postgres_url: str, compete: Compete) -> None:
    duties = Duties()
    leadership = compete(postgres_url, "only", duties)
    eventually(lambda: duties.done, 5, "the first term")
    end_session(postgres_url)
    eventually(lambda: duties.done == ["take over", "stop", "take over"], 10, "the second term")
    eventually(leadership.leads, 5, "it leads again")


def test_who_cannot_take_over_steps_back_for_another(postgres_url: str, compete: Compete) -> None:
    unable, able = Duties(fails=1000), Duties()
    compete(postgres_url, "unable", unable)
    following = compete(postgres_url, "able", able)
    eventually(following.leads, 10, "the other leads")
    eventually(lambda: able.done == ["take over"], 5, "its duties")
    assert set(unable.done) == {"stop"}


def test_commands_and_migrations_do_not_wait_for_a_leader(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "WAIT_S", 1)
    monkeypatch.setenv("ANJU_DATABASE_URL", postgres_url)
    leading = compete(postgres_url, "leads", Duties())
    migrate.upgrade(postgres_url)
    for words in (["migrate"], ["accounts", "list"], ["communities", "list"]):
        done = CliRunner().invoke(commands, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    assert leading.leads()


def test_a_migration_does_not_wait_for_ever(empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "WAIT_S", 1)
    monkeypatch.setenv("ANJU_DATABASE_URL", empty_postgres_url)
    with psycopg.connect(empty_postgres_url.replace("+psycopg", ""), autocommit=True) as link:
        link.execute("SELECT pg_advisory_lock(%s::bigint)", (migrate.LOCK,))
        with pytest.raises(migrate.DatabaseLocked):
            migrate.upgrade(empty_postgres_url)
        done = CliRunner().invoke(commands, ["accounts", "list"])
    assert (done.exit_code, "another process has locked the database" in done.output) == (1, True)


def test_sqlite_allows_one_process(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anju_platform.app.leadership._PATIENCE_S", 0.3)
    first = Leadership(open_leader_lock(sqlite_url, "first"), only_process=True)
    first.start(Duties())
    assert first.leads()
    with pytest.raises(DatabaseInUse):
        Leadership(open_leader_lock(sqlite_url, "second"), only_process=True).start(Duties())
    first.stop()
    second = Leadership(open_leader_lock(sqlite_url, "second"), only_process=True)
    second.start(Duties())
    assert (second.leads(), second.find_leader()) == (True, "second")
    second.stop()


def test_a_failed_first_take_over_ends_the_only_process(sqlite_url: str) -> None:
    unable = Duties(fails=1)
    first = Leadership(open_leader_lock(sqlite_url, "first"), only_process=True)
    with pytest.raises(ConnectionError):
        first.start(unable)
    assert (unable.done, first.leads(), first.find_leader()) == (["stop"], False, None)
    second = Leadership(open_leader_lock(sqlite_url, "second"), only_process=True)
    second.start(Duties())
    assert second.leads()
    second.stop()


def test_a_process_says_that_it_could_not_take_over(postgres_url: str, compete: Compete) -> None:
    duties = Duties(fails=1)
    leadership = compete(postgres_url, "unable", duties)
    assert leadership.has_failed()
    eventually(lambda: "take over" in duties.done, 10, "the second try")
    eventually(lambda: not leadership.has_failed(), 5, "it leads")


def test_a_process_fails_when_nobody_leads_for_long(monkeypatch: pytest.MonkeyPatch, compete: Compete) -> None:
    monkeypatch.setattr("anju_platform.app.leadership.UNLED_S", 0.2)
    leadership = compete(NOWHERE, "alone", Duties())
    eventually(leadership.has_failed, 5, "nobody leads")
    assert not leadership.leads()


def test_of_a_series_of_failures_to_ask_for_the_lock_the_first_is_logged(postgres_url: str) -> None:
    lock = open_leader_lock(NOWHERE, "alone")
    with capture_logs() as logs:
        assert [lock.try_acquire() for _ in range(3)] == [False] * 3
        assert [lock.find_holder() for _ in range(3)] == [None] * 3
    assert [entry["act"] for entry in logs] == ["hold", "find"]
    lock = open_leader_lock(postgres_url, "alone")
    with capture_logs() as logs:
        for _ in range(2):  # a success ends the series: the next failure is logged again
            assert lock.try_acquire()
            end_session(postgres_url)
            assert not lock.renew()
            assert not lock.renew()
    assert [entry["act"] for entry in logs] == ["hold", "hold"]
    lock.release()


def test_a_follower_is_well_for_as_long_as_another_leads(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.app.leadership._ASK_S", 0.05)
    compete(postgres_url, "leads", Duties())
    following = compete(postgres_url, "follows", Duties())
    for _ in range(2):
        noted = following._led_at
        eventually(lambda noted=noted: following._led_at > noted, 5, "it sees the leader")  # type: ignore[misc]
    assert not following.has_failed()


def test_processes_that_only_hold_the_lock_lead_nobody(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.app.leadership.UNLED_S", 1.0)
    monkeypatch.setattr("anju_platform.app.leadership._ASK_S", 0.05)
    duties = SlowDuties()
    holding = threading.Thread(target=lambda: started.append(compete(postgres_url, "holds", duties)), daemon=True)
    started: list[Leadership] = []
    holding.start()
    assert duties.begun.wait(10)
    following = compete(postgres_url, "follows", Duties())
    assert following.find_leader() == "holds"
    eventually(following.is_unled, 10, "a holder that has not taken over is no leader")
    duties.ready.set()
    eventually(lambda: not following.is_unled(), 10, "it has taken over")
    holding.join(20)
    assert not started[0].has_failed()
    assert following.find_leader() == "holds"


def test_a_server_that_is_too_old_is_refused(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.db.leader_lock.OLDEST_SERVER", 99)
    with pytest.raises(ServerTooOld, match="needs 99 or newer"):
        compete(postgres_url, "any", Duties())


def test_nothing_is_committed_once_the_lease_has_run_out(sessions: sessionmaker[Session]) -> None:
    may = threading.Event()

    def check() -> None:
        if not may.is_set():
            raise LeadershipLost

    def insert(name: str) -> None:
        with UnitOfWork(sessions, EventDispatcher(), Clock(), check) as work:
            work.session.add(DetectorSnapshot(name=name, at=work.clock.now(), state=b""))

    may.set()
    insert("before")
    may.clear()
    with pytest.raises(LeadershipLost):
        insert("after")
    with sessions() as session:
        assert session.scalars(select(DetectorSnapshot.name)).all() == ["before"]


class HangingDuties(Duties):
    """Hangs in one of its acts until the test lets it go on."""

    def __init__(self, act: str) -> None:
        super().__init__()
        self.act, self.begun, self.goes_on = act, threading.Event(), threading.Event()

    def take_over(self) -> None:
        self._hang("take over")
        super().take_over()

    def hand_over(self, *, orderly: bool) -> None:
        self._hang("hand over")
        super().hand_over(orderly=orderly)

    def _hang(self, act: str) -> None:
        if act == self.act:
            self.begun.set()
            assert self.goes_on.wait(30)


def test_who_cannot_end_its_last_term_does_not_take_the_lock(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.app.leadership._ASK_S", 0.0)
    hanging, able = HangingDuties("hand over"), Duties()
    first = compete(postgres_url, "hangs", hanging)
    eventually(first.leads, 5, "the first term")
    eventually(lambda: hanging.done, 5, "its duties")
    end_session(postgres_url)
    assert hanging.begun.wait(10)
    asked: list[bool] = []
    monkeypatch.setattr(first._lock, "is_on_duty", lambda: asked.append(False))
    eventually(lambda: len(asked) > 3, 5, "it goes on looking for a leader, and is none")
    second = compete(postgres_url, "able", able)
    eventually(lambda: able.done == ["take over"], 5, "another has the duties")
    assert (first.leads(), second.find_leader()) == (False, "able")
    hanging.goes_on.set()
    second.stop()
    eventually(lambda: hanging.done == ["take over", "stop", "take over"], 10, "it leads once it is free")


def test_who_holds_the_lock_and_does_not_take_over_gives_it_up(
    postgres_url: str, compete: Compete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.app.leadership.TAKE_OVER_S", 0.5)
    monkeypatch.setattr("anju_platform.app.leadership._PATIENCE_S", 0.1)
    hanging, able = HangingDuties("take over"), Duties()
    first = compete(postgres_url, "hangs", hanging)
    assert hanging.begun.wait(10)
    second = compete(postgres_url, "able", able)
    eventually(lambda: able.done == ["take over"], 10, "another has the duties")
    hanging.goes_on.set()
    eventually(lambda: hanging.done == ["take over", "stop"], 10, "what it began is ended")
    assert (first.leads(), second.find_leader()) == (False, "able")


@pytest.mark.parametrize("ends", ["lost", "stopped"])
def test_a_process_that_cannot_end_its_duties_gives_up_the_lock_and_ends(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr("anju_platform.app.leadership.HAND_OVER_S", 0.5)
    ended, hanging = threading.Event(), HangingDuties("hand over")
    leadership = Leadership(open_leader_lock(postgres_url, "hangs"), end_process=ended.set)
    leadership.start(hanging)
    eventually(lambda: hanging.done, 5, "its duties")
    stopping = threading.Thread(target=leadership.stop, daemon=True)
    with capture_logs() as logs:
        if ends == "lost":
            end_session(postgres_url)
        else:
            stopping.start()
        assert hanging.begun.wait(10)
        assert ended.wait(10)
    assert leadership.find_leader() is None
    assert [one["log_level"] for one in logs if "duties" in one["event"]][-1] == "critical"
    hanging.goes_on.set()
    if ends == "lost":
        stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
