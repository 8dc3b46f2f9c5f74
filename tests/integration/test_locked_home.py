"""Another session holds locks without end on PostgreSQL: the alarm line goes on, says so, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from fixtures._home_client import eventually, on_air, press
from fixtures.ingest_harness import IngestHarness, records, running
from fixtures.mosquitto import Mosquitto
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from anju_platform.alerts.models import Alert
from anju_platform.app import health_checks
from anju_platform.app.health_checks import PartState, check_lane
from anju_platform.db import engine as engines
from anju_platform.db.availability import is_away, is_busy
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.models import Quarantine
from anju_platform.residents.directory import lock_home
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_wire.clock import Clock
from anju_wire.messages import Record
from anju_wire.vocabulary import Lane

ALARM = Lane.ALARM
BOUND_S = 10.0


@pytest.fixture
def ingest(mosquitto: Mosquitto, postgres_url: str, tmp_path: Path) -> Iterator[IngestHarness]:
    """A running ingest on PostgreSQL."""
    with records(postgres_url) as sessions:
        yield from running(IngestHarness(mosquitto.port, sessions, DuckDbSeries(tmp_path / "series.duckdb")))


@contextmanager
def held(url: str, statement: str) -> Iterator[None]:
    """Hold what a statement locks, as a session does whose process is gone and which nobody has ended."""
    with psycopg.connect(url.replace("+psycopg", "")) as link:
        link.execute(statement)
        yield


def stored(ingest: IngestHarness, home: str) -> list[str]:
    return [one.kind for one in ingest.rows(select(Alert).where(Alert.home_id == home))]


def cancel(at_s: float) -> Record:
    return Record(n="button-sos/sos_cancel", t=at_s, vb=True)


def test_a_locked_home_holds_up_no_other_and_its_press_is_stored_as_the_press_it_is(
    ingest: IngestHarness, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_checks, "STUCK_S", 1.0)
    service = ingest.ingest
    assert service is not None
    with ExitStack() as stack:
        homes = {
            home: stack.enter_context(on_air(ingest.port, home=home, gateway=f"gw-{home}"))
            for home in ("home-01", "home-02", "home-03")
        }
        with held(postgres_url, "SELECT id FROM home WHERE id = 'home-01' FOR NO KEY UPDATE"):
            at_s = ingest.now() - 1
            homes["home-01"].send(ALARM, 1, [press(at_s)], sent=ingest.now())
            for seq in (1, 2, 3):
                for home in ("home-02", "home-03"):
                    homes[home].send(ALARM, seq, [press(at_s + seq)], sent=ingest.now())
            for home in ("home-02", "home-03"):
                homes[home].acked(ALARM, 3, BOUND_S)
                assert stored(ingest, home) == ["sos"]
            eventually(lambda: check_lane(service, "alarm").state is PartState.FAILING, BOUND_S, "health tells it")
            homes["home-01"].send(ALARM, 2, [cancel(at_s - 5)], sent=ingest.now())
            assert stored(ingest, "home-01") == []
            assert homes["home-01"].acks == []
        homes["home-01"].acked(ALARM, 2, BOUND_S)
    (alert,) = ingest.rows(select(Alert).where(Alert.home_id == "home-01"))
    assert (alert.kind, alert.reason_code, alert.closed_at) == ("sos", "sos_pressed", None)
    assert alert.happened_at.timestamp() == pytest.approx(at_s)
    assert ingest.rows(select(Quarantine)) == []
    eventually(lambda: service.stuck_s("alarm") == 0.0, BOUND_S, "nothing waits any more")


def test_what_is_locked_besides_the_home_is_waited_for_too(ingest: IngestHarness, postgres_url: str) -> None:
    with (
        on_air(ingest.port) as locked,
        on_air(ingest.port, home="home-02", gateway="gw-home-02") as other,
    ):
        locked.send(ALARM, 1, [press(ingest.now() - 60)], sent=ingest.now())
        locked.acked(ALARM, 1)
        with held(postgres_url, "SELECT * FROM alert WHERE home_id = 'home-01' FOR UPDATE"):
            locked.send(ALARM, 2, [press(ingest.now())], sent=ingest.now())
            other.send(ALARM, 1, [press(ingest.now())], sent=ingest.now())
            other.acked(ALARM, 1, BOUND_S)
            assert locked.upto(ALARM) == 1
        locked.acked(ALARM, 2, BOUND_S)
    assert ingest.rows(select(Quarantine)) == []


def test_a_session_that_stopped_in_its_transaction_loses_its_locks(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_S", 1)
    engine = make_engine(postgres_url)
    try:
        with records(postgres_url) as sessions, engine.connect() as stopped:
            stopped.execute(text("SELECT id FROM home WHERE id = 'home-01' FOR NO KEY UPDATE"))
            with UnitOfWork(sessions, EventDispatcher(), Clock()) as work:
                lock_home(work, "home-01")  # raises where it has to wait for `LOCK_MS`
            stopped.invalidate()
    finally:
        engine.dispose()


@pytest.mark.parametrize("ahead", [False, True])
def test_who_waits_for_a_lock_in_vain_is_told_that_the_database_is_busy(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, ahead: bool
) -> None:
    monkeypatch.setattr(engines, "LOCK_MS", 50)
    with records(postgres_url) as sessions, held(postgres_url, "LOCK TABLE home IN EXCLUSIVE MODE"):
        bounded = make_sessions(sessions.kw["bind"], ahead=ahead)

        def work() -> UnitOfWork:
            return UnitOfWork(bounded, EventDispatcher(), Clock())

        with pytest.raises(OperationalError) as raised, work() as unit:
            lock_home(unit, "home-01")
        assert is_busy(raised.value)
        assert is_away(work, raised.value), "the database answers, but the message is not at fault"


def test_a_machine_that_is_gone_is_noticed_within_seconds(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as link:
        shown = {
            name: link.scalar(text(f"SHOW {name}"))
            for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
        }
        driver = link.connection.dbapi_connection
        assert driver is not None
        client = driver.info.get_parameters()  # type: ignore[attr-defined]
    engine.dispose()
    assert shown == {
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }
    assert (client["keepalives_idle"], client["tcp_user_timeout"], client["connect_timeout"]) == ("5", "10000", "5")
