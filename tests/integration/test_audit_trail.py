"""Histories and looks are insert-only; what is changed behind the platform's back is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fixtures.databases import as_owner
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from anju_cli.platform import app
from anju_core.ids import uuid7
from anju_platform.accounts.models import AuditEvent
from anju_platform.audit_trail.service import (
    GRACE,
    TRAILS,
    Fault,
    KeptHead,
    TrailSealer,
    read_heads,
    verify_trails,
)
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_wire.clock import Clock

NOW = datetime.now(UTC)  # noqa: TID251 - the entries' ids carry the time of the machine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Of whoever owns the tables: the platform's own role may not even try."""
    made = make_engine(as_owner(database_url))
    yield made
    made.dispose()


def _look(work: UnitOfWork, number: int) -> AuditEvent:
    event = AuditEvent(id=work.new_id(), at=work.clock.now(), by_name=f"王 {number}", role="worker", what="alert")
    work.session.add(event)
    work.session.flush()
    return event


def _add(work: WorkFactory, numbers: range) -> list[AuditEvent]:
    with work() as unit:
        return [_look(unit, number) for number in numbers]


@pytest.fixture
def sealed(work: WorkFactory) -> list[AuditEvent]:
    """Six looks that are sealed, three in each run."""
    sealer = TrailSealer(work)
    first = _add(work, range(3))
    assert sealer.seal_new_entries(NOW) == 3
    second = _add(work, range(3, 6))
    assert sealer.seal_new_entries(NOW) == 3
    assert sealer.seal_new_entries(NOW) == 0
    return first + second


def _named(work: WorkFactory) -> list[tuple[Fault, UUID | None]]:
    with work() as unit:
        return [(one.fault, one.entry_id) for one in verify_trails(unit).findings]


def _findings(work: WorkFactory, kept: list[KeptHead] | None = None) -> list[tuple[Fault, int | None]]:
    with work() as unit:
        return [(one.fault, one.number) for one in verify_trails(unit, kept or []).findings]


def _behind_its_back(engine: Engine, statement: str, event: AuditEvent | None = None) -> None:
    """Run a statement as somebody who owns the database: without the triggers."""
    sqlite = engine.dialect.name == "sqlite"
    given = {} if event is None else {"id": event.id.hex if sqlite else event.id}
    with engine.begin() as link:
        if not sqlite:
            link.execute(text("SET LOCAL session_replication_role = replica"))
            link.execute(text(statement), given)
            return
        rows = link.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in rows:
            link.execute(text(f"DROP TRIGGER {name}"))
        link.execute(text(statement), given)
        for _, sql in rows:
            link.execute(text(sql))


@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize(("table", "column"), [("audit_event", "id"), ("audit_seal", "trail"), ("audit_head", "trail")])
@pytest.mark.usefixtures("sealed")
def test_no_row_of_the_record_can_be_changed_or_deleted(engine: Engine, table: str, column: str, change: str) -> None:
    statement = text(change.format(table, column, column))
    with pytest.raises(DBAPIError, match="insert-only"), engine.begin() as link:
        link.execute(statement)


def test_every_record_has_its_triggers(engine: Engine) -> None:
    sqlite = engine.dialect.name == "sqlite"
    catalogue = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if sqlite else "SELECT tgname FROM pg_trigger"
    with engine.connect() as link:
        names = set(link.scalars(text(catalogue)))
    kinds = ("no_update", "no_delete") if sqlite else ("no_change", "no_truncate")
    assert {f"{table}_{kind}" for table in (*TRAILS, "audit_seal", "audit_head") for kind in kinds} <= names


@pytest.mark.usefixtures("sealed")
def test_what_is_untouched_is_found_untouched(work: WorkFactory) -> None:
    _add(work, range(6, 8))
    with work() as unit:
        found = verify_trails(unit, read_heads(unit))
    assert (found.findings, found.sealed, found.waiting) == ([], 6, 2)


