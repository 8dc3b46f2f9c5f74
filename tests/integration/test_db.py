"""The records behave alike on SQLite and PostgreSQL: migrations, times, transactions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from anju_core.events import ElderTold, Event
from anju_platform.alerts.models import EscalationPolicy
from anju_platform.app import migrate
from anju_platform.app.models import METADATA
from anju_platform.db.base import NaiveTime
from anju_platform.db.engine import make_engine
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.oncall.models import Handover
from anju_platform.residents.models import Community, Home
from anju_wire.clock import Clock


def test_migrated_database_equals_the_models(database_url: str) -> None:
    assert migrate.differences(database_url, METADATA) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres_url"))


def test_migrations_go_up_and_down_and_up_again(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    migrate.downgrade(empty_url)
    engine = make_engine(empty_url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrate.upgrade(empty_url)
    assert migrate.differences(empty_url, METADATA) == []


def test_several_platforms_that_start_at_once_migrate_once(empty_postgres_url: str) -> None:
    faults: list[Exception] = []

    def start() -> None:
        try:
            migrate.upgrade(empty_postgres_url)
        except Exception as error:  # noqa: BLE001 - the test asserts that there is none
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert migrate.current(empty_postgres_url) == migrate.head()


def test_every_migration_file_ships_with_the_package() -> None:
    names = {path.name for path in migrate.MIGRATIONS.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert {"env.py", "script.py.mako", "0001_the_first_tables.py"} <= names


def test_times_come_back_aware_and_in_utc(work: WorkFactory) -> None:
    told = datetime(2026, 3, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))
    with work() as unit:
        unit.session.add(Community(id="c", name="社区"))
        unit.session.flush()
        unit.session.add(EscalationPolicy(id=unit.new_id(), community_id="c", steps=[{"after_s": 0}], valid_from=told))
    with work() as unit:
        row = unit.session.query(EscalationPolicy).one()
        assert row.valid_from == told
        assert row.valid_from.tzinfo is UTC
        assert row.steps == [{"after_s": 0}]


def test_naive_times_are_refused(work: WorkFactory) -> None:
    note = Handover(community_id="c", at=datetime(2026, 1, 1), by_name="", note="")  # noqa: DTZ001
    with work() as unit:
        unit.session.add(Community(id="c", name="社区"))
        unit.session.flush()
        note.id = unit.new_id()
        unit.session.add(note)
        with pytest.raises(StatementError, match="has no time zone") as caught:
            unit.session.flush()
        unit.session.rollback()
    assert isinstance(caught.value.orig, NaiveTime)


def test_foreign_keys_hold(work: WorkFactory) -> None:
    with pytest.raises(IntegrityError), work() as unit:
        unit.session.add(Home(id="h", community_id="nowhere", estate="", building="1", room="1"))


def test_error_rolls_back_and_tells_nobody(sessions: sessionmaker[Session]) -> None:
    dispatcher, told = EventDispatcher(), list[Event]()
    dispatcher.subscribe_after(ElderTold, told.append)

    def fail() -> None:
        with UnitOfWork(sessions, dispatcher, Clock()) as unit:
            unit.session.add(Community(id="c", name="社区"))
            unit.record(ElderTold(at=unit.clock.now(), home_id="h", said="heard", reference="1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told == []
    with UnitOfWork(sessions, dispatcher, Clock()) as fresh:
        assert fresh.session.get(Community, "c") is None


def test_a_handler_that_fails_after_the_commit_undoes_nothing_and_holds_up_no_other(
    sessions: sessionmaker[Session],
) -> None:
    dispatcher, told = EventDispatcher(), list[Event]()

    def fail(_event: Event) -> None:
        raise ConnectionError("nobody listens")

    dispatcher.subscribe_after(ElderTold, fail)
    dispatcher.subscribe_after(ElderTold, told.append)
    with capture_logs() as logs, UnitOfWork(sessions, dispatcher, Clock()) as unit:
        unit.session.add(Community(id="c", name="社区"))
        for reference in ("1", "2"):
            unit.record(ElderTold(at=unit.clock.now(), home_id="h", said="heard", reference=reference))
    assert [event.reference for event in told if isinstance(event, ElderTold)] == ["1", "2"]
    assert [(one["log_level"], one["kind"]) for one in logs] == [("error", "ElderTold")] * 2
    with UnitOfWork(sessions, dispatcher, Clock()) as fresh:
        assert fresh.session.get(Community, "c") is not None


def test_read_then_write_from_two_threads_loses_nothing(work: WorkFactory, database_url: str) -> None:
    with work() as unit:
        unit.session.add(Community(id="c", name="0"))
    faults: list[Exception] = []

    def count(times: int) -> None:
        try:
            for _ in range(times):
                with work() as unit:
                    row = unit.session.get(Community, "c", with_for_update=True)
                    assert row is not None
                    row.name = str(int(row.name) + 1)
        except Exception as error:  # noqa: BLE001 - the test asserts that there is none
            faults.append(error)

    threads = [threading.Thread(target=count, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    with work() as unit:
        row = unit.session.get(Community, "c")
        assert row is not None
        assert row.name == "100"


def test_sqlite_is_durable_and_lets_readers_in(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as link:
        assert link.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert link.execute(text("PRAGMA synchronous")).scalar() == 2
        assert link.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()
