"""What people entrust stays out of logs, out of other users' reach and out of other hosts' cookies."""

from __future__ import annotations

import io
import logging
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, PeoplePlatform, PlainPages
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from anju_core.vocabulary import Role
from anju_platform.accounts.service import NewAccount
from anju_platform.app.http import create_app
from anju_platform.db.engine import make_engine
from anju_platform.db.errors import describe_error
from anju_platform.residents.models import Community
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_platform.web import logs

SECRET = "the-secret-of-li-guilan"


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False) -> Iterator[io.StringIO]:
    """Yield what the platform's own logging writes; the tests' configuration comes back afterwards."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(written, "isatty", lambda: terminal)
        patch.setattr(sys, "stderr", written)
        logs.configure()
        yield written
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.parametrize("terminal", [False, True])
def test_an_error_of_the_database_is_logged_without_values(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    local = SECRET

    def store() -> None:
        with sessions() as session, session.begin():
            session.add(Community(id=local, name=local))

    store()
    with logged(monkeypatch, terminal=terminal) as lines:
        try:
            store()
        except SQLAlchemyError:
            structlog.get_logger("test").exception("not stored")
            logging.getLogger("a.library").exception("not stored either")
        thread = threading.Thread(target=store)
        thread.start()
        thread.join()
    said = lines.getvalue()
    assert said.count("Traceback") >= 3
    assert said.count("IntegrityError") >= 3
    assert SECRET not in said


def test_an_error_wrapped_in_others_is_told_without_values(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> None:
        try:
            with sessions() as session:
                session.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": SECRET})
        except SQLAlchemyError as error:
            raise RuntimeError("cannot go on") from error

    with logged(monkeypatch) as lines:
        try:
            look()
        except RuntimeError as error:
            structlog.get_logger("test").error("both", exc_info=ExceptionGroup("several", [error]))
    said = lines.getvalue()
    assert "cannot go on" in said
    assert "several" in said
    assert SECRET not in said


def test_an_error_is_described_by_kind_and_constraint() -> None:
    assert describe_error(ValueError("plain")) == "ValueError: plain"
    link = sqlite3.connect(":memory:")
    link.execute("CREATE TABLE t (a TEXT UNIQUE)")
    link.execute("INSERT INTO t VALUES ('x')")
    with pytest.raises(sqlite3.IntegrityError) as caught:
        link.execute("INSERT INTO t VALUES ('x')")
    link.close()
    assert describe_error(caught.value) == "sqlite3.IntegrityError (SQLITE_CONSTRAINT_UNIQUE)"


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    lax = tmp_path / "old.sqlite3"
    lax.touch(0o644)
    for path in (lax, tmp_path / "new.sqlite3"):
        engine = make_engine(f"sqlite:///{path}")
        with engine.begin() as link:
            link.execute(text("CREATE TABLE t (a INTEGER)"))
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob(f"{path.name}*")}
        engine.dispose()
        assert set(modes.values()) == {0o600}, modes
    series = DuckDbSeries(tmp_path / "series.duckdb")
    assert stat.S_IMODE((tmp_path / "series.duckdb").stat().st_mode) == 0o600
    series.close()


def test_the_command_line_writes_for_its_owner_alone(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    command = [sys.executable, "-m", "anju_cli", "platform", "openapi", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, umask=0o022)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.fixture
def https(sqlite_url: str, make_platform: Callable[[str], PeoplePlatform]) -> Iterator[TestClient]:
    platform = make_platform(sqlite_url)
    with platform.work() as work:
        platform.access.open_account(work, NewAccount(login="admin", name="王", role=Role.ADMIN, password=PASSWORD))
    app = create_app(cast("Any", platform), pages=cast("Any", PlainPages()))
    with TestClient(app, base_url="https://anju.test") as client:
        yield client


def test_cookies_are_bound_to_the_host_behind_tls(https: TestClient) -> None:
    answer = https.post("/login", data={"login": "admin", "password": PASSWORD}, follow_redirects=False)
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 3
    for cookie in cookies:
        assert cookie.startswith("__Host-anju")
        assert "; Secure" in cookie
        assert "; Path=/" in cookie
        assert "domain" not in cookie.lower()


def test_a_cookie_that_another_host_could_set_is_not_believed(https: TestClient) -> None:
    answer = https.post("/login", data={"login": "admin", "password": PASSWORD}, follow_redirects=False)
    cookies = dict(cookie.partition(";")[0].split("=") for cookie in answer.headers.get_list("set-cookie"))
    secret = cookies["__Host-anju"]
    https.cookies.clear()
    assert https.get("/api/v1/me", headers={"cookie": f"anju={secret}"}).status_code == 401
    assert https.get("/api/v1/me", headers={"cookie": f"anju=x; __Host-anju={secret}"}).status_code == 200