@pytest.mark.parametrize("at", [0, 2, 5])
def test_an_altered_entry_is_named(work: WorkFactory, engine: Engine, sealed: list[AuditEvent], at: int) -> None:
    _behind_its_back(engine, "UPDATE audit_event SET by_name = 'x' WHERE id = :id", sealed[at])
    assert _named(work) == [(Fault.ALTERED, sealed[at].id)]


@pytest.mark.parametrize("at", [0, 3, 5])
def test_a_deleted_entry_is_named(work: WorkFactory, engine: Engine, sealed: list[AuditEvent], at: int) -> None:
    _behind_its_back(engine, "DELETE FROM audit_event WHERE id = :id", sealed[at])
    assert _named(work) == [(Fault.DELETED, sealed[at].id)]


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("sealed_after", [False, True])
def test_an_inserted_entry_is_named(work: WorkFactory, *, sealed_after: bool) -> None:
    sealer = TrailSealer(work)
    sealer.seal_new_entries(NOW)
    made = NOW - 2 * GRACE
    forged = AuditEvent(id=uuid7(made.timestamp(), bytes(10)), at=made, by_name="x", role="worker", what="alert")
    with work() as unit:
        unit.session.add(forged)
    if sealed_after:
        assert sealer.seal_new_entries(NOW) == 1
    assert _findings(work) == [(Fault.INSERTED, 7 if sealed_after else None)]


def test_a_link_that_is_altered_or_gone_is_named(work: WorkFactory, engine: Engine, sealed: list[AuditEvent]) -> None:
    assert len(sealed) == 6
    _behind_its_back(engine, "UPDATE audit_seal SET digest = 'x' WHERE number = 3")
    assert _findings(work) == [(Fault.ALTERED, 3), (Fault.REWRITTEN, 3)]
    _behind_its_back(engine, "DELETE FROM audit_seal WHERE number = 3")
    assert (Fault.SEAL_MISSING, 3) in _findings(work)


def test_a_chain_that_is_made_anew_misses_the_head_that_was_kept(
    work: WorkFactory, engine: Engine, sealed: list[AuditEvent]
) -> None:
    with work() as unit:
        kept = read_heads(unit)
    _behind_its_back(engine, "DELETE FROM audit_seal")
    _behind_its_back(engine, "DELETE FROM audit_head")
    _behind_its_back(engine, "UPDATE audit_event SET by_name = 'x' WHERE id = :id", sealed[1])
    TrailSealer(work).seal_new_entries(NOW + timedelta(seconds=1))
    assert _findings(work) == []
    assert _findings(work, kept) == [(Fault.REWRITTEN, 6)]


def test_a_clock_that_was_ahead_accuses_nobody(work: WorkFactory) -> None:
    sealer = TrailSealer(work)
    _add(work, range(1))
    sealer.seal_new_entries(NOW + timedelta(days=3650))
    _add(work, range(1, 2))
    sealer.seal_new_entries(NOW)
    assert _findings(work) == []


def test_the_command_names_the_entry_and_fails(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("ANJU_DATABASE_URL", sqlite_url)
    engine = make_engine(sqlite_url)

    def work() -> UnitOfWork:
        return UnitOfWork(make_sessions(engine), EventDispatcher(), Clock())

    request.addfinalizer(engine.dispose)
    events = _add(work, range(3))
    TrailSealer(work).seal_new_entries(NOW)
    run = CliRunner()
    heads = tmp_path / "heads.json"
    assert run.invoke(app, ["audit", "heads", "--out", str(heads)]).exit_code == 0
    assert run.invoke(app, ["audit", "verify", "--heads", str(heads)]).exit_code == 0
    _behind_its_back(engine, "UPDATE audit_event SET what = 'x' WHERE id = :id", events[1])
    told = run.invoke(app, ["audit", "verify"])
    assert (told.exit_code, f"{events[1].id}: altered" in told.output) == (1, True)
