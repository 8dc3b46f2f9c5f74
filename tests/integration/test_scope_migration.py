"""Accounts of an earlier release that lack their scope are disabled and named, and cannot come back without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from anju_platform.app import migrate
from anju_platform.app.models import METADATA
from anju_platform.db.engine import make_engine

BEFORE, AFTER = "0010", "0011"
LOST = {"lost-worker": "worker", "lost-carer": "carer", "lost-provider": "provider", "lost-family": "family"}
FINE = {"supervisor": "supervisor", "district": "district", "tester": "tester", "admin": "admin"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres_url"))


def _insert(engine: Engine, number: int, login: str, role: str, community: str | None = None) -> None:
    with engine.begin() as link:
        link.execute(
            text(
                "INSERT INTO account (id, login, name, role, community_id, phone, locale, password_hash) "
                "VALUES (:id, :login, :login, :role, :community, '', 'zh', '-')"
            ),
            {"id": f"{number:032x}", "login": login, "role": role, "community": community},
        )


def test_accounts_without_scope_are_disabled_and_named(url: str) -> None:
    migrate.upgrade(url, BEFORE)
    engine = make_engine(url)
    with engine.begin() as link:
        link.execute(
            text(
                "INSERT INTO community (id, name, town, district, phone, timezone, false_alerts_per_month, "
                "routine_changes_per_month) VALUES ('anning', '安宁', '', '', '', 'Asia/Shanghai', 1, 0.1)"
            )
        )
    for number, (login, role) in enumerate({**LOST, **FINE}.items(), 1):
        _insert(engine, number, login, role)
    _insert(engine, 99, "worker", "worker", "anning")
    with capture_logs() as logs:
        migrate.upgrade(url, AFTER)
    assert {line["login"] for line in logs if line["event"] == "account_disabled"} == set(LOST)
    with engine.connect() as link:
        rows = link.execute(text("SELECT login, disabled_at FROM account"))
        assert {login for login, disabled_at in rows if disabled_at is not None} == set(LOST)
    for login in ("lost-worker", "worker"):
        with pytest.raises(IntegrityError), engine.begin() as link:
            link.execute(
                text("UPDATE account SET disabled_at = NULL, community_id = NULL WHERE login = :login"),
                {"login": login},
            )
    migrate.downgrade(url, BEFORE)
    _insert(engine, 100, "another", "worker")
    engine.dispose()
    migrate.upgrade(url)
    assert migrate.differences(url, METADATA) == []


def test_a_supervisor_of_whom_nobody_said_the_district_is_disabled_and_named(url: str) -> None:
    migrate.upgrade(url, "0016")
    engine = make_engine(url)
    with engine.begin() as link:
        columns = "id, name, town, district, phone, timezone, false_alerts_per_month, routine_changes_per_month"
        link.execute(
            text(f"INSERT INTO community ({columns}) VALUES ('anning', '安宁', '', '', '', 'Asia/Shanghai', 1, 0.1)")  # noqa: S608
        )
    people = {"chief": ("supervisor", None), "local": ("supervisor", "anning"), "district": ("district", None)}
    people |= {"admin": ("admin", None), "tester-1": ("tester", "anning"), "worker": ("worker", "anning")}
    for number, (login, (role, community)) in enumerate(people.items(), 1):
        _insert(engine, number, login, role, community)
    with capture_logs() as logs:
        migrate.upgrade(url, "0017")
    assert {line["login"] for line in logs if line["event"] == "account_disabled"} == {"chief"}
    with engine.connect() as link:
        kinds = {row.login: row for row in link.execute(text("SELECT login, scope_kind, disabled_at FROM account"))}
    assert {login: row.scope_kind for login, row in kinds.items()} == {
        "chief": "community",
        "local": "community",
        "district": "district",
        "admin": "district",
        "tester-1": "community",
        "worker": "community",
    }
    assert {login for login, row in kinds.items() if row.disabled_at is not None} == {"chief"}
    with pytest.raises(IntegrityError), engine.begin() as link:
        link.execute(text("UPDATE account SET disabled_at = NULL WHERE login = 'chief'"))
    with engine.begin() as link:
        link.execute(text("UPDATE account SET disabled_at = NULL, scope_kind = 'district' WHERE login = 'chief'"))
    migrate.downgrade(url, "0016")
    migrate.upgrade(url, "0016")
    engine.dispose()
